/**
 * POPO-light (arXiv 2606.03866). It multiplies in scale twice: it favours the reward with the larger σ, whose own pull on the sum is ∝ σ
 * already; hence `rewardPull` is reported beside the weights.
 */
import { assertRewards, moments } from '../advantages';
import type { Rule } from './rule';

export const popoLight: Rule<'popo-light'> = {
  name: 'popo-light',
  label: 'POPO-light',
  words:
    'Weights from the spread of each reward within a group, as SAW (arXiv 2606.07705) has them of the batch',
  why: 'the wider its spread for its mean, the more',
  formula: 'w_i ∝ σ_i / (mean_i + ε)',
  extraCost: 'none',
  needs: 'statistics',
  aggregation: null,
  kernel: 2,
  weigh: ({ rewards, groupSize, weights }) => popoLightWeights(rewards, groupSize, weights),
};

/** Added to the mean so that the quotient exists. */
export const LIGHT_EPSILON = 1e-8;

/**
 * σ_i and mean_i of each reward, averaged over the step's groups. Negative rewards count as 0 here: a mean ≤ 0 has no
 * σ/mean, and after the clamp a mean of 0 implies σ = 0. Rewards of this room lie in [0, 1] and are not touched by it.
 */
export function groupStatistics(
  rewards: ArrayLike<number>,
  groupSize: number,
  numRewards: number,
): { mean: number[]; std: number[] } {
  assertRewards(rewards, groupSize, numRewards);
  const clamped = Float64Array.from(rewards, (reward) => Math.max(reward, 0));
  const groups = rewards.length / (groupSize * numRewards);
  const mean = new Array<number>(numRewards).fill(0);
  const std = new Array<number>(numRewards).fill(0);
  for (let group = 0; group < groups; group++) {
    for (let k = 0; k < numRewards; k++) {
      const statistics = moments(clamped, group * groupSize * numRewards + k, groupSize, numRewards);
      mean[k] += statistics.mean / groups;
      std[k] += statistics.std / groups;
    }
  }
  return { mean, std };
}

/**
 * w_i ∝ σ_i / (mean_i + ε) with the pooled statistics of `groupStatistics`. A reward without spread in any
 * group gets weight 0 at this step; if no reward has any, nothing can be learnt from the step and w(t−1) is kept.
 * How several groups are pooled is not published; averaging before dividing is our choice.
 */
export function popoLightWeights(
  rewards: ArrayLike<number>,
  groupSize: number,
  previous: ArrayLike<number>,
): number[] {
  const { mean, std } = groupStatistics(rewards, groupSize, previous.length);
  const raw = std.map((value, k) => value / (mean[k] + LIGHT_EPSILON));
  const total = raw.reduce((a, b) => a + b, 0);
  return total > 0 ? raw.map((value) => value / total) : Array.from(previous);
}
