import { describe, expect, it } from 'vitest';
import { OUTCOMES } from '../../src/evaluate/metrics';
import { sliceRowsText, sliceTables } from '../../src/study/bySlice';
import type { Cell } from '../../src/study/cell';
import { studyTables, tablesText } from '../../src/study/tables';

const NAMES = ['seen', 'composed', 'cold'];

/** A cell of four users, two seen and two composed, with L3 as told and a CTCVR of a tenth of it. */
function cell(method: string, seed: number, l3: number[], of: number[] = [0, 1, 0, 1]): Cell {
  return {
    method,
    seed,
    row: { stage: 'popo', valid_rate: 1, distinct_top1: 1, popularity_share: 0 },
    gauges: { frac_reward_zero_std: [] },
    outcomes: l3.flatMap((value) =>
      OUTCOMES.map((metric) => (metric === 'Category_L3_ACC' ? value : metric === 'CTCVR' ? value / 10 : 0)),
    ),
    slices: { names: NAMES, of },
  } as unknown as Cell;
}

const cells = [
  cell('orft', 1, [1, 0, 1, 0]),
  cell('orft', 2, [0, 0, 1, 0]),
  cell('fixed-0.5', 1, [1, 1, 1, 0]),
  cell('fixed-0.5', 2, [1, 1, 0, 1]),
];

describe('a study by slice', () => {
  it('has means over the users of each slice and seed, and leaves out a slice that nobody is of', () => {
    const tables = sliceTables(cells)!;
    expect([tables.names, tables.users]).toEqual([
      ['seen', 'composed'],
      [4, 4],
    ]);
    const of = (method: string) =>
      tables.means.find((row) => row.method === method)!.slices.map((slice) => slice.Category_L3_ACC.mean);
    // orft: seen 1, 1 and 0, 1; composed nothing. fixed: seen 1, 1 and 1, 0; composed 1, 0 and 1, 1.
    expect(of('orft')).toEqual([0.75, 0]);
    expect(of('fixed-0.5')).toEqual([0.75, 0.75]);
    expect(tables.means[1].slices[1].CTCVR.mean).toBeCloseTo(0.075, 12);
  });

  it('pairs differences by user within the slice', () => {
    const { differences } = sliceTables(cells)!;
    expect(differences.map(({ method, control }) => `${method} ${control}`)).toEqual(['fixed-0.5 orft']);
    const [seen, composed] = differences[0].slices;
    expect([seen.Category_L3_ACC.mean, composed.Category_L3_ACC.mean]).toEqual([0, 0.75]);
    expect([composed.Category_L3_ACC.seeds, composed.Category_L3_ACC.users]).toEqual([2, 4]);
    expect(composed.Category_L3_ACC.low).toBeGreaterThan(0);
  });

  it('follows each seed’s own users', () => {
    const other = sliceTables([cell('orft', 1, [1, 0, 0, 0]), cell('orft', 2, [0, 0, 1, 0], [2, 0, 1, 2])])!;
    expect(other.names).toEqual(['seen', 'composed']);
    // Seed 1: seen 1, 0. Seed 2: seen 0; composed 1.
    expect(other.means[0].slices.map((slice) => slice.Category_L3_ACC.mean)).toEqual([0.25, 0.5]);
  });

  it('is in the tables of a study and its text, and nothing where no cell tells slices', () => {
    const text = tablesText(studyTables(cells));
    expect(text).toMatch(/^by slice +L3 seen \(4\) +CTCVR seen +L3 composed \(4\) +CTCVR composed$/m);
    expect(text).toMatch(/^fixed-0\.5 − orft +0\.0000 ±\d\.\d{4} .* 0\.7500 ±/m);
    expect(sliceRowsText(sliceTables(cells)!).length).toBe(4);
    const plain = cells.map(({ slices: _, ...rest }) => rest as Cell);
    expect(studyTables(plain).slices).toBeNull();
    expect(tablesText(studyTables(plain))).not.toContain('by slice');
  });
});
