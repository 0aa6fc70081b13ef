/**
 * Weights by correlation, after Covariance Targeted Weight Adaptation (CTWA, arXiv 2602.06869): to first order the mean of reward k moves
 * with its covariance with what is reinforced, so a reward that lags behind a target there gains weight.
 */
import { covarianceWith, rewardCovariance } from '../advantages';
import { popoWeights } from './popo';
import type { Rule } from './rule';

export const correlation: Rule<'correlation'> = {
  name: 'correlation',
  label: 'Correlation',
  words: 'A reward that goes too little with the weighted sum gains weight',
  why: 'a reward whose payments go less with the sum than they should gains weight',
  formula: 'w_k ∝ w_k(t−1) · exp(lr · max(0, target − corr_k))',
  extraCost: 'none',
  needs: 'statistics',
  aggregation: null,
  kernel: 4,
  weigh({ rewards, groupSize, weights, correlationRate, correlationTarget }) {
    const found = correlations(rewards, groupSize, weights);
    if (found === null) return [...weights];
    return popoWeights(weights, deficits(found, correlationTarget), correlationRate);
  },
  working({ rewards, groupSize, weights, correlationRate, correlationTarget }) {
    const found = correlations(rewards, groupSize, weights);
    if (found === null) return [];
    const factors = deficits(found, correlationTarget).map((lack) => Math.exp(correlationRate * lack));
    return [
      { label: 'Correlation with the sum', values: found },
      { label: `exp(${correlationRate} · what it lacks to ${correlationTarget})`, values: factors },
      { label: 'Before × exp', values: factors.map((factor, k) => weights[k] * factor) },
    ];
  },
};

/** A sum whose variance is below this part of what its parts have each by themselves is flat: what is left is rounding. */
const FLAT = 1e-6;

/**
 * corr_k: the correlation of each reward with s = Σ_j w_j r_j over the rollouts [N, K] of the step, both centred within their groups, and
 * pooled: Σ over all groups of the products, over the roots of the sums of squares. Null for a reward without spread in any group.
 * @returns null where s has no spread, so that nothing can be told
 */
export function correlations(
  rewards: ArrayLike<number>,
  groupSize: number,
  weights: ArrayLike<number>,
): (number | null)[] | null {
  const K = weights.length;
  const C = rewardCovariance(rewards, groupSize, K);
  const along = covarianceWith(C, weights);
  let [ofSum, apart] = [0, 0];
  for (let k = 0; k < K; k++) {
    ofSum += weights[k] * along[k];
    apart += weights[k] ** 2 * C[k * K + k];
  }
  if (!(ofSum > FLAT * apart)) return null;
  return along.map((value, k) => (C[k * K + k] > 0 ? value / Math.sqrt(ofSum * C[k * K + k]) : null));
}

/** By how much each falls short of the target; nothing is said against a reward that nothing is known of. */
function deficits(found: readonly (number | null)[], target: number): number[] {
  return found.map((one) => (one === null ? 0 : Math.max(0, target - one)));
}
