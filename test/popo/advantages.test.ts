import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AdvantageOptions,
  assertRewards,
  computeAdvantages,
  moments,
  objectiveAdvantages,
  RewardError,
  rewardMetrics,
} from '../../src/popo/advantages';
import vectors from '../vectors/popo.json';

const expectClose = (actual: ArrayLike<number>, expected: number[], tolerance = 1e-9) => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i] - value)).toBeLessThan(tolerance);
  });
};

const options = (name: string, weights: number[], groupSize: number): AdvantageOptions => {
  const [aggregation, scale = 'group'] = name.split('/');
  return {
    groupSize,
    weights,
    aggregation: aggregation as AdvantageOptions['aggregation'],
    scaleRewards: scale as AdvantageOptions['scaleRewards'],
  };
};

describe('advantages', () => {
  vectors.advantages.forEach((vector, index) => {
    for (const [name, expected] of Object.entries(vector.advantages)) {
      it(`match vector ${index}, ${name}`, () => {
        expectClose(
          computeAdvantages(vector.rewards.flat(), options(name, vector.weights, vector.groupSize)),
          expected,
        );
      });
    }
  });

  it('add up, each reward normalised alone, as sum_of_advantages', () => {
    const rewards = [0.9, 0.1, 0.5, 0.4, 0.2, 0.8, 0.4, 0.3, 0.7, 0.7, 0.6, 0.2];
    for (const scale of ['group', 'batch', 'none']) {
      const single = [0, 1].map((k) =>
        computeAdvantages(
          rewards.filter((_, i) => i % 2 === k),
          options(`sum_then_normalize/${scale}`, [1], 3),
        ),
      );
      const mixed = options(`sum_of_advantages/${scale}`, [0.3, 0.7], 3);
      expectClose(
        computeAdvantages(rewards, mixed),
        Array.from(single[0], (value, row) => 0.3 * value + 0.7 * single[1][row]),
      );
      objectiveAdvantages(rewards, mixed).forEach((advantages, k) => {
        expectClose(advantages, Array.from(single[k]));
      });
    }
  });

  describe('of a geometric mean', () => {
    const rewards = [0.5, 0.8, 0.2, 0.9, 0, 1, 0.4, 0.25, -0.3, 0.6, 1, 0.1];
    const mean = (weights: number[], scale = 'none') =>
      options(`multiply_then_normalize/${scale}`, weights, 3);

    it('are those of the root of the product, a negative reward counting as 0', () => {
      const multiplied = [0.4, 0.18, 0, 0.1, 0, 0.1].map(Math.sqrt);
      for (const scale of ['none', 'group', 'batch']) {
        expectClose(
          computeAdvantages(rewards, mean([0.5, 0.5], scale)),
          Array.from(computeAdvantages(multiplied, options(`sum_then_normalize/${scale}`, [1], 3))),
        );
      }
    });

    it('take a weight as an exponent, and leave out a reward of weight 0', () => {
      const [first] = computeAdvantages(rewards, mean([0.75, 0.25]));
      const powers = [0.5 ** 0.75 * 0.8 ** 0.25, 0.2 ** 0.75 * 0.9 ** 0.25, 0];
      expect(first).toBeCloseTo(powers[0] - (powers[0] + powers[1]) / 3, 12);
      const alone = [0.5, 0.2, 0, 0.4, 0, 1];
      expectClose(
        computeAdvantages(rewards, mean([1, 0])),
        Array.from(computeAdvantages(alone, options('sum_then_normalize/none', [1], 3))),
      );
    });

    it('measure each reward alone as a sum does', () => {
      for (const scale of ['group', 'batch', 'none']) {
        const sum = objectiveAdvantages(rewards, options(`sum_then_normalize/${scale}`, [0.5, 0.5], 3));
        objectiveAdvantages(rewards, mean([0.5, 0.5], scale)).forEach((alone, k) => {
          expectClose(alone, Array.from(sum[k]), 1e-15);
        });
      }
    });

    it('have it as the reward that is logged', () => {
      expect(rewardMetrics(rewards, mean([0.5, 0.5])).reward).toBeCloseTo(
        (Math.sqrt(0.4) + Math.sqrt(0.18) + 2 * Math.sqrt(0.1)) / 6,
        12,
      );
    });
  });

  it('are exactly 0 in a group of equal rewards, whatever their value', () => {
    const rewards = [0.1, 0.7, 0.1, 0.7, 0.1, 0.7, 0.2, 0.3, 0.5, 0.9, 0.4, 0.1];
    for (const name of [
      'sum_then_normalize/group',
      'sum_then_normalize/batch',
      'sum_then_normalize/none',
      'multiply_then_normalize/group',
    ]) {
      const advantages = computeAdvantages(rewards, options(name, [0.3, 0.7], 3));
      expect(Array.from(advantages.subarray(0, 3))).toEqual([0, 0, 0]);
      expect(advantages.subarray(3).some((value) => Math.abs(value) > 1e-3)).toBe(true);
    }
  });

  it('are 0 for a single rollout per prompt and for a single rollout at all', () => {
    expectClose(computeAdvantages([0.4, 0.9, 0.1], options('sum_then_normalize/batch', [1], 1)), [0, 0, 0]);
    expectClose(computeAdvantages([0.4], options('normalize_then_sum', [1], 1)), [0]);
  });

  it('sum to 0 over each group, for any K and G', () => {
    const cases = fc
      .record({
        G: fc.integer({ min: 1, max: 6 }),
        K: fc.integer({ min: 1, max: 4 }),
        P: fc.integer({ min: 1, max: 5 }),
      })
      .chain(({ G, K, P }) =>
        fc.record({
          G: fc.constant(G),
          weights: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: K, maxLength: K }),
          rewards: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), {
            minLength: P * G * K,
            maxLength: P * G * K,
          }),
        }),
      );
    fc.assert(
      fc.property(cases, fc.constantFrom('group', 'batch', 'none'), ({ G, weights, rewards }, scale) => {
        const advantages = computeAdvantages(rewards, options(`sum_then_normalize/${scale}`, weights, G));
        for (let first = 0; first < advantages.length; first += G) {
          const sum = advantages.subarray(first, first + G).reduce((a, b) => a + b, 0);
          expect(Math.abs(sum)).toBeLessThan(1e-6);
        }
      }),
    );
  });

  it('of a single reward are those under weight 1 on it', () => {
    const { rewards, weights, groupSize, advantages } = vectors.advantages[0];
    const alone = objectiveAdvantages(rewards.flat(), options('sum_then_normalize/none', weights, groupSize));
    expectClose(
      alone[1],
      Array.from(
        computeAdvantages(
          rewards.map((row) => row[1]),
          options('sum_then_normalize/none', [1], groupSize),
        ),
      ),
    );
    // Without scaling, advantages are linear in rewards.
    expectClose(
      Array.from(alone[0], (value, i) => weights[0] * value + weights[1] * alone[1][i]),
      advantages['sum_then_normalize/none'],
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'refuse a reward of %s by name',
    (bad) => {
      const rewards = [0.1, 0.2, 0.3, 0.4, 0.5, bad, 0.7, 0.8];
      expect(() => computeAdvantages(rewards, options('sum_then_normalize/group', [0.5, 0.5], 2))).toThrow(
        /^Reward 1 of rollout 2 \(prompt 1\) is (NaN|-?Infinity)/,
      );
    },
  );

  it('refuse the very first reward too', () => {
    const rewards = [Number.NaN, 0.2, 0.3, 0.4];
    expect(() => computeAdvantages(rewards, options('sum_then_normalize/group', [1], 2))).toThrow(
      /^Reward 0 of rollout 0 \(prompt 0\)/,
    );
  });

  it.each([
    [0, 1],
    [1.5, 1],
    [1, 0],
    [1, 1.5],
  ])('refuse groups of %d with %d rewards', (groupSize, numRewards) => {
    expect(() => assertRewards([1, 2, 3], groupSize, numRewards)).toThrow(/make no sense: use at least 1/);
    expect(() => assertRewards([1, 2, 3], 1, 1)).not.toThrow();
  });

  it('of a single reward under GDPO are z-scores of z-scores', () => {
    const rewards = [0.9, 0.1, 0.5, 0.4, 0.2, 0.8, 0.4, 0.3, 0.7, 0.7, 0.6, 0.2];
    const alone = objectiveAdvantages(rewards, options('normalize_then_sum', [0.3, 0.7], 3));
    const z = (values: number[]) => {
      const { mean, std } = moments(values, 0, values.length);
      return values.map((value) => (value - mean) / (std + 1e-4));
    };
    for (const k of [0, 1]) {
      const own = rewards.filter((_, i) => i % 2 === k);
      expectClose(alone[k], z([...z(own.slice(0, 3)), ...z(own.slice(3))]));
    }
  });

  it('refuse rewards that are not whole groups', () => {
    expect(() => computeAdvantages([1, 2, 3], options('sum_then_normalize/group', [1], 2))).toThrow(
      RewardError,
    );
    expect(() => computeAdvantages([], options('sum_then_normalize/group', [1], 2))).toThrow(RewardError);
  });
});

