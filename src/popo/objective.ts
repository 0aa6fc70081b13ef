/**
 * The clipped GRPO objective with a k3 KL term, per token, in f64: the oracle of the GPU's fused cross-entropy.
 *
 *     ρ   = exp(logp − old)
 *     l   = −min(ρ Â, clip(ρ, 1 − ε_low, 1 + ε_high) Â) + β · k3
 *     k3  = exp(ref − logp) − (ref − logp) − 1
 *
 * and Σ w_t l_t over completion tokens, where w_t says how TRL's `loss_type` averages. As in TRL, log-probabilities of the
 * policy, old and reference alike, and entropies, are of logits divided by the temperature that rollouts were sampled at.
 */
import type { MaskedBatch, TokenBatch } from '../model/languageModel';

/** How per-token losses become one number; see `lossCoefficients`. */
export type LossType = 'grpo' | 'bnpo' | 'dapo' | 'dr_grpo';

export interface ObjectiveOptions {
  /** Weight of the KL term; 0 needs no reference. */
  beta: number;
  epsilonLow: number;
  epsilonHigh: number;
}

export interface TokenObjective {
  /** l_t, to be multiplied by the token's weight. */
  loss: number;
  /** ∂l_t/∂logp. */
  gradient: number;
  /** k3_t, without β. */
  kl: number;
  /** Â < 0 and ρ < 1 − ε_low: the clip takes the gradient away. */
  clippedLow: boolean;
  /** Â > 0 and ρ > 1 + ε_high. */
  clippedHigh: boolean;
}

/** One token's log-probabilities under the policy, under the one that sampled it, and under the reference; and its Â. */
export interface TokenScores {
  logp: number;
  old: number;
  /** Read only for its k3. */
  ref: number;
  advantage: number;
}

/** Loss and gradient of one token. */
export function tokenObjective(
  { logp, old, ref, advantage }: TokenScores,
  options: ObjectiveOptions,
): TokenObjective {
  const rho = Math.exp(logp - old);
  const clippedRho = Math.min(Math.max(rho, 1 - options.epsilonLow), 1 + options.epsilonHigh);
  const free = rho * advantage;
  const bounded = clippedRho * advantage;
  const difference = ref - logp;
  const kl = Math.exp(difference) - difference - 1;
  return {
    loss: -Math.min(free, bounded) + options.beta * kl,
    gradient: (free <= bounded ? -free : 0) + options.beta * (1 - Math.exp(difference)),
    kl,
    clippedLow: advantage < 0 && rho < 1 - options.epsilonLow,
    clippedHigh: advantage > 0 && rho > 1 + options.epsilonHigh,
  };
}

/**
 * What multiplies each of a row's per-token losses, [B], so that their sum over all completion tokens is the loss:
 * `grpo` mean over sequences of per-sequence means; `bnpo` and `dapo` mean over tokens (they differ only when a step is
 * split into micro-batches, which is not done here); `dr_grpo` Σ / (B · maxCompletionLength). An empty completion counts
 * as one token in the denominators, as in TRL, and adds nothing.
 */
export function lossCoefficients(
  lossType: LossType,
  completionLengths: ArrayLike<number>,
  maxCompletionLength: number,
): Float64Array {
  const B = completionLengths.length;
  if (lossType === 'grpo') {
    return Float64Array.from(completionLengths, (length) => 1 / (B * Math.max(length, 1)));
  }
  let tokens = 0;
  for (let row = 0; row < B; row++) tokens += completionLengths[row];
  const denominator = lossType === 'dr_grpo' ? B * maxCompletionLength : Math.max(tokens, 1);
  return new Float64Array(B).fill(1 / denominator);
}

/** Number of completion tokens of each row, [B]. */
export function completionLengths(batch: MaskedBatch): Uint32Array {
  const lengths = new Uint32Array(batch.size);
  for (let row = 0; row < batch.size; row++) {
    for (let t = 1; t < batch.lengths[row]; t++) {
      if (batch.mask[row * batch.length + t] > 0) lengths[row]++;
    }
  }
  return lengths;
}

/** The batch with its completion mask turned into the loss weights of `lossType`. */
export function weighBatch(batch: MaskedBatch, lossType: LossType, maxCompletionLength: number): TokenBatch {
  const coefficients = lossCoefficients(lossType, completionLengths(batch), maxCompletionLength);
  const { mask, ...padded } = batch;
  const lossWeights = new Float32Array(mask.length);
  for (let row = 0; row < batch.size; row++) {
    for (let t = 1; t < batch.lengths[row]; t++) {
      const at = row * batch.length + t;
      if (mask[at] > 0) lossWeights[at] = coefficients[row];
    }
  }
  return { ...padded, lossWeights };
}

/** TRL's gauges of one update, means over completion tokens. */
export interface ObjectiveMetrics {
  loss: number;
  kl: number;
  entropy: number;
  clip: ClipRatio;
}

/** Shares of completion tokens whose gradient the clip took away. */
export interface ClipRatio {
  low_mean: number;
  high_mean: number;
  region_mean: number;
}

/**
 * Loss and gauges of a batch from its scores.
 * @param batch [B, T] with the loss weights of `weighBatch`; tokens of weight 0 are left out everywhere
 * @param scores logps, old and reference logps and entropies, all [B*T]
 * @param advantages [B]
 */
export function objectiveMetrics(
  batch: TokenBatch,
  scores: {
    logps: ArrayLike<number>;
    oldLogps: ArrayLike<number>;
    referenceLogps: ArrayLike<number>;
    entropies: ArrayLike<number>;
  },
  advantages: ArrayLike<number>,
  options: ObjectiveOptions,
): ObjectiveMetrics {
  let [loss, kl, entropy, low, high, count] = [0, 0, 0, 0, 0, 0];
  for (let row = 0; row < batch.size; row++) {
    for (let t = 1; t < batch.lengths[row]; t++) {
      const at = row * batch.length + t;
      const weight = batch.lossWeights[at];
      if (weight === 0) continue;
      const token = tokenObjective(
        {
          logp: scores.logps[at],
          old: scores.oldLogps[at],
          ref: scores.referenceLogps[at],
          advantage: advantages[row],
        },
        options,
      );
      loss += weight * token.loss;
      kl += token.kl;
      entropy += scores.entropies[at];
      if (token.clippedLow) low++;
      if (token.clippedHigh) high++;
      count++;
    }
  }
  const tokens = Math.max(count, 1);
  return {
    loss,
    kl: kl / tokens,
    entropy: entropy / tokens,
    clip: { low_mean: low / tokens, high_mean: high / tokens, region_mean: (low + high) / tokens },
  };
}
