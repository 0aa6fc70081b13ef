/** MGDA (Désidéri, 2012): a small step along the shortest mixture of the gradients harms no reward of these samples. */
import type { Rule } from './rule';

export const mgda: Rule<'mgda'> = {
  name: 'mgda',
  label: 'MGDA',
  words: 'The shortest mixture of the gradients: a small step along it harms no reward of these samples',
  why: 'so that their gradients, added under these weights, give the shortest step',
  formula: 'argmin over the simplex of ‖Σ_k w_k g_k‖²',
  extraCost: 'K backward passes',
  needs: 'gram',
  // So that the mixture of gradients that is followed is the very one that was found shortest.
  aggregation: 'sum_of_advantages',
  kernel: 3,
  weigh: ({ gram, weights }) => gram && minNormWeights(gram, weights.length),
};

/** Passes of `minNormWeights`: one is exact for K = 2, these leave less than 1e-4 of the optimum for K = 8. */
export const MIN_NORM_PASSES = 256;

/**
 * The w on the simplex that minimises ‖Σ_k w_k g_k‖², from the Gram matrix [K, K]. From w = 1/K,
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
