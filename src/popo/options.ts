/**
 * The knobs of POPO, in TRL's names (GRPOTrainer) where TRL has one. A run's config carries the same fields under
 * `popo`; this is the part the method itself needs to know, so that this room imports nothing from above.
 */

/** How the K rewards are weighed against each other at each step; see `weighting.ts`. */
export type Weighting = 'fixed' | 'popo' | 'popo-light';
/** Which deviation an advantage is divided by: its group's, the whole batch's, or none. */
export type ScaleRewards = 'group' | 'batch' | 'none';
/** Whether rewards are summed before they are normalised, or each is normalised first (GDPO). */
export type Aggregation = 'sum_then_normalize' | 'normalize_then_sum';
/** How per-token losses become one number; see `objective.ts`. */
export type LossType = 'grpo' | 'bnpo' | 'dapo' | 'dr_grpo';

/** Everything a policy update depends on apart from its batch and AdamW. */
export interface PolicyOptions {
  weighting: Weighting;
  /** w(0), one per reward, non-negative with sum 1; never changed when the weighting is `fixed`. */
  reward_weights: number[];
  /** η/μ of mirror descent, the one knob of full POPO. */
  eta_over_mu: number;
  beta: number;
  epsilon: number;
  epsilon_high: number;
  loss_type: LossType;
  scale_rewards: ScaleRewards;
  multi_objective_aggregation: Aggregation;
  /** L of `dr_grpo`'s normaliser B·L, in tokens. */
  max_completion_length: number;
  /**
   * Every how many steps the gradients of the single rewards are measured when the weighting does not need them (0:
   * never). `popo` measures at every step whatever this says.
   */
  probe_every: number;
}
