/**
 * The trade-off that RL is about, in the plane of (Category_L3_ACC, CTCVR): how much of it each weighting covers, and whether
 * an adaptive one reaches where no fixed weight does. Areas are measured above a reference point of the same seed, nine tenths of what
 * SFT had in both: what falls further than that below SFT counts for nothing.
 */

import { OUTCOMES } from '../evaluate/metrics';
import { dominates, hypervolume } from '../evaluate/pareto';
import { type Interval, intervalOf } from '../numeric/interval';
import { Random } from '../numeric/random';
import type { Cell } from './cell';
import { METHODS, SWEEP } from './methods';

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
  /** Its seeds that have the whole sweep; the next two are about these. */
  swept: number;
  /**
   * Area that it adds to what the fixed weights cover together, mean over seeds. A description: it cannot be negative, so that noise
   * alone makes it positive. Null for fixed weights, and where no seed has the whole sweep.
   */
  beyond: number | null;
  /** Seeds in which some fixed weight is better in both, or as good in one. */
  dominated: number;
}

export interface Front {
  points: FrontPoint[];
  /** Area that the fixed weights cover together; null where no seed has all of them. */
  sweep: Interval | null;
  /** By seed, the fixed weight that covers most on the others; empty below two seeds that have the whole sweep. */
  bestFixed: { seed: number; method: string }[];
  /** What has to be chosen for all of this to be known; null for nothing. */
  missing: string | null;
}

export const FRONT_NOTE =
  'Areas are above nine tenths of the same seed\u2019s SFT in (Category_L3_ACC, CTCVR), on test users, who take no part in training ' +
  'nor in choosing a checkpoint; whether a preset\u2019s lengths were tuned on these seeds is for its log to say. The best fixed ' +
  'weight is chosen on the other seeds.';

const REFERENCE = 0.9;
const DRAWS = 300;
const L3 = OUTCOMES.indexOf('Category_L3_ACC');
const CTCVR = OUTCOMES.indexOf('CTCVR');

type Point = [number, number];

export function frontOf(cells: readonly Cell[]): Front {
  const seeds = [...new Set(cells.map(({ seed }) => seed))].filter((seed) => find(cells, 'orft', seed));
  const sweep = SWEEP.map(({ name }) => name);
  const swept = seeds.filter((seed) => sweep.every((name) => find(cells, name, seed)));
  const isRl = new Set(METHODS.filter(({ row }) => row === 'popo').map(({ name }) => name));
  const methods = [...new Set(cells.map(({ method }) => method))].filter((name) => isRl.has(name));
  const hasRl = cells.some(({ method }) => isRl.has(method));
  const draws = drawUsers(cells, seeds);

  /** Of a value per seed: its mean, and an interval from drawing seeds and users again. */
  const over = (among: readonly number[], value: (seed: number, users: Int32Array | null) => number) => {
    const mean = (chosen: readonly number[], users: ReadonlyMap<number, Int32Array> | null) =>
      chosen.reduce((sum, seed) => sum + value(seed, users?.get(seed) ?? null), 0) / chosen.length;
    const again = Float64Array.from(draws, (users, index) => {
      const random = new Random(1, 'front/seeds', index);
      return mean(
        among.map(() => random.pick(among)),
        users,
      );
    });
    return intervalOf(mean(among, null), again);
  };
  const pointOf = (method: string, seed: number, users: Int32Array | null) =>
    point(find(cells, method, seed)!, users);
  const area = (names: readonly string[], seed: number, users: Int32Array | null) => {
    const [x, y] = pointOf('orft', seed, users);
    return hypervolume(
      names.map((name) => pointOf(name, seed, users)),
      [REFERENCE * x, REFERENCE * y],
    );
  };

  const bestFixed =
    swept.length < 2
      ? []
      : swept.map((seed) => {
          const others = swept.filter((other) => other !== seed);
          const of = sweep.map((name) => others.reduce((sum, other) => sum + area([name], other, null), 0));
          return { seed, method: sweep[of.indexOf(Math.max(...of))] };
        });
  const rival = (seed: number) => bestFixed.find((best) => best.seed === seed)!.method;

  return {
    bestFixed,
    missing: !hasRl
      ? null
      : seeds.length === 0
        ? 'The trade-off is measured from what SFT had: choose orft too.'
        : swept.length === 0
          ? 'Whether a rule is better than fixed weights is known once a seed has all five of them: choose these too.'
          : swept.length === 1
            ? 'Whether a rule is better than the best fixed weight, chosen on other seeds, takes two seeds that have all five of them.'
            : null,
    points: methods.flatMap((method) => {
      const mine = seeds.filter((seed) => find(cells, method, seed));
      if (mine.length === 0) return [];
      const both = mine.filter((seed) => swept.includes(seed));
      const points = mine.map((seed) => pointOf(method, seed, null));
      return {
        method,
        seeds: mine.length,
        Category_L3_ACC: points.reduce((sum, [x]) => sum + x, 0) / points.length,
        CTCVR: points.reduce((sum, [, y]) => sum + y, 0) / points.length,
        hypervolume: over(mine, (seed, users) => area([method], seed, users)),
        swept: both.length,
        overBestFixed:
          bestFixed.length === 0 || both.length === 0 || sweep.includes(method)
            ? null
            : over(both, (seed, users) => area([method], seed, users) - area([rival(seed)], seed, users)),
        beyond:
          both.length === 0 || sweep.includes(method)
            ? null
            : both.reduce(
                (sum, seed) => sum + area([...sweep, method], seed, null) - area(sweep, seed, null),
                0,
              ) / both.length,
        dominated: both.filter((seed) =>
          sweep.some((name) => dominates(pointOf(name, seed, null), pointOf(method, seed, null))),
        ).length,
      };
    }),
    sweep: swept.length === 0 ? null : over(swept, (seed, users) => area(sweep, seed, users)),
  };
}

function find(cells: readonly Cell[], method: string, seed: number): Cell | undefined {
  return cells.find((cell) => cell.method === method && cell.seed === seed);
}

/** Mean L3 and CTCVR over the users drawn, or over all. */
function point({ outcomes }: Cell, users: Int32Array | null): Point {
  const width = OUTCOMES.length;
  const count = users?.length ?? outcomes.length / width;
  let [x, y] = [0, 0];
  for (let i = 0; i < count; i++) {
    const at = (users === null ? i : users[i]) * width;
    x += outcomes[at + L3];
    y += outcomes[at + CTCVR];
  }
  return [x / count, y / count];
}

/** Users drawn with replacement per seed, the same for every method of the seed. */
function drawUsers(cells: readonly Cell[], seeds: readonly number[]): Map<number, Int32Array>[] {
  return Array.from({ length: DRAWS }, (_, draw) => {
    const random = new Random(1, 'front/users', draw);
    return new Map(
      seeds.map((seed) => {
        const count = find(cells, 'orft', seed)!.outcomes.length / OUTCOMES.length;
        return [seed, Int32Array.from({ length: count }, () => random.int(count))];
      }),
    );
  });
}
