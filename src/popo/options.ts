/**
 * The knobs of POPO, in TRL's names (GRPOTrainer) where TRL has one. A run's config carries the same fields under
 * `popo`; this is the part the method itself needs to know, so that this room imports nothing from above.
 */

/**
 * How the K rewards are weighed against each other at each step; see `weighting.ts`. `gdpo` is fixed weights with
 * `normalize_then_sum`, and `mgda` the min-norm direction of the K gradients, so both bring their own aggregation.
 */
export type Weighting = 'fixed' | 'popo' | 'popo-light' | 'gdpo' | 'mgda';
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
/**
 * Along which direction u the influence I_i = ⟨∇L_i, u⟩ is measured on the step's rollouts. `batch`: Σ_k ∇L_k of the very same
 * rollouts, as in the paper, so that I_i counts their sampling noise as influence. Without that bias: `halves`, Σ_k ∇L_k of one
 * half of the prompts, measured on the other; and `momentum`, AdamW's mean gradient of the steps before, which needs no
 * backward pass.
 */
export type InfluenceEstimate = 'batch' | 'halves' | 'momentum';
/** Over which weights of the model: all, or those of the last block's matrices. */
export type InfluenceScope = 'all' | 'last_layer';
/** How per-token losses become one number; see `objective.ts`. */
export type LossType = 'grpo' | 'bnpo' | 'dapo' | 'dr_grpo';

/** Everything a policy update depends on apart from its batch and AdamW. */
export interface PolicyOptions {
  weighting: Weighting;
  /** w(0), one per reward, non-negative with sum 1; never changed when the weighting is `fixed`. */
  reward_weights: number[];
  /** η/μ of mirror descent, the one knob of full POPO; below 0 the reward with the smaller gradient gains weight. */
  eta_over_mu: number;
  influence: InfluenceEstimate;
  influence_scope: InfluenceScope;
  /**
   * On how many of the step's prompts, the first ones, the influence is measured; 0: on all. Prompts are shuffled, so these are a random
   * sample, and the estimate's expectation stays what it is with `halves` and `momentum`; the noise that `batch` counts as influence
   * grows in proportion to P over their number. `halves` needs 2. Not read where gradients are compared one by one (`mgda`,
   * `objective_max_norm`).
   */
  influence_prompts: number;
  /** Steps from one change of `popo`'s weights to the next, at least 1. */
  influence_every: number;
  /** Norm to which the gradient of each reward is clipped before `popo` or `mgda` compares them (2509.11452); 0: never. */
  objective_max_norm: number;
  /** No weight goes below this, so none above 1 − (K − 1) times this; at most 1/K. */
  min_weight: number;
  /** Of the rollouts; logits are divided by it in the loss too (TRL). Above 0. */
  temperature: number;
  beta: number;
  epsilon: number;
  epsilon_high: number;
  loss_type: LossType;
  scale_rewards: ScaleRewards;
  multi_objective_aggregation: Aggregation;
  /** L of `dr_grpo`'s normaliser B·L, in tokens. */
  max_completion_length: number;
  /**
   * Every how many steps the gradients of the single rewards are compared (norms and cosine) where the weighting does not
   * need that; 0: never.
   */
  probe_every: number;
}

/** What becomes of the K rewards under a weighting. */
export function aggregationOf(
  options: Pick<PolicyOptions, 'weighting' | 'multi_objective_aggregation'>,
): Aggregation {
  if (options.weighting === 'gdpo') return 'normalize_then_sum';
  if (options.weighting === 'mgda') return 'sum_of_advantages';
  return options.multi_objective_aggregation;
}
