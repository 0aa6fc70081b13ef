/**
 * Whether training runs away, told from numbers that every step leaves anyway. It is a function of what the report has of a stage so
 * far, so a run that is taken up again comes to the same, and nothing has to be kept for it.
 *
 * A gauge is judged by the median of its last steps, against where its own stage began: one bad batch is no divergence, and what is
 * ordinary differs between stages, data and shapes. LOG.md has what the bounds were held against.
 */
import type { StageName } from './stageNames';

/** In the order in which they are looked at. That numbers are not finite is seen by the step itself, last of all. */
export const DIVERGENCE_KINDS = [
  'loss',
  'gradient',
  'kl',
  'entropy',
  'valid',
  'answers',
  'not-finite',
] as const;
export type DivergenceKind = (typeof DIVERGENCE_KINDS)[number];

/** What is to happen. `go-back`: to the last good checkpoint, with half the learning rate. */
export type DivergenceChoice = 'go-back' | 'go-on' | 'stop';

/** A gauge as a stage has it so far. */
export interface Gauge {
  values: readonly number[];
  /** Of which step each value is; the one at its index where left out. */
  steps?: readonly number[];
}

export type StageGauges = Partial<Record<DivergenceKind, Gauge>>;

export interface Divergence {
  stage: StageName;
  kind: DivergenceKind;
  /** After which it was seen, counted from 0. */
  step: number;
  /** So many steps were taken before anything was amiss: what was kept by then is good. */
  since: number;
  /** The gauge as it is, as it began, and the bound that it has crossed; null where it is not finite. */
  value: number | null;
  began: number | null;
  bound: number | null;
  /** The gauge by step, thinned: finite values only. */
  curve: [step: number, value: number][];
  /** All of this in one sentence, for a person. */
  sentence: string;
}

/** A divergence, and what was decided. */
export interface DecidedDivergence extends Divergence {
  choice: DivergenceChoice;
  /** Where the run went back to: the steps of the stage that were taken by then. */
  backTo: number | null;
}

interface Bound {
  /** As the beginning of a sentence. */
  what: string;
  /** How many of the first and of the last values count. */
  first: number;
  window: number;
  isTooMuch: 'above' | 'below';
  /** From where the gauge began, and the lowest it has come to; null where it began so that it cannot be judged. */
  bound(began: number, low: number): number | null;
}

/** Points of a curve at most: enough to see its shape, few enough for a report. */
const CURVE_POINTS = 60;
const LOW_PLACES = 64;
const FIRST_ROOM = 1.5;
/** Steps before numbers overflow that are not trusted either. */
const BEFORE_OVERFLOW = 8;

const BOUNDS: Record<Exclude<DivergenceKind, 'not-finite'>, Bound> = {
  // A stage begins at its worst, since it has learnt nothing of its task yet; and what it has learnt it should not lose. Batches of a few
  // sentences scatter by some tenths of a nat.
  loss: {
    what: 'The loss is far above where it has been',
    first: 8,
    window: 5,
    isTooMuch: 'above',
    bound: (began, low) => Math.min(1.5 * began + 0.5, 3 * low + 1),
  },
  // Norms rise by themselves as the loss falls and batches come to disagree.
  gradient: {
    what: 'The gradient is running away',
    first: 20,
    window: 8,
    isTooMuch: 'above',
    bound: (began) => 10 * began,
  },
  // Where `beta` is 0 it is not measured, and 0. The policy begins at its reference, so the bound cannot be relative. At 2 nats a token a whole answer is e^30 times as (un)likely.
  kl: {
    what: 'The model has gone far from SFT',
    first: 5,
    window: 3,
    isTooMuch: 'above',
    bound: () => 2,
  },
  entropy: {
    what: 'The model has stopped exploring: its entropy has collapsed',
    first: 5,
    window: 5,
    isTooMuch: 'below',
    bound: (began) => (began > 0.02 ? 0.05 * began : null),
  },
  // A policy that is broken says nothing any more, earns nothing, and so has no gradient that could tell.
  valid: {
    what: 'The answers are not well formed any more',
    first: 5,
    window: 3,
    isTooMuch: 'below',
    bound: (began) => (began >= 0.2 ? 0.25 * began : null),
  },
  // Held-out points are few, and each is of many users: one is enough.
  answers: {
    what: 'Different users get the same few answers',
    first: 1,
    window: 1,
    isTooMuch: 'below',
    bound: (began) => (began >= 8 ? 0.15 * began : null),
  },
};

/**
 * The first divergence that a stage's gauges show at their newest values, or null.
 * @param spared kinds that somebody has decided to live with in this stage
 */
