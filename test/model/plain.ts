/**
 * The decoder once more in plain f64 loops: slow, obvious, and free of any framework. What tests compare against when
 * f32 is not fine enough, and what finite differences are taken of.
 */
import { headDim, type ModelConfig } from '../../src/model/config';
import type { TokenBatch } from '../../src/model/languageModel';
import { parameterTable } from '../../src/model/parameters';

/** Logits [length × V] of one sequence under weights laid out as in `parameters.ts`. */
export function plainLogits(
  config: ModelConfig,
  pool: ArrayLike<number>,
  tokens: ArrayLike<number>,
): Float64Array[] {
  const { hidden_size: D, intermediate_size: F, vocab_size: V, rms_norm_eps: eps } = config;
  const width = headDim(config);
  const heads = config.num_attention_heads;
  const perGroup = heads / config.num_key_value_heads;
  const offsets = new Map(parameterTable(config).parameters.map(({ name, offset }) => [name, offset]));
  const offset = (name: string) => offsets.get(`model.${name}.weight`)!;

  const matvec = (at: number, rows: number, x: Float64Array) =>
    Float64Array.from({ length: rows }, (_, row) => {
      let sum = 0;
      for (let i = 0; i < x.length; i++) sum += pool[at + row * x.length + i] * x[i];
      return sum;
    });
  const norm = (at: number, x: Float64Array) => {
    const meanSquare = x.reduce((sum, value) => sum + value * value, 0) / x.length;
    return x.map((value, i) => (value / Math.sqrt(meanSquare + eps)) * pool[at + i]);
  };
  /** Pairs (i, i + width/2) of every head turn by position · θ^(−2i/width). */
  const rotate = (x: Float64Array, position: number) => {
    const y = x.slice();
    const half = width / 2;
    for (let head = 0; head < x.length / width; head++) {
      for (let i = 0; i < half; i++) {
        const angle = position * config.rope_theta ** ((-2 * i) / width);
        const a = x[head * width + i];
        const b = x[head * width + half + i];
        y[head * width + i] = a * Math.cos(angle) - b * Math.sin(angle);
        y[head * width + half + i] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
    return y;
  };
  const add = (x: Float64Array, y: Float64Array) => x.map((value, i) => value + y[i]);

  let states = Array.from(tokens, (token) =>
    Float64Array.from({ length: D }, (_, i) => pool[offset('embed_tokens') + token * D + i]),
  );
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const at = (name: string) => offset(`layers.${layer}.${name}`);
    const normed = states.map((x) => norm(at('input_layernorm'), x));
    const kv = width * config.num_key_value_heads;
    const queries = normed.map((x, t) => rotate(matvec(at('self_attn.q_proj'), D, x), t));
    const keys = normed.map((x, t) => rotate(matvec(at('self_attn.k_proj'), kv, x), t));
    const values = normed.map((x) => matvec(at('self_attn.v_proj'), kv, x));
    states = states.map((x, t) => {
      const mixed = new Float64Array(D);
      for (let head = 0; head < heads; head++) {
        const group = Math.floor(head / perGroup) * width;
        const scores = new Float64Array(t + 1).map((_, s) => {
          let dot = 0;
          for (let i = 0; i < width; i++) dot += queries[t][head * width + i] * keys[s][group + i];
          return dot / Math.sqrt(width);
        });
        const max = Math.max(...scores);
        const masses = scores.map((score) => Math.exp(score - max));
        const total = masses.reduce((a, b) => a + b, 0);
        masses.forEach((mass, s) => {
          for (let i = 0; i < width; i++) mixed[head * width + i] += (mass / total) * values[s][group + i];
        });
      }
      return add(x, matvec(at('self_attn.o_proj'), D, mixed));
    });
    states = states.map((x) => {
      const inner = norm(at('post_attention_layernorm'), x);
      const up = matvec(at('mlp.up_proj'), F, inner);
      const activated = matvec(at('mlp.gate_proj'), F, inner).map((g, i) => (g / (1 + Math.exp(-g))) * up[i]);
      return add(x, matvec(at('mlp.down_proj'), D, activated));
    });
  }
  return states.map((x) => matvec(offset('embed_tokens'), V, norm(offset('norm'), x)));
}

/** log P over the vocabulary from logits. */
export function plainLogSoftmax(logits: Float64Array): Float64Array {
  const max = Math.max(...logits);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0);
  return logits.map((logit) => logit - max - Math.log(total));
}

/** Log-probabilities and entropies [B*T] as `LanguageModel.score` defines them. */
export function plainScore(config: ModelConfig, pool: ArrayLike<number>, batch: TokenBatch, temperature = 1) {
  const { size, length, tokens, lengths } = batch;
  const logps = new Float64Array(size * length);
  const entropies = new Float64Array(size * length);
  for (let b = 0; b < size; b++) {
    const sequence = tokens.subarray(b * length, b * length + lengths[b]);
    const logits = plainLogits(config, pool, sequence);
    for (let t = 1; t < lengths[b]; t++) {
      const distribution = plainLogSoftmax(logits[t - 1].map((logit) => logit / temperature));
      logps[b * length + t] = distribution[sequence[t]];
      entropies[b * length + t] = -distribution.reduce((sum, logp) => sum + Math.exp(logp) * logp, 0);
    }
  }
  return { logps, entropies };
}

/** Σ lossWeights · −log P, the loss of `LanguageModel.trainStep`. */
export function plainLoss(config: ModelConfig, pool: ArrayLike<number>, batch: TokenBatch): number {
  const { logps } = plainScore(config, pool, batch);
  return -logps.reduce((sum, logp, i) => (i % batch.length ? sum + batch.lossWeights[i] * logp : sum), 0);
}

/** Central difference of `f` along coordinate `index` of `x`, which is left as it was. */
export function finiteDifference(
  f: (x: Float64Array) => number,
  x: Float64Array,
  index: number,
  step = 1e-5,
): number {
  const held = x[index];
  x[index] = held + step;
  const above = f(x);
  x[index] = held - step;
  const below = f(x);
  x[index] = held;
  return (above - below) / (2 * step);
}
