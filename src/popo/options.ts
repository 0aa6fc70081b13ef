/**
 * The knobs of POPO. A run's config has them under `popo`, in TRL's names (GRPOTrainer) where TRL has one; `policyOptions` is
 * the one place that turns those into the names of this room.
 */
import type { Aggregation, ScaleRewards } from './advantages';
import type { LossType } from './objective';
import type { RewardName } from './rewards';
import { ruleOf, type Weighting } from './rules';
import type { Held } from './rules/rule';

/**
 * Along which direction u the influence I_i = ⟨∇L_i, u⟩ is measured on the step's rollouts. `batch`: Σ_k ∇L_k of the very same
 * rollouts, as in the paper, so that I_i counts their sampling noise as influence. Without that bias: `halves`, Σ_k ∇L_k of one
 * half of the prompts, measured on the other; and `momentum`, AdamW's mean gradient of the steps before, which needs no
 * backward pass.
 */
export type InfluenceEstimate = 'batch' | 'halves' | 'momentum';
/** Over which weights of the model: all, or those of the last block's matrices. */
export type InfluenceScope = 'all' | 'last_layer';

/** Everything a policy update depends on apart from its batch and AdamW. */
export interface PolicyOptions {
  /** The rule by which rewards are weighed: see `rules/`. */
  weighting: Weighting;
  /**
   * w(0), one per reward, non-negative with sum 1; never changed by a rule that needs nothing. Where weights are drawn, those of the model
   * that is measured and handed over.
   */
  rewardWeights: number[];
  /** η/μ of mirror descent, the one knob of full POPO; below 0 the reward with the smaller gradient gains weight. */
  etaOverMu: number;
  influence: InfluenceEstimate;
  influenceScope: InfluenceScope;
  /**
   * On how many of the step's prompts, the first ones, the influence is measured; 0: on all. Prompts are shuffled, so these are a random
   * sample, and the estimate's expectation stays what it is with `halves` and `momentum`; the noise that `batch` counts as influence
   * grows in proportion to P over their number. `halves` needs 2. Not read where gradients are compared one by one (`mgda`,
   * `objectiveMaxNorm`).
   */
  influencePrompts: number;
  /** Steps from one change of the weights by influence to the next, at least 1. */
  influenceEvery: number;
  /** Norm to which the gradient of each reward is clipped before a rule compares them (2509.11452); 0: never. */
  objectiveMaxNorm: number;
  /** No weight that a rule moves goes below this, so none above 1 − (K − 1) times this; at most 1/K. */
  minWeight: number;
  /** Of `correlation`: how fast weights move, and which correlation with the weighted sum is enough. */
  correlationRate: number;
  correlationTarget: number;
  /** What `constraint` holds; its level is measured by the stage. */
  constraint: Held;
  /** Of the rollouts; logits are divided by it in the loss too (TRL). Above 0. */
  temperature: number;
  beta: number;
  epsilon: number;
  epsilonHigh: number;
  lossType: LossType;
  scaleRewards: ScaleRewards;
  aggregation: Aggregation;
  /** L of `dr_grpo`'s normaliser B·L, in tokens. */
  maxCompletionLength: number;
  /**
   * Every how many steps the gradients of the single rewards are compared (norms and cosine) where the weighting does not
   * need that; 0: never.
   */
  probeEvery: number;
}

/** How many steps there are, and how each samples. */
export interface RolloutOptions {
  steps: number;
  /** P */
  promptsPerStep: number;
  /** G */
  numGenerations: number;
  /** Updates on the rollouts of a step. */
  numIterations: number;
  /** 0 samples from the whole vocabulary. */
  topK: number;
}

/** The part of a config that POPO is told, in the config's names. */
export interface PolicyFields {
  weighting: Weighting;
  reward_weights: number[];
  eta_over_mu: number;
  influence: InfluenceEstimate;
  influence_scope: InfluenceScope;
  influence_prompts: number;
  influence_every: number;
  objective_max_norm: number;
  min_weight: number;
  correlation_rate: number;
  correlation_target: number;
  constrained: RewardName;
  constraint_step: number;
  rewards: readonly RewardName[];
  temperature: number;
  beta: number;
  epsilon: number;
  epsilon_high: number;
  loss_type: LossType;
  scale_rewards: ScaleRewards;
  multi_objective_aggregation: Aggregation;
  probe_every: number;
  steps: number;
  prompts_per_step: number;
  num_generations: number;
  num_iterations: number;
  top_k: number;
}

/**
 * POPO's options from a config's.
 * @param maxCompletionLength in tokens, which the data may make less than the config's
 * @param level b of `constraint`, where it was measured
 */
export function policyOptions(
  fields: PolicyFields,
  maxCompletionLength: number,
  level: number | null = null,
): PolicyOptions & RolloutOptions {
  return {
    weighting: fields.weighting,
    rewardWeights: fields.reward_weights,
    etaOverMu: fields.eta_over_mu,
    influence: fields.influence,
    influenceScope: fields.influence_scope,
    influencePrompts: fields.influence_prompts,
    influenceEvery: fields.influence_every,
    objectiveMaxNorm: fields.objective_max_norm,
    minWeight: fields.min_weight,
    correlationRate: fields.correlation_rate,
    correlationTarget: fields.correlation_target,
    constraint: {
      reward: Math.max(0, fields.rewards.indexOf(fields.constrained)),
      level,
      step: fields.constraint_step,
    },
    temperature: fields.temperature,
    beta: fields.beta,
    epsilon: fields.epsilon,
    epsilonHigh: fields.epsilon_high,
    lossType: fields.loss_type,
    scaleRewards: fields.scale_rewards,
    aggregation: fields.multi_objective_aggregation,
    maxCompletionLength,
    probeEvery: fields.probe_every,
    steps: fields.steps,
    promptsPerStep: fields.prompts_per_step,
    numGenerations: fields.num_generations,
    numIterations: fields.num_iterations,
    topK: fields.top_k,
  };
}

/** What becomes of the K rewards under a weighting: what its rule implies, else what was asked for. */
export function aggregationOf({
  weighting,
  aggregation,
}: Pick<PolicyOptions, 'weighting' | 'aggregation'>): Aggregation {
  return ruleOf(weighting).aggregation ?? aggregation;
}
