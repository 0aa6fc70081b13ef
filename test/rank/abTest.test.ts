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

  it('shows the first of equals, at the price that the other offers', () => {
    const equal = auction([0.5, 0.5], [1, 1], truth, () => 0);
    expect(equal.value.expected).toBe(0.5);
    expect(equal.revenue.expected).toBe(0.5);
    // The second-greatest offer sets the price wherever it stands.
    expect(auction([0.5, 0.1, 0.2], [2, 1, 1], truth, () => 0).revenue.happened).toBeCloseTo(0.4, 12);
    expect(auction([0.1, 0.2, 0.5], [1, 1, 2], truth, () => 0).revenue.happened).toBeCloseTo(0.4, 12);
  });

  it('gives the place away where nothing else is offered', () => {
    expect(auction([0.5], [2], truth, () => 0).revenue).toEqual({ happened: 0, expected: 0 });
    expect(auction([0, 0, 0], [1, 1, 1], truth, () => 0).revenue).toEqual({ happened: 0, expected: 0 });
  });

  it('draws bids by the seed alone', () => {
    expect(drawBids(50, 1)).toEqual(drawBids(50, 1));
    expect(drawBids(50, 2)).not.toEqual(drawBids(50, 1));
    const logs = Array.from(drawBids(4000, 1), Math.log);
    const mean = logs.reduce((a, b) => a + b, 0) / 4000;
    const variance = logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 4000;
    // Around 1, and within a factor of e^0.5 mostly.
    expect(mean).toBeCloseTo(0, 1);
    expect(Math.sqrt(variance)).toBeCloseTo(0.5, 1);
    expect(logs.filter((x) => Math.abs(x) < 1.5).length / 4000).toBeGreaterThan(0.99);
  });
});
