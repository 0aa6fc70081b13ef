/**
 * Held-out evaluation: one greedy completion per example, compared with the user's true next item. The keys are the
 * paper's. Its Title_Hit-Rate protocol is not published; ours embeds the generated title and asks whether the true item is
 * among the K nearest titles of the whole catalogue. The other columns are gauges of how such models fail: answers that
 * do not parse, a few items taking all answers, category-shaped text without an item.
 */
import { inChunks } from '../control/chunks';
import { type StageHooks, UNKEPT } from '../control/hooks';
import { type Dataset, type Example, targetItem } from '../data/dataset';
import type { LanguageModel } from '../model/languageModel';
import { scoreTails } from '../model/scoreTails';
import { rankOf } from '../rank/rankingMetrics';
import type { ParsedCompletion, PromptFormat } from '../text/prompt';
import { type SliceRow, sliceRows, type TestSlices } from './slices';

/** One row of the stage table; the keys are the paper's. Rates in [0, 1]. */
export interface MetricsRow {
  stage: 'warmup' | 'sft' | 'popo' | (string & {});
  /** Of the categories that the answer writes, whether or not it names an item. */
  Category_L1_ACC: number;
  Category_L2_ACC: number;
  Category_L3_ACC: number;
  /** Beside the paper's 50 and 100, which are most of a small catalogue. */
  'Title_Hit-Rate@25'?: number;
  'Title_Hit-Rate@50': number;
  'Title_Hit-Rate@100': number;
  /**
   * Mean ID reward over all examples, 0 where the answer resolves to no item: the world's true CTCVR where it is known,
   * else the ranker's estimate.
   */
  CTCVR: number;
  valid_rate: number;
  /** Answers whose title is exactly the true item's. */
  exact_title_rate: number;
  /** How many different items are answered. */
  distinct_top1: number;
  /** Share of all examples that the most frequent answer takes. */
  popularity_share: number;
  /**
   * Held-out −log P per token of the true answer given the prompt and, where the model's own completion begins with a
   * think block, given that block: how likely the true answer is after what the model thought. A model that follows a
   * wrong thought with conviction scores badly here even as its hit rates rise.
   */
  answer_loss: number;
  users: number;
  /** Means of OUTCOMES of all users and by slice, with intervals; where the data set tells slices apart. */
  slices?: SliceRow[];
  /** Of alignment where `popo.keep` is `best`: after how many steps this model stood. */
  step?: number;
}

/** A row for answers that no model of ours gave, so that it has no loss. */
export type AnswersRow = Omit<MetricsRow, 'answer_loss'>;

/** What the hit rate needs of an encoder (rank/encoder.ts). */
interface TitleEncoder {
  dimension: number;
  /** Unit vector of a text, zero where it holds no known word. */
  embed(text: string): Float32Array;
}

/** Held-out examples, and what answers to them are judged by. */
export interface HeldOutSet {
  /** Of the data set that the examples are of. */
  format: PromptFormat;
  examples: readonly Example[];
  encoder: TitleEncoder;
  /** P(click ∧ conversion) of an item for the example at an index. */
  ctcvr(exampleIndex: number, item: number): number;
}

/** Columns of one user's outcomes, in the order that `evaluateModel` writes them. */
export const OUTCOMES = [
  'Category_L1_ACC',
  'Category_L2_ACC',
  'Category_L3_ACC',
  'Title_Hit-Rate@50',
  'Title_Hit-Rate@100',
  'CTCVR',
] as const;

/** Columns of what else is known of one user, for intervals alone: kept apart, since older checkpoints lack them. */
export const MORE_OUTCOMES = ['Title_Hit-Rate@25', 'valid_rate', 'exact_title_rate'] as const;

/** What each of the users adds to a row. */
export interface UserOutcomes {
  /** [users, OUTCOMES] */
  outcomes: Float32Array<ArrayBuffer>;
  /** [users, MORE_OUTCOMES] */
  more?: Float32Array<ArrayBuffer>;
  /** Of a model's row: of which kind each is. Left out where the data tells none, and by older checkpoints. */
  slices?: TestSlices;
}

export interface EvaluationOptions {
  stage: MetricsRow['stage'];
  maxNewTokens: number;
  /** Rows per generation and scoring batch; the last one is filled up, so that shapes stay the same. */
  batchSize: number;
}

export interface EvaluatedCompletion {
  sampleId: string;
  tokens: Uint32Array;
  /** Catalogue index, −1 for none. */
  item: number;
}

