import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assertWeights,
  gradientCosine,
  gradientNorms,
  groupStatistics,
  influences,
  popoLightWeights,
  popoWeights,
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

  it('come with the norms and the cosine', () => {
    const gram = gramOf([
      [3, 0],
      [-1, 2],
    ]);
    expectClose(gradientNorms(gram, 2), [3, Math.sqrt(5)]);
    expect(gradientCosine(gram, 2)).toBeCloseTo(-1 / Math.sqrt(5), 12);
    expect(gradientCosine([4], 1)).toBeNull();
    expect(gradientCosine([0, 0, 0, 1], 2)).toBeNull();
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
  });
});

describe('assertWeights', () => {
  it.each([[[]], [[0.5, 0.6]], [[-0.5, 1.5]], [[Number.NaN, 1]]])('refuses %j', (weights) => {
    expect(() => assertWeights(weights)).toThrow(/non-negative and sum to 1/);
  });

  it('takes a vertex', () => {
    expect(() => assertWeights([0, 1])).not.toThrow();
  });
});
