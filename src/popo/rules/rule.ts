/**
 * The contract of a weighting rule: how w(t) follows from w(t−1) and from what a step has measured. A rule is one object in a file of
 * its own, one entry in `index.ts` and one branch of `shaders/reward_weighting.wgsl`. What the config accepts, the page says, a
 * step measures and the shader runs all follows from these.
 *
 * Rules are pure: the page imports them, so neither TensorFlow.js nor a GPU may come in here.
 */
import type { Aggregation, ScaleRewards } from '../advantages';

/** What a rule may look at. K rewards, P·G rollouts in groups of G. */
export interface Evidence {
  /** w(t−1), [K] */
  weights: readonly number[];
  /** [P·G, K] */
  rewards: ArrayLike<number>;
  groupSize: number;
  /** ⟨g_i, g_j⟩ [K, K] of the single rewards' gradients, each clipped to `objectiveMaxNorm`; null where they were not compared. */
  gram: readonly number[] | null;
  /** I_i = ⟨g_i, Σ_k g_k⟩ [K]; null where it was not measured. */
  influence: readonly number[] | null;
  /** η/μ */
  etaOverMu: number;
  /** Of `correlation`: how fast weights move, and which correlation with the weighted sum is enough. */
  correlationRate: number;
  correlationTarget: number;
  constraint: Held;
}

/** What `constraint` holds. */
export interface Held {
  /** The reward's place among the K. */
  reward: number;
  /** b, which its mean is not to fall below; null where nobody has measured it. */
  level: number | null;
  /** η, how fast the multiplier moves. */
  step: number;
}

/** A line of what stands between evidence and weights: a number for each reward, or none. */
export interface WorkingRow {
  label: string;
  values: readonly (number | null)[];
}

/**
 * What a rule must be told before it can weigh, from cheap to dear: `nothing`, so that w(0) stays; `statistics` of each group's
 * rewards; the `level` that a reward had when the stage began; the `influence` of each reward on the sum's gradient; or the `gram` matrix
 * of all gradients.
 */
export type Needs = 'nothing' | 'statistics' | 'level' | 'influence' | 'gram';

/** What of a run decides what a person should know of its rule. */
export interface Cautioned {
  numRewards: number;
  etaOverMu: number;
  influence: string;
  scaleRewards: ScaleRewards;
  aggregation: Aggregation;
}

export interface Rule<Name extends string = string> {
  /** The config's word. */
  readonly name: Name;
  /** What people call it. */
  readonly label: string;
  /** One or two sentences: by what it weighs. */
  readonly words: string;
  /** What a person should know who looks at a run's weights, in whole sentences; left out where there is nothing to say. */
  readonly caution?: (run: Cautioned) => string;
  /** Of a rule that moves weights: what moved them, to go on a sentence that says that it did. */
  readonly why?: string;
  /** w(t) in Markdown. */
  readonly formula: string;
  /** What a step costs over one with fixed weights, in words. */
  readonly extraCost: string;
  readonly needs: Needs;
  /** What becomes of the K rewards under this rule; null leaves it to the config. */
  readonly aggregation: Aggregation | null;
  /** What `weighting` of reward_weighting.wgsl is told for it; `KEEP` where weights stay. */
  readonly kernel: number;
  /**
   * w of a step, [K] on the simplex, where it is drawn for each anew: a function of seed and step alone. Such a rule trains a model for
   * each reward, of which any mixture can be had afterwards; left out by all others.
   */
  readonly draw?: (at: { seed: number; step: number; numRewards: number }) => number[];
  /** w(t), [K], before `minWeight`; null where w(t−1) stays, also because this step has not measured what it needs. f64 twin of the shader. */
  weigh(evidence: Evidence): number[] | null;
  /** What stands between evidence and w(t), for people to follow; left out where the page knows it by itself. */
  working?(evidence: Evidence): WorkingRow[];
}

/** Whether a rule compares the rewards' gradients, one by one or along one direction. */
export const usesGradients = ({ needs }: Rule) => needs === 'influence' || needs === 'gram';

/** `Rule.kernel` of weights that stay. */
export const KEEP = 0;
