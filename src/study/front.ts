/**
 * The trade-off that RL is about, in the plane of (Category_L3_ACC, CTCVR): how much of it each weighting covers, and whether
 * an adaptive one reaches where no fixed weight does. Areas are measured above a reference point of the same seed, nine tenths of what
 * SFT had in both: what falls further than that below SFT counts for nothing.
 */

import { OUTCOMES } from '../evaluate/metrics';
import { dominates, hypervolume } from '../evaluate/pareto';
import { type Interval, intervalOf } from '../numeric/interval';
import { Random } from '../numeric/random';
import { METHODS, SWEEP } from './methods';
import type { Cell } from './tables';

export interface FrontPoint {
  method: string;
  seeds: number;
  Category_L3_ACC: number;
  CTCVR: number;
  /** Area that its point covers, mean over seeds; users and seeds drawn again. */
  hypervolume: Interval;
  /** Area that it adds to what the fixed weights cover together; null for these, and where no seed has the whole sweep. */
  beyond: Interval | null;
  /** Seeds in which some fixed weight is better in both, or as good in one. */
  dominated: number;
}

export interface Front {
  points: FrontPoint[];
  /** Area that the fixed weights cover together; null where no seed has all of them. */
  sweep: Interval | null;
}

export const FRONT_NOTE =
  'Areas are above nine tenths of the same seed\u2019s SFT in (Category_L3_ACC, CTCVR), on test users that nothing was tuned on.';

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

  return {
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
        beyond:
          both.length === 0 || sweep.includes(method)
            ? null
            : over(both, (seed, users) => area([...sweep, method], seed, users) - area(sweep, seed, users)),
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
