/**
 * The trade-off that RL is about, in the plane of (Category_L3_ACC, CTCVR): how much of it each weighting covers, and whether
 * one reaches where no fixed weight does. Two bars stand beside each other: the staircase of single models, and the hull, since whoever
 * tosses a coin between two models at each request has all of the chord between them for nothing.
 */
import { dominates } from '../evaluate/pareto';
import type { Interval } from '../numeric/interval';
import type { Cell } from './cell';
import { type Cost, costOf } from './cost';
import { METHODS, SWEEP } from './methods';
import { PlanePoints, START } from './planePoints';

export interface FrontPoint {
  method: string;
  seeds: number;
  Category_L3_ACC: number;
  CTCVR: number;
  /** Area that its point covers, mean over seeds; users and seeds drawn again. */
  hypervolume: Interval;
  /**
   * This area less that of one fixed weight, the best on the other seeds, so that it is not chosen on what it is judged by. Paired;
   * users and seeds drawn again, the choice as it is. Null for fixed weights, and below two seeds that have the whole sweep.
   */
  overBestFixed: Interval | null;
  /**
   * Area by which it is above the hull of the fixed weights and SFT, negative below it (`aboveSide`). Paired; users and seeds drawn again,
   * the hull's corners as they are. Null for fixed weights, and where no seed has the whole sweep.
   */
  overHull: Interval | null;
  /** The same of each seed that has the whole sweep; empty where `overHull` is null. */
  overHullBySeed: { seed: number; area: number }[];
  /** Its seeds that have the whole sweep; the next two are about these. */
  swept: number;
  /**
   * Area that it adds to what the fixed weights cover together, mean over seeds. A description: it cannot be negative, so that noise
   * alone makes it positive. Null for fixed weights, and where no seed has the whole sweep.
   */
  beyond: number | null;
  /** Seeds in which some fixed weight is better in both, or as good in one. */
  dominated: number;
  /** Of the runs that it comes of. */
  cost: Cost | null;
}

/** Models that are made from the same runs, with these. */
export interface Family {
  name: string;
  methods: string[];
  /** Of the area below the hull of the fixed weights and SFT, how much is below the hull of these and SFT. */
  share: Interval;
  seeds: number;
  cost: Cost | null;
}

export interface Front {
  points: FrontPoint[];
  /** What RL began with, mean over the seeds that have it; null where none has. */
  start: { seeds: number; Category_L3_ACC: number; CTCVR: number } | null;
  /** Area that the fixed weights cover together; null where no seed has all of them. */
  sweep: Interval | null;
  /** Area below the hull of these and SFT; null likewise. */
  hull: Interval | null;
  /** Of the whole sweep. */
  sweepCost: Cost | null;
  families: Family[];
  /** By seed, the fixed weight that covers most on the others; empty below two seeds that have the whole sweep. */
  bestFixed: { seed: number; method: string }[];
  /** What has to be chosen for all of this to be known; null for nothing. */
  missing: string | null;
}

export const FRONT_NOTE =
  'Areas are above nine tenths of the same seed\u2019s SFT in (L3, CTCVR), on test users, who take no part in training ' +
  'nor in choosing a checkpoint; whether a preset\u2019s lengths were tuned on these seeds is for its log to say. The best fixed ' +
  'weight is chosen on the other seeds. Above the hull of the fixed weights and SFT: the area of a model\u2019s triangle with the side that it is ' +
  'furthest above, negative below all of them. Corners and side are chosen on one half of the users and measured on the other. ' +
  'Rollouts, updates and seconds are those of RL alone; a rule that measures gradients does more work with each rollout.';

const DRAWS = 300;
const FIXED = SWEEP.map(({ name }) => name);

