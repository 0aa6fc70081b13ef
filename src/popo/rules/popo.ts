/**
 * Full POPO (arXiv 2606.03866; the rule also in arXiv 2509.11452). With K = 2 the cross term cancels: I_1 − I_2 = ‖g_1‖² − ‖g_2‖². The
 * larger gradient gains weight, and conflict (g_1·g_2 < 0) does not by itself move the ratio; it does so only for K ≥ 3. Hence
 * gradient norms and cosines are reported beside the weights. The method is Pareto-*seeking*: nobody has proven that it
 * reaches the front.
 */
import type { Rule } from './rule';

export const popo: Rule<'popo'> = {
  name: 'popo',
  label: 'POPO',
  words: 'Weights from the gradients of each reward',
  why: 'its influence is how strongly the common step of all rewards also helps this one, and it multiplies the old weight',
  caution({ numRewards, etaOverMu, influence }) {
    const gains = etaOverMu < 0 ? 'smaller' : 'larger';
    // AdamW's direction is no sum of this step's gradients, so there the cross terms need not cancel.
    const isPlain = numRewards === 2 && influence !== 'momentum';
    const seeks = 'Pareto-seeking: nobody has proven that it reaches the front.';
    return isPlain
      ? `With two rewards POPO gives weight to the ${gains} gradient; conflict alone does not move it. It is ${seeks}`
      : `POPO is ${seeks}`;
  },
  formula: 'w_i ∝ w_i(t−1) · exp(η/μ · I_i)',
  extraCost: 'a backward and a forward pass, for any K',
  needs: 'influence',
  aggregation: null,
  kernel: 1,
  weigh: ({ weights, influence, etaOverMu }) => influence && popoWeights(weights, influence, etaOverMu),
};

/**
 * Mirror descent on the simplex: w_i ∝ w_i(t−1) · exp(η/μ · I_i). Computed as a softmax of
 * ln w_i + η/μ · (I_i − max I), so no influence overflows the exponent. A weight of 0 stays 0, as the product has it.
 * @throws Error when an influence is not finite (the gradients have blown up)
 */
export function popoWeights(
  weights: ArrayLike<number>,
  influence: ArrayLike<number>,
  etaOverMu: number,
): number[] {
  const K = weights.length;
  let largest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < K; k++) {
    if (!Number.isFinite(influence[k])) {
      throw new Error(
        `The influence of reward ${k} is ${influence[k]}: its gradient has blown up. Lower popo.learning_rate or popo.eta_over_mu.`,
      );
    }
    if (weights[k] > 0) largest = Math.max(largest, influence[k]);
  }
  const logits = Array.from({ length: K }, (_, k) =>
    weights[k] > 0 ? Math.log(weights[k]) + etaOverMu * (influence[k] - largest) : Number.NEGATIVE_INFINITY,
  );
  const top = Math.max(...logits);
  const scaled = logits.map((logit) => Math.exp(logit - top));
  const total = scaled.reduce((a, b) => a + b, 0);
  return scaled.map((value) => value / total);
}
