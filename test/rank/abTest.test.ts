import { describe, expect, it } from 'vitest';
import { auction, drawBids } from '../../src/rank/abTest';

describe('the auction', () => {
  const truth = (item: number) => [0.5, 0.2, 0.1][item];

  it('shows the greatest bid · pCTCVR, which pays what kept it first', () => {
    // Offers .2, .6, .3: item 1 wins and pays .3 / .2 = 1.5 per conversion.
    const outcome = auction([0.2, 0.2, 0.3], [1, 3, 1], truth, () => 0);
    expect(outcome.value).toEqual({ happened: 3, expected: 3 * 0.2 });
    expect(outcome.revenue.happened).toBeCloseTo(1.5, 12);
    expect(outcome.revenue.expected).toBeCloseTo(0.3, 12);
  });

  it('brings nothing when the visitor does not buy, and charges no more than the bid', () => {
    const unlucky = auction([0.2, 0.2, 0.3], [1, 3, 1], truth, () => 0.2);
    expect([unlucky.revenue.happened, unlucky.value.happened]).toEqual([0, 0]);
    const tied = auction([0.5, 0.5, 0], [2, 2, 9], truth, () => 0);
    expect(tied.revenue.happened).toBe(2);
    expect(tied.value.happened).toBe(2);
  });

  it('gives the place away where nothing else is offered', () => {
    expect(auction([0.5], [2], truth, () => 0).revenue).toEqual({ happened: 0, expected: 0 });
    expect(auction([0, 0, 0], [1, 1, 1], truth, () => 0).revenue).toEqual({ happened: 0, expected: 0 });
  });

  it('draws bids by the seed alone', () => {
    expect(drawBids(50, 1)).toEqual(drawBids(50, 1));
    expect(drawBids(50, 2)).not.toEqual(drawBids(50, 1));
    expect(Math.min(...drawBids(500, 1))).toBeGreaterThan(0);
  });
});
