import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/numeric/random';
import { covarianceWith, RewardError, rewardCovariance } from '../../src/popo/advantages';
import { ruleOf } from '../../src/popo/rules';
import { MAX_MULTIPLIER } from '../../src/popo/rules/constraint';
import { correlations } from '../../src/popo/rules/correlation';
import { minNormWeights } from '../../src/popo/rules/mgda';
import { popoWeights } from '../../src/popo/rules/popo';
import { groupStatistics, popoLightWeights } from '../../src/popo/rules/popoLight';
import type { Evidence } from '../../src/popo/rules/rule';
import {
  assertWeights,
  clipGram,
  floorWeights,
  gradientCosines,
  gradientNorms,
  influences,
  pairsOf,
  rewardPull,
} from '../../src/popo/weighting';
import vectors from '../vectors/popo.json';

const gramOf = (gradients: number[][]) =>
  gradients.flatMap((a) => gradients.map((b) => a.reduce((sum, value, i) => sum + value * b[i], 0)));

const expectClose = (actual: number[], expected: number[], tolerance = 1e-9) => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i] - value)).toBeLessThan(tolerance);
  });
};

describe('POPO weights', () => {
  vectors.popoWeights.forEach((vector, index) => {
    it(`match vector ${index}`, () => {
      const influence = influences(gramOf(vector.gradients), vector.gradients.length);
      expectClose(influence, vector.influence);
      expectClose(popoWeights(vector.weights, influence, vector.etaOverMu), vector.next);
    });
  });

  it('survive influences that overflow exp, and end at a vertex', () => {
    expectClose(popoWeights([0.5, 0.5], [1e6, 1e6 - 1e4], 1), [1, 0]);
    expectClose(popoWeights([0.5, 0.5], [-1e300, -1e300], 1), [0.5, 0.5]);
    expectClose(popoWeights([1e-300, 1], [800, 0], 1), [1, 0]);
  });

  it('leave a weight of 0 at 0 however large its influence', () => {
    expectClose(popoWeights([0, 0.25, 0.75], [1e5, 1, 1], 1), [0, 0.25, 0.75]);
  });

  it('do not see conflict between two rewards, only the difference of their norms', () => {
    const norms = [2, 1];
    const next = [-0.9, 0, 0.9].map((cos) => {
      const cross = cos * norms[0] * norms[1];
      return popoWeights([0.4, 0.6], influences([4, cross, cross, 1], 2), 0.1);
    });
    expectClose(next[0], next[1], 1e-12);
    expectClose(next[2], next[1], 1e-12);
  });

  it('stay on the simplex', () => {
    const triple = (arbitrary: fc.Arbitrary<number>) => fc.array(arbitrary, { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(
        triple(fc.double({ min: 1e-6, max: 1, noNaN: true })),
        triple(fc.double({ min: -1e6, max: 1e6, noNaN: true })),
        (raw, influence) => {
          const total = raw.reduce((a, b) => a + b, 0);
          const next = popoWeights(
            raw.map((w) => w / total),
            influence,
            0.1,
          );
          expect(next.every((w) => w >= 0)).toBe(true);
          expect(next.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
        },
      ),
    );
  });

  it('refuse an influence that is not finite', () => {
    expect(() => popoWeights([0.5, 0.5], [Number.NaN, 1], 0.1)).toThrow(/influence of reward 0 is NaN/);
  });

  it('come with the norms, and the cosine of every two', () => {
    const gram = gramOf([
      [3, 0],
      [-1, 2],
    ]);
    expectClose(gradientNorms(gram, 2), [3, Math.sqrt(5)]);
    // Rounding may leave a vanished gradient a square below 0; and gradients are small.
    expectClose(gradientNorms([-1e-9, 0, 0, 0.04], 2), [0, 0.2]);
    expect(gradientCosines([0.04, 0.01, 0.01, 0.01], 2)[0]).toBeCloseTo(0.5, 12);
    expect(gradientCosines(gram, 2)[0]).toBeCloseTo(-1 / Math.sqrt(5), 12);
    expect(gradientCosines([4], 1)).toEqual([]);
    expect(gradientCosines([0, 0, 0, 1], 2)).toEqual([null]);
    const three = gramOf([
      [1, 0],
      [0, 2],
      [1, 1],
    ]);
    expectClose(gradientCosines(three, 3) as number[], [0, Math.SQRT1_2, Math.SQRT1_2]);
    expect(pairsOf(4)).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 2],
      [1, 3],
      [2, 3],
    ]);
  });
});

