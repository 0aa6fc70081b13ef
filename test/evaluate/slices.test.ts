import { describe, expect, it } from 'vitest';
import type { Example } from '../../src/data/dataset';
import { meanOf, sliceRows, standardError } from '../../src/evaluate/slices';

const examples: Example[] = [0, 1, 2, 3, 4].map((user) => ({ sampleId: `${user}`, user, position: 1 }));
const slices = { names: ['old', 'new', 'none'], of: ({ user }: { user: number }) => (user < 3 ? 0 : 1) };

describe('sliceRows', () => {
  it('has a row of all and one of each slice that has examples, with means and intervals', () => {
    // [examples × 2]
    const outcomes = [1, 0.2, 0, 0.4, 1, 0.6, 0, 0.1, 0, 0.3];
    const rows = sliceRows(outcomes, ['L3', 'CTCVR'], examples, slices);
    expect(rows.map(({ name, users }) => [name, users])).toEqual([
      ['all', 5],
      ['old', 3],
      ['new', 2],
    ]);
    expect(rows.map(({ metrics }) => metrics.L3.mean)).toEqual([0.4, 2 / 3, 0]);
    expect(rows.map(({ metrics }) => metrics.CTCVR.mean.toFixed(6))).toEqual([
      '0.320000',
      '0.400000',
      '0.200000',
    ]);
    // Of .2, .4, .6 the deviation is .2, and the error of the mean .2 / √3.
    const { low, high } = rows[1].metrics.CTCVR;
    expect(high - 0.4).toBeCloseTo((1.96 * 0.2) / Math.sqrt(3), 9);
    expect(0.4 - low).toBeCloseTo(high - 0.4, 9);
    expect(rows[2].metrics.L3).toEqual({ mean: 0, low: 0, high: 0 });
  });
});

describe('a standard error', () => {
  it('is that of the mean, and nothing of one value', () => {
    expect(standardError([1, 2, 3, 4])).toBeCloseTo(Math.sqrt(5 / 3 / 4), 12);
    expect(standardError([3])).toBe(0);
    expect(meanOf([3])).toEqual({ mean: 3, low: 3, high: 3 });
  });
});
