/**
 * From rewards to advantages, in f64 and without a GPU: what `shaders/reward_weighting.wgsl` is tested against.
 *
 * Rewards are [N, K] row-major, N = P·G rollouts in prompt-major order: rows p·G … p·G + G − 1 answer the same prompt
 * and form a group. Semantics are those of TRL's GRPOTrainer: deviations carry Bessel's correction and get 1e-4 added;
 * the deviation of a single value is 0. Means are taken of differences to the first value, so that the advantages of a
 * group of equal rewards are exactly 0, not rounding noise divided by 1e-4.
 */

/** Which deviation an advantage is divided by: its group's, the whole batch's, or none. */
export type ScaleRewards = 'group' | 'batch' | 'none';

/**
 * Whether rewards are summed before they are normalised, or each is normalised first: `normalize_then_sum` is TRL's name
 * for GDPO, which normalises the sum once more over the batch; `sum_of_advantages` leaves it as it is, so that the
 * gradient is Σ w_k g_k of the very gradients whose influence POPO compares. `multiply_then_normalize` is ours: the geometric mean
 * Π_k r_k^w_k in the place of Σ_k w_k r_k, so that each answer weighs a reward the more the less it has of it.
 */
export const AGGREGATIONS = [
  'sum_then_normalize',
  'normalize_then_sum',
  'sum_of_advantages',
  'multiply_then_normalize',
] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

/** Added to a deviation before dividing by it (TRL). */
export const STD_EPSILON = 1e-4;

/** A reward that is not a finite number: it would turn every weight of the model into NaN. */
export class RewardError extends Error {
  override name = 'RewardError';
}

export interface AdvantageOptions {
  /** G, rollouts per prompt; divides N. */
  groupSize: number;
  /** w, one weight per reward: K is its length. */
  weights: ArrayLike<number>;
  scaleRewards: ScaleRewards;
  aggregation: Aggregation;
}

/** Mean and Bessel-corrected deviation of `count` values starting at `start`, `step` apart; the deviation of one is 0. */
export function moments(
  values: ArrayLike<number>,
  start: number,
  count: number,
  step = 1,
): { mean: number; std: number } {
  const origin = values[start];
  let shift = 0;
  for (let i = 0; i < count; i++) shift += values[start + i * step] - origin;
  shift /= count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (values[start + i * step] - origin - shift) ** 2;
  return { mean: origin + shift, std: count > 1 ? Math.sqrt(squares / (count - 1)) : 0 };
}

/**
 * Refuses a reward that is NaN or infinite, and a batch that is not whole groups of K rewards each.
 * @throws RewardError naming the rollout and the reward
 */
export function assertRewards(rewards: ArrayLike<number>, groupSize: number, numRewards: number): void {
  if (!Number.isInteger(groupSize) || groupSize < 1 || !Number.isInteger(numRewards) || numRewards < 1) {
    throw new RewardError(
      `Groups of ${groupSize} rollouts with ${numRewards} rewards make no sense: use at least 1.`,
    );
  }
  if (rewards.length === 0 || rewards.length % (groupSize * numRewards) !== 0) {
    throw new RewardError(
      `${rewards.length} rewards are not whole groups of ${groupSize} rollouts with ${numRewards} rewards each.`,
    );
  }
  for (let i = 0; i < rewards.length; i++) {
    if (Number.isFinite(rewards[i])) continue;
    const rollout = Math.floor(i / numRewards);
    throw new RewardError(
      `Reward ${i % numRewards} of rollout ${rollout} (prompt ${Math.floor(rollout / groupSize)}) is ${rewards[i]}: ` +
        'rewards must be finite. Nothing was updated; check the reward table and the encoder.',
    );
  }
}

/**
 * C [K, K]: C_kj = Cov(r_k, r_j) of rewards [N, K], each centred within its group, with Bessel's correction, averaged over the groups. Groups
 * of one rollout have none.
 */
export function rewardCovariance(
  rewards: ArrayLike<number>,
  groupSize: number,
  numRewards: number,
): Float64Array {
  const [G, K] = [groupSize, numRewards];
  assertRewards(rewards, G, K);
  const groups = rewards.length / (G * K);
  const covariance = new Float64Array(K * K);
  if (G === 1) return covariance;
  for (let group = 0; group < groups; group++) {
    const first = group * G * K;
    const means = Array.from({ length: K }, (_, k) => moments(rewards, first + k, G, K).mean);
    for (let row = first; row < first + G * K; row += K)
      for (let k = 0; k < K; k++)
        for (let j = 0; j < K; j++)
          covariance[k * K + j] += (rewards[row + k] - means[k]) * (rewards[row + j] - means[j]);
  }
  return covariance.map((value) => value / ((G - 1) * groups));
}

/** (C w)_k = Cov(r_k, Σ_j w_j r_j), [K]: to first order, how fast the mean of each reward grows under the weights. */
export function covarianceWith(covariance: ArrayLike<number>, weights: ArrayLike<number>): number[] {
  const K = weights.length;
  return Array.from({ length: K }, (_, k) => {
    let sum = 0;
    for (let j = 0; j < K; j++) sum += covariance[k * K + j] * weights[j];
    return sum;
  });
}

