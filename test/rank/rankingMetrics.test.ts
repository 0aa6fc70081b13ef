import { describe, expect, it } from 'vitest';
import { type Interval, intervalOf } from '../../src/numeric/interval';
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

  /** Every draw written out: users drawn with replacement, and each one's impressions as often as the user. */
  function written(
    purpose: string,
    of: (rows: number[]) => number,
    ids: readonly number[],
    draws: number,
  ): Interval {
    const random = new Random(7, purpose);
    const rowsOf = (user: number) => users.flatMap((one, row) => (one === user ? [row] : []));
    const gains = Float64Array.from({ length: draws }, () =>
      of(Array.from({ length: ids.length }, () => rowsOf(ids[random.int(ids.length)])).flat()),
    );
    return intervalOf(of(ids.flatMap(rowsOf)), gains);
  }
  const close = ({ mean, low, high, p }: Interval) => ({
    mean: expect.closeTo(mean, 9),
    low: expect.closeTo(low, 9),
    high: expect.closeTo(high, 9),
    p: expect.closeTo(p, 9),
  });
  const at = <T>(values: readonly T[], rows: readonly number[]) => rows.map((row) => values[row]);

  it('draws users again, each with all impressions, ties counting half', () => {
    const [before, after] = [poor, good].map((scores) => scores.map((score) => Math.round(score)));
    const ids = [...new Set(users)];
    const expected = written(
      'auc gain',
      (rows) => auc(at(after, rows), at(labels, rows)) - auc(at(before, rows), at(labels, rows)),
      ids,
      30,
    );
    expect(aucGain({ before, after, labels, users }, 7, 30)).toEqual(close(expected));
  });

  it('of GAUC draws those users again who have both classes, and weighs each by its impressions', () => {
    // Users of different weights: the first have fewer rows.
    const rows = labels.flatMap((_, row) => (users[row] < 20 && row >= 300 ? [] : [row]));
    const some = {
      before: at(poor, rows),
      after: at(good, rows),
      labels: at(labels, rows),
      users: at(users, rows),
    };
    const groups = [...new Set(some.users)].filter((user) => {
      const own = some.labels.filter((_, row) => some.users[row] === user);
      return own.includes(0) && own.includes(1);
    });
    const gainOf = (user: number) => {
      const own = some.users.flatMap((one, row) => (one === user ? [row] : []));
      const of = (scores: readonly number[]) => auc(at(scores, own), at(some.labels, own));
      return { weight: own.length, gain: of(some.after) - of(some.before) };
    };
    const known = groups.map(gainOf);
    const random = new Random(7, 'gauc gain');
    const mean = (drawn: typeof known) =>
      drawn.reduce((sum, { weight, gain }) => sum + weight * gain, 0) /
      drawn.reduce((sum, { weight }) => sum + weight, 0);
    const draws = Float64Array.from({ length: 30 }, () =>
      mean(known.map(() => known[random.int(known.length)])),
    );
    expect(groupedAucGain(some, 7, 30)).toEqual(close(intervalOf(mean(known), draws)));
  });

  it('is nothing where all are of one class', () => {
    const alike = labels.map(() => 1);
    expect(aucGain({ before: poor, after: good, labels: alike, users }, 1, 5).mean).toBe(0);
    expect(aucGain({ before: poor, after: good, labels: alike.map(() => 0), users }, 1, 5).mean).toBe(0);
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
