/**
 * How long each stage of a run will take on a device, before it is begun: the operations, dispatches and waits that the stage asks for, over
 * what the device was measured to do (gpu/speed.ts). Constants come from whole runs of `tiny` and `small`, version 2, on lavapipe with two
 * cores; on a real GPU no whole run was held against them, so the range is wider there. A kept run of the same device corrects each stage by
 * what it took.
 */
import type { DeviceSpeed, ProductShape } from '../gpu/speed';
import { ruleOf } from '../popo/rules';
import { usesGradients } from '../popo/rules/rule';
import { type DataNumbers, sizesOf } from './budget';
import type { RunConfig } from './config';
import { diffFromPreset } from './diff';
import { STAGE_NAMES, type StageName } from './stageNames';

/** Seconds, from the least to the most that is likely. */
export interface TimeRange {
  low: number;
  high: number;
}

export interface StageTime extends TimeRange {
  name: StageName;
  /** Between the two. */
  likely: number;
}

export interface RunTimes extends TimeRange {
  stages: StageTime[];
  /** What the range comes of: a measurement, or a kept run of other settings, or of these. */
  basis: 'measured' | 'kept' | 'same';
}

/** On what it is to run. */
export interface TimedDevice {
  /** Of DeviceInfo. */
  backend: string;
  /** Whether a processor plays the GPU. */
  isSoftware: boolean;
  speed: DeviceSpeed;
}

export type StageSeconds = Partial<Record<StageName, number>>;

/** What is taken of a finished run. */
export interface KeptTimes {
  config: RunConfig;
  seconds: StageSeconds;
}

/** How far each way the most likely time may be off. */
const WIDTH = { software: 1.6, gpu: 2.5, slow: 2.5, kept: 1.5, same: 1.25 } as const;
/** A kept run corrects by at most so much, either way: a run that was cut off and taken up tells little. */
const MOST_CORRECTION = 30;

/** Of the measured product's rate: layers have attention and small kernels too. */
const ENGINE_SHARE = { software: 0.95, gpu: 0.5 } as const;
/** TensorFlow.js in WebAssembly trains at so many operations for each of plain code. */
const SLOW_SHARE = 0.45;
/** Seconds of the first lists of a stage, while drivers compile. */
const COMPILING: Readonly<Record<'software' | 'gpu', Partial<Record<StageName, number>>>> = {
  software: { warmup: 5, orft: 2, sft: 3, popo: 8 },
  gpu: { warmup: 1, orft: 0.5, sft: 0.5, popo: 2 },
};
/** Dispatches of a list: fixed ones, and those of each layer. */
const DISPATCHES = { forward: [8, 11], backward: [10, 17], token: [6, 13] } as const;
/** Operations a second of plain code where the processor's constants below were taken. */
const REFERENCE = 9e8;
/** Seconds there: of a behaviour of the data, in each stage that reads all of them; of a chain of thought. */
const PER_BEHAVIOUR: Partial<Record<StageName, number>> = { data: 7e-6, tokenizer: 3.5e-6, baselines: 25e-6 };
const PER_COT = 33e-6;
/** Seconds of a judge's step in WebAssembly there: ranker at 256 impressions of width 8, encoder at 16, A/B ranker at 64 requests of 16. */
const JUDGE_STEP = { ranker: 0.0205, encoder: 0.0065, ranking: 0.0375, sasrec: 0.03 } as const;
/** Dispatches of such a step through TensorFlow.js on a GPU, and seconds of its own code for each. Not measured with a GPU to itself. */
const JUDGE_DISPATCHES = { ranker: 160, encoder: 60, ranking: 300, sasrec: 250 } as const;
const JUDGE_DISPATCH = 4e-5;
/** Requests of each user that is ranked for. */
const REQUESTS = 4.15;

/** A judge's steps, each as so many times the one that was measured. */
interface JudgeWork {
  kind: keyof typeof JUDGE_STEP;
  steps: number;
  size: number;
}

/** What a stage asks for. */
interface StageWork {
  operations: number;
  dispatches: number;
  /** Lists that are waited for. */
  waits: number;
  /** Seconds of the reference processor. */
  processor: number;
  judges: JudgeWork[];
  /** Seconds of others, such as a teacher's endpoint. */
  waiting: number;
}

/** The product that stands for a run's layers when a device is measured. */
export function measuredShape(config: RunConfig, data: DataNumbers | null = null): ProductShape {
  const { shape, length, warmupRows } = sizesOf(config, { data });
  return {
    rows: Math.min(4096, warmupRows * length),
    width: shape.hidden_size,
    columns: 2 * shape.intermediate_size,
  };
}

