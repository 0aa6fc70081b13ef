/** The hull by slice, on points that are known. */
import { expect, it } from 'vitest';
import { OUTCOMES } from '../../src/evaluate/metrics';
import { sliceTables } from '../../src/study/bySlice';
import type { Cell } from '../../src/study/cell';
import { claimText, judgeClaim } from '../../src/study/claim';
import { sliceFrontRows, sliceFronts } from '../../src/study/sliceFronts';

const NAMES = ['seen', 'cold'];
/** Above the reference (.45, .45) of SFT a chord from (.4, .7) to (.7, .4), where L3 + CTCVR is 1.1. */
const BAR: Record<string, number[]> = {
  orft: [0.5, 0.5],
  'fixed-0': [0.4, 0.7],
  'fixed-0.25': [0.45, 0.6],
  'fixed-0.5': [0.5, 0.5],
  'fixed-0.75': [0.6, 0.45],
  'fixed-1': [0.7, 0.4],
};

/** Users of the two slices by turns, with one place each. */
function cell(method: string, seed: number, seen: number[], cold: number[]): Cell {
  const place = (user: number) => (user % 4 < 2 ? seen : cold);
  return {
    method,
    seed,
    row: { stage: 'popo' },
    gauges: { reward: [], frac_reward_zero_std: [], curve: [] },
    outcomes: Array.from({ length: 16 }, (_, user) =>
      OUTCOMES.map((metric) =>
        metric === 'Category_L3_ACC' ? place(user)[0] : metric === 'CTCVR' ? place(user)[1] : 0,
      ),
    ).flat(),
    slices: {
      names: [...NAMES, 'nobody'],
      of: Array.from({ length: 16 }, (_, user) => Number(user % 4 >= 2)),
    },
  } as unknown as Cell;
}

const seedOf = (seed: number) => [
  ...Object.entries(BAR).map(([method, at]) => cell(method, seed, at, at)),
  // On the chord among the seen, above it among the cold.
  cell('popo', seed, [0.55, 0.55], [0.6, 0.6]),
  // Below it among the cold: a triangle of the chord's length and a height of .05 / √2.
  cell('mgda', seed, [0.55, 0.55], [0.525, 0.525]),
  // What is mixed of the two ends has the chord to itself among the seen; among the cold it reaches (.6, .6).
  ...[0.25, 0.5, 0.75].map((share) => cell(`soup-${share}`, seed, [0.55, 0.55], [0.6, 0.6])),
];
const cells = [1, 2].flatMap(seedOf);

it('is measured among the users of each slice alone', () => {
  const fronts = sliceFronts(cells, NAMES);
  expect(fronts.map(({ name }) => name)).toEqual(NAMES);
  for (const { hull } of fronts) expect(hull.mean).toBeCloseTo(0.2 ** 2 / 2, 9);
  const above = (slice: number, method: string) =>
    fronts[slice].rules.find((rule) => rule.method === method)!.overHull;
  expect(above(0, 'popo').mean).toBeCloseTo(0, 9);
  expect(above(1, 'popo').mean).toBeCloseTo((0.3 * Math.SQRT2 * (0.1 / Math.SQRT2)) / 2, 9);
  expect(above(1, 'mgda').mean).toBeCloseTo(-(0.3 * Math.SQRT2 * (0.05 / Math.SQRT2)) / 2, 9);
  expect(fronts[0].rules.map(({ method }) => method)).not.toContain('fixed-0.5');
  const [[seen], [cold]] = fronts.map(({ families }) => families);
  expect(seen.name).toBe('fixed-0 and fixed-1 and 3 made from them');
  expect(seen.share.mean).toBeCloseTo(1, 9);
  // Within x, y ≥ .45 two trapezia of the lines from (.6, .6) to the ends: (.6 − .45)(.65 + .6 − .9) / 2, twice .15 · .2 less the corner.
  const side = (from: number[], to: number[], x: number) =>
    from[1] + ((to[1] - from[1]) * (x - from[0])) / (to[0] - from[0]) - 0.45;
  const left = (side([0.4, 0.7], [0.6, 0.6], 0.45) + 0.15) / 2;
  const zero = 0.6 + (0.15 * 0.1) / 0.2;
  expect(cold.share.mean).toBeCloseTo((0.15 * left + (0.15 * (zero - 0.6)) / 2) / 0.02, 6);
});

it('is in the tables of a study and in the text of a claim, and nothing where the sweep is not whole', () => {
  const tables = sliceTables(cells)!;
  expect(tables.fronts!.map(({ name }) => name)).toEqual(NAMES);
  const claim = judgeClaim(cells, 20);
  const l3 = claim.slices!.means.find(({ method }) => method === 'popo')!.slices;
  expect(l3.map(({ Category_L3_ACC }) => Category_L3_ACC.mean)).toEqual([
    expect.closeTo(0.55, 9),
    expect.closeTo(0.6, 9),
  ]);
  const text = claimText(claim);
  expect(text).toMatch(/^By slice of test users, each with a 95 % interval, not corrected/m);
  expect(text).toMatch(/^by slice +L3 seen \(16\) +CTCVR seen +L3 cold \(16\) +CTCVR cold$/m);
  expect(text).toMatch(/^popo above it +-?0\.00 \[.*\] +15\.00 \[15\.00, 15\.00\]$/m);
  expect(
    sliceFronts(
      cells.filter(({ method }) => method !== 'fixed-1'),
      NAMES,
    ),
  ).toEqual([]);
  expect(sliceFrontRows([])).toEqual([]);
  const plain = judgeClaim(
    cells.map(({ slices: _, ...rest }) => rest as Cell),
    20,
  );
  expect(plain.slices).toBeNull();
  expect(claimText(plain)).not.toContain('By slice');
});
