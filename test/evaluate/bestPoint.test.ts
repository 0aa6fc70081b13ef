import { expect, it } from 'vitest';
import { bestPoint } from '../../src/evaluate/bestPoint';

/** Points by step: L3, CTCVR, different answers. */
const best = (...points: [number, number, number][]) =>
  bestPoint(
    points.map(([l3, CTCVR, distinct], index) => ({
      step: 10 * index,
      row: { Category_L3_ACC: l3, CTCVR, distinct_top1: distinct },
    })),
  );

it('is the highest L3 · CTCVR, of equal ones the earlier', () => {
  expect(best()).toBeNull();
  expect(best([0.2, 0.2, 40], [0.3, 0.2, 40], [0.2, 0.25, 40])).toEqual({ step: 10, score: 0.3 * 0.2 });
  expect(best([0.2, 0.3, 40], [0.3, 0.2, 40])).toEqual({ step: 0, score: 0.06 });
  expect(best([0, 0.3, 40], [0, 0.4, 40])).toEqual({ step: 0, score: 0 });
});

it('gives at least half of the different answers that the first gives', () => {
  expect(best([0.2, 0.2, 40], [0.6, 0.6, 1], [0.3, 0.2, 20])?.step).toBe(20);
  expect(best([0.2, 0.2, 40], [0.6, 0.6, 19])?.step).toBe(0);
  // Alignment may also widen what few answers there were.
  expect(best([0.2, 0.2, 1], [0.3, 0.3, 1])?.step).toBe(10);
});
