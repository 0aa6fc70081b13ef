/**
 * The gate of a world: what must hold before any rule is studied on it. On every criterion a verdict with its numbers; all are paired by
 * test users, and standard errors are over users within a seed.
 */
import { meanOf, standardError } from '../evaluate/slices';

/** What one recommender did for each test user of a seed. */
export interface GateRow {
  name: string;
  /** [users] Whether the answer's Category L3 is right, 0 or 1. */
  l3: number[];
  /** [users] True chance of a click and a purchase of what it answers. */
  ctcvr: number[];
}

/** All of one seed, as a process of its own may make it. */
export interface GateSeed {
  seed: number;
  /** Versions of the app and its kernels that made it; gates of older versions do not tell their kernels. */
  app: string;
  kernels?: string;
  adapter: string;
  /** Wall-clock, whole. */
  seconds: number;
  /** Seconds and link of each method. */
  cells: { name: string; seconds: number; link: string }[];
  slices: { names: string[]; of: number[] };
  /** By name: see GATE in gateMethods.ts. */
  methods: GateRow[];
  counters: GateRow[];
  /** The ceiling. */
  ceiling: GateRow | null;
}

export interface Criterion {
  letter: 'a' | 'b' | 'c' | 'd' | 'e' | 'f';
  asks: string;
  passed: boolean;
  /** What was found, a line each. */
  found: string[];
}

/** Names that the criteria speak of. */
export const SFT = 'orft';
export const ANSWERS = 'answers-only';
export const SEMANTIC = 'fixed-1';
export const ID = 'fixed-0';

/** L3 by which the best model must beat counting. */
const MARGIN = 0.2;
/** Standard errors that count as a difference. */
const SURE = 3;
/** Points of the front that must be neither end. */
const INNER = 3;
/** A point is an end when it lies nearer to it than this share of the way, in both. */
const NEAR_END = 0.05;

type Metric = 'l3' | 'ctcvr';

/** @throws Error for no seeds, or a seed that lacks a method */
export function judgeGate(seeds: readonly GateSeed[]): Criterion[] {
  if (seeds.length === 0) throw new Error('There are no seeds to judge.');
  return [
    reasoningPays(seeds),
    beatsCounting(seeds),
    rewardsAct(seeds),
    endsDiffer(seeds),
    frontIsConcave(seeds),
    coldIsLearnt(seeds),
  ];
}

function rowOf({ seed, methods }: GateSeed, name: string): GateRow {
  const row = methods.find((method) => method.name === name);
  if (row === undefined) throw new Error(`Seed ${seed} has no method ${name}: run the gate for it again.`);
  return row;
}

/** The users of a slice; all for null. */
function usersOf({ slices }: GateSeed, slice: string | null): number[] {
  const wanted = slice === null ? null : slices.names.indexOf(slice);
  return slices.of.flatMap((kind, user) => (wanted === null || kind === wanted ? [user] : []));
}

function mean(seed: GateSeed, row: GateRow, metric: Metric, slice: string | null = null): number {
  return meanOf(usersOf(seed, slice).map((user) => row[metric][user])).mean;
}

interface Difference {
  mean: number;
  error: number;
}

/** Of two recommenders on the same users. */
function difference(
  seed: GateSeed,
  [ours, theirs]: readonly [GateRow, GateRow],
  metric: Metric,
  slice: string | null = null,
): Difference {
  const values = usersOf(seed, slice).map((user) => ours[metric][user] - theirs[metric][user]);
  return { mean: meanOf(values).mean, error: standardError(values) };
}

/** Mean over seeds. */
function pooled(differences: readonly Difference[]): Difference {
  const count = differences.length;
  return {
    mean: differences.reduce((sum, each) => sum + each.mean, 0) / count,
    error: Math.sqrt(differences.reduce((sum, { error }) => sum + error ** 2, 0)) / count,
  };
}

const isAbove = ({ mean, error }: Difference, errors: number) => mean > 0 && mean >= errors * error;
const tell = ({ mean, error }: Difference) => `${mean < 0 ? '' : '+'}${mean.toFixed(3)} ±${error.toFixed(3)}`;
const bySeed = (seeds: readonly GateSeed[], of: (seed: GateSeed) => string) =>
  seeds.map((seed) => `${seed.seed}: ${of(seed)}`).join(', ');

function reasoningPays(seeds: readonly GateSeed[]): Criterion {
  const parts = [null, 'composed'].map((slice) => ({
    slice,
    of: seeds.map((seed) => difference(seed, [rowOf(seed, SFT), rowOf(seed, ANSWERS)], 'l3', slice)),
  }));
  return {
    letter: 'a',
    asks: 'SFT on kept reasoning beats answers only in L3, overall and on composed, in every seed',
    passed: parts.every(({ of }) => of.every((each) => each.mean > 0)),
    found: parts.map(
      ({ slice, of }) =>
        `${slice ?? 'overall'} ${tell(pooled(of))} (${bySeed(seeds, (seed) => tell(of[seeds.indexOf(seed)]))})`,
    ),
  };
}