export function frontOf(cells: readonly Cell[]): Front {
  const isRl = new Set(METHODS.filter(({ row }) => row === 'popo').map(({ name }) => name));
  const methods = [...new Set(cells.map(({ method }) => method))].filter((name) => isRl.has(name));
  const plane = new PlanePoints(cells, DRAWS);
  const { seeds, swept } = plane;
  const bestFixed = bestOnOthers(plane);
  const rival = (seed: number) => bestFixed.find((best) => best.seed === seed)!.method;

  return {
    bestFixed,
    missing: methods.length === 0 ? null : missingFor(plane),
    points: methods.flatMap((method) => {
      const mine = seeds.filter((seed) => plane.has(method, seed));
      if (mine.length === 0) return [];
      const both = mine.filter((seed) => swept.includes(seed));
      const isJudged = both.length > 0 && !FIXED.includes(method);
      return {
        method,
        seeds: mine.length,
        ...meanPoint(plane, method, mine),
        hypervolume: plane.over(mine, (seed, draw) => plane.staircase([method], seed, draw)),
        swept: both.length,
        overBestFixed:
          isJudged && bestFixed.length > 0
            ? plane.over(
                both,
                (seed, draw) =>
                  plane.staircase([method], seed, draw) - plane.staircase([rival(seed)], seed, draw),
              )
            : null,
        overHull: isJudged ? plane.over(both, (seed, draw) => plane.above(method, seed, draw)) : null,
        overHullBySeed: isJudged ? both.map((seed) => ({ seed, area: plane.above(method, seed, null) })) : [],
        beyond: isJudged
          ? both.reduce(
              (sum, seed) =>
                sum + plane.staircase([...FIXED, method], seed, null) - plane.staircase(FIXED, seed, null),
              0,
            ) / both.length
          : null,
        dominated: both.filter((seed) =>
          FIXED.some((name) => dominates(plane.at(name, seed, null), plane.at(method, seed, null))),
        ).length,
        cost: costOf(cells, [method], mine, FIXED),
      };
    }),
    start: seeds.length === 0 ? null : { seeds: seeds.length, ...meanPoint(plane, START, seeds) },
    sweep: swept.length === 0 ? null : plane.over(swept, (seed, draw) => plane.staircase(FIXED, seed, draw)),
    hull: swept.length === 0 ? null : plane.over(swept, (seed, draw) => plane.hull(FIXED, seed, draw)),
    sweepCost: costOf(cells, FIXED, swept, FIXED),
    families: familiesOf(cells, plane),
  };
}

/** Methods that are made from the same runs, with these, and the seeds of the whole sweep that have all of them. */
export function relatives(plane: PlanePoints): { name: string; methods: string[]; seeds: number[] }[] {
  const derived = METHODS.flatMap(({ name, derived: made }) => (made ? [{ name, from: made.from }] : []));
  const sources = new Map(derived.map(({ from }) => [from.join(' and '), from]));
  return [...sources].flatMap(([key, from]) => {
    const made = derived.filter((other) => other.from.join(' and ') === key);
    const methods = [...from, ...made.map((each) => each.name)];
    const seeds = plane.swept.filter((seed) => methods.every((method) => plane.has(method, seed)));
    const name = `${key} and ${made.length} made from ${from.length > 1 ? 'them' : 'it'}`;
    return seeds.length === 0 ? [] : [{ name, methods, seeds }];
  });
}

/** @param miss see `intervalOf` */
export function familiesOf(cells: readonly Cell[], plane: PlanePoints, miss?: number): Family[] {
  return relatives(plane).map(({ name, methods, seeds }) => ({
    name,
    methods,
    share: plane.over(
      seeds,
      (seed, draw) => plane.hull(methods, seed, draw) / plane.hull(FIXED, seed, draw),
      miss,
    ),
    seeds: seeds.length,
    cost: costOf(cells, methods, seeds, FIXED),
  }));
}

function meanPoint(plane: PlanePoints, method: string, seeds: readonly number[]) {
  const points = seeds.map((seed) => plane.at(method, seed, null));
  return {
    Category_L3_ACC: points.reduce((sum, [x]) => sum + x, 0) / points.length,
    CTCVR: points.reduce((sum, [, y]) => sum + y, 0) / points.length,
  };
}

/** By seed, the fixed weight that covers most on the other seeds. */
function bestOnOthers(plane: PlanePoints): Front['bestFixed'] {
  const { swept } = plane;
  if (swept.length < 2) return [];
  return swept.map((seed) => {
    const others = swept.filter((other) => other !== seed);
    const of = FIXED.map((name) =>
      others.reduce((sum, other) => sum + plane.staircase([name], other, null), 0),
    );
    return { seed, method: FIXED[of.indexOf(Math.max(...of))] };
  });
}

function missingFor({ seeds, swept }: PlanePoints): string | null {
  if (seeds.length === 0) return 'The trade-off is measured from what SFT had: choose orft too.';
  if (swept.length === 0)
    return 'Whether a rule is better than fixed weights is known once a seed has all five of them: choose these too.';
  if (swept.length === 1)
    return 'Whether a rule is better than the best fixed weight, chosen on other seeds, takes two seeds that have all five of them.';
  return null;
}
