/** What a device's speed is measured on: a model, and a batch that it takes a training step on. */
import { Random } from '../numeric/random';
import type { AdamWStep, ModelConfig } from './config';
import type { TokenBatch } from './languageModel';

/** A model and the batch it takes a training step on: `size` sequences of `length` tokens. */
export interface BenchShape {
  name: string;
  config: ModelConfig;
  size: number;
  length: number;
}

/** Constant, and small: the benchmark trains on one batch, and must not run off to NaN. */
export const BENCH_HYPER: AdamWStep = {
  step: 1,
  learningRate: 1e-4,
  beta1: 0.9,
  beta2: 0.98,
  eps: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
};

/** 3 layers × 96 × 4 heads × MLP 384, vocabulary 256: `standard` in docs/RESULTS.md. */
export const STANDARD: BenchShape = {
  name: 'standard',
  config: {
    vocab_size: 256,
    hidden_size: 96,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    intermediate_size: 384,
    max_position_embeddings: 128,
    rope_theta: 10000,
    rms_norm_eps: 1e-5,
  },
  size: 8,
  length: 128,
};

/** Llama's constants, of every preset. */
const CONSTANTS = { rope_theta: 10000, rms_norm_eps: 1e-5 } as const;

/** The shapes of `tiny` and `small`, version 1, on a batch of their fine-tuning: what their generated data come to, without making them. */
export const PRESET_SHAPES: readonly BenchShape[] = [
  {
    name: 'tiny',
    config: {
      vocab_size: 176,
      hidden_size: 32,
      num_hidden_layers: 2,
      num_attention_heads: 1,
      num_key_value_heads: 1,
      intermediate_size: 64,
      max_position_embeddings: 44,
      ...CONSTANTS,
    },
    size: 12,
    length: 44,
  },
  {
    name: 'small',
    config: {
      vocab_size: 284,
      hidden_size: 64,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      num_key_value_heads: 2,
      intermediate_size: 128,
      max_position_embeddings: 64,
      ...CONSTANTS,
    },
    size: 16,
    length: 64,
  },
];

/** Random tokens, full rows, every position weighted alike. */
export function benchBatch({ config, size, length }: BenchShape): TokenBatch {
  const random = new Random(1, 'bench');
  const count = size * (length - 1);
  return {
    size,
    length,
    tokens: Uint32Array.from({ length: size * length }, () => random.int(config.vocab_size)),
    lengths: new Uint32Array(size).fill(length),
    lossWeights: new Float32Array(size * length).fill(1 / count),
  };
}