describe('POPO-light weights', () => {
  vectors.advantages.forEach((vector, index) => {
    it(`match vector ${index} on each group`, () => {
      vector.popoLightPerGroup.forEach((expected, group) => {
        const rows = vector.rewards.slice(group * vector.groupSize, (group + 1) * vector.groupSize);
        expectClose(popoLightWeights(rows.flat(), vector.groupSize, vector.weights), expected);
      });
    });
  });

  it('average σ and mean over groups before dividing', () => {
    // Group 1: r_0 ∈ {0, .2}, r_1 ∈ {.5, .5}; group 2: r_0 ∈ {.4, .4}, r_1 ∈ {0, 1}.
    const rewards = [0, 0.5, 0.2, 0.5, 0.4, 0, 0.4, 1];
    const [first, second] = [0.1 / 0.25, 0.5 / 0.5];
    expectClose(
      popoLightWeights(rewards, 2, [0.5, 0.5]),
      [first / (first + second), second / (first + second)],
      1e-7,
    );
  });

  it('count negative rewards as 0, so that a mean below 0 gives no weight', () => {
    const rewards = [-0.9, 0.1, -0.1, 0.3];
    expect(groupStatistics(rewards, 2, 2).mean[0]).toBe(0);
    expectClose(popoLightWeights(rewards, 2, [0.5, 0.5]), [0, 1]);
  });

  it('keep w(t−1) when no reward has any spread, as with one rollout per prompt', () => {
    expectClose(popoLightWeights([0, 0.5, 0, 0.5], 2, [0.3, 0.7]), [0.3, 0.7]);
    expectClose(popoLightWeights([0.1, 0.5, 0.9, 0.2], 1, [0.3, 0.7]), [0.3, 0.7]);
  });

  it('come with the pull w·σ', () => {
    expectClose(rewardPull([0, 1, 0.2, 1], 2, [0.5, 0.5]), [0.1 * Math.SQRT1_2, 0]);
    const groups = [0, 0.5, 0.2, 0.5, 0.4, 0, 0.4, 1];
    expectClose(rewardPull(groups, 2, [0.3, 0.7]), [0.3 * 0.1 * Math.SQRT1_2, 0.7 * 0.5 * Math.SQRT1_2]);
  });

  it('and the pull, and what they go by, are of whole groups of finite rewards', () => {
    for (const bad of [
      [0, 1, 0.2],
      [0, Number.NaN, 0.2, 1],
    ]) {
      expect(() => rewardPull(bad, 2, [0.5, 0.5])).toThrow(RewardError);
      expect(() => popoLightWeights(bad, 2, [0.5, 0.5])).toThrow(RewardError);
    }
  });

  it('go by means over the groups', () => {
    const { mean, std } = groupStatistics([0, 0.5, 0.2, 0.5, 0.4, 0, 0.4, 1], 2, 2);
    expectClose(mean, [0.25, 0.5]);
    expectClose(std, [0.1 * Math.SQRT1_2, 0.5 * Math.SQRT1_2]);
  });
});