/**
 * @returns beside the row, the outcomes `[examples, OUTCOMES]` that its means are of: to compare methods user by user
 * @throws StoppedError when the hooks say stop; Error when there are no examples
 */
export async function evaluateModel(
  model: Pick<LanguageModel, 'generate' | 'score'>,
  asked: HeldOutSet,
  options: EvaluationOptions,
  hooks: StageHooks,
): Promise<{ row: MetricsRow; completions: EvaluatedCompletion[] } & UserOutcomes> {
  const { examples } = asked;
  if (examples.length === 0) {
    throw new Error(
      'There are no held-out examples to evaluate on: raise data.num_heldout_users or import more.',
    );
  }
  const progress = (done: number) => hooks.onProgress?.(done, 2 * examples.length);
  const { work } = hooks;
  const generationHooks = { gate: () => hooks.gate(), onProgress: progress, work };
  const generated = await generateGreedily(model, asked, options, generationHooks);
  const scoringHooks = {
    gate: () => hooks.gate(),
    onProgress: (done: number) => progress(examples.length + done),
    work,
  };
  const answerLoss = await answerLosses(model, { ...asked, generated }, options, scoringHooks);
  const judged = judgeAnswers(asked, options.stage, generated);
  const { items, outcomes, more } = judged;
  const meanLoss = answerLoss.reduce((sum, loss) => sum + loss, 0) / examples.length;
  const completions = examples.map(({ sampleId }, i) => ({ sampleId, tokens: generated[i], item: items[i] }));
  const kinds = asked.format.dataset.slices;
  const slices = kinds && { names: [...kinds.names], of: examples.map((example) => kinds.of(example)) };
  const row = { ...judged.row, answer_loss: meanLoss };
  return { row, completions, outcomes, more, ...(slices && { slices }) };
}

/**
 * What completions are worth, whoever wrote them: one for each example.
 * @returns also the catalogue index of each answer, −1 for none, and the outcomes `[examples, OUTCOMES]`
 */
export function judgeAnswers(
  { format, examples, encoder, ctcvr }: HeldOutSet,
  stage: MetricsRow['stage'],
  completions: readonly ArrayLike<number>[],
): { row: AnswersRow; items: number[] } & UserOutcomes {
  const { dataset } = format;
  const parsed = completions.map((tokens) => format.parse(tokens));
  const targets = examples.map((example) => targetItem(dataset, example));
  const hits = parsed.map(({ categories }, i) => format.categoryHits(categories, targets[i]));
  const ranks = titleRanks(dataset, encoder, parsed, targets);
  const items = parsed.map(({ item, valid }) => (valid ? item : -1));
  const mean = (value: (index: number) => number) =>
    examples.reduce((sum, _, index) => sum + value(index), 0) / examples.length;
  const exact = (i: number) => Number(items[i] >= 0 && sameTitle(dataset, items[i], targets[i]));
  const { distinct, share } = concentration(items);
  const row: AnswersRow = {
    stage,
    Category_L1_ACC: mean((i) => Number(hits[i][0])),
    Category_L2_ACC: mean((i) => Number(hits[i][1])),
    Category_L3_ACC: mean((i) => Number(hits[i][2])),
    'Title_Hit-Rate@25': mean((i) => Number(ranks[i] < 25)),
    'Title_Hit-Rate@50': mean((i) => Number(ranks[i] < 50)),
    'Title_Hit-Rate@100': mean((i) => Number(ranks[i] < 100)),
    CTCVR: mean((i) => (items[i] < 0 ? 0 : ctcvr(i, items[i]))),
    valid_rate: mean((i) => Number(parsed[i].valid)),
    exact_title_rate: mean(exact),
    distinct_top1: distinct,
    popularity_share: share,
    users: examples.length,
  };
  const outcomes = Float32Array.from(
    examples.flatMap((_, i) => [
      ...hits[i].slice(0, 3).map(Number),
      Number(ranks[i] < 50),
      Number(ranks[i] < 100),
      items[i] < 0 ? 0 : ctcvr(i, items[i]),
    ]),
  );
  const more = Float32Array.from(
    examples.flatMap((_, i) => [Number(ranks[i] < 25), Number(parsed[i].valid), exact(i)]),
  );
  if (dataset.slices) row.slices = sliceRows(outcomes, OUTCOMES, examples, dataset.slices);
  return { row, items, outcomes, more };
}