/** r̃ per rollout, [N]: Σ_k w_k r_k, or `productOf` where rewards are multiplied. */
export function combineRewards(
  rewards: ArrayLike<number>,
  { weights, aggregation }: Pick<AdvantageOptions, 'weights' | 'aggregation'>,
): Float64Array {
  const K = weights.length;
  const multiplies = aggregation === 'multiply_then_normalize';
  const combined = new Float64Array(rewards.length / K);
  for (let row = 0; row < combined.length; row++) {
    if (multiplies) combined[row] = productOf(rewards, row, weights);
    else for (let k = 0; k < K; k++) combined[row] += weights[k] * rewards[row * K + k];
  }
  return combined;
}

/**
 * The weighted geometric mean Π_k max(r_k, 0)^w_k of one rollout's rewards; a weight of 0 leaves its reward out. Its slope in r_k is
 * r̃ w_k / r_k: within one answer, the reward that it has least of counts most, and one that it lacks altogether cannot be made
 * up for by the others, as it can in a sum. (Maximising it is Nash's bargaining solution with 0 as the disagreement point.)
 */
function productOf(rewards: ArrayLike<number>, row: number, weights: ArrayLike<number>): number {
  const K = weights.length;
  let product = 1;
  for (let k = 0; k < K; k++) product *= Math.max(rewards[row * K + k], 0) ** weights[k];
  return product;
}

/**
 * Advantages [N] of rewards [N, K] under weights w.
 *
 * `sum_then_normalize`: Â = (r̃ − mean_group r̃) / (std + 1e-4) with the deviation of the group, of the batch, or no
 * division at all. `normalize_then_sum` (GDPO): each reward's z-score within its group, weighted sum, then the z-score
 * of that over the batch; `scaleRewards` plays no part. `sum_of_advantages`: Σ_k w_k Â_k with the Â_k that
 * `sum_then_normalize` gives each reward alone. `multiply_then_normalize`: as `sum_then_normalize`, of the geometric
 * mean.
 * @throws RewardError for rewards that are not finite or not whole groups
 */
export function computeAdvantages(rewards: ArrayLike<number>, options: AdvantageOptions): Float64Array {
  const { groupSize: G, weights } = options;
  const K = weights.length;
  assertRewards(rewards, G, K);
  const N = rewards.length / K;
  if (options.aggregation === 'normalize_then_sum') {
    const summed = new Float64Array(N);
    for (let first = 0; first < N; first += G) {
      for (let k = 0; k < K; k++) {
        const { mean, std } = moments(rewards, first * K + k, G, K);
        for (let row = first; row < first + G; row++) {
          summed[row] += (weights[k] * (rewards[row * K + k] - mean)) / (std + STD_EPSILON);
        }
      }
    }
    const { mean, std } = moments(summed, 0, N);
    return summed.map((value) => (value - mean) / (std + STD_EPSILON));
  }
  if (options.aggregation === 'sum_of_advantages') {
    const summed = new Float64Array(N);
    objectiveAdvantages(rewards, options).forEach((advantages, k) => {
      for (let row = 0; row < N; row++) summed[row] += weights[k] * advantages[row];
    });
    return summed;
  }
  const combined = combineRewards(rewards, options);
  const batch = moments(combined, 0, N);
  const advantages = new Float64Array(N);
  for (let first = 0; first < N; first += G) {
    const group = moments(combined, first, G);
    const scale =
      options.scaleRewards === 'none'
        ? 1
        : (options.scaleRewards === 'batch' ? batch.std : group.std) + STD_EPSILON;
    for (let row = first; row < first + G; row++) advantages[row] = (combined[row] - group.mean) / scale;
  }
  return advantages;
}

/** The K advantages [N] of each reward alone: those of the losses L_k whose gradients POPO compares. */
export function objectiveAdvantages(rewards: ArrayLike<number>, options: AdvantageOptions): Float64Array[] {
  const K = options.weights.length;
  // A single reward's sum, sum of advantages or product is itself.
  const isGdpo = options.aggregation === 'normalize_then_sum';
  const aggregation = isGdpo ? 'normalize_then_sum' : 'sum_then_normalize';
  return Array.from({ length: K }, (_, k) =>
    computeAdvantages(rewards, {
      ...options,
      aggregation,
      weights: Array.from({ length: K }, (_, j) => (j === k ? 1 : 0)),
    }),
  );
}

/** TRL's reward gauges of one batch. */
export interface RewardMetrics {
  /** Mean of r̃. */
  reward: number;
  /** The deviation that `scaleRewards` looks at (for `none` still the groups'), averaged over the groups. */
  reward_std: number;
  /** Share of groups without any spread: they teach nothing. */
  frac_reward_zero_std: number;
}

/** `reward`, `reward_std` and `frac_reward_zero_std` as TRL logs them for rewards [N, K]. */
export function rewardMetrics(rewards: ArrayLike<number>, options: AdvantageOptions): RewardMetrics {
  const { groupSize: G, weights } = options;
  assertRewards(rewards, G, weights.length);
  const combined = combineRewards(rewards, options);
  const N = combined.length;
  const wholeBatch = options.aggregation !== 'normalize_then_sum' && options.scaleRewards === 'batch';
  const overall = moments(combined, 0, N);
  let deviation = 0;
  let flat = 0;
  for (let first = 0; first < N; first += G) {
    const { std } = moments(combined, first, G);
    deviation += std;
    if (std <= 1e-8) flat++;
  }
  const groups = N / G;
  return {
    reward: overall.mean,
    reward_std: wholeBatch ? overall.std : deviation / groups,
    frac_reward_zero_std: flat / groups,
  };
}
