/**
 * How K rewards are weighed at step t (arXiv 2606.03866; the mirror-descent rule also in arXiv 2509.11452). w(t) weights
 * the rewards of step t itself: first the influences or group statistics, then the weights, then the update.
 *
 * Two facts to keep in sight. With K = 2 the cross term cancels in full POPO: I_1 − I_2 = ‖g_1‖² − ‖g_2‖². The larger
 * gradient gains weight, and conflict (g_1·g_2 < 0) does not by itself move the ratio; it does so only for K ≥ 3. Hence
 * `gradientNorms` and `gradientCosines` are reported beside the weights. And POPO-light multiplies in scale twice: it
 * favours the reward with the larger σ, whose own pull is ∝ σ already; hence `rewardPull`. The method is
 * Pareto-*seeking*: nobody has proven that it reaches the front.
 */
import { assertRewards, moments } from './advantages';

/** Added to POPO-light's mean so that the quotient exists. */
export const LIGHT_EPSILON = 1e-8;

/** I_i = ⟨g_i, Σ_k g_k⟩ = Σ_j G_ij, from the Gram matrix G_ij = ⟨g_i, g_j⟩ [K, K] of the K loss gradients. */
export function influences(gram: ArrayLike<number>, numRewards: number): number[] {
  return Array.from({ length: numRewards }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < numRewards; j++) sum += gram[i * numRewards + j];
    return sum;
  });
}

/**
 * The Gram matrix of the gradients after each was clipped to `maxNorm` (0: left as they are): G_ij s_i s_j with
 * s_i = min(1, maxNorm / ‖g_i‖).
 */
export function clipGram(gram: ArrayLike<number>, numRewards: number, maxNorm: number): number[] {
  const norms = gradientNorms(gram, numRewards);
  const scale = norms.map((norm) => (maxNorm > 0 && norm > maxNorm ? maxNorm / norm : 1));
  return Array.from(gram, (value, at) => value * scale[Math.floor(at / numRewards)] * scale[at % numRewards]);
}

/** ‖g_i‖ from the Gram matrix [K, K]. */
export function gradientNorms(gram: ArrayLike<number>, numRewards: number): number[] {
  return Array.from({ length: numRewards }, (_, i) => Math.sqrt(Math.max(gram[i * numRewards + i], 0)));
}

/** Every two of K: (0, 1), (0, 2), …, (1, 2), …: the order in which {@link gradientCosines} has them. */
export function pairsOf(numRewards: number): [number, number][] {
  return Array.from({ length: numRewards }, (_, i) => i).flatMap((i) =>
    Array.from({ length: numRewards - i - 1 }, (_, j): [number, number] => [i, i + j + 1]),
  );
}

/** cos(g_i, g_j) of every two gradients; null where one of them vanishes. */
export function gradientCosines(gram: ArrayLike<number>, numRewards: number): (number | null)[] {
  const at = (i: number, j: number) => gram[i * numRewards + j];
  return pairsOf(numRewards).map(([i, j]) => {
    const product = Math.sqrt(at(i, i) * at(j, j));
    return product > 0 ? Math.max(-1, Math.min(1, at(i, j) / product)) : null;
  });
}

/**
 * Full POPO, mirror descent on the simplex: w_i ∝ w_i(t−1) · exp(η/μ · I_i). Computed as a softmax of
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
        `The influence of reward ${k} is ${influence[k]}: its gradient has blown up. Lower the learning rate or eta_over_mu.`,
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
 * POPO-light: w_i ∝ σ_i / (mean_i + ε) with the pooled statistics of `groupStatistics`. A reward without spread in any
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

/** Passes of `minNormWeights`: one is exact for K = 2, these leave less than 1e-4 of the optimum for K = 8. */
export const MIN_NORM_PASSES = 256;

/**
 * MGDA: the w on the simplex that minimises ‖Σ_k w_k g_k‖² (Désidéri, 2012), from the Gram matrix [K, K]. From w = 1/K,
 * each pass moves weight from the reward with the largest (G w)_i to the one with the smallest, by exact line search; for K = 2 the
 * first pass is the closed form. Gradients that all vanish leave w = 1/K.
 */
export function minNormWeights(gram: ArrayLike<number>, numRewards: number): number[] {
  const K = numRewards;
  const weights = new Array<number>(K).fill(1 / K);
  for (let pass = 0; pass < MIN_NORM_PASSES; pass++) {
    let [from, to] = [-1, -1];
    let [largest, smallest] = [0, 0];
    for (let i = 0; i < K; i++) {
      let slope = 0;
      for (let j = 0; j < K; j++) slope += gram[i * K + j] * weights[j];
      if (weights[i] > 0 && (from < 0 || slope > largest)) [from, largest] = [i, slope];
      if (to < 0 || slope < smallest) [to, smallest] = [i, slope];
    }
    const curvature = gram[from * K + from] + gram[to * K + to] - 2 * gram[from * K + to];
    if (!(largest > smallest) || !(curvature > 0)) break;
    const moved = Math.min(weights[from], (largest - smallest) / curvature);
    weights[from] -= moved;
    weights[to] += moved;
  }
  return weights;
}

/**
 * The weights with none below `least`: those under it are raised to it, the others shrink in proportion, until none is
 * under it. Sums to 1 for least ≤ 1/K.
 */
export function floorWeights(weights: ArrayLike<number>, least: number): number[] {
  const K = weights.length;
  let floored = Array.from(weights);
  if (!(least > 0)) return floored;
  const isLeast = new Array<boolean>(K).fill(false);
  for (let pass = 0; pass < K; pass++) {
    const raised = floored.map((w, k) => isLeast[k] || w < least);
    if (raised.every((value, k) => value === isLeast[k])) break;
    let free = 0;
    let held = 0;
    raised.forEach((value, k) => {
      isLeast[k] = value;
      if (value) held++;
      else free += weights[k];
    });
    floored = floored.map((_, k) => (isLeast[k] ? least : (weights[k] / free) * (1 - held * least)));
  }
  return floored;
}

/** w_i · σ_i with σ averaged over the groups: how hard each reward pulls on r̃, beside its weight. */
export function rewardPull(
  rewards: ArrayLike<number>,
  groupSize: number,
  weights: ArrayLike<number>,
): number[] {
  const K = weights.length;
  assertRewards(rewards, groupSize, K);
  const groups = rewards.length / (groupSize * K);
  return Array.from({ length: K }, (_, k) => {
    let deviation = 0;
    for (let group = 0; group < groups; group++) {
      deviation += moments(rewards, group * groupSize * K + k, groupSize, K).std;
    }
    return (weights[k] * deviation) / groups;
  });
}

/**
 * Checks w(0): K ≥ 1 non-negative numbers with sum 1.
 * @throws Error saying what the weights are
 */
export function assertWeights(weights: ArrayLike<number>): void {
  const values = Array.from(weights);
  const total = values.reduce((a, b) => a + b, 0);
  if (values.length === 0 || values.some((w) => !(w >= 0)) || !(Math.abs(total - 1) <= 1e-3)) {
    throw new Error(`Reward weights must be non-negative and sum to 1, not [${values.join(', ')}].`);
  }
}
