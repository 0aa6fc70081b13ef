/**
 * Where methods lie in the plane of (Category_L3_ACC, CTCVR), on all test users of a seed and in every resample of them, each method of a
 * seed on the same users. Areas are measured above a reference point of the same seed, nine tenths of what SFT had in both: what falls
 * further than that below SFT counts for nothing.
 */
import { OUTCOMES } from '../evaluate/metrics';
import { aboveSide, hullArea, hullSides, hypervolume, sideBeside, upperHull } from '../evaluate/pareto';
import { type Interval, intervalOf } from '../numeric/interval';
import { Random } from '../numeric/random';
import type { Cell } from './cell';
import { SWEEP } from './methods';

export type PlaneMean = [number, number];

/** Which users of a resample: all, or those of even or odd number, who are other people. */
type Half = 'all' | 'even' | 'odd';
const HALVES: readonly Half[] = ['all', 'even', 'odd'];

const REFERENCE = 0.9;
const L3 = OUTCOMES.indexOf('Category_L3_ACC');
const CTCVR = OUTCOMES.indexOf('CTCVR');

/** The fine-tuned model that RL begins with. */
export const START = 'orft';
const FIXED = SWEEP.map(({ name }) => name);
/** Whoever tosses coins may also take what was there before RL. */
const BAR = [...FIXED, START];

export class PlanePoints {
  /** Seeds that have SFT, and those of them that have every fixed weight. */
  readonly seeds: readonly number[];
  readonly swept: readonly number[];
  readonly #draws: number;
  readonly #cells = new Map<string, Cell>();
  readonly #users: Map<number, Int32Array>[];
  /** By cell, [draws + 1][halves][2]; of all users first. */
  readonly #means = new Map<string, Float64Array>();
  /** Corners of the hull of the bar on one half of a seed's users. */
  readonly #corners = new Map<string, readonly string[]>();

  /** @param draws how often users are drawn again */
  constructor(cells: readonly Cell[], draws: number) {
    for (const cell of cells) this.#cells.set(key(cell.method, cell.seed), cell);
    this.seeds = [...new Set(cells.map(({ seed }) => seed))].filter((seed) => this.has(START, seed));
    this.swept = this.seeds.filter((seed) => FIXED.every((name) => this.has(name, seed)));
    this.#draws = draws;
    this.#users = drawUsers((seed) => this.#cells.get(key(START, seed)) as Cell, this.seeds, draws);
  }

  has(method: string, seed: number): boolean {
    return this.#cells.has(key(method, seed));
  }

  cell(method: string, seed: number): Cell | null {
    return this.#cells.get(key(method, seed)) ?? null;
  }

  /** @param draw of the users; null for all of them as they are */
  at(method: string, seed: number, draw: number | null, half: Half = 'all'): PlaneMean {
    const means = this.#meansOf(method, seed);
    const from = 2 * (HALVES.length * (draw === null ? 0 : draw + 1) + HALVES.indexOf(half));
    return [means[from], means[from + 1]];
  }

  /** Area that the methods' steps cover. */
  staircase(methods: readonly string[], seed: number, draw: number | null): number {
    return hypervolume(
      methods.map((name) => this.at(name, seed, draw)),
      this.#reference(seed, draw),
    );
  }

  /** Area below the hull of the methods and SFT. */
  hull(methods: readonly string[], seed: number, draw: number | null): number {
    return hullArea(
      [...new Set([...methods, START])].map((name) => this.at(name, seed, draw)),
      this.#reference(seed, draw),
    );
  }

  /**
   * How far a method is above the hull of the fixed weights and SFT, as the area of its triangle with the side that it is furthest above, or
   * least below. A hull of noisy points is that of the lucky ones, and the furthest of several sides is a lucky one too: so the corners and the
   * side are chosen on one half of the users and measured on the other, and the other way round.
   */
  above(method: string, seed: number, draw: number | null): number {
    const sidesOn = (half: Half, corners: readonly string[], of: number | null) =>
      hullSides(
        corners.map((name) => this.at(name, seed, of, half)),
        this.#reference(seed, of, half),
      );
    const on = (half: Half, chosen: Half) => {
      const corners = this.#cornersOn(seed, chosen);
      const side = sideBeside(this.at(method, seed, null, chosen), sidesOn(chosen, corners, null));
      return aboveSide(this.at(method, seed, draw, half), sidesOn(half, corners, draw)[side]);
    };
    return (on('even', 'odd') + on('odd', 'even')) / 2;
  }

