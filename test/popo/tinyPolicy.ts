/** A model and a batch small enough for autodiff on a CPU, shared by the tests of both optimizers. */
import type { AdamWStep, ModelConfig } from '../../src/model/config';
import { Random } from '../../src/numeric/random';
import type { PolicyOptions } from '../../src/popo/options';
import type { PolicyBatch } from '../../src/popo/policy';
import { rolloutBatch } from '../../src/popo/rollouts';

export const tinyModel: ModelConfig = {
  vocab_size: 16,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  intermediate_size: 24,
  max_position_embeddings: 12,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
};

export const tinyOptions: PolicyOptions = {
  weighting: 'popo',
  rewardWeights: [0.5, 0.5],
  etaOverMu: 0.02,
  influence: 'batch',
  influenceScope: 'all',
  influencePrompts: 0,
  influenceEvery: 1,
  objectiveMaxNorm: 0,
  minWeight: 0,
  correlationRate: 0.5,
  correlationTarget: 0.9,
  constraint: { reward: 0, level: 0.6, step: 2 },
  temperature: 1,
  beta: 0.1,
  epsilon: 0.2,
  epsilonHigh: 0.28,
  lossType: 'dapo',
  scaleRewards: 'group',
  aggregation: 'sum_then_normalize',
  maxCompletionLength: 6,
  probeEvery: 0,
};

export const tinyHyper = (update: number): AdamWStep => ({
  step: update + 1,
  learningRate: 0.003,
  beta1: 0.9,
  beta2: 0.98,
  eps: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
});

/** A policy that never moves, and advantages that are linear in rewards: every step's gradient is half the sum of the rewards' own. */
export const still = {
  options: { beta: 0, scaleRewards: 'none', etaOverMu: 0 } satisfies Partial<PolicyOptions>,
  hyper: (update: number): AdamWStep => ({ ...tinyHyper(update), learningRate: 0, maxGradNorm: 1e6 }),
};

/** P ≤ 5 prompts × G = 4 ragged random completions with K rewards, in T = 12. */
export function tinyRollouts(step: number, numRewards = 2, numPrompts = 3): PolicyBatch {
  const random = new Random(11, 'tiny-rollouts', step);
  const words = (count: number) => Array.from({ length: count }, () => random.int(tinyModel.vocab_size));
  const prompts = [2, 5, 3, 6, 1].slice(0, numPrompts).map(words);
  const rows = 4 * numPrompts;
  const completions = Array.from({ length: rows }, () => words(1 + random.int(6)));
  const rewards = Float32Array.from({ length: rows * numRewards }, () => random.uniform());
  return {
    batch: rolloutBatch(prompts, completions, 12),
    groupSize: 4,
    rewards,
    numRewards,
    step,
    iteration: 0,
  };
}