/** The method of the highest L3. */
function bestModel(seed: GateSeed): GateRow {
  return seed.methods.reduce((best, row) => (mean(seed, row, 'l3') > mean(seed, best, 'l3') ? row : best));
}

function bestCounter(seed: GateSeed, slice: string | null): GateRow {
  const of = (row: GateRow) => mean(seed, row, 'l3', slice);
  return seed.counters.reduce((best, row) => (of(row) > of(best) ? row : best));
}

function beatsCounting(seeds: readonly GateSeed[]): Criterion {
  const parts = [null, 'composed'].map((slice) => ({
    slice,
    of: seeds.map((seed) => difference(seed, [bestModel(seed), bestCounter(seed, slice)], 'l3', slice)),
  }));
  return {
    letter: 'b',
    asks: `the best model beats every counter in L3 by at least ${MARGIN}, overall and on composed, in every seed`,
    passed: parts.every(({ of }) => of.every((each) => each.mean >= MARGIN)),
    found: parts.map(
      ({ slice, of }) =>
        `${slice ?? 'overall'} ${tell(pooled(of))} over the best counter (${bySeed(
          seeds,
          (seed) =>
            `${bestModel(seed).name} ${tell(of[seeds.indexOf(seed)])} over ${bestCounter(seed, slice).name}`,
        )})`,
    ),
  };
}

function rewardsAct(seeds: readonly GateSeed[]): Criterion {
  const id = seeds.map((seed) => difference(seed, [rowOf(seed, ID), rowOf(seed, SFT)], 'ctcvr'));
  const semantic = seeds.map((seed) => difference(seed, [rowOf(seed, SEMANTIC), rowOf(seed, SFT)], 'l3'));
  return {
    letter: 'c',
    asks: `RL with the ID reward alone is above SFT in CTCVR by ${SURE} standard errors in every seed; with the semantic reward alone above SFT in L3, by ${SURE} over all seeds`,
    passed: id.every((each) => isAbove(each, SURE)) && isAbove(pooled(semantic), SURE),
    found: [
      `ID alone, CTCVR ${tell(pooled(id))} (${bySeed(seeds, (seed) => tell(id[seeds.indexOf(seed)]))})`,
      `semantic alone, L3 ${tell(pooled(semantic))} (${bySeed(seeds, (seed) => tell(semantic[seeds.indexOf(seed)]))})`,
    ],
  };
}

function endsDiffer(seeds: readonly GateSeed[]): Criterion {
  const l3 = seeds.map((seed) => difference(seed, [rowOf(seed, SEMANTIC), rowOf(seed, ID)], 'l3'));
  const ctcvr = seeds.map((seed) => difference(seed, [rowOf(seed, ID), rowOf(seed, SEMANTIC)], 'ctcvr'));
  return {
    letter: 'd',
    asks: `the two ends differ by ${SURE} standard errors, in opposite directions, in every seed`,
    passed: [...l3, ...ctcvr].every((each) => isAbove(each, SURE)),
    found: [
      `L3, semantic alone less ID alone ${tell(pooled(l3))} (${bySeed(seeds, (seed) => tell(l3[seeds.indexOf(seed)]))})`,
      `CTCVR, ID alone less semantic alone ${tell(pooled(ctcvr))} (${bySeed(seeds, (seed) => tell(ctcvr[seeds.indexOf(seed)]))})`,
    ],
  };
}

interface FrontMark {
  name: string;
  /** Of the way from the other end: 1 at the semantic end. */
  x: number;
  /** 1 at the ID end. */
  y: number;
  /** How far beyond the chord of the ends, x + y − 1. */
  excess: Difference;
}

/** Where the weights between the ends lie, means over seeds. */
export function frontMarks(seeds: readonly GateSeed[]): FrontMark[] {
  const average = (name: string, metric: Metric) =>
    seeds.reduce((sum, seed) => sum + mean(seed, rowOf(seed, name), metric), 0) / seeds.length;
  const [low, high] = [average(ID, 'l3'), average(SEMANTIC, 'l3')];
  const [bottom, top] = [average(SEMANTIC, 'ctcvr'), average(ID, 'ctcvr')];
  const between = seeds[0].methods.filter(({ name }) => /^fixed-0?\.\d+$/.test(name));
  return between.map(({ name }) => {
    // User by user the ends' own values stand for their means, so that what is common to a user cancels.
    const excess = seeds.map((seed) => {
      const [own, semantic, id] = [rowOf(seed, name), rowOf(seed, SEMANTIC), rowOf(seed, ID)];
      const values = own.l3.map(
        (_, user) =>
          (own.l3[user] - id.l3[user]) / (high - low) +
          (own.ctcvr[user] - semantic.ctcvr[user]) / (top - bottom) -
          1,
      );
      return { mean: meanOf(values).mean, error: standardError(values) };
    });
    return {
      name,
      x: (average(name, 'l3') - low) / (high - low),
      y: (average(name, 'ctcvr') - bottom) / (top - bottom),
      excess: pooled(excess),
    };
  });
}