describe('MGDA weights', () => {
  /** ‖Σ w_k g_k‖². */
  const squaredNorm = (gram: number[], w: number[]) =>
    w.reduce(
      (sum, wi, i) => sum + w.reduce((inner, wj, j) => inner + wi * wj * gram[i * w.length + j], 0),
      0,
    );

  it.each([
    [4, 0, 1],
    [1, 0.9, 1],
    [9, 2, 1],
    [1, -0.5, 3],
    [2, 2, 2],
    [0.04, 0, 0.01],
    [0.01, 0.001, 0.04],
  ])('are the closed form for two gradients: %d, %d, %d', (a, cross, b) => {
    const slope = a + b - 2 * cross;
    const gamma = slope > 0 ? Math.max(0, Math.min(1, (b - cross) / slope)) : 0.5;
    expectClose(minNormWeights([a, cross, cross, b], 2), [gamma, 1 - gamma], 1e-12);
  });

  it('are no longer than any other mixture, and make every gradient agree', () => {
    const random = new Random(7, 'mgda');
    for (const K of [1, 2, 3, 5, 8]) {
      for (let repeat = 0; repeat < 20; repeat++) {
        const gram = gramOf(
          Array.from({ length: K }, () => Array.from({ length: 11 }, () => random.normal() + 0.3)),
        );
        const w = minNormWeights(gram, K);
        expect(w.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
        expect(Math.min(...w)).toBeGreaterThanOrEqual(0);
        const least = squaredNorm(gram, w);
        // Optimal if and only if no single gradient has a smaller product with the mixture.
        for (let i = 0; i < K; i++) {
          const product = w.reduce((sum, wj, j) => sum + wj * gram[i * K + j], 0);
          expect(product).toBeGreaterThan(least - 1e-4);
        }
      }
    }
  });

  it('stay even where all gradients vanish', () => {
    expectClose(minNormWeights([0, 0, 0, 0], 2), [0.5, 0.5]);
  });
});

/** Two groups of three answers with three rewards. */
const PAID = [
  [0, 1, 0.5],
  [0.2, 0.8, 0.5],
  [0.4, 0, 0.5],
  [0.9, 0.1, 0],
  [0.7, 0.3, 1],
  [0.8, 0.2, 0.2],
].flat();

const shown = (told: Partial<Evidence>): Evidence => ({
  ...{ weights: [0.2, 0.3, 0.5], rewards: PAID, groupSize: 3, gram: null, influence: null, etaOverMu: 0.1 },
  ...{ correlationRate: 1, correlationTarget: 0.9, constraint: { reward: 1, level: 0.5, step: 1 } },
  ...told,
});

describe('covariances of rewards', () => {
  it('are within groups, averaged over them, by hand', () => {
    // Group 1: means .2, .6, .5; group 2: .8, .2, .4. Differences of levels between groups do not count.
    const C = rewardCovariance(PAID, 3, 3);
    const of = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0) / 2;
    const [a1, b1, c1] = [
      [-0.2, 0, 0.2],
      [0.4, 0.2, -0.6],
      [0, 0, 0],
    ];
    const [a2, b2, c2] = [
      [0.1, -0.1, 0],
      [-0.1, 0.1, 0],
      [-0.4, 0.6, -0.2],
    ];
    const by = (one: number[], two: number[], three: number[], four: number[]) =>
      (of(one, two) + of(three, four)) / 2;
    expectClose(Array.from(C), [
      ...[by(a1, a1, a2, a2), by(a1, b1, a2, b2), by(a1, c1, a2, c2)],
      ...[by(a1, b1, a2, b2), by(b1, b1, b2, b2), by(b1, c1, b2, c2)],
      ...[by(a1, c1, a2, c2), by(b1, c1, b2, c2), by(c1, c1, c2, c2)],
    ]);
    const w = [0.2, 0.3, 0.5];
    // The covariance with the sum itself.
    const sums = Array.from({ length: 6 }, (_, row) =>
      w.reduce((sum, each, k) => sum + each * PAID[3 * row + k], 0),
    );
    const beside = sums.flatMap((sum, row) => [PAID[3 * row], PAID[3 * row + 1], PAID[3 * row + 2], sum]);
    const whole = rewardCovariance(beside, 3, 4);
    expectClose(
      covarianceWith(C, w),
      [3, 7, 11].map((at) => whole[at]),
    );
  });

  it('are nothing in groups of one, and of rewards that do not differ', () => {
    expect(Array.from(rewardCovariance(PAID, 1, 3))).toEqual(new Array(9).fill(0));
    expect(Array.from(rewardCovariance([0.1, 0.3, 0.1, 0.5, 0.1, 0.4], 3, 2)).slice(0, 3)).toEqual([0, 0, 0]);
    expect(() => rewardCovariance([0, Number.NaN], 1, 2)).toThrow(RewardError);
  });
});

