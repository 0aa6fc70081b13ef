/**
 * What a stage gets, small and without a device: a real world, tokenizer and prompt format, a model that only writes down
 * what it is asked, and judges whose tables name their own cells.
 */
import { UNKEPT } from '../../../src/control/hooks';
import { type Dataset, type Example, targetItem } from '../../../src/data/dataset';
import type { AdamWStep } from '../../../src/model/config';
import type {
  GenerateOptions,
  LanguageModel,
  ModelState,
  ScoreResult,
  StepMetrics,
  TokenBatch,
} from '../../../src/model/languageModel';
import { camelCased } from '../../../src/run/camelCase';
import type { RunConfig } from '../../../src/run/config';
import { loadDataset } from '../../../src/run/datasets';
import type { RunEvent, StageName } from '../../../src/run/report';
import { fitFormat } from '../../../src/run/shapes';
import type { StageTools } from '../../../src/run/stage';
import { type Data, drawExamples } from '../../../src/run/stages/data';
import type { Text } from '../../../src/run/stages/tokenizer';
import type { TrainingInputs } from '../../../src/run/stages/trainingInputs';
import { TEACHER_WORDS } from '../../../src/sft/teacher';
import { packedRows } from '../../../src/sft/warmup';
import { corpus, type PromptFormat } from '../../../src/text/prompt';
import { trainTokenizer } from '../../../src/text/tokenizer';
import { minusculeConfig, openCpu, recordedRun } from '../tinyRun';

/** The tokens of each row, without its padding. */
export function rowsOf(batch: Pick<TokenBatch, 'size' | 'length' | 'tokens' | 'lengths'>): number[][] {
  return Array.from({ length: batch.size }, (_, row) =>
    Array.from(batch.tokens.subarray(row * batch.length, row * batch.length + batch.lengths[row])),
  );
}

export class RecordingModel implements LanguageModel {
  readonly config = {} as LanguageModel['config'];
  readonly backend = 'cpu';
  /** Every call by name, in order; steps of training and scoring once each. */
  readonly calls: string[] = [];
  readonly trained: { rows: number[][]; hyper: AdamWStep }[] = [];
  readonly scored: number[][][] = [];
  readonly asked: GenerateOptions[] = [];
  /** Changes with every step, so that one sees whose weights are kept. */
  version = 0;
  restored: ModelState[] = [];
  /** log P of every token of a row. */
  logp: (row: number[]) => number = () => -1;
  /** The completion of a prompt. */
  says: (prompt: number[]) => number[] = () => [1];

  /** Rows and tokens of batches whose kernels may be compiled. */
  readonly prepared: [number, number][] = [];

  prepare(size: number, length: number): void {
    this.prepared.push([size, length]);
  }

  async trainStep([batch]: TokenBatch[], hyper: AdamWStep): Promise<StepMetrics> {
    this.calls.push('train');
    this.trained.push({ rows: rowsOf(batch), hyper });
    this.version++;
    return { loss: 1 / this.trained.length, gradNorm: 1 };
  }

  async score(batch: TokenBatch): Promise<ScoreResult> {
    this.calls.push('score');
    const rows = rowsOf(batch);
    this.scored.push(rows);
    const logps = new Float32Array(batch.size * batch.length);
    rows.forEach((row, at) => {
      logps.fill(this.logp(row), at * batch.length, (at + 1) * batch.length);
    });
    return { logps, entropies: new Float32Array(logps.length) };
  }

  async logitsAfter(): Promise<Float32Array> {
    throw new Error('Nobody asks the language model for logits.');
  }

  async generate(options: GenerateOptions) {
    this.calls.push('generate');
    this.asked.push(options);
    const { prompts, numGenerations } = options;
    const completions = prompts.flatMap((prompt) =>
      Array.from({ length: numGenerations }, () => Uint32Array.from(this.says(Array.from(prompt)))),
    );
    return { completions, logps: completions.map(({ length }) => new Float32Array(length)) };
  }

  async freezeReference() {
    this.calls.push('freeze');
  }

  async snapshot(): Promise<ModelState> {
    this.calls.push('snapshot');
    const pool = Float32Array.of(this.version);
    return { parameters: pool, moment1: pool, moment2: pool };
  }

  async restore(state: ModelState) {
    this.calls.push('restore');
    this.restored.push(state);
    this.version = state.parameters[0];
  }

