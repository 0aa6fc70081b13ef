/**
 * The stage of baselines at work, fetched when it begins: recommenders without language on the same test users (evaluate/baselines), each judged by the item that it puts first as the
 * model is by the item that it names, and by how it ranks the catalogue. They learn from what training may see, and choose their
 * settings on validation users. No result but the report's own part depends on them, and no fingerprint has them.
 */
import { passGate, StoppedError, type Work } from '../control/hooks';
import { type Asker, fitBest, oneByOne, ranked } from '../evaluate/baselines/ask';
import {
  type Baseline,
  choosesAgain,
  neverAsked,
  type Visible,
  visibleOf,
} from '../evaluate/baselines/baseline';
import { contentNeighbours } from '../evaluate/baselines/content';
import { ease, LARGEST_SIDE, sideOf } from '../evaluate/baselines/ease';
import { itemBigram } from '../evaluate/baselines/itemBigram';
import { itemGraph } from '../evaluate/baselines/itemGraph';
import { itemKnn } from '../evaluate/baselines/itemKnn';
import { BASELINE_NAMES, type BaselineName } from '../evaluate/baselines/names';
import { popularity } from '../evaluate/baselines/popularity';
import { type BaselineRow, type BaselinesReport, leadsOf, sliceLeads } from '../evaluate/baselines/report';
import { sasRecAsker, trainSasRec } from '../evaluate/baselines/sasrec';
import { sasRecLength, sasRecShape } from '../evaluate/baselines/sasrecShape';
import { countersOf } from '../evaluate/counters';
import { GpuLimitError } from '../gpu/device';
import { Random } from '../numeric/random';
import { itemText } from '../rank/encoder';
import { hitsAt } from '../rank/rankingMetrics';
import { embedSentences, SENTENCE_SIZE } from '../rank/sentenceEncoder';
import { HeldOut } from './heldOut';
import type { Judged, StageTools } from './stage';
import type { Evaluated } from './stages/evaluate';
import type { TrainingInputs } from './stages/trainingInputs';
import type { SupervisedMade } from './stages/warmup';
import { adamW } from './supervise';
import { testSlices } from './testSlices';

export interface BaselinesMade {
  judged: Judged<BaselineRow>[];
  report: BaselinesReport;
}

export type BaselinesInputs = TrainingInputs & { sft: SupervisedMade; evaluate: Evaluated };

/** Validation examples that settings are chosen on. */
const VALIDATION = 500;

const COUNTED: readonly Baseline[] = [popularity, itemBigram, itemGraph, itemKnn];

/**
 * Fits, asks and judges each, and writes the report.
 * @throws StoppedError when told to stop
 */
export async function compareBaselines(inputs: BaselinesInputs, tools: StageTools): Promise<BaselinesMade> {
  const { dataset } = inputs.data;
  const visible = visibleOf(dataset);
  const notes: string[] = [];
  const comparison = new Comparison(inputs, tools, visible);
  for (const baseline of COUNTED) await comparison.fitted(baseline);
  await comparison.counters();
  if (sideOf(visible) > LARGEST_SIDE)
    notes.push(
      `EASE was left out: it inverts a matrix of ${sideOf(visible)} rows here, and a page has room and patience for ${LARGEST_SIDE}.`,
    );
  else await comparison.fitted(ease);
  const isAll = tools.config.evaluate.baselines === 'all';
  const vectors = inputs.encoder.sentences ?? (isAll ? await sentencesOf(inputs, tools, notes) : null);
  if (vectors !== null) await comparison.fitted(contentNeighbours(vectors, SENTENCE_SIZE));
  if (isAll) await comparison.sasRec(notes);
  else
    notes.push(
      `Left out, because evaluate.baselines is quick: SASRec${vectors === null ? ', and content neighbours' : ''}.`,
    );
  notes.push(
    comparison.again
      ? 'They may answer with what a user has chosen before, as users here do.'
      : 'They pass over what a user has chosen before, because nobody here chooses twice.',
  );
  const { without } = comparison;
  if (without.length > 0)
    notes.push(
      `They answer with purchases alone: ${without.length} items that histories show are never asked for in training.`,
    );
  const model = inputs.evaluate.judged ?? inputs.sft.judged;
  if (model === null) throw new Error('There is no model to compare with: train again from the link.');
  const order = (name: string) => BASELINE_NAMES.indexOf(name as BaselineName);
  const judged = comparison.judged.sort((a, b) => order(a.row.stage) - order(b.row.stage));
  const others = [...judged, inputs.evaluate.counting];
  const report = {
    model: model.row.stage,
    rows: judged.map(({ row }) => row),
    leads: leadsOf(model, others),
    ...sliceLeads(model, others, testSlices(inputs.data)),
    notes,
  };
  tools.emit({ type: 'baselines', baselines: report });
  return { judged, report };
}

/** The comparison under way. */
class Comparison {
  readonly again: boolean;
  readonly judged: Judged<BaselineRow>[] = [];
  readonly without: readonly number[];
  readonly #heldOut: HeldOut;
  readonly #inputs: BaselinesInputs;
  readonly #tools: StageTools;
  readonly #visible: Visible;

