import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auc } from '../../src/rank/auc';

describe('auc', () => {
  it('is the share of positive and negative pairs in the right order, ties half', () => {
    const rows = fc.array(
      fc.record({ score: fc.integer({ min: 0, max: 6 }), label: fc.integer({ min: 0, max: 1 }) }),
    );
    fc.assert(
      fc.property(rows, (all) => {
        const positives = all.filter(({ label }) => label === 1);
        const negatives = all.filter(({ label }) => label === 0);
        let right = 0;
        for (const a of positives) {
          for (const b of negatives) right += a.score > b.score ? 1 : a.score === b.score ? 0.5 : 0;
        }
        const pairs = positives.length * negatives.length;
        const expected = pairs > 0 ? right / pairs : 0.5;
        const scores = all.map(({ score }) => score);
        const labels = all.map(({ label }) => label);
        expect(auc(scores, labels)).toBeCloseTo(expected, 12);
      }),
    );
  });
});
