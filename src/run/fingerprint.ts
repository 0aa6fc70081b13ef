/**
 * A run's fingerprint: short enough for a link, and it answers "did my machine do the same?" in four ways.
 *
 *   inputs   hash of the config (kernels resolved; without what only asks for baselines), what was changed on the way, the data's hash, the
 *            versions of app and kernels
 *   exact    hash of the bits of every loss, every POPO step and every row of the tables
 *   blocks   per stage, rolling hashes of its first 1/10, 2/10, … of steps: the first that differs names the step
 *   close    rounded means of losses and metrics: two adapters round differently, and differences grow with training
 *
 * Seconds, device, memory and baselines are in none of them.
 */
import type { MetricsRow } from '../evaluate/metrics';
import { sha256 } from '../numeric/hash';
import { fnv1a } from '../numeric/random';
import type { RunConfig } from './config';
import { RANKING_BEFORE } from './fields/ranking';
import type { Fingerprint, FingerprintBlocks, PopoStep, Report, StageName } from './report';

/** What of a report a fingerprint is made of. */
export type FingerprintSource = Pick<
  Report,
  | 'app'
  | 'kernels'
  | 'config'
  | 'changes'
  | 'dataset'
  | 'stages'
  | 'orft'
  | 'ranker'
  | 'popo'
  | 'table'
  | 'front'
  | 'ranking'
>;

const HEX_DIGITS = 32;
const BLOCKS_PER_STAGE = 10;
/** Loss means per supervised stage, and metrics per table row, in `close`. */
const CLOSE_SEGMENTS = 6;
const CLOSE_METRICS = ['answer_loss', 'Category_L3_ACC', 'CTCVR'] as const;

/**
 * Two close samples a, b agree when |a − b| ≤ TOLERANCE · (1 + max(|a|, |b|)): 5 points of a rate or 5 to 10 % of a
 * loss, beyond what adapters were seen to differ by and below what another seed does to the same samples.
 */
export const CLOSE_TOLERANCE = 0.05;

/** The config as JSON with sorted keys: equal configs give equal text. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, held]) => `${JSON.stringify(key)}:${canonicalJson(held)}`).join(',')}}`;
}

/** Fields that came after links had been shared, with what a run did before it had them: they are printed where they say something else. */
const NEWER: Readonly<Record<string, unknown>> = {
  keep: 'last',
  correlation_target: 0.3,
  correlation_rate: 0.1,
  constrained: 'semantic',
  constraint_margin: 1,
  constraint_step: 1,
  ...RANKING_BEFORE,
};

/** A config without the fields that no number of a fingerprint depends on: which baselines stand beside the run, and `NEWER` ones. */
export function printedConfig(config: RunConfig): object {
  const isPrinted = (name: string, value: unknown) =>
    !/^(baselines$|sasrec_)/.test(name) && !(Object.hasOwn(NEWER, name) && NEWER[name] === value);
  return JSON.parse(JSON.stringify(config, (name, value) => (isPrinted(name, value) ? value : undefined)));
}

/** Fingerprint of a finished run. */
export async function fingerprint(source: FingerprintSource): Promise<Fingerprint> {
  const { app, kernels, config, changes = [], dataset } = source;
  const changed = changes.length > 0 ? { changes } : {};
  const printed = { app, kernels, config: printedConfig(config), ...changed, dataset: dataset.sha256 };
  const inputs = await sha256(canonicalJson(printed));
  const series = stageSeries(source);
  const rest = [
    ...source.table.flatMap(rowNumbers),
    ...(source.front ?? []).flatMap(({ weights, row }) => [...weights, ...rowNumbers(row)]),
    ...numbersOf(source.ranking),
    source.orft.threshold,
    source.orft.scored,
    source.orft.kept,
  ];
  const exact = await sha256(bits([...series.flatMap(([, steps]) => steps.flat()), ...rest]));
  return {
    inputs: inputs.slice(0, HEX_DIGITS),
    exact: exact.slice(0, HEX_DIGITS),
    blocks: series.map(([stage, steps]) => blocksOf(stage, steps)),
    close: closeSamples(source),
  };
}

export interface FingerprintComparison {
  verdict: 'identical' | 'close' | 'different' | 'other-inputs';
  /** The first block of steps whose bits differ: some step from `step` (0 is the first) to `lastStep`. */
  firstDifference: { stage: StageName; step: number; lastStep: number } | null;
  /** The verdict in words, for the page. */
  sentence: string;
}

