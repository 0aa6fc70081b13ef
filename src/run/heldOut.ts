/**
 * How good the model is on users it never saw: a row of the stage table on test users at the end of warm-up, SFT and
 * POPO, and on validation users, with samples of what the model says, at those moments and while POPO trains.
 */
import type { Work } from '../control/hooks';
import { type Example, targetItem } from '../data/dataset';
import {
  type AnswersRow,
  type EvaluatedCompletion,
  evaluateModel,
  type HeldOutSet,
  judgeAnswers,
  type MetricsRow,
} from '../evaluate/metrics';
import { scoreTails } from '../model/scoreTails';
import { scoreCompletions } from '../popo/rewards';
import type { Sample } from './report';
import { rewardSources } from './rewardSources';
import type { Judged, StageTools } from './stage';
import type { TrainingInputs } from './stages/trainingInputs';

/** Samples shown at each moment: the same users each time, so that one sees them improve. */
const SAMPLES = 6;

export class HeldOut {
  readonly #inputs: TrainingInputs;
  readonly #tools: StageTools;

  constructor(inputs: TrainingInputs, tools: StageTools) {
    this.#inputs = inputs;
    this.#tools = tools;
  }

  /** The stage's row of the table, from test users, and samples of validation users. */
  async afterStage(row: 'warmup' | 'sft'): Promise<{ judged: Judged; samples: Sample[] }> {
    const judged = await this.testUsers(row);
    const { samples } = await this.validationUsers(row);
    this.#tools.emit({ type: 'metrics', row: judged.row, step: this.#tools.steps });
    return { judged, samples };
  }

  /** Of the model as it is now. */
  testUsers(row: string): Promise<Judged> {
    return this.#tools.hooks.work.part(`test users, ${row}`, async (work) => {
      const { completions: _, ...judged } = await this.#evaluate('test', row, work);
      return judged;
    });
  }

  /** Of the model as it is now; the samples are shown. */
  async validationUsers(
    row: string,
    work: Work = this.#tools.hooks.work,
  ): Promise<{ row: MetricsRow; samples: Sample[] }> {
    const { row: found, samples } = await work.part('validation users', async (own) => {
      const { row: judged, completions } = await this.#evaluate('curve', row, own);
      return { row: judged, samples: this.#samples(completions) };
    });
    for (const sample of samples) this.#tools.emit({ type: 'sample', sample });
    return { row: found, samples };
  }

  /** The row of a recommender that is no model: the item it would show for each test example. */
  judge(stage: string, recommend: (example: Example, index: number) => number): Judged<AnswersRow> {
    const asked = this.#asked('test');
    const answers = asked.examples.map((example, i) => asked.format.answer(recommend(example, i)));
    const { row, outcomes } = judgeAnswers(asked, stage, answers);
    return { row, outcomes };
  }

  /**
   * Mean −log P per token of the true answers, the prompt and CoT given.
   * @param rows validation examples, each with the CoT before its answer, or null
   * @param when before or after the stage trains
   */
  answerLoss(
    rows: readonly { example: Example; cot: string | null }[],
    when: 'before' | 'after',
  ): Promise<number> {
    const { work } = this.#tools.hooks;
    return work.part(`answer loss, ${when}`, (own) => this.#answerLoss(rows, own));
  }

  async #answerLoss(rows: readonly { example: Example; cot: string | null }[], work: Work): Promise<number> {
    const { dataset } = this.#inputs.data;
    const { model, format, length } = this.#inputs.tokenizer;
    const row = (index: number) => ({
      tokens: format.example(rows[index].example, rows[index].cot).tokens,
      answerLength: format.answer(targetItem(dataset, rows[index].example)).length,
    });
    const { hooks, name: stage } = this.#tools;
    const scoring = { stage, batchSize: this.#batchSize(), length };
    const nll = await scoreTails(model, { count: rows.length, row }, scoring, { gate: hooks.gate, work });
    return nll.reduce((sum, value) => sum + value, 0) / nll.length;
  }

  /** As many rows as a rollout has, so that nothing is compiled for another shape. */
  #batchSize(): number {
    const { popo } = this.#tools.config;
    return popo.prompts_per_step * popo.num_generations;
  }

  async #evaluate(users: 'test' | 'curve', row: string, work: Work) {
    const { tokenizer } = this.#inputs;
    const tools = this.#tools;
    // Comes after the steps that train, where there are any; in the midst of POPO it is part of a step.
    const before = tools.name === 'evaluate' ? 0 : tools.steps;
    const onProgress = (done: number, total: number) => {
      if (tools.at() >= before) tools.hooks.onProgress(before + done, before + total);
    };
    return evaluateModel(
      tokenizer.model,
      this.#asked(users),
      {
        stage: row,
        maxNewTokens: tokenizer.format.options.maxCompletionLength,
        batchSize: this.#batchSize(),
      },
      { gate: tools.hooks.gate, onProgress, work },
    );
  }

  #asked(users: 'test' | 'curve'): HeldOutSet {
    const { data, tokenizer, encoder } = this.#inputs;
    return {
      format: tokenizer.format,
      examples: data.draw[users],
      encoder: encoder.encoder,
      ctcvr: this.#ctcvr(users),
    };
  }

  /** P(click ∧ conversion) of an item for a held-out example: true where the data knows it, else the ranker's. */
  #ctcvr(users: 'test' | 'curve'): (index: number, item: number) => number {
    const { dataset, draw } = this.#inputs.data;
    const { oracle, items } = dataset;
    const { ctcvr } = this.#inputs.ranker;
    if (oracle !== undefined) {
      return (index, item) => oracle.ctcvr(draw[users][index].user, draw[users][index].position, item);
    }
    if (ctcvr === null) throw new Error('The ranker has left no table of CTCVR: train again from the link.');
    const firstRow = users === 'test' ? 0 : draw.test.length;
    return (index, item) => ctcvr[(firstRow + index) * items.length + item];
  }

  #samples(completions: readonly EvaluatedCompletion[]): Sample[] {
    const { data, tokenizer } = this.#inputs;
    const { dataset, draw } = data;
    const { format } = tokenizer;
    const sources = rewardSources(this.#inputs, this.#tools.config);
    return completions.slice(0, SAMPLES).map(({ sampleId, tokens, item }, index) => {
      const example = draw.curve[index];
      const target = targetItem(dataset, example);
      const row = draw.policy.length + index;
      const rewards = scoreCompletions([{ parsed: format.parse(tokens), example: row, target }], sources);
      return {
        sampleId,
        stage: this.#tools.name,
        step: this.#tools.at(),
        prompt: format.promptText(example),
        completion: format.tokenizer.decode(tokens),
        resolvedItem: item < 0 ? null : dataset.items[item].title,
        target: dataset.items[target].title,
        rewards: Array.from(rewards),
      };
    });
  }
}