  /**
   * Mean over seeds of a value that each has, with an interval from drawing seeds and users again.
   * @param miss see `intervalOf`
   */
  over(
    seeds: readonly number[],
    value: (seed: number, draw: number | null) => number,
    miss?: number,
  ): Interval {
    const mean = (chosen: readonly number[], draw: number | null) =>
      chosen.reduce((sum, seed) => sum + value(seed, draw), 0) / chosen.length;
    const again = Float64Array.from({ length: this.#draws }, (_, draw) => {
      const random = new Random(1, 'front/seeds', draw);
      return mean(
        seeds.map(() => random.pick(seeds)),
        draw,
      );
    });
    return intervalOf(mean(seeds, null), again, miss);
  }

  #reference(seed: number, draw: number | null, half: Half = 'all'): PlaneMean {
    const [x, y] = this.at(START, seed, draw, half);
    return [REFERENCE * x, REFERENCE * y];
  }

  #cornersOn(seed: number, half: Half): readonly string[] {
    const known = this.#corners.get(key(half, seed));
    if (known !== undefined) return known;
    const points = BAR.map((name) => ({ name, at: this.at(name, seed, null, half) }));
    const hull = upperHull(points.map(({ at }) => at));
    // From the highest to the furthest right, as the hull has them; of equal points one.
    const corners = hull.map(([x, y]) => points.find(({ at }) => at[0] === x && at[1] === y)!.name);
    this.#corners.set(key(half, seed), corners);
    return corners;
  }

  #meansOf(method: string, seed: number): Float64Array {
    const known = this.#means.get(key(method, seed));
    if (known !== undefined) return known;
    const { outcomes } = this.#cells.get(key(method, seed)) as Cell;
    const means = new Float64Array((this.#draws + 1) * HALVES.length * 2);
    const every = Int32Array.from({ length: outcomes.length / OUTCOMES.length }, (_, user) => user);
    const [l3, ctcvr] = [L3, CTCVR].map((at) =>
      Float64Array.from(every, (user) => outcomes[user * OUTCOMES.length + at]),
    );
    for (let row = 0; row <= this.#draws; row++) {
      const users = row === 0 ? every : (this.#users[row - 1].get(seed) as Int32Array);
      means.set(meansOf(l3, ctcvr, users), row * HALVES.length * 2);
    }
    this.#means.set(key(method, seed), means);
    return means;
  }
}

const key = (name: string, seed: number) => `${name} ${seed}`;

/** Means over the users drawn, then over those of even and of odd number; where there are none of these, over all. */
function meansOf(l3: Float64Array, ctcvr: Float64Array, users: Int32Array): number[] {
  let [x, y, oddX, oddY, odds] = [0, 0, 0, 0, 0];
  for (const user of users) {
    x += l3[user];
    y += ctcvr[user];
    if (user % 2 === 0) continue;
    oddX += l3[user];
    oddY += ctcvr[user];
    odds++;
  }
  const count = users.length;
  const evens = count - odds;
  const whole = [x / count, y / count];
  return [
    ...whole,
    ...(evens === 0 ? whole : [(x - oddX) / evens, (y - oddY) / evens]),
    ...(odds === 0 ? whole : [oddX / odds, oddY / odds]),
  ];
}

/** Users drawn with replacement per seed. */
function drawUsers(
  cellOf: (seed: number) => Cell,
  seeds: readonly number[],
  draws: number,
): Map<number, Int32Array>[] {
  return Array.from({ length: draws }, (_, draw) => {
    const random = new Random(1, 'front/users', draw);
    return new Map(
      seeds.map((seed) => {
        const count = cellOf(seed).outcomes.length / OUTCOMES.length;
        return [seed, Int32Array.from({ length: count }, () => random.int(count))];
      }),
    );
  });
}