/** Compares a run's fingerprint with the one that a link promised. */
export function compareFingerprints(expected: Fingerprint, actual: Fingerprint): FingerprintComparison {
  if (expected.inputs !== actual.inputs) {
    return {
      verdict: 'other-inputs',
      firstDifference: null,
      sentence:
        'Not comparable: the config, the data, the kernels or the app version is not the one the link was made with.',
    };
  }
  if (expected.exact === actual.exact) {
    return {
      verdict: 'identical',
      firstDifference: null,
      sentence: 'Identical: every loss, reward and metric is the same to the bit.',
    };
  }
  const firstDifference = firstDifferentBlock(expected.blocks, actual.blocks);
  const where =
    firstDifference === null
      ? 'after training, in the evaluation'
      : `from ${firstDifference.stage}, step ${firstDifference.step + 1} to ${firstDifference.lastStep + 1} on`;
  const close =
    expected.close.length === actual.close.length &&
    expected.close.every((value, i) => isClose(value, actual.close[i]));
  return close
    ? {
        verdict: 'close',
        firstDifference,
        sentence: `Close: losses and metrics agree within ${CLOSE_TOLERANCE * 100} %, bits differ ${where}, as they do between adapters.`,
      }
    : {
        verdict: 'different',
        firstDifference,
        sentence: `Different: bits differ ${where}, and losses or metrics by more than ${CLOSE_TOLERANCE * 100} %.`,
      };
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= CLOSE_TOLERANCE * (1 + Math.max(Math.abs(a), Math.abs(b)));
}

function firstDifferentBlock(
  expected: FingerprintBlocks[],
  actual: FingerprintBlocks[],
): FingerprintComparison['firstDifference'] {
  for (let s = 0; s < expected.length; s++) {
    const { stage, every, hashes } = expected[s];
    const other = actual.find((blocks) => blocks.stage === stage);
    const block = hashes.findIndex((hash, i) => hash !== other?.hashes[i]);
    if (block >= 0) return { stage, step: block * every, lastStep: (block + 1) * every - 1 };
  }
  return null;
}

/** Numbers per step of every stage that has steps, in the order the stages ran. */
function stageSeries(source: FingerprintSource): [StageName, number[][]][] {
  const series: [StageName, number[][]][] = [];
  for (const { name, loss } of source.stages) {
    const steps = name === 'popo' ? source.popo.steps.map(popoNumbers) : loss.map((value) => [value]);
    if (steps.length > 0) series.push([name, steps]);
  }
  return series;
}

function popoNumbers(step: PopoStep): number[] {
  const { clip_ratio: clip, completions } = step;
  return [
    step.step,
    ...step.sampleIds.map(fnv1a),
    ...step.rewards.flat(2),
    ...step.advantages.flat(),
    ...step.weightsBefore,
    ...step.weightsAfter,
    ...(step.influence ?? []),
    ...(step.gradNorms ?? []),
    step.gradCosine ?? Number.NaN,
    ...step.pull,
    step.grad_norm,
    step.loss,
    step.reward,
    step.reward_std,
    step.frac_reward_zero_std,
    step.kl,
    step.entropy,
    clip.low_mean,
    clip.high_mean,
    clip.region_mean,
    completions.mean_length,
    completions.clipped_ratio,
    completions.valid_rate,
    completions.duplicate_rate,
  ];
}

/** Every number of a value, keys in order. Intervals of metrics and what is told by slice came after links had been shared, and follow from the same run. */
function numbersOf(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const entries = Object.entries(value).filter(([key]) => key !== 'intervals' && key !== 'slices');
  if (!Array.isArray(value)) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.flatMap(([, held]) => numbersOf(held));
}

function rowNumbers(row: MetricsRow): number[] {
  return Object.entries(row)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, value]) => value);
}

/** Little-endian IEEE 754 doubles; every NaN has the same bits, and −0 those of 0, as JSON writes it. */
function bits(values: number[]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(values.length * 8));
  values.forEach((value, i) => {
    if (Number.isNaN(value)) view.setUint32(i * 8 + 4, 0x7ff80000, true);
    else view.setFloat64(i * 8, value === 0 ? 0 : value, true);
  });
  return new Uint8Array(view.buffer);
}

function blocksOf(stage: StageName, steps: number[][]): FingerprintBlocks {
  const every = Math.max(1, Math.ceil(steps.length / BLOCKS_PER_STAGE));
  const hashes: string[] = [];
  let hash = 0x811c9dc5;
  for (let start = 0; start < steps.length; start += every) {
    // 32-bit FNV-1a rolled over the bytes, folded to 24 bits where it is written down.
    for (const byte of bits(steps.slice(start, start + every).flat())) {
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    const folded = ((hash >>> 24) ^ hash) & 0xffffff;
    hashes.push(folded.toString(16).padStart(6, '0'));
  }
  return { stage, every, hashes };
}

function closeSamples(source: FingerprintSource): number[] {
  const samples: number[] = [];
  for (const { name, loss } of source.stages) {
    if (name === 'warmup' || name === 'sft') samples.push(...segmentMeans(loss));
  }
  for (const row of source.table) samples.push(...CLOSE_METRICS.map((metric) => row[metric]));
  return samples.map((value) => Number(value.toPrecision(4)));
}

/** Means over `CLOSE_SEGMENTS` equal parts of a curve; of each point where it has fewer. */
function segmentMeans(curve: number[]): number[] {
  const count = Math.min(CLOSE_SEGMENTS, curve.length);
  return Array.from({ length: count }, (_, i) => {
    const part = curve.slice(
      Math.floor((i * curve.length) / count),
      Math.floor(((i + 1) * curve.length) / count),
    );
    return part.reduce((a, b) => a + b, 0) / part.length;
  });
}
