/**
 * The decoder's forward pass in TensorFlow.js ops, differentiable throughout: RMSNorm, rotary positions in Hugging
 * Face's `rotate_half` convention, grouped-query causal attention, SwiGLU, tied head. The formulas are those of
 * `transformers/models/llama/modeling_llama.py`. Two ops are chosen around the backends: the embedding's gradient is a
 * one-hot matmul (that of `tf.gather` adds with atomics on WebGPU and has no WASM kernel), and there is no `tf.einsum`
 * (it has no gradient).
 */
import * as tf from '@tensorflow/tfjs';
import { headDim, type ModelConfig } from './config';
import type { Parameter } from './parameters';

/** The model's weights by Hugging Face name. */
export type WeightTensors = Map<string, tf.Tensor>;

/** Rotation angles and mask of one forward pass; see `causalContext` and `decodeContext`. */
export interface AttentionContext {
  /** [1 or B, 1, T, headDim] */
  cos: tf.Tensor4D;
  sin: tf.Tensor4D;
  /** Added to attention scores: 0 or −1e9; broadcasts against [B, heads, T, S]. */
  mask: tf.Tensor4D;
}

/** Keys and values of one layer, [B, key-value heads, S, headDim] each. */
export type LayerCache = {
  key: tf.Tensor4D;
  value: tf.Tensor4D;
};

/** Score of a masked key; exp(−1e9 − max) is exactly 0 in f32. */
const MASKED = -1e9;

/** Cosines and sines of the rotary angles of `positions`, [positions, headDim] row-major; the two halves repeat. */
export function rotaryTables(config: ModelConfig, positions: ArrayLike<number>) {
  const width = headDim(config);
  const half = width / 2;
  const cos = new Float32Array(positions.length * width);
  const sin = new Float32Array(positions.length * width);
  for (let row = 0; row < positions.length; row++) {
    for (let i = 0; i < half; i++) {
      const angle = positions[row] * config.rope_theta ** ((-2 * i) / width);
      const at = row * width + i;
      cos[at] = cos[at + half] = Math.cos(angle);
      sin[at] = sin[at + half] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** Context of whole sequences of `length` tokens: position t sees keys 0 … t. Padding on the right needs no mask of its own. */
export function causalContext(config: ModelConfig, length: number): AttentionContext {
  const width = headDim(config);
  const { cos, sin } = rotaryTables(
    config,
    Array.from({ length }, (_, position) => position),
  );
  const mask = new Float32Array(length * length);
  for (let query = 0; query < length; query++)
    mask.fill(MASKED, query * length + query + 1, (query + 1) * length);
  return {
    cos: tf.tensor4d(cos, [1, 1, length, width]),
    sin: tf.tensor4d(sin, [1, 1, length, width]),
    mask: tf.tensor4d(mask, [1, 1, length, length]),
  };
}

/**
 * Context of one new token per row over a cache of `slots` keys (the new one included): row r stands at
 * `positions[r]`, and keys in slots [promptLengths[r], promptSlots) are padding.
 */
export function decodeContext(
  config: ModelConfig,
  {
    positions,
    promptLengths,
    promptSlots,
    slots,
  }: {
    positions: ArrayLike<number>;
    promptLengths: ArrayLike<number>;
    promptSlots: number;
    slots: number;
  },
): AttentionContext {
  const width = headDim(config);
  const rows = positions.length;
  const { cos, sin } = rotaryTables(config, positions);
  const mask = new Float32Array(rows * slots);
  for (let row = 0; row < rows; row++) {
    mask.fill(MASKED, row * slots + promptLengths[row], row * slots + promptSlots);
  }
  return {
    cos: tf.tensor4d(cos, [rows, 1, 1, width]),
    sin: tf.tensor4d(sin, [rows, 1, 1, width]),
    mask: tf.tensor4d(mask, [rows, 1, 1, slots]),
  };
}

/** Rows of `table` [V, D] at `ids` [N] → [N, D]; its gradient is oneHotᵀ · dy. */
function embed(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  const lookUp = tf.customGrad((weights: tf.Tensor | tf.GradSaveFunc, save: tf.Tensor | tf.GradSaveFunc) => {
    // Saved, because the tape's scope disposes what the closure alone holds on to.
    (save as tf.GradSaveFunc)([ids]);
    return {
      value: tf.gather(weights as tf.Tensor2D, ids),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
        tf.matMul(
          tf.oneHot(saved as tf.Tensor1D, table.shape[0]).cast('float32') as tf.Tensor2D,
          dy as tf.Tensor2D,
          true,
          false,
        ),
    };
  });
  return lookUp(table) as tf.Tensor2D;
}

/** x / √(mean(x²) + ε) · weight over the last axis. */
function rmsNorm(x: tf.Tensor2D, weight: tf.Tensor, eps: number): tf.Tensor2D {
  const meanSquare = tf.mean(tf.square(x), -1, true);
  return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, eps))), weight);
}

/** x · cos + rotate_half(x) · sin, with rotate_half([a, b]) = [−b, a]. */
function rotate(x: tf.Tensor4D, { cos, sin }: AttentionContext): tf.Tensor4D {
  const [first, second] = tf.split(x, 2, 3);
  return tf.add(tf.mul(x, cos), tf.mul(tf.concat([tf.neg(second), first], 3), sin));
}

/** x [N, in] · weight [out, in]ᵀ */
function linear(x: tf.Tensor2D, weight: tf.Tensor): tf.Tensor2D {
  return tf.matMul(x, weight as tf.Tensor2D, false, true);
}