  async resetOptimizer() {
    this.calls.push('reset');
  }

  ends = 0;

  async split(ends: number) {
    this.ends = ends;
    this.calls.push(`split ${ends}`);
  }

  async compose(shares: readonly number[]) {
    this.calls.push(`compose ${shares}`);
  }

  tidied = 0;
  tidy(): void {
    this.tidied++;
  }

  memory() {
    return { bytesPlanned: 0, bytesAllocated: 0 };
  }

  destroy() {}
}

export interface Given {
  config: RunConfig;
  inputs: TrainingInputs;
  model: RecordingModel;
  dataset: Dataset;
  format: PromptFormat;
}

/** A cell of the reward table: row and column in one number, exact in f32. */
export const rewardOf = (row: number, item: number) => (row * 256 + item) / 2 ** 20;
/** A cell of the table of P(click ∧ conversion). */
export const ctcvrOf = (row: number, item: number) => 0.5 + rewardOf(row, item);

/**
 * @param change of the minuscule config
 * @param hasOracle false: as imported data, where the ranker's table says what CTCVR is
 */
export async function given(
  change: (config: RunConfig) => void = () => {},
  hasOracle = true,
): Promise<Given> {
  const config = minusculeConfig(change);
  const world = await loadDataset(config, async () => null);
  const dataset = hasOracle ? world : { ...world, oracle: undefined };
  const draw = drawExamples(dataset, config);
  const tokenizer = trainTokenizer(corpus(dataset, TEACHER_WORDS), config.text.vocab_size);
  const format = fitFormat(dataset, tokenizer, config);
  const model = new RecordingModel();
  const { maxPromptLength, maxCompletionLength } = format.options;
  const warmupRows = config.warmup.batch_size + packedRows(format, camelCased(config.warmup));
  const length = maxPromptLength + maxCompletionLength;
  const text: Text = { tokenizer, format, length, warmupRows, model };
  const data: Data = { dataset, draw, deployment: null, rankingProblem: null };
  const items = dataset.items.length;
  const table = (rows: number, cell: typeof rewardOf) =>
    Float32Array.from({ length: rows * items }, (_, at) => cell(Math.floor(at / items), at % items));
  const dimension = 2;
  const encoder = {
    dimension,
    embed: (said: string) => Float32Array.of(said.length, 1),
    itemVectors: new Float32Array(items * dimension),
    wordVectors: new Float32Array(0),
  };
  return {
    config,
    model,
    dataset,
    format,
    inputs: {
      data,
      tokenizer: text,
      ranker: {
        auc: { ctr: 0.5, cvr: 0.5, ctcvr: 0.5 },
        rewardTable: table(draw.policy.length + draw.curve.length, rewardOf),
        ctcvr: hasOracle ? null : table(draw.test.length + draw.curve.length, ctcvrOf),
      },
      encoder: { encoder, likeness: () => 0.5, sentences: null },
    },
  };
}

export interface Recording {
  tools: StageTools;
  events: RunEvent[];
  /** Configs that the stage settled on. */
  settled: RunConfig[];
}

/** Tools of a stage that begins, or goes on from `from`. */
export async function toolsOf(
  name: StageName,
  config: RunConfig,
  { from = 0, steps = 0 }: { from?: number; steps?: number } = {},
): Promise<Recording> {
  const { context } = recordedRun(config);
  const events: RunEvent[] = [];
  const settled: RunConfig[] = [];
  let at = from;
  const tools: StageTools = {
    ...context,
    device: await openCpu(),
    config,
    emit: (event) => void events.push(event),
    createModel: async () => {
      throw new Error('No stage but the tokenizer makes a model.');
    },
    name,
    from,
    steps,
    own: { name, seconds: 0, steps, loss: [], heldOutLoss: [] },
    gate: async () => 'go',
    reached: (step) => {
      at = step;
    },
    at: () => at,
    configAt: () => config,
    changedAt: () => null,
    besides: async () => {},
    watch: () => {},
    beginning: null,
    hooks: { gate: async () => 'go', onProgress: () => {}, work: UNKEPT },
    spend: () => {},
    settle: (config) => void settled.push(config),
  };
  return { tools, events, settled };
}

/** The true answer of an example, without reasoning. */
export function answerOf({ dataset, format }: Pick<Given, 'dataset' | 'format'>, example: Example): number[] {
  return format.answer(targetItem(dataset, example));
}
