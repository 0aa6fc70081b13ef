/**
 * The hull of the fixed weights, and what lies above it, among the test users of each slice alone. It describes: a slice has a part of the
 * users, its intervals are of 95 % each, and no verdict is given by them.
 */
import { OUTCOMES } from '../evaluate/metrics';
import { usersBySlice } from '../evaluate/slices';
import type { Interval } from '../numeric/interval';
import type { Cell } from './cell';
import { relatives } from './front';
import { isFiner, METHODS, SWEEP } from './methods';
import { PlanePoints } from './planePoints';

export interface SliceFront {
  /** As the data set names it. */
  name: string;
  /** Area below the hull of the fixed weights and SFT, over the seeds that have all of them. */
  hull: Interval;
  /** See `FrontPoint.overHull`. */
  rules: { method: string; overHull: Interval }[];
  /** See `Family.share`. */
  families: { name: string; share: Interval }[];
}

const DRAWS = 300;
const FIXED = SWEEP.map(({ name }) => name);

/** @returns nothing for cells without slices, and where no seed has all fixed weights */
export function sliceFronts(all: readonly Cell[], names: readonly string[]): SliceFront[] {
  return names.flatMap((name) => {
    const plane = new PlanePoints(
      all.flatMap((cell) => among(cell, name)),
      DRAWS,
    );
    const { swept } = plane;
    if (swept.length === 0) return [];
    const hull = plane.over(swept, (seed, draw) => plane.hull(FIXED, seed, draw));
    // Where nobody of a slice is answered rightly there is no area to be above.
    if (!(hull.low > 0)) return [];
    const isRl = (method: string) =>
      isFiner(method) || METHODS.some((known) => known.name === method && known.row === 'popo');
    const rules = [...new Set(all.map(({ method }) => method))]
      .filter((method) => isRl(method) && !FIXED.includes(method))
      .map((method) => ({ method, seeds: swept.filter((seed) => plane.has(method, seed)) }))
      .filter(({ seeds }) => seeds.length > 0);
    return [
      {
        name,
        hull,
        rules: rules.map(({ method, seeds }) => ({
          method,
          overHull: plane.over(seeds, (seed, draw) => plane.above(method, seed, draw)),
        })),
        families: relatives(plane).map(({ name: family, methods, seeds }) => ({
          name: family,
          share: plane.over(
            seeds,
            (seed, draw) => plane.hull(methods, seed, draw) / plane.hull(FIXED, seed, draw),
          ),
        })),
      },
    ];
  });
}

/** The cell as if it had been judged on the users of one slice; nothing where it has none. */
function among(cell: Cell, name: string): Cell[] {
  const users = usersBySlice(cell.slices ?? { names: [], of: [] }).find(
    (slice) => slice.name === name,
  )?.users;
  if (users === undefined) return [];
  const width = OUTCOMES.length;
  return [
    { ...cell, outcomes: users.flatMap((user) => cell.outcomes.slice(user * width, (user + 1) * width)) },
  ];
}

const areaText = ({ mean, low, high }: Interval) =>
  `${(1000 * mean).toFixed(2)} [${(1000 * low).toFixed(2)}, ${(1000 * high).toFixed(2)}]`;
const shareText = ({ mean, low, high }: Interval) =>
  `${(100 * mean).toFixed(1)} % [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;

/** Rows for a terminal; empty where there are no fronts. */
export function sliceFrontRows(fronts: readonly SliceFront[]): string[][] {
  if (fronts.length === 0) return [];
  const [first] = fronts;
  return [
    ['the front by slice, areas ×1000', ...fronts.map(({ name }) => name)],
    ['hull of the fixed weights and SFT', ...fronts.map(({ hull }) => areaText(hull))],
    ...first.rules.map(({ method }, at) => [
      `${method} above it`,
      ...fronts.map(({ rules }) => areaText(rules[at].overHull)),
    ]),
    ...first.families.map(({ name }, at) => [
      `${name}, of it`,
      ...fronts.map(({ families }) => shareText(families[at].share)),
    ]),
  ];
}
