/**
 * The frozen presets. A preset never changes: a link says `preset=small&version=1` and means these numbers for ever, so
 * better numbers get a new version beside the old one. Sizes follow what the prototype of the design found to work.
 */
import type { RunConfig } from './config';

export type PresetName = RunConfig['preset'];

export const PRESET_NAMES: readonly PresetName[] = ['tiny', 'small', 'base', 'medium', 'large'];

/** About 0.1 million weights: the default. The other presets are told as what differs from it. */
const small: RunConfig = {
  preset: 'small',
  version: 1,
  seed: 1,
  data: {
    source: 'world',
    world: 'tradeoff',
    num_l1: 4,
    items_per_l3: 6,
    num_users: 6000,
    num_heldout_users: 1000,
    sha256: '',
  },
  // Limits for real titles; the embedded worlds need half of them, and batches fit the data (shapes.ts).
  text: { vocab_size: 1024, history_length: 6, max_prompt_length: 160, max_completion_length: 64 },
  model: {
    hidden_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 2,
    intermediate_size: 128,
    rope_theta: 10000,
    rms_norm_eps: 1e-5,
  },
  optimizer: { beta1: 0.9, beta2: 0.98, eps: 1e-8, weight_decay: 0, max_grad_norm: 1 },
  warmup: {
    steps: 1000,
    batch_size: 12,
    learning_rate: 3e-3,
    catalogue_facts: 24,
    need_sentences: 12,
    catalogue_sentences: 6,
  },
  rupr: {
    teacher: 'attributes',
    told: true,
    prompts: 12_000,
    num_cots: 3,
    temperature: 1,
    url: '',
    model: '',
    cots_sha256: '',
  },
  orft: { threshold: 'median', scorer_steps: 80 },
  sft: { steps: 3000, batch_size: 16, learning_rate: 2e-3, cot: true },
  ranker: { steps: 1500, batch_size: 256, learning_rate: 2e-3, embedding_size: 16, attended: 4 },
  encoder: { steps: 400, embedding_size: 32, semantic_reward: 'catalogue' },
  popo: {
    steps: 150,
    prompts_per_step: 32,
    num_generations: 8,
    learning_rate: 3e-4,
    rewards: ['semantic', 'id'],
    weighting: 'popo',
    reward_weights: [0.5, 0.5],
    eta_over_mu: 0.1,
    influence: 'batch',
    influence_scope: 'all',
    influence_prompts: 0,
    influence_every: 1,
    objective_max_norm: 0,
    min_weight: 0,
    semantic_exponent: 2,
    probe_every: 10,
    beta: 0.1,
    epsilon: 0.2,
    epsilon_high: 0.2,
    num_iterations: 1,
    temperature: 1,
    top_k: 0,
    loss_type: 'grpo',
    scale_rewards: 'group',
    multi_objective_aggregation: 'sum_then_normalize',
  },
  evaluate: { users: 1000, curve_users: 128, curve_every: 10 },
  ranking: {
    users: 4000,
    steps: 1800,
    tuning_steps: 200,
    batch_size: 64,
    learning_rate: 2e-3,
    embedding_size: 32,
    subspaces: 4,
    bits: 6,
  },
  kernels: 'auto',
};

/** For software adapters and CI: minutes on two CPU cores at 1 to 2 GFLOP/s. */
const tiny: RunConfig = {
  ...small,
  preset: 'tiny',
  data: { ...small.data, num_l1: 2, items_per_l3: 3, num_users: 1500, num_heldout_users: 200 },
  text: { vocab_size: 768, history_length: 3, max_prompt_length: 96, max_completion_length: 56 },
  model: {
    ...small.model,
    hidden_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    intermediate_size: 64,
  },
  warmup: {
    steps: 700,
    batch_size: 6,
    learning_rate: 5e-3,
    catalogue_facts: 12,
    need_sentences: 6,
    catalogue_sentences: 3,
  },
  rupr: { ...small.rupr, prompts: 6000 },
  sft: { ...small.sft, steps: 1500, batch_size: 12, learning_rate: 4e-3 },
  ranker: { steps: 400, batch_size: 256, learning_rate: 3e-3, embedding_size: 8, attended: 0 },
  encoder: { ...small.encoder, steps: 150, embedding_size: 16 },
  popo: { ...small.popo, steps: 60, prompts_per_step: 8, learning_rate: 7e-4 },
  evaluate: { users: 200, curve_users: 64, curve_every: 15 },
  ranking: { ...small.ranking, users: 600, steps: 500, tuning_steps: 60, embedding_size: 16 },
};

/** About 0.6 million weights. */
const base: RunConfig = {
  ...small,
  preset: 'base',
  data: { ...small.data, num_l1: 8, items_per_l3: 8, num_users: 10_000 },
  model: {
    ...small.model,
    hidden_size: 128,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    intermediate_size: 256,
  },
  warmup: { ...small.warmup, steps: 2000, learning_rate: 2e-3 },
  sft: { ...small.sft, learning_rate: 1e-3 },
  popo: { ...small.popo, steps: 160, prompts_per_step: 24, learning_rate: 2e-4 },
};

/** About 6 million weights. */
const medium: RunConfig = {
  ...base,
  preset: 'medium',
  data: { ...base.data, items_per_l3: 16, num_users: 20_000 },
  text: {
    ...base.text,
    vocab_size: 2048,
    history_length: 12,
    max_prompt_length: 176,
    max_completion_length: 48,
  },
  model: {
    ...base.model,
    hidden_size: 256,
    num_hidden_layers: 6,
    num_attention_heads: 8,
    num_key_value_heads: 8,
    intermediate_size: 768,
  },
  optimizer: { ...base.optimizer, weight_decay: 0.01 },
  warmup: { ...base.warmup, steps: 4000, batch_size: 24, learning_rate: 1e-3 },
  rupr: { ...base.rupr, prompts: 12_000 },
  sft: { ...base.sft, steps: 2000, batch_size: 32, learning_rate: 5e-4 },
  popo: { ...base.popo, steps: 200, prompts_per_step: 32, learning_rate: 1e-4 },
};

/** About 25 million weights; four query heads share a key-value head. */
const large: RunConfig = {
  ...medium,
  preset: 'large',
  data: { ...medium.data, items_per_l3: 32, num_users: 40_000 },
  text: { ...medium.text, vocab_size: 4096 },
  model: {
    ...medium.model,
    hidden_size: 512,
    num_hidden_layers: 8,
    num_attention_heads: 8,
    num_key_value_heads: 2,
    intermediate_size: 1408,
  },
  warmup: { ...medium.warmup, steps: 6000, learning_rate: 6e-4 },
  rupr: { ...medium.rupr, prompts: 20_000 },
  sft: { ...medium.sft, steps: 3000, learning_rate: 3e-4 },
  popo: { ...medium.popo, learning_rate: 5e-5 },
};

const PRESETS: Readonly<Record<PresetName, RunConfig>> = { tiny, small, base, medium, large };

/** A fresh copy of a preset that the caller may change. */
export function presetConfig(name: PresetName): RunConfig {
  return structuredClone(PRESETS[name]);
}

/** What the page shows when nothing was asked for. */
export function defaultConfig(): RunConfig {
  return presetConfig('small');
}