export function divergenceOf(
  stage: StageName,
  gauges: StageGauges,
  spared: ReadonlySet<DivergenceKind>,
): Divergence | null {
  for (const kind of DIVERGENCE_KINDS) {
    const gauge = gauges[kind];
    if (kind === 'not-finite' || gauge === undefined || spared.has(kind)) continue;
    const found = judged(gauge, BOUNDS[kind]);
    if (found === null) continue;
    const { at, value, began, bound } = found;
    const { what, first, window, isTooMuch } = BOUNDS[kind];
    const step = stepAt(gauge, at);
    const sentence =
      `${what}: ${short(value)}${window > 1 ? ` (the middle of its last ${window} steps)` : ''} after step ${step + 1} of ${stage}, ` +
      `${short(began)} ${first > 1 ? `over its first ${first}` : 'at the beginning'}; ${isTooMuch} ${short(bound)} it is taken to run away.`;
    return {
      stage,
      kind,
      step,
      since: sinceWhen(gauge, BOUNDS[kind], found),
      value,
      began,
      bound,
      curve: curveOf(gauge),
      sentence,
    };
  }
  return null;
}

/** The last kind: a step came to no numbers at all. */
export function notFinite(stage: StageName, step: number, gauges: StageGauges, message: string): Divergence {
  const gauge = gauges.loss ?? gauges.kl;
  return {
    stage,
    kind: 'not-finite',
    step,
    // What makes numbers overflow was under way before.
    since: Math.max(0, step - BEFORE_OVERFLOW),
    value: null,
    began: null,
    bound: null,
    curve: gauge === undefined ? [] : curveOf(gauge),
    sentence: message,
  };
}

interface Judgement {
  /** Index of the newest value. */
  at: number;
  value: number;
  began: number;
  bound: number;
}

function judged({ values }: Gauge, { first, window, isTooMuch, bound: boundOf }: Bound): Judgement | null {
  const at = values.length - 1;
  // The window must not reach into the step before which nothing had been learnt.
  if (at < window) return null;
  const began = beginningOf(values, first, isTooMuch);
  const bound = boundOf(began, lowestOf(values.slice(0, at + 1 - window)));
  const value = medianBefore(values, at, window);
  if (bound === null || (isTooMuch === 'above' ? value <= bound : value >= bound)) return null;
  return { at, value, began, bound };
}

/** A stage that runs away within its first steps must not make its own measure: the very first value counts, with room for its noise. */
function beginningOf(values: readonly number[], first: number, isTooMuch: Bound['isTooMuch']): number {
  const early = median(values.slice(0, first));
  return isTooMuch === 'above'
    ? Math.min(early, FIRST_ROOM * values[0])
    : Math.max(early, values[0] / FIRST_ROOM);
}

/** Steps before the gauge left the nearer half of the way to its bound for good, less the window that smooths it. */
function sinceWhen(gauge: Gauge, { window, isTooMuch }: Bound, { at, began, bound }: Judgement): number {
  const warned = (began + bound) / 2;
  let index = at;
  while (index > 0) {
    const value = medianBefore(gauge.values, index - 1, window);
    if (isTooMuch === 'above' ? value <= warned : value >= warned) break;
    index--;
  }
  return Math.max(0, stepAt(gauge, Math.max(0, index - window)));
}

/** The lowest median of a few steps in a row: of at most so many places, spread evenly, since this is asked at every step. */
function lowestOf(values: readonly number[]): number {
  const { window } = BOUNDS.loss;
  const every = Math.max(window, Math.ceil(values.length / LOW_PLACES));
  let low = Number.POSITIVE_INFINITY;
  for (let at = window - 1; at < values.length; at += every)
    low = Math.min(low, medianBefore(values, at, window));
  return low;
}

function stepAt({ steps }: Gauge, index: number): number {
  return steps === undefined ? index : steps[index];
}

function medianBefore(values: readonly number[], at: number, window: number): number {
  return median(values.slice(Math.max(0, at - window + 1), at + 1));
}

/** The lower one of two middles. */
function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}

function curveOf(gauge: Gauge): Divergence['curve'] {
  const { values } = gauge;
  const every = Math.ceil(values.length / (CURVE_POINTS - 1));
  const curve: Divergence['curve'] = [];
  values.forEach((value, index) => {
    const isShown = index === 0 || (values.length - 1 - index) % every === 0;
    if (isShown && Number.isFinite(value)) curve.push([stepAt(gauge, index), value]);
  });
  return curve;
}

function short(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