/** What each stage asks of a device. */
function workOf(config: RunConfig, data: DataNumbers | null): Record<StageName, StageWork> {
  const { warmup, orft, sft, popo, ranker, encoder, evaluate, ranking } = config;
  const sizes = sizesOf(config, { data });
  const { weights, length, shape, text, rollouts, groups, packed } = sizes;
  const layers = shape.num_hidden_layers;
  const list = ([fixed, each]: readonly [number, number], times = 1) => ({
    operations: 0,
    dispatches: times * (fixed + each * layers),
    waits: times,
  });
  const forward = (rows: number, tokens: number) => {
    const batches = Math.ceil(rows / rollouts);
    return { ...list(DISPATCHES.forward, batches), operations: 2 * weights * rows * tokens };
  };
  const learnt = (steps: number, tokens: number) => {
    const [there, back] = [list(DISPATCHES.forward, steps), list(DISPATCHES.backward, steps)];
    return {
      operations: 6 * weights * steps * tokens,
      dispatches: there.dispatches + back.dispatches,
      waits: steps,
    };
  };
  const written = (prompts: number, rows: number) => {
    const batches = Math.ceil(rows / rollouts);
    const tokens = list(DISPATCHES.token, batches * text.completion);
    return {
      operations: 2 * weights * (prompts * text.prompt + rows * text.completion),
      dispatches: list(DISPATCHES.forward, batches).dispatches + tokens.dispatches,
      // While tokens are made it is looked for the end.
      waits: batches * Math.ceil(text.completion / 8),
    };
  };
  /** Users are asked, and their true answers scored. */
  const judged = (users: number) => [written(users, users), forward(users, length)];
  const heldOut = [...judged(sizes.judged), ...judged(sizes.curveUsers)];
  const perBehaviour = (name: StageName) => ({ processor: sizes.behaviours * (PER_BEHAVIOUR[name] ?? 0) });
  const judge = (kind: JudgeWork['kind'], steps: number, size: number) => ({
    judges: [{ kind, steps, size }],
  });
  const rule = ruleOf(popo.weighting);
  const pulls =
    popo.rewards.length > 1 && usesGradients(rule) ? popo.rewards.length / popo.influence_every : 0;
  const updates = popo.steps * popo.num_iterations;
  const points = popo.steps === 0 ? 0 : Math.ceil(popo.steps / evaluate.curve_every) + 1;
  const asks = config.rupr.teacher === 'openai' && config.rupr.cots_sha256 === '';
  const ranked = ranking.users > 0;
  const sasrec = evaluate.baselines === 'all' ? evaluate.sasrec_steps : 0;
  return {
    data: together(perBehaviour('data')),
    tokenizer: together(perBehaviour('tokenizer')),
    ranker: together(
      judge(
        'ranker',
        ranker.steps,
        (ranker.batch_size / 256) *
          (ranker.embedding_size / 8) *
          (ranker.attended > 0 ? 2 : 1) *
          (ranker.features === 'joined' ? 1 : 0.6),
      ),
    ),
    encoder: together(judge('encoder', encoder.steps, encoder.embedding_size / 16)),
    warmup: together(learnt(warmup.steps, sizes.warmupRows * length), ...heldOut),
    rupr: together({ processor: asks ? 0 : sizes.cots * PER_COT, waiting: asks ? sizes.cots / 4 : 0 }),
    orft: together(learnt(orft.scorer_steps, sft.batch_size * length), forward(sizes.cots, length)),
    sft: together(learnt(sft.steps, sizes.sftRows * length), ...heldOut),
    popo: together(
      ...Array.from({ length: points }, () => judged(sizes.curveUsers)).flat(),
      times(popo.steps, written(groups, rollouts)),
      learnt(updates, groups * packed),
      // The reference scores them, and each reward's gradient is a backward pass of its own.
      times(popo.steps, forward(groups, packed)),
      times(updates * pulls, { ...list(DISPATCHES.backward), operations: 4 * weights * groups * packed }),
    ),
    evaluate: together(
      ...Array.from({ length: (popo.steps > 0 ? 1 : 0) + sizes.mixtures }, () => judged(sizes.judged)).flat(),
    ),
    baselines: together(perBehaviour('baselines'), judge('sasrec', sasrec, evaluate.sasrec_batch_size / 32)),
    features: together(
      ranked ? written(ranking.users * REQUESTS, ranking.users * REQUESTS) : {},
      ranked ? forward(ranking.users * REQUESTS, length) : {},
    ),
    ranking: together(
      judge(
        'ranking',
        ranked ? ranking.steps + 6 * ranking.tuning_steps : 0,
        (ranking.batch_size / 64) * (ranking.embedding_size / 16),
      ),
    ),
  };
}