describe('reward metrics', () => {
  it('are those TRL logs', () => {
    const rewards = [0.2, 0.4, 0.2, 0.4, 0.1, 0.9, 0.5, 0.3];
    const group = options('sum_then_normalize/group', [0.5, 0.5], 2);
    const metrics = rewardMetrics(rewards, group);
    expect(metrics.reward).toBeCloseTo(0.375, 12);
    expect(metrics.reward_std).toBeCloseTo(Math.SQRT1_2 * 0.1 * 0.5, 12);
    expect(metrics.frac_reward_zero_std).toBe(0.5);
    const batch = rewardMetrics(rewards, { ...group, scaleRewards: 'batch' });
    expect(batch.reward_std).toBeCloseTo(moments([0.3, 0.3, 0.5, 0.4], 0, 4).std, 12);
    const gdpo = rewardMetrics(rewards, {
      ...group,
      aggregation: 'normalize_then_sum',
      scaleRewards: 'batch',
    });
    expect(gdpo.reward_std).toBeCloseTo(metrics.reward_std, 12);
  });

  it('count the groups that teach nothing', () => {
    const alone = options('sum_then_normalize/group', [1], 2);
    expect(rewardMetrics([0.2, 0.2, 0.1, 0.9, 0.5, 0.3], alone).frac_reward_zero_std).toBeCloseTo(1 / 3, 12);
    expect(rewardMetrics([0.2, 0.2 + 1e-9, 0.1, 0.1 + 1e-6], alone).frac_reward_zero_std).toBe(0.5);
  });

  it('are of whole groups', () => {
    const alone = options('sum_then_normalize/group', [1], 2);
    expect(() => rewardMetrics([0.2, 0.4, 0.1], alone)).toThrow(RewardError);
  });
});
