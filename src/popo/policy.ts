/**
 * What lies between the trainer and an update of the policy. Implemented twice: `compiledStep.ts` on the engine, one
 * submit per update, and `referenceStep.ts` in plain steps over autodiff, its oracle and the slow path.
 */
import type { AdamWStep } from '../model/config';
import type { TokenBatch } from '../model/languageModel';
import type { ClipRatio } from './objective';
import type { PolicyOptions } from './options';

/** One step's rollouts with their rewards. */
export interface PolicyBatch {
  /** P·G rows, prompt-major; weights are the completion mask, 0 or 1. */
  batch: TokenBatch;
  /** G */
  groupSize: number;
  /** [P·G, K], finite */
  rewards: Float32Array;
  /** K */
  numRewards: number;
  /** t, counted from 0 */
  step: number;
  /**
   * 0 for the first update on these rollouts: it fixes w(t), the advantages, and the old and reference log-probabilities.
   * Updates 1 … num_iterations − 1 on the same rollouts use those again.
   */
  iteration: number;
}

/** What an update did. Gauges are means over completion tokens, before the weights of the model moved. */
export interface PolicyUpdate {
  /** [P·G], those the update used */
  advantages: Float32Array;
  /** w(t−1) and w(t) */
  weightsBefore: number[];
  weightsAfter: number[];
  /** I_i(t); null unless the weighting is `popo` and this step changed w */
  influence: number[] | null;
  /** ‖g_i‖ and cos(g_1, g_2) of the single rewards' gradients; null at steps that do not measure them */
  gradNorms: number[] | null;
  gradCosine: number | null;
  loss: number;
  kl: number;
  entropy: number;
  clip: ClipRatio;
  /** Global L2 norm of the gradient that AdamW got, before clipping. */
  gradNorm: number;
}

export interface PolicyOptimizer {
  /** w, the only state besides the model's own. Set it to resume. */
  weights: number[];
  /** Measures, weighs and updates the model. @throws Error when the update is not finite; RewardError on bad rewards */
  update(batch: PolicyBatch, hyper: AdamWStep): Promise<PolicyUpdate>;
  destroy(): void;
}

/** State besides the model's that resumes the loop: pass `step` as `from` and set the optimizer's weights. */
export interface PolicyState {
  step: number;
  weights: number[];
}

/** What an update has to know of the single rewards' gradients before it can weigh them. */
export interface Measurement {
  /** All ⟨g_i, g_j⟩, from a backward pass per reward: for gauges, for MGDA, and where gradients are clipped one by one. */
  gram: boolean;
  /** I_i alone, from a direction and one forward pass whatever K is: see directional_influence.wgsl. */
  influence: boolean;
  /** Which of them the weights go by; null where they do not go by gradients, or stay at this step. */
  weighs: 'gram' | 'influence' | null;
}

export const NOTHING_MEASURED: Measurement = { gram: false, influence: false, weighs: null };

export function measurementOf(
  options: Pick<PolicyOptions, 'weighting' | 'probe_every' | 'influence_every' | 'objective_max_norm'>,
  { step, iteration }: Pick<PolicyBatch, 'step' | 'iteration'>,
): Measurement {
  if (iteration > 0) return NOTHING_MEASURED;
  const { weighting, probe_every, influence_every, objective_max_norm } = options;
  const isProbed = probe_every > 0 && step % probe_every === 0;
  if (weighting === 'mgda') return { gram: true, influence: false, weighs: 'gram' };
  if (weighting !== 'popo' || step % influence_every !== 0) return { ...NOTHING_MEASURED, gram: isProbed };
  if (objective_max_norm > 0) return { gram: true, influence: false, weighs: 'gram' };
  return { gram: isProbed, influence: true, weighs: 'influence' };
}

/** The prompts of a batch whose gradient Σ_k g_k the influences are measured along; the others are what they are measured on. */
export type Direction = 'all' | 'odd' | 'even';

/** The halves take turns. */
export function directionAt({ influence }: Pick<PolicyOptions, 'influence'>, step: number): Direction {
  if (influence !== 'halves') return 'all';
  return step % 2 === 0 ? 'odd' : 'even';
}

/**
 * What an influence measured so is multiplied by: each half of P prompts stands for all of them, and AdamW's first moment is
 * a mean only after its bias is corrected (before the first update it is 0 and so is every influence).
 */
export function influenceCorrection(
  { influence }: Pick<PolicyOptions, 'influence'>,
  prompts: number,
  { beta1, step }: Pick<AdamWStep, 'beta1' | 'step'>,
): number {
  if (influence === 'batch') return 1;
  if (influence === 'momentum') return step > 1 ? 1 / (1 - beta1 ** (step - 1)) : 0;
  const odd = Math.floor(prompts / 2);
  return (prompts * prompts) / (odd * (prompts - odd));
}

/** @throws Error when the batch has another number of rewards than there are weights */
export function assertRewardCount(batch: PolicyBatch, weights: number[]): void {
  if (batch.numRewards === weights.length) return;
  throw new Error(
    `The rollouts have ${batch.numRewards} rewards each, but there are ${weights.length} weights: give one per reward ` +
      'in popo.reward_weights.',
  );
}

/** @throws Error when the update produced numbers that are not finite */
export function assertFinite(update: PolicyUpdate, step: number): PolicyUpdate {
  const { loss, gradNorm, weightsAfter } = update;
  if (![loss, gradNorm, ...weightsAfter].every(Number.isFinite)) {
    throw new Error(
      `POPO step ${step} is not finite (loss ${loss}, gradient norm ${gradNorm}, weights ${weightsAfter.join(', ')}): ` +
        'training stops here; the last checkpoint is intact. Lower popo.learning_rate or popo.eta_over_mu.',
    );
  }
  return update;
}
