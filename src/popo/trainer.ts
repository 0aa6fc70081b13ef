/**
 * The POPO loop (docs/METHOD.md). At each step: P prompts, G sampled completions each, K rewards each, then `numIterations`
 * updates of the policy, the first of which sets w(t). Against TRL's GRPOTrainer: one process and no generation buffer,
 * no masking of truncated completions, log-probabilities of the whole vocabulary also where `top_k` cut the sampling.
 *
 * A step is a pure function of (seed, t, model, w), so {step, weights} beside the model's own state resumes to the bit.
 * The frozen reference must be the policy that entered the stage, also after a resume: the caller sees to it.
 */
import type { StageHooks } from '../control/hooks';
import type { AdamWStep } from '../model/config';
import type { LanguageModel } from '../model/languageModel';
import { Epochs } from '../numeric/epochs';
import { streamKey } from '../numeric/random';
import { covarianceWith, rewardCovariance, rewardMetrics } from './advantages';
import type { ClipRatio } from './objective';
import type { PolicyOptions, RolloutOptions } from './options';
import type { PolicyOptimizer, PolicyState, PolicyUpdate } from './policy';
import { rolloutBatch } from './rollouts';
import { ruleOf } from './rules';
import { type Rollout, rewardRollouts, rollOut, type SamplingTask } from './sampling';
import { rewardPull } from './weighting';

/** One POPO step as the report keeps it. P prompts, G rollouts each, K rewards. */
export interface PopoStep {
  step: number;
  sampleIds: string[];
  /** [P][G][K] */
  rewards: number[][][];
  /** [P][G], those the update used */
  advantages: number[][];
  /** w(t−1) and w(t); w(t) weights the rewards of step t itself. */
  weightsBefore: number[];
  weightsAfter: number[];
  /** I_i(t), or null where the weighting uses no gradients. */
  influence: number[] | null;
  /** ‖g_i‖ of each reward's own loss, cos(g_1, g_2) of the first two, or null at steps that did not measure them. */
  gradNorms: number[] | null;
  gradCosine: number | null;
  /** The cosine of every two, (g_1, g_2), (g_1, g_3), … as `pairsOf` has them; older reports lack it. */
  gradCosines?: (number | null)[] | null;
  /** w_i(t) · σ_i: how hard each reward pulls, σ averaged over groups. */
  pull: number[];
  /** C [K, K]: covariances of the rewards within groups, averaged over groups; older reports lack it. */
  covariance?: number[];
  /** (C w)_k [K] at w(t): how fast, to first order, the mean of each reward grows under these weights. */
  covarianceWithSum?: number[];
  /** b, what `constraint` held its reward at; absent where nothing was held. */
  level?: number;
  loss: number;
  /** Of the update's gradient, before clipping. */
  grad_norm: number;
  reward: number;
  reward_std: number;
  frac_reward_zero_std: number;
  kl: number;
  entropy: number;
  clip_ratio: ClipRatio;
  completions: {
    mean_length: number;
    clipped_ratio: number;
    valid_rate: number;
    /** Of a prompt's answers that name an item, the share that names one named before, averaged over prompts. */
    duplicate_rate: number;
  };
}

/** What the policy is trained on and with. */
export interface PolicyTask extends SamplingTask {
  /** Split into an end for each reward where the rule draws its weights. */
  model: Pick<LanguageModel, 'generate' | 'compose'>;
  optimizer: PolicyOptimizer;
}

type LoopOptions = PolicyOptions & Omit<RolloutOptions, 'steps'>;

/** What holds at a step. How many prompts and updates a step has stays, since the order of prompts and the schedule go by it. */
export interface InForce {
  options: LoopOptions;
  /** Weights that somebody sets just before this step, [K]; null leaves them as the rule made them. */
  weights: readonly number[] | null;
}

export interface PolicyTraining extends Pick<RolloutOptions, 'steps' | 'promptsPerStep'> {
  seed: number;
  /** First step (0 in a fresh run); `steps` is the step to stop before. */
  from: number;
  /** Asked once for each step, when it is sure to be taken. It may measure something of the model first, and leaves it as it was. */
  at(step: number): InForce | Promise<InForce>;
  /** T of every batch, at least the longest prompt plus `maxCompletionLength`. */
  length: number;
  /** AdamW of update u = t · numIterations + iteration, counted from 0. */
  hyper(update: number): AdamWStep;
}

export interface PolicyHooks extends StageHooks {
  /** After each step; the step is committed when this resolves, so a checkpoint may be taken here. */
  onStep(step: PopoStep, rollouts: Rollout[]): void | Promise<void>;
  /** Wall-clock seconds a part of a step took; for the report's timings only. */
  onTiming?(part: 'rollout' | 'reward' | 'update', seconds: number): void;
}

/**
 * Trains until `steps` or until the gate says stop, which it is asked before each step.
 * @returns the state to resume from
 * @throws RewardError on rewards that are not finite; Error when an update is not
 */