function together(...parts: Partial<StageWork>[]): StageWork {
  const sum = (of: (part: Partial<StageWork>) => number | undefined) =>
    parts.reduce((total, part) => total + (of(part) ?? 0), 0);
  return {
    operations: sum((part) => part.operations),
    dispatches: sum((part) => part.dispatches),
    waits: sum((part) => part.waits),
    processor: sum((part) => part.processor),
    waiting: sum((part) => part.waiting),
    judges: parts.flatMap((part) => part.judges ?? []),
  };
}

function times(count: number, part: Partial<StageWork>): Partial<StageWork> {
  const { operations = 0, dispatches = 0, waits = 0 } = part;
  return { operations: count * operations, dispatches: count * dispatches, waits: count * waits };
}

function secondsOf(name: StageName, work: StageWork, { backend, isSoftware, speed }: TimedDevice): number {
  const slower = REFERENCE / speed.processor;
  const own = work.processor * slower + work.waiting;
  const isOnGpu = backend === 'webgpu' && !isSoftware;
  const judges = work.judges.reduce((sum, { kind, steps, size }) => {
    const onProcessor = JUDGE_STEP[kind] * size * slower;
    const onGpu = JUDGE_DISPATCHES[kind] * (speed.dispatch + JUDGE_DISPATCH) + speed.wait;
    // Ranker and encoder are trained on the processor, whatever trains the model (judging.ts).
    const isEither = kind === 'ranking' || kind === 'sasrec';
    return sum + steps * (isOnGpu && isEither ? onGpu : onProcessor);
  }, 0);
  if (backend !== 'webgpu') return own + judges + work.operations / (SLOW_SHARE * speed.processor);
  const kind = isSoftware ? 'software' : 'gpu';
  const isEngine = work.operations > 0;
  return (
    own +
    judges +
    work.operations / (ENGINE_SHARE[kind] * speed.operations) +
    work.dispatches * speed.dispatch +
    work.waits * speed.wait +
    (isEngine ? (COMPILING[kind][name] ?? 0) : 0)
  );
}

/** What a device takes, nothing known of kept runs. */
function modelled(config: RunConfig, data: DataNumbers | null, device: TimedDevice): Map<StageName, number> {
  const work = workOf(config, data);
  return new Map(STAGE_NAMES.map((name) => [name, secondsOf(name, work[name], device)]));
}

/**
 * @param kept a finished run on the same device, and what is known of its data where they were imported
 */
export function runTimes(
  config: RunConfig,
  device: TimedDevice,
  { data = null, kept = null }: { data?: DataNumbers | null; kept?: KeptTimes | null } = {},
): RunTimes {
  const likely = modelled(config, data, device);
  const isSame = kept !== null && sameWork(kept.config) === sameWork(config);
  const before = kept === null ? null : modelled(kept.config, data, device);
  const basis = kept === null ? 'measured' : isSame ? 'same' : 'kept';
  const width =
    basis !== 'measured'
      ? WIDTH[basis]
      : WIDTH[device.backend !== 'webgpu' ? 'slow' : device.isSoftware ? 'software' : 'gpu'];
  const stages = STAGE_NAMES.map((name): StageTime => {
    const modelledTime = likely.get(name) ?? 0;
    const took = kept?.seconds[name];
    const expected = before?.get(name) ?? 0;
    const ratio = took === undefined || took <= 0 || expected <= 0 ? 1 : took / expected;
    const seconds = modelledTime * Math.min(MOST_CORRECTION, Math.max(1 / MOST_CORRECTION, ratio));
    return { name, likely: seconds, low: seconds / width, high: seconds * width };
  });
  const sum = (of: (stage: StageTime) => number) => stages.reduce((total, stage) => total + of(stage), 0);
  return { stages, low: sum(({ low }) => low), high: sum(({ high }) => high), basis };
}

/** Which of the kept runs tells most of a run with this config: one with the same work, else one of the same preset; newest first. */
export function likest(kept: readonly KeptTimes[], config: RunConfig): KeptTimes | null {
  const work = sameWork(config);
  const isOfPreset = ({ config: { preset, version } }: KeptTimes) =>
    preset === config.preset && version === config.version;
  return kept.find((run) => sameWork(run.config) === work) ?? kept.find(isOfPreset) ?? kept[0] ?? null;
}

/** What of a config decides how much there is to do. */
function sameWork(config: RunConfig): string {
  const { seed: _seed, kernels: _kernels, ...rest } = diffFromPreset(config);
  return JSON.stringify([config.preset, config.version, rest]);
}