  constructor(inputs: BaselinesInputs, tools: StageTools, visible: Visible) {
    this.again = choosesAgain(visible);
    this.without = neverAsked(inputs.data.dataset);
    this.#heldOut = new HeldOut(inputs, tools);
    this.#inputs = inputs;
    this.#tools = tools;
    this.#visible = visible;
  }

  async fitted(baseline: Baseline): Promise<void> {
    const { gate } = this.#tools.hooks;
    await this.#part(baseline.name, async (work) => {
      const hooks = { gate, work };
      const { scorer, setting } = await fitBest(baseline, this.#visible, this.#validation(), hooks);
      const isChosen = baseline.settings(this.#visible).length > 1;
      return this.#judge(baseline.name, oneByOne(scorer, hooks), isChosen ? setting : null);
    });
  }

  /** They see of a history what the model sees, and the stage of life too; they have no setting. */
  async counters(): Promise<void> {
    const { config, hooks } = this.#tools;
    const { dataset, draw } = this.#inputs.data;
    for (const { baseline, score } of countersOf(dataset, config.text.history_length)) {
      const ask: Asker = async (_, each) => {
        for (const [index, example] of draw.test.entries()) {
          await passGate(hooks, 'Baselines');
          each(index, score(example));
        }
      };
      await this.#part(baseline, () => this.#judge(baseline, ask, null));
    }
  }

  async sasRec(notes: string[]): Promise<void> {
    const note = await this.#part('sasrec', (work) => this.#sasRec(work));
    if (note !== null) notes.push(note);
  }

  /** Its row, or why there is none. */
  async #sasRec(work: Work): Promise<Judged<BaselineRow> | string> {
    const { config, device, hooks } = this.#tools;
    const { evaluate, seed } = config;
    const { dataset } = this.#inputs.data;
    const items = dataset.items.length;
    const length = sasRecLength(dataset.users.map(({ history }) => history));
    const batchSize = evaluate.sasrec_batch_size;
    const shape = sasRecShape(items, evaluate.sasrec_hidden_size, length);
    const model = await device.createModel(shape, seed, batchSize).catch((error: unknown) => {
      if (!(error instanceof GpuLimitError)) throw error;
      return `SASRec was left out: ${error.message} Lower evaluate.sasrec_batch_size.`;
    });
    if (typeof model === 'string') return model;
    try {
      const steps = evaluate.sasrec_steps;
      const schedule = { steps, learning_rate: evaluate.sasrec_learning_rate };
      const options = { batchSize, steps, seed, hyper: adamW(config, schedule) };
      const data = { visible: this.#visible, validation: this.#validation() };
      const before = BASELINE_NAMES.length - 1;
      const onProgress = (step: number) => hooks.onProgress(before + step, this.#tools.steps);
      await trainSasRec(model, data, options, { gate: hooks.gate, onProgress, work });
      const ask = sasRecAsker(model, items, { batchSize, length }, hooks);
      return await this.#judge('sasrec', ask, null);
    } finally {
      model.destroy();
    }
  }

  /** @returns why the row of this name was left out; null where there is one */
  async #part(
    name: BaselineName,
    run: (work: Work) => Promise<Judged<BaselineRow> | string>,
  ): Promise<string | null> {
    const { hooks, steps, spend } = this.#tools;
    const judged = await hooks.work.part(name, async (work) => {
      const from = performance.now();
      const made = await run(work);
      spend(`baseline ${name}`, (performance.now() - from) / 1000);
      return made;
    });
    if (typeof judged === 'string') return judged;
    this.judged.push(judged);
    if (name !== 'sasrec') hooks.onProgress(this.judged.length, steps);
    return null;
  }

  async #judge(name: BaselineName, ask: Asker, setting: number | null): Promise<Judged<BaselineRow>> {
    const { dataset, draw } = this.#inputs.data;
    const { answers, ranks } = await ranked(ask, {
      dataset,
      examples: draw.test,
      again: this.again,
      without: this.without,
    });
    const { row, outcomes } = this.#heldOut.judge(name, (_example, index) => answers[index]);
    const [ten, fifty] = [hitsAt(ranks, 10), hitsAt(ranks, 50)];
    return {
      row: {
        ...row,
        'HR@10': ten.hit,
        'HR@50': fifty.hit,
        'NDCG@10': ten.ndcg,
        setting,
      },
      outcomes,
    };
  }

  #validation() {
    const { dataset } = this.#inputs.data;
    const examples = new Random(this.#tools.config.seed, 'baselines/validation')
      .shuffle([...dataset.splits.validation])
      .slice(0, VALIDATION);
    return { dataset, examples, again: this.again, without: this.without };
  }
}

/** Null, with a note, where the encoder's files cannot be had: a run does not fail for want of a baseline. */
async function sentencesOf(
  { data: { dataset } }: BaselinesInputs,
  { loadSentenceFiles, hooks: { gate, work } }: StageTools,
  notes: string[],
): Promise<Float32Array | null> {
  try {
    const files = await loadSentenceFiles({ gate });
    return await embedSentences(files, dataset.items.map(itemText), { gate, work });
  } catch (error) {
    if (error instanceof StoppedError) throw error;
    notes.push(`Content neighbours were left out: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