/** Number of different answers, and the share of all examples that the most frequent one takes; −1 is no answer. */
export function concentration(items: readonly number[]): { distinct: number; share: number } {
  const counts = new Map<number, number>();
  for (const item of items) if (item >= 0) counts.set(item, (counts.get(item) ?? 0) + 1);
  return { distinct: counts.size, share: Math.max(0, ...counts.values()) / Math.max(1, items.length) };
}

/**
 * How many catalogue titles are nearer to each generated title than the true item's is (ties: the lower index is
 * nearer); Infinity without a title that the encoder knows a word of.
 */
export function titleRanks(
  dataset: Dataset,
  encoder: TitleEncoder,
  parsed: readonly Pick<ParsedCompletion, 'title' | 'valid'>[],
  targets: readonly number[],
): number[] {
  const titles = dataset.items.map((item) => encoder.embed(item.title));
  const ranksOfText = new Map<string, Float64Array | null>();
  return parsed.map(({ title, valid }, index) => {
    if (!valid || title === null) return Infinity;
    let cosines = ranksOfText.get(title);
    if (cosines === undefined) {
      const query = encoder.embed(title);
      const known = query.some((value) => value !== 0);
      cosines = known ? Float64Array.from(titles, (vector) => dot(vector, query)) : null;
      ranksOfText.set(title, cosines);
    }
    if (cosines === null) return Infinity;
    return rankOf(cosines, targets[index]);
  });
}

/** One greedy completion per example. @throws StoppedError when the hooks say stop */
export async function generateGreedily(
  model: Pick<LanguageModel, 'generate'>,
  { format, examples }: Pick<HeldOutSet, 'format' | 'examples'>,
  options: Omit<EvaluationOptions, 'stage'>,
  hooks: StageHooks,
): Promise<Uint32Array[]> {
  const batchOf = async (batch: number) => {
    const from = batch * options.batchSize;
    const prompts = Array.from({ length: options.batchSize }, (_, b) =>
      format.prompt(examples[Math.min(from + b, examples.length - 1)]),
    );
    const generation = await model.generate({
      prompts,
      numGenerations: 1,
      maxNewTokens: options.maxNewTokens,
      temperature: 0,
      topK: 0,
      eosToken: format.tokenizer.special.endAnswer,
      key: [0, 0],
    });
    return generation.completions.slice(0, examples.length - from).map((tokens) => Array.from(tokens));
  };
  const { gate, work = UNKEPT } = hooks;
  const onProgress = (done: number) =>
    hooks.onProgress?.(Math.min(examples.length, done * options.batchSize), examples.length);
  const batches = await work.part('said', (own) =>
    inChunks('Evaluation', Math.ceil(examples.length / options.batchSize), batchOf, {
      gate,
      onProgress,
      work: own,
    }),
  );
  return batches.flat().map((tokens) => Uint32Array.from(tokens));
}

/** Mean NLL per token of each true answer after the prompt and the model's own think block, if it wrote one. */
function answerLosses(
  model: Pick<LanguageModel, 'score'>,
  {
    format,
    examples,
    generated,
  }: Pick<HeldOutSet, 'format' | 'examples'> & { generated: readonly Uint32Array[] },
  options: EvaluationOptions,
  hooks: StageHooks,
): Promise<Float32Array> {
  const { maxPromptLength, maxCompletionLength } = format.options;
  const row = (index: number) => {
    const example = examples[index];
    const answer = format.answer(targetItem(format.dataset, example));
    const block = thinkBlock(format, generated[index], maxCompletionLength - answer.length);
    return { tokens: [...format.prompt(example), ...block, ...answer], answerLength: answer.length };
  };
  const { batchSize } = options;
  const scoring = { stage: 'Evaluation', batchSize, length: maxPromptLength + maxCompletionLength };
  return scoreTails(model, { count: examples.length, row }, scoring, hooks);
}

/** The completion's leading `<think> … </think>`, cut to at most `room` tokens; empty where there is none that ends. */
function thinkBlock(format: PromptFormat, completion: Uint32Array, room: number): number[] {
  const { think, endThink } = format.tokenizer.special;
  const close = completion.indexOf(endThink);
  if (completion[0] !== think || close < 0 || room < 2) return [];
  return [...completion.subarray(0, Math.min(close, room - 1)), endThink];
}

function sameTitle(dataset: Dataset, a: number, b: number): boolean {
  return a === b || dataset.items[a].title === dataset.items[b].title;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d] * b[d];
  return sum;
}