describe('weights by correlation', () => {
  it('raise the reward that goes against the sum, and only as far as it lacks', () => {
    // Of two rewards that exclude each other, the heavier makes the sum.
    const paid = [1, 0, 0, 1, 1, 0, 0, 1];
    const told = shown({ rewards: paid, groupSize: 4, weights: [0.3, 0.7], correlationRate: 0.1 });
    expectClose(correlations(paid, 4, [0.3, 0.7]) as number[], [-1, 1]);
    const raised = 0.3 * Math.exp(0.1 * 1.9);
    expectClose(ruleOf('correlation').weigh(told)!, [raised / (raised + 0.7), 0.7 / (raised + 0.7)]);
    // Who is above the target is not lowered but by the sum's being 1; where all are, nothing moves.
    const reached = { ...told, correlationTarget: -1 };
    expectClose(ruleOf('correlation').weigh(reached)!, [0.3, 0.7]);
  });

  it('are pooled over groups, each centred by itself', () => {
    const C = rewardCovariance(PAID, 3, 3);
    const w = [0.2, 0.3, 0.5];
    const along = covarianceWith(C, w);
    const spread = Math.sqrt(along.reduce((sum, value, k) => sum + w[k] * value, 0));
    const want = along.map((value, k) => value / (spread * Math.sqrt(C[4 * k])));
    expectClose(correlations(PAID, 3, w) as number[], want);
    expect(Math.min(...want)).toBeLessThan(0);
    // Levels of groups do not matter, and neither do scales.
    const moved = PAID.map((value, at) => (at % 3 === 0 ? 5 * value : value) + (at < 9 ? 3 : 0));
    expectClose(correlations(moved, 3, [0.2 / 5, 0.3, 0.5]) as number[], want, 1e-6);
  });

  it('stay where the sum does not differ, and let a reward be that does not', () => {
    const flat = shown({ weights: [0, 1], rewards: [0, 0.5, 1, 0.5], groupSize: 2 });
    expect(ruleOf('correlation').weigh(flat)).toEqual([0, 1]);
    const cancels = shown({ weights: [0.5, 0.5], rewards: [0, 1, 1, 0, 0.25, 0.75], groupSize: 3 });
    expect(ruleOf('correlation').weigh(cancels)).toEqual([0.5, 0.5]);
    expect(correlations([0, 0.5, 1, 0.5], 2, [0.5, 0.5])).toEqual([1, null]);
    expectClose(ruleOf('correlation').weigh(shown({ ...flat, weights: [0.5, 0.5] }))!, [0.5, 0.5]);
  });
});

