/**
 * From w(t−1) to w(t), whatever the rule (`rules/`), in f64. w(t) weights the rewards of step t itself: first the influences or group
 * statistics, then the weights, then the update. And what is told of the K gradients beside the weights.
 */
import { assertRewards, moments } from './advantages';
import type { Evidence, Rule } from './rules/rule';

/** w(t), [K]: what the rule makes of the evidence, with no weight below `minWeight`. Where the rule keeps w(t−1), it stays as it is. */
export function nextWeights(rule: Rule, evidence: Evidence, minWeight: number): number[] {
  const weighed = rule.weigh(evidence);
  return weighed === null ? [...evidence.weights] : floorWeights(weighed, minWeight);
}

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

/** The group, counted from 0, whose rewards [P][G][K] pull hardest together (`rewardPull`); the first of equals. */
export function widestGroup(rewards: readonly number[][][], weights: ArrayLike<number>): number {
  const spreads = rewards.map((group) =>
    rewardPull(group.flat(), group.length, weights).reduce((sum, pull) => sum + pull, 0),
  );
  return spreads.indexOf(Math.max(...spreads));
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