/** Token ids [B·T] of B = `size` sequences of T = `length` tokens. */
export interface TokenIds {
  ids: tf.Tensor1D;
  size: number;
  length: number;
}

/**
 * Hidden states after the final norm, [B·T, D], and each layer's keys and values (the new ones behind `past`).
 * @param past one cache per layer, or none to start from nothing
 */
export function hiddenStates(
  config: ModelConfig,
  weights: WeightTensors,
  { ids, size, length, context, past }: TokenIds & { context: AttentionContext; past?: LayerCache[] },
): { hidden: tf.Tensor2D; cache: LayerCache[] } {
  const {
    num_attention_heads: heads,
    num_key_value_heads: groups,
    hidden_size: D,
    rms_norm_eps: eps,
  } = config;
  const width = headDim(config);
  const weight = (name: string) => weights.get(name)!;
  const split = (x: tf.Tensor2D, count: number) =>
    tf.transpose(tf.reshape(x, [size, length, count, width]), [0, 2, 1, 3]) as tf.Tensor4D;

  const cache: LayerCache[] = [];
  let x = embed(weight('model.embed_tokens.weight') as tf.Tensor2D, ids);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const prefix = `model.layers.${layer}`;
    const normed = rmsNorm(x, weight(`${prefix}.input_layernorm.weight`), eps);
    const query = rotate(split(linear(normed, weight(`${prefix}.self_attn.q_proj.weight`)), heads), context);
    let key = rotate(split(linear(normed, weight(`${prefix}.self_attn.k_proj.weight`)), groups), context);
    let value = split(linear(normed, weight(`${prefix}.self_attn.v_proj.weight`)), groups);
    if (past) {
      key = tf.concat([past[layer].key, key], 2);
      value = tf.concat([past[layer].value, value], 2);
    }
    cache.push({ key, value });
    // Query heads of one key-value head are neighbours, so they stack on the row axis: no copy of keys or values.
    const stacked = tf.reshape(query, [size, groups, (heads / groups) * length, width]);
    const slots = key.shape[2];
    const scores = tf.reshape(tf.mul(tf.matMul(stacked, key, false, true), 1 / Math.sqrt(width)), [
      size,
      heads,
      length,
      slots,
    ]);
    const attention = tf.reshape(tf.softmax(tf.add(scores, context.mask)), [
      size,
      groups,
      (heads / groups) * length,
      slots,
    ]);
    const mixed = tf.reshape(tf.matMul(attention, value), [size, heads, length, width]);
    const attended = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [size * length, D]) as tf.Tensor2D;
    x = tf.add(x, linear(attended, weight(`${prefix}.self_attn.o_proj.weight`)));

    const inner = rmsNorm(x, weight(`${prefix}.post_attention_layernorm.weight`), eps);
    const gate = linear(inner, weight(`${prefix}.mlp.gate_proj.weight`));
    const up = linear(inner, weight(`${prefix}.mlp.up_proj.weight`));
    const activated = tf.mul(tf.mul(gate, tf.sigmoid(gate)), up) as tf.Tensor2D;
    x = tf.add(x, linear(activated, weight(`${prefix}.mlp.down_proj.weight`)));
  }
  return { hidden: rmsNorm(x, weight('model.norm.weight'), eps), cache };
}

/** Logits [N, V] of hidden states [N, D] through the tied head. */
export function logits(weights: WeightTensors, hidden: tf.Tensor2D): tf.Tensor2D {
  return linear(hidden, weights.get('model.embed_tokens.weight')!);
}

/**
 * log P(tokens[t] | tokens[<t]) for t ≥ 1 and the entropy of each predicting distribution.
 * @param temperature divides the logits
 * @returns logps and entropies, [B, T − 1], T being at least 2
 */
export function tokenLogps(
  config: ModelConfig,
  weights: WeightTensors,
  { ids, size, length }: TokenIds,
  temperature = 1,
): { logps: tf.Tensor2D; entropies: tf.Tensor2D } {
  const context = causalContext(config, length);
  const { hidden } = hiddenStates(config, weights, { ids, size, length, context });
  const D = config.hidden_size;
  const predicting = tf.slice(tf.reshape(hidden, [size, length, D]), [0, 0, 0], [size, length - 1, D]);
  const predicted = tf.reshape(tf.slice(tf.reshape(ids, [size, length]), [0, 1], [size, length - 1]), [-1]);
  const raw = logits(weights, tf.reshape(predicting, [-1, D]) as tf.Tensor2D);
  const logProbabilities = tf.logSoftmax(temperature === 1 ? raw : tf.mul(raw, 1 / temperature));
  const chosen = tf.oneHot(predicted.cast('int32') as tf.Tensor1D, config.vocab_size).cast('float32');
  const logps = tf.sum(tf.mul(logProbabilities, chosen), -1);
  const entropies = tf.neg(tf.sum(tf.mul(tf.exp(logProbabilities), logProbabilities), -1));
  return {
    logps: tf.reshape(logps, [size, length - 1]),
    entropies: tf.reshape(entropies, [size, length - 1]),
  };
}

/** Cuts a flat pool into one tensor per parameter. The caller owns the tensors. */
export function weightsFromPool(parameters: Parameter[], pool: Float32Array): WeightTensors {
  return new Map(
    parameters.map(({ name, shape, offset, size }) => [
      name,
      // A copy: a CPU tensor would otherwise alias the caller's pool.
      tf.tensor(pool.slice(offset, offset + size), shape),
    ]),
  );
}