describe('weights under a constraint', () => {
  const weigh = (told: Partial<Evidence>) => ruleOf('constraint').weigh(shown(told))!;
  const held = (reward: number, level: number, step = 1) => ({ constraint: { reward, level, step } });

  it('raise what is held while it is below its level, lower it while it is above', () => {
    // Mean .4 of reward 1; λ(t−1) = .3 / .7.
    const lambda = 0.3 / 0.7;
    for (const [level, step] of [
      [0.5, 1],
      [0.45, 4],
      [0.3, 1],
    ]) {
      const next = lambda + step * (level - 0.4);
      expectClose(weigh(held(1, level, step)), [
        0.2 / 0.7 / (1 + next),
        next / (1 + next),
        0.5 / 0.7 / (1 + next),
      ]);
    }
    expect(weigh(held(1, 0.5))[1]).toBeGreaterThan(0.3);
    expect(weigh(held(1, 0.3))[1]).toBeLessThan(0.3);
    expectClose(weigh(held(1, 0.4)), [0.2, 0.3, 0.5]);
  });

  it('hold the reward that is named, of two or three', () => {
    // Means .5, .4 and 2.7 / 6.
    for (const [reward, mean] of [
      [0, 0.5],
      [1, 0.4],
      [2, 0.45],
    ]) {
      const w = shown({}).weights;
      const next = w[reward] / (1 - w[reward]) + (0.6 - mean);
      expect(weigh(held(reward, 0.6))[reward]).toBeCloseTo(next / (1 + next), 12);
    }
    const two = { weights: [0.5, 0.5], rewards: [0.2, 0.9, 0.4, 0.7], groupSize: 2 };
    expectClose(weigh({ ...two, ...held(0, 0.5) }), [1.2 / 2.2, 1 / 2.2]);
    expectClose(weigh({ ...two, ...held(1, 0.5) }), [1 / 1.7, 0.7 / 1.7]);
  });

  it('come back from either end, and stay at it no longer than they must', () => {
    const two = { rewards: [0.2, 0.9, 0.4, 0.7], groupSize: 2 };
    // Far above its level the multiplier is 0, never below it.
    expectClose(weigh({ ...two, weights: [0.1, 0.9], ...held(0, 0, 100) }), [0, 1]);
    expectClose(weigh({ ...two, weights: [0, 1], ...held(0, 0.8) }), [0.5 / 1.5, 1 / 1.5]);
    const most = [MAX_MULTIPLIER / (1 + MAX_MULTIPLIER), 1 / (1 + MAX_MULTIPLIER)];
    expectClose(weigh({ ...two, weights: [1, 0], ...held(0, 0.8) }), most);
    expectClose(weigh({ ...two, weights: [0.5, 0.5], ...held(0, 1, 1e6) }), most);
    const back = weigh({ ...two, weights: [1, 0], ...held(0, 0, 1e4) });
    expect(back[0] / back[1]).toBeCloseTo(MAX_MULTIPLIER - 1e4 * 0.3, 6);
    // What shares the rest shares it evenly where it had nothing.
    expect(weigh({ weights: [0, 1, 0], ...held(1, 0, 1e5) })).toEqual([0.5, 0, 0.5]);
  });

  it('know nothing to do without a level, or with one reward', () => {
    const { weigh: rule } = ruleOf('constraint');
    expect(rule(shown({ constraint: { reward: 1, level: null, step: 1 } }))).toBeNull();
    expect(rule(shown({ weights: [1], rewards: [0.2, 0.4], groupSize: 2, ...held(0, 1) }))).toBeNull();
  });
});

describe('floorWeights', () => {
  it('raises what is below, and shrinks the others in proportion', () => {
    expectClose(floorWeights([0.05, 0.35, 0.6], 0.1), [0.1, (0.9 * 0.35) / 0.95, (0.9 * 0.6) / 0.95]);
    expectClose(floorWeights([0, 0, 1], 0.2), [0.2, 0.2, 0.6]);
    // Shrinking the second takes it below the bound as well.
    expectClose(floorWeights([0, 0.26, 0.74], 0.25), [0.25, 0.25, 0.5]);
    expectClose(floorWeights([0.2, 0.8], 0.5), [0.5, 0.5]);
    expectClose(floorWeights([0.2, 0.8], 0), [0.2, 0.8]);
  });

  it('keeps the sum, and every weight at or above the bound', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (raw, share) => {
          const total = raw.reduce((a, b) => a + b, 1e-9);
          const least = share / raw.length;
          const w = floorWeights(
            raw.map((value) => (value + 1e-9 / raw.length) / total),
            least,
          );
          expect(Math.min(...w)).toBeGreaterThanOrEqual(least - 1e-9);
          expect(w.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
        },
      ),
    );
  });
});

describe('clipGram', () => {
  it('is the Gram matrix of the clipped gradients', () => {
    const gradients = [
      [3, 4],
      [0.3, -0.1],
      [0, 0],
    ];
    const clipped = [[0.6, 0.8], gradients[1], gradients[2]];
    expectClose(clipGram(gramOf(gradients), 3, 1), gramOf(clipped), 1e-12);
    expectClose(clipGram(gramOf(gradients), 3, 0), gramOf(gradients), 0 + 1e-12);
  });
});

describe('assertWeights', () => {
  it.each([[[]], [[0.5, 0.6]], [[-0.5, 1.5]], [[Number.NaN, 1]]])('refuses %j', (weights) => {
    expect(() => assertWeights(weights)).toThrow(/non-negative and sum to 1/);
  });

  it('takes a vertex, and the one weight of one reward', () => {
    expect(() => assertWeights([0, 1])).not.toThrow();
    expect(() => assertWeights([1])).not.toThrow();
  });
});
