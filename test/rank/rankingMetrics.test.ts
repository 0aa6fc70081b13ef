import { describe, expect, it } from 'vitest';
import { Random } from '../../src/numeric/random';
import { auc } from '../../src/rank/auc';
import { aucGain, groupedAuc, groupedAucGain, hitsAt, logLoss, rankOf } from '../../src/rank/rankingMetrics';

describe('grouped AUC', () => {
  it('weighs users who have both classes by their impressions', () => {
    // User 1: one of one pair right; user 2: one of two pairs; user 3 never clicks.
    const users = [1, 1, 2, 2, 2, 3, 3];
    const labels = [0, 1, 1, 0, 0, 0, 0];
    const scores = [0.1, 0.2, 0.5, 0.4, 0.6, 0.9, 0.8];
    expect(groupedAuc(scores, labels, users)).toBeCloseTo((2 * 1 + 3 * 0.5) / 5, 12);
    expect(groupedAuc([1, 2], [1, 1], [1, 2])).toBe(0.5);
  });
});

describe('log-loss', () => {
  it('is the mean of −log P, and finite for certainty that is wrong', () => {
    expect(logLoss([0.25, 0.5], [1, 0])).toBeCloseTo((Math.log(4) + Math.log(2)) / 2, 12);
    expect(logLoss([0, 1], [1, 0])).toBeCloseTo(-Math.log(1e-7), 5);
    expect(logLoss([], [])).toBe(0);
  });
});

describe('hits and gains at K', () => {
  it('count ranks below K and discount them', () => {
    expect(hitsAt([0, 1, 9, 10], 10)).toEqual({
      hit: 3 / 4,
      ndcg: (1 + 1 / Math.log2(3) + 1 / Math.log2(11)) / 4,
    });
    expect(hitsAt([], 10)).toEqual({ hit: 0, ndcg: 0 });
  });

  it('rank equals by their place, so that a constant score finds nothing', () => {
    expect(rankOf([5, 7, 5, 5], 3)).toBe(3);
    expect(rankOf([1, 1, 1], 2)).toBe(2);
    expect(rankOf([5, 7, 5], 1)).toBe(0);
  });
});

describe('the gain in AUC', () => {
  const random = new Random(4, 'gain');
  const labels = Array.from({ length: 600 }, () => Number(random.chance(0.3)));
  const users = labels.map((_, row) => row % 60);
  const poor = labels.map((label) => label + 3 * random.normal());
  const good = labels.map((label) => label + random.normal());

  it('is the difference of both AUCs, ties included, and its interval holds it', () => {
    const rounded = good.map((score) => Math.round(score));
    const gain = aucGain({ before: poor, after: rounded, labels, users }, 1, 200);
    expect(gain.mean).toBeCloseTo(auc(rounded, labels) - auc(poor, labels), 10);
    expect(gain.low).toBeLessThan(gain.mean);
    expect(gain.high).toBeGreaterThan(gain.mean);
    expect(gain.low).toBeGreaterThan(0);
    expect(gain.p).toBeLessThan(0.02);
  });

  it('is of GAUC the difference of both GAUCs, and 0 where no user has both classes', () => {
    const gain = groupedAucGain({ before: poor, after: good, labels, users }, 1, 200);
    expect(gain.mean).toBeCloseTo(groupedAuc(good, labels, users) - groupedAuc(poor, labels, users), 10);
    expect(gain.low).toBeLessThan(gain.mean);
    expect(gain.low).toBeGreaterThan(0);
    expect(groupedAucGain({ before: good, after: poor, labels, users }, 1, 200).high).toBeLessThan(0);
    const alone = labels.map((_, row) => row);
    expect(groupedAucGain({ before: poor, after: good, labels, users: alone }, 1, 50)).toEqual({
      mean: 0,
      low: 0,
      high: 0,
      p: 1,
    });
  });

  it('is exactly 0 of a ranker against itself', () => {
    expect(aucGain({ before: poor, after: poor, labels, users }, 1, 50)).toEqual({
      mean: 0,
      low: 0,
      high: 0,
      p: 1,
    });
  });

  it('draws users, not impressions: seeing each impression four times says nothing new', () => {
    const four = <T>(values: readonly T[]) => values.flatMap((value) => [value, value, value, value]);
    const once = aucGain({ before: poor, after: good, labels, users }, 1, 200);
    const often = aucGain(
      { before: four(poor), after: four(good), labels: four(labels), users: four(users) },
      1,
      200,
    );
    expect(often.low).toBeCloseTo(once.low, 10);
    expect(often.high).toBeCloseTo(once.high, 10);
  });
});
