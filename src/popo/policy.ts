/**
 * What lies between the trainer and an update of the policy. Implemented twice: `compiledUpdate.ts` on the engine, one
 * submit per update, and `referenceUpdate.ts` in plain steps over autodiff, its oracle and the slow path.
 */
import { NotFiniteError } from '../control/hooks';
import type { AdamWStep } from '../model/config';
import type { MaskedBatch } from '../model/languageModel';
import type { ClipRatio } from './objective';
import type { PolicyOptions } from './options';
import { ruleOf } from './rules';

/** One step's rollouts with their rewards. */
export interface PolicyBatch {
  /** P·G rows, prompt-major. */
  batch: MaskedBatch;
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
  /** I_i(t); null unless w goes by influence and this step moved it */
  influence: number[] | null;
  /** ‖g_i‖ of the single rewards' gradients, and the cosine of every two (`pairsOf`); null at steps that do not measure them */
  gradNorms: number[] | null;
  gradCosines: (number | null)[] | null;
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
  /** What holds from the next first update on some rollouts on. The number of rewards stays; `rewardWeights` are not looked at. */
  configure(options: PolicyOptions): void;
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

type MeasurementOptions = Pick<
  PolicyOptions,
  'weighting' | 'probeEvery' | 'influenceEvery' | 'objectiveMaxNorm'
>;

/** What one update measures, by what its rule needs. */
export function measurementOf(
  options: MeasurementOptions,
  { step, iteration }: Pick<PolicyBatch, 'step' | 'iteration'>,
): Measurement {
  if (iteration > 0) return NOTHING_MEASURED;
  const { weighting, probeEvery, influenceEvery, objectiveMaxNorm } = options;
  const { needs } = ruleOf(weighting);
  const isProbed = probeEvery > 0 && step % probeEvery === 0;
  if (needs === 'gram') return { gram: true, influence: false, weighs: 'gram' };
  if (needs !== 'influence' || step % influenceEvery !== 0) return { ...NOTHING_MEASURED, gram: isProbed };
  if (objectiveMaxNorm > 0) return { gram: true, influence: false, weighs: 'gram' };
  return { gram: isProbed, influence: true, weighs: 'influence' };
}

/** What some update of a run measures, and what must therefore be built. */
export function everMeasured(
  options: Omit<MeasurementOptions, 'influenceEvery'>,
): Pick<Measurement, 'gram' | 'influence'> {
  const { needs } = ruleOf(options.weighting);
  const clips = options.objectiveMaxNorm > 0;
  return {
    gram: needs === 'gram' || (needs === 'influence' && clips) || options.probeEvery > 0,
    influence: needs === 'influence' && !clips,
  };
}

type InfluenceOptions = Pick<PolicyOptions, 'influence' | 'influencePrompts'>;

/** Which of a step's P prompts the influences are measured on. */
export interface InfluencePrompts {
  /** So many of the first prompts give the direction Σ_k g_k; 0 where it is AdamW's. */
  direction: number;
  /** The slopes along it are those of prompts [from, to). */
  slopes: { from: number; to: number };
}

/** The direction's prompts come first, since a list over the head of a batch can share the buffers of the whole. */
export function influencePrompts(options: InfluenceOptions, prompts: number): InfluencePrompts {
  const { influence, influencePrompts } = options;
  const to = influencePrompts === 0 ? prompts : Math.min(influencePrompts, prompts);
  if (influence === 'batch') return { direction: to, slopes: { from: 0, to } };
  if (influence === 'momentum') return { direction: 0, slopes: { from: 0, to } };
  const direction = Math.floor(to / 2);
  return { direction, slopes: { from: direction, to } };
}

/**
 * What an influence measured so is multiplied by. Losses keep the weights w_t that they have among all P prompts, so
 * L_S = Σ_{prompts of S} Σ_t w_t l_t is a part of L, and P/|S| · ∇L_S stands for ∇L. With n prompts for the direction and m for the slopes:
 *
 *     batch, halves   P/n · P/m, which is 1 for `batch` on all prompts
 *     momentum        1 / (1 − β1^(s−1)) · P/m at AdamW's step s: its first moment is a mean only after its bias is corrected
 *                     (before the first update it is 0 and so is every influence)
 *
 * With `grpo` and `dr_grpo`, where w_t goes by B = P·G alone, P/|S| · L_S is the very loss that the prompts S would have by themselves. With
 * `dapo` and `bnpo` w_t is 1 / Σ tokens of all prompts, so it is so only as far as S has its share of the tokens.
 */
export function influenceCorrection(
  options: InfluenceOptions,
  prompts: number,
  { beta1, step }: Pick<AdamWStep, 'beta1' | 'step'>,
): number {
  const { direction, slopes } = influencePrompts(options, prompts);
  const ofSlopes = prompts / (slopes.to - slopes.from);
  if (options.influence !== 'momentum') return (prompts / direction) * ofSlopes;
  return step > 1 ? ofSlopes / (1 - beta1 ** (step - 1)) : 0;
}

/** @throws Error when the batch has another number of rewards than there are weights */
export function assertRewardCount(batch: PolicyBatch, weights: number[]): void {
  if (batch.numRewards === weights.length) return;
  throw new Error(
    `The rollouts have ${batch.numRewards} rewards each, but there are ${weights.length} weights: give one per reward ` +
      'in popo.reward_weights.',
  );
}

/** @throws NotFiniteError when the update produced numbers that are not finite */
export function assertFinite(update: PolicyUpdate, step: number): PolicyUpdate {
  const { loss, gradNorm, weightsAfter } = update;
  if (![loss, gradNorm, ...weightsAfter].every(Number.isFinite)) {
    throw new NotFiniteError(
      `POPO step ${step + 1} is not finite (loss ${loss}, gradient norm ${gradNorm}, weights ${weightsAfter.join(', ')}): ` +
        'training stops here; the last checkpoint is intact. Lower popo.learning_rate or popo.eta_over_mu.',
    );
  }
  return update;
}