function frontIsConcave(seeds: readonly GateSeed[]): Criterion {
  const marks = frontMarks(seeds);
  const isEnd = ({ x, y }: FrontMark) =>
    (x > 1 - NEAR_END && y < NEAR_END) || (x < NEAR_END && y > 1 - NEAR_END);
  const isDominated = (mark: FrontMark) =>
    marks.some((other) => other.x >= mark.x && other.y >= mark.y && (other.x > mark.x || other.y > mark.y));
  const inner = marks.filter((mark) => !isEnd(mark) && !isDominated(mark) && isAbove(mark.excess, 2));
  return {
    letter: 'e',
    asks: `weights between the ends lie on a concave front: at least ${INNER} are neither end, not dominated, and beyond the chord of the ends by 2 standard errors`,
    passed: inner.length >= INNER,
    found: [
      `${inner.length} of ${marks.length}: ${inner.map(({ name }) => name).join(', ') || 'none'}`,
      ...marks.map(
        (mark) =>
          `${mark.name} at ${mark.x.toFixed(2)} of the way in L3 and ${mark.y.toFixed(2)} in CTCVR, ${tell(mark.excess)} beyond the chord` +
          (isEnd(mark) ? ', an end' : isDominated(mark) ? ', dominated' : ''),
      ),
    ],
  };
}

function coldIsLearnt(seeds: readonly GateSeed[]): Criterion {
  const of = seeds.map((seed) =>
    difference(seed, [bestModel(seed), bestCounter(seed, 'cold')], 'l3', 'cold'),
  );
  return {
    letter: 'f',
    asks: `on cold devices the best model is above every counter in L3 by ${SURE} standard errors over all seeds`,
    passed: isAbove(pooled(of), SURE),
    found: [`${tell(pooled(of))} (${bySeed(seeds, (seed) => tell(of[seeds.indexOf(seed)]))})`],
  };
}

/** What made a seed, in words. */
export function madeBy({ app, kernels }: Pick<GateSeed, 'app' | 'kernels'>): string {
  return `version ${app}, kernels ${kernels ?? 'not told'}`;
}

/** Fewer say nothing of a world. */
const LEAST = { seeds: 5, users: 1000 };

function tooFew(seeds: readonly GateSeed[]): string[] {
  const users = Math.min(...seeds.map(({ slices }) => slices.of.length));
  if (seeds.length >= LEAST.seeds && users >= LEAST.users) return [];
  return [
    `A gate takes at least ${LEAST.seeds} seeds and ${LEAST.users.toLocaleString('en')} test users of each, so this one says nothing for certain: ` +
      `here ${seeds.length === 1 ? 'is 1 seed' : `are ${seeds.length} seeds`}, with ${users} users at least.`,
  ];
}

/** Verdicts, then L3 and CTCVR of every recommender, by slice, means over seeds with their standard errors; for a terminal. */
export function gateText(seeds: readonly GateSeed[]): string {
  const criteria = judgeGate(seeds);
  const lines = criteria.flatMap(({ letter, asks, passed, found }) => [
    `(${letter}) ${passed ? 'PASS' : 'FAIL'}  ${asks}`,
    ...found.map((line) => `          ${line}`),
  ]);
  const { names } = seeds[0].slices;
  const kinds = ['methods', 'counters'] as const;
  const rows = [
    ...kinds.flatMap((kind) =>
      seeds[0][kind].map(({ name }) => ({
        name,
        find: (seed: GateSeed) => seed[kind].find((row) => row.name === name) ?? null,
      })),
    ),
    { name: 'fact join (the ceiling)', find: ({ ceiling }: GateSeed) => ceiling },
  ];
  const cell = (find: (seed: GateSeed) => GateRow | null, metric: Metric, slice: string | null) => {
    const of = seeds.flatMap((seed) => {
      const row = find(seed);
      if (row === null) return [];
      const values = usersOf(seed, slice).map((user) => row[metric][user]);
      return [{ mean: meanOf(values).mean, error: standardError(values) }];
    });
    if (of.length === 0) return '–';
    const { mean, error } = pooled(of);
    return `${mean.toFixed(3)} ±${error.toFixed(3)}`;
  };
  const table = [
    ['', 'L3', ...names.map((name) => `L3 ${name}`), 'CTCVR', ...names.map((name) => `CTCVR ${name}`)],
    ...rows.map(({ name, find }) => [
      name,
      ...(['l3', 'ctcvr'] as const).flatMap((metric) =>
        [null, ...names].map((slice) => cell(find, metric, slice)),
      ),
    ]),
  ];
  const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)));
  const made = seeds.map(
    (own) =>
      `Seed ${own.seed}: ${own.slices.of.length} test users, ${Math.round(own.seconds)} s on ${own.adapter}, by ${madeBy(own)}.`,
  );
  const passed = criteria.filter((criterion) => criterion.passed).length;
  return [
    ...lines,
    '',
    ...table.map((row) =>
      row
        .map((text, i) => text.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    ),
    '',
    'Standard errors are over users within a seed, so they say nothing of other seeds.',
    ...made,
    `${passed} of ${criteria.length} criteria pass over ${seeds.length} seeds.`,
    ...tooFew(seeds),
  ].join('\n');
}