export async function trainPolicy(
  task: PolicyTask,
  training: PolicyTraining,
  hooks: PolicyHooks,
): Promise<PolicyState> {
  const { seed, promptsPerStep } = training;
  const epochs = new Epochs(seed, 'popo-prompts', task.examples.length);
  let step = training.from;
  for (; step < training.steps; step++) {
    if ((await hooks.gate()) === 'stop') break;
    const { options, weights } = await training.at(step);
    task.optimizer.configure(options);
    if (weights !== null) task.optimizer.weights = [...weights];
    const drawn = drawnAt(options, seed, step);
    if (drawn !== null) {
      task.optimizer.weights = drawn;
      await task.model.compose(drawn);
    }
    const indices = epochs.batch(step, promptsPerStep);
    const key = streamKey(seed, 'rollout', step);
    const rollouts = await timed(hooks, 'rollout', () => rollOut(task, options, indices, key));
    const rewards = await timed(hooks, 'reward', () => rewardRollouts(task, rollouts));
    const sampled = { step, rollouts, rewards, options };
    const updates = await timed(hooks, 'update', () => updatePolicy(task, training, sampled));
    // What is measured, kept and handed over is one model.
    if (drawn !== null) await task.model.compose(options.rewardWeights);
    await hooks.onStep(describe(task, sampled, updates), rollouts);
    hooks.onProgress?.(step + 1, training.steps);
  }
  return { step, weights: task.optimizer.weights };
}

function drawnAt({ weighting, rewardWeights }: PolicyOptions, seed: number, step: number): number[] | null {
  return ruleOf(weighting).draw?.({ seed, step, numRewards: rewardWeights.length }) ?? null;
}

async function timed<T>(
  hooks: PolicyHooks,
  part: 'rollout' | 'reward' | 'update',
  work: () => T | Promise<T>,
): Promise<T> {
  const start = performance.now();
  const result = await work();
  hooks.onTiming?.(part, (performance.now() - start) / 1000);
  return result;
}

/** What a step sampled, and what it was paid. */
interface Sampled {
  step: number;
  options: LoopOptions;
  /** [P·G] */
  rollouts: Rollout[];
  /** [P·G, K] */
  rewards: Float32Array;
}

async function updatePolicy(
  task: PolicyTask,
  training: PolicyTraining,
  { step, options, rollouts, rewards }: Sampled,
): Promise<PolicyUpdate[]> {
  const { numGenerations: G, numIterations } = options;
  const batch = rolloutBatch(
    rollouts.filter((_, row) => row % G === 0).map(({ prompt }) => prompt),
    rollouts.map(({ completion }) => completion),
    training.length,
  );
  const updates: PolicyUpdate[] = [];
  for (let iteration = 0; iteration < numIterations; iteration++) {
    const numRewards = task.sources.rewards.length;
    const policyBatch = { batch, groupSize: G, rewards, numRewards, step, iteration };
    updates.push(await task.optimizer.update(policyBatch, training.hyper(step * numIterations + iteration)));
  }
  return updates;
}

/** The step's record: decisions of its first update, gauges averaged over its updates as TRL logs them. */
function describe(
  task: PolicyTask,
  { step, options, rollouts, rewards }: Sampled,
  updates: PolicyUpdate[],
): PopoStep {
  const G = options.numGenerations;
  const first = updates[0];
  const mean = (value: (update: PolicyUpdate) => number) =>
    updates.reduce((sum, update) => sum + value(update), 0) / updates.length;
  const share = (test: (rollout: Rollout) => boolean) => rollouts.filter(test).length / rollouts.length;
  const covariance = rewardCovariance(rewards, G, task.sources.rewards.length);
  const level = options.weighting === 'constraint' ? options.constraint.level : null;
  const inGroups = <T>(values: T[]) =>
    Array.from({ length: values.length / G }, (_, p) => values.slice(p * G, (p + 1) * G));
  return {
    step,
    sampleIds: rollouts
      .filter((_, row) => row % G === 0)
      .map(({ example }) => task.examples[example].sampleId),
    rewards: inGroups(rollouts.map((rollout) => rollout.rewards)),
    advantages: inGroups(Array.from(first.advantages)),
    weightsBefore: first.weightsBefore,
    weightsAfter: first.weightsAfter,
    influence: first.influence,
    gradNorms: first.gradNorms,
    gradCosine: first.gradCosines?.[0] ?? null,
    gradCosines: first.gradCosines,
    pull: rewardPull(rewards, G, first.weightsAfter),
    covariance: Array.from(covariance),
    covarianceWithSum: covarianceWith(covariance, first.weightsAfter),
    ...(level !== null && { level }),
    loss: mean((update) => update.loss),
    grad_norm: mean((update) => update.gradNorm),
    ...rewardMetrics(rewards, { ...options, groupSize: G, weights: first.weightsAfter }),
    kl: mean((update) => update.kl),
    entropy: mean((update) => update.entropy),
    clip_ratio: {
      low_mean: mean((update) => update.clip.low_mean),
      high_mean: mean((update) => update.clip.high_mean),
      region_mean: mean((update) => update.clip.region_mean),
    },
    completions: {
      mean_length: rollouts.reduce((sum, { completion }) => sum + completion.length, 0) / rollouts.length,
      clipped_ratio: share(({ completion }) => completion.at(-1) !== task.eosToken),
      valid_rate: share(({ parsed }) => parsed.valid),
      duplicate_rate: duplicateRate(inGroups(rollouts)),
    },
  };
}

/** 1 − different items / answers that name one, averaged over the groups; 0 for a group without such an answer. */
function duplicateRate(groups: readonly Rollout[][]): number {
  const rates = groups.map((group) => {
    const items = group.map(({ parsed }) => (parsed.valid ? parsed.item : -1)).filter((item) => item >= 0);
    return items.length === 0 ? 0 : 1 - new Set(items).size / items.length;
  });
  return rates.reduce((sum, rate) => sum + rate, 0) / groups.length;
}
