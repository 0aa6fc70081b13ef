/** Shapes and inputs that the engine's tests share: grouped heads, primes, ragged and empty rows. */
import type { AdamWStep, ModelConfig } from '../../src/model/config';
import type { TokenBatch } from '../../src/model/languageModel';
import { initialParameters, parameterTable } from '../../src/model/parameters';
import { Random } from '../../src/numeric/random';

export const multiHead: ModelConfig = {
  vocab_size: 20,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  intermediate_size: 28,
  max_position_embeddings: 64,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
};

/** Three query heads on one key head, and widths one past the matmul's tile. */
export const grouped: ModelConfig = {
  ...multiHead,
  vocab_size: 36,
  hidden_size: 36,
  num_hidden_layers: 3,
  num_attention_heads: 3,
  num_key_value_heads: 1,
  intermediate_size: 44,
};

export const hyper: AdamWStep = {
  step: 1,
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.98,
  eps: 1e-8,
  weightDecay: 0.1,
  maxGradNorm: 1,
};

/** Weights with norms off 1, so that their gradients are told apart. */
export function someWeights(config: ModelConfig, seed: number): Float32Array<ArrayBuffer> {
  const pool = initialParameters(config, seed);
  const random = new Random(seed, 'test-norms');
  for (const { offset, size, shape } of parameterTable(config).parameters) {
    if (shape.length > 1) continue;
    for (let i = 0; i < size; i++) pool[offset + i] += 0.2 * random.normal();
  }
  return pool;
}

/** Ragged rows of random tokens; weight 0 on each row's first half, as on a prompt. */
export function someBatch(config: ModelConfig, lengths: number[], length: number, seed = 1): TokenBatch {
  const random = new Random(seed, 'test-batch');
  const size = lengths.length;
  const tokens = new Uint32Array(size * length).map(() => random.int(config.vocab_size));
  const weights = new Float32Array(size * length);
  lengths.forEach((count, b) => {
    for (let t = count >> 1; t < count; t++) weights[b * length + t] = 0.1 + 0.2 * random.uniform();
  });
  return { size, length, tokens, lengths: Uint32Array.from(lengths), lossWeights: weights };
}

/** ‖a − b‖ / ‖b‖, or ‖a‖ where b is zero. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    size += b[i] ** 2;
  }
  return Math.sqrt(size === 0 ? difference : difference / size);
}
