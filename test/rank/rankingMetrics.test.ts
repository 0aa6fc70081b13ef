import { describe, expect, it } from 'vitest';
import { type Interval, intervalOf } from '../../src/numeric/interval';
import { Random } from '../../src/numeric/random';
import { auc } from '../../src/rank/auc';
import {
  drawnAuc,
  drawnGroupedAuc,
  drawnRate,
  gainOf,
  groupedAuc,
  groupedAucGain,
  hitsAt,
  logLoss,
  rankOf,
  type ScoredOnce,
  type ScoredTwice,
} from '../../src/rank/rankingMetrics';

function aucGain({ before, after, labels, users }: ScoredTwice, seed: number, draws: number): Interval {
  const of = (scores: ArrayLike<number>) => drawnAuc({ scores, labels, users }, seed, draws);
  return gainOf(of(before), of(after));
}

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

describe('what a metric comes to when users are drawn again', () => {
  /** Two users of two impressions each: AUC is 3/4 of both, 1 of the first alone, 1/2 where the second is drawn twice. */
  const two: ScoredOnce = { scores: [0.1, 0.4, 0.3, 0.3], labels: [0, 1, 0, 1], users: [8, 8, 5, 5] };

  it('is one of the few things that two users can give, by hand', () => {
    const { value, draws } = drawnAuc(two, 3, 400);
    // 4 pairs: .4 > .1, .4 > .3, .3 > .1, and .3 against .3.
    expect(value).toBe(3.5 / 4);
    const shares = [1, 3.5 / 4, 0.5].map((wanted) => draws.filter((draw) => draw === wanted).length / 400);
    // The first twice, each once, the second twice: a quarter, a half, a quarter.
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(1);
    [0.25, 0.5, 0.25].forEach((share, at) => void expect(shares[at]).toBeCloseTo(share, 1));
    expect(drawnAuc(two, 3, 400)).toEqual({ value, draws });
  });

  it('is of a mean that of its users, each weighed by rows, and of GAUC of those who have both classes', () => {
    const rate = drawnRate({ values: [1, 0, 1, 1, 4], users: [1, 1, 1, 2, 2] }, 3, 400);
    expect(rate.value).toBeCloseTo(7 / 5, 12);
    // Drawn: one twice, both, the other twice.
    expect(new Set(Array.from(rate.draws, (draw) => draw.toFixed(9)))).toEqual(
      new Set([2 / 3, 7 / 5, 5 / 2].map((mean) => mean.toFixed(9))),
    );
    const grouped = drawnGroupedAuc(
      {
        scores: [...(two.scores as number[]), 9],
        labels: [...(two.labels as number[]), 1],
        users: [8, 8, 5, 5, 4],
      },
      3,
      400,
    );
    expect(grouped.value).toBeCloseTo((2 * 1 + 2 * 0.5) / 4, 12);
    expect(new Set(grouped.draws)).toEqual(new Set([0.5, 0.75, 1]));
    expect(drawnRate({ values: [], users: [] }, 3, 2)).toEqual({ value: 0, draws: new Float64Array(2) });
  });

  /** Users who differ in how much they are liked by the ranker: their impressions go together. */
  function crowd(random: Random, users: number, each: number): ScoredOnce & { second: number[] } {
    const rows = Array.from({ length: users * each }, (_, row) => Math.floor(row / each));
    const own = Array.from({ length: users }, () => random.normal());
    const labels = rows.map(() => Number(random.chance(0.4)));
    return {
      scores: labels.map((label, row) => label + own[rows[row]] + 0.6 * random.normal()),
      second: labels.map((label, row) => 1.2 * label + own[rows[row]] + 0.6 * random.normal()),
      labels,
      users: rows,
    };
  }

  /**
   * Another route: the closed form for clusters (Obuchowski, "Nonparametric analysis of clustered ROC curve data", 1997), pair by pair.
   * @returns the covariance of both rankers' AUCs; the variance of one where they are the same
   */
  function clustered(a: ArrayLike<number>, b: ArrayLike<number>, { labels, users }: ScoredOnce): number {
    const ids = [...new Set(Array.from(users))];
    const rows = Array.from(labels, (_, row) => row);
    const [yes, no] = [rows.filter((row) => labels[row]), rows.filter((row) => !labels[row])];
    const wins = (scores: ArrayLike<number>, x: number, y: number) =>
      scores[x] > scores[y] ? 1 : scores[x] === scores[y] ? 0.5 : 0;
    const of = (scores: ArrayLike<number>) => {
      const ofYes = new Map(
        yes.map((x) => [x, no.reduce((sum, y) => sum + wins(scores, x, y), 0) / no.length]),
      );
      const ofNo = new Map(
        no.map((y) => [y, yes.reduce((sum, x) => sum + wins(scores, x, y), 0) / yes.length]),
      );
      const area = [...ofYes.values()].reduce((sum, value) => sum + value, 0) / yes.length;
      return ids.map((user) => {
        const left = (of: Map<number, number>) =>
          [...of].reduce((sum, [row, value]) => (users[row] === user ? sum + value - area : sum), 0);
        return { yes: left(ofYes), no: left(ofNo) };
      });
    };
    const [first, second] = [of(a), of(b)];
    const sum = (x: 'yes' | 'no', y: 'yes' | 'no') =>
      first.reduce((total, one, user) => total + one[x] * second[user][y], 0);
    const [m, n, clusters] = [yes.length, no.length, ids.length];
    return (
      (clusters / (clusters - 1)) *
      (sum('yes', 'yes') / m ** 2 +
        sum('no', 'no') / n ** 2 +
        (sum('yes', 'no') + sum('no', 'yes')) / (m * n))
    );
  }

  const spread = (draws: Float64Array) => {
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    return Math.sqrt(draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (draws.length - 1));
  };

  it('spreads as the closed form for clusters says, alone and paired, and more than impressions would by themselves', () => {
    const many = crowd(new Random(11, 'crowd'), 150, 6);
    const first = drawnAuc(many, 5, 2000);
    const second = drawnAuc({ ...many, scores: many.second }, 5, 2000);
    const alone = clustered(many.scores, many.scores, many);
    expect(spread(first.draws) / Math.sqrt(alone)).toBeCloseTo(1, 1);
    const gain = first.draws.map((value, draw) => second.draws[draw] - value);
    const between =
      alone + clustered(many.second, many.second, many) - 2 * clustered(many.scores, many.second, many);
    expect(Math.abs(spread(gain) / Math.sqrt(between) - 1)).toBeLessThan(0.1);
    // What is paired is told far better.
    expect(spread(gain)).toBeLessThan(spread(first.draws));
    const single = { ...many, users: Array.from(many.users, (_, row) => row) };
    expect(clustered(single.scores, single.scores, single)).toBeLessThan(alone);
  });

  it('holds the truth in about 95 of 100 samples of people', () => {
    // Of two people: P(1 + d > 0) for d of variance 2 (1 + .36).
    const truth = drawnAuc(crowd(new Random(1, 'truth'), 20_000, 2), 1, 1).value;
    const TRIES = 200;
    const held = Array.from({ length: TRIES }, (_, attempt) => {
      const { value, draws } = drawnAuc(crowd(new Random(attempt, 'tries'), 80, 6), attempt, 400);
      const { low, high } = intervalOf(value, draws);
      return low <= truth && truth <= high;
    }).filter(Boolean).length;
    expect(held / TRIES).toBeGreaterThan(0.89);
    expect(held / TRIES).toBeLessThan(0.99);
  });
});
