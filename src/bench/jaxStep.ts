/**
 * The training step in jax-js, as its own examples write one: pure functions of a tree of weights, `valueAndGrad`, and
 * one `jit` around forward, backward and AdamW. Only the benchmark uses it. jax-js counts references: an operation
 * consumes its arguments, and `.ref` keeps one for later.
 */
import { jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { type AdamWStep, headDim, type ModelConfig } from '../model/config';
import type { TokenBatch } from '../model/languageModel';
import { parameterTable } from '../model/parameters';
import { rotaryTables } from '../model/referenceForward';
import type { Peer } from './core';

/** Weights, moments or gradients by Hugging Face name. */
type Weights = Record<string, np.Array>;

type Inputs = {
  /** [B, T], int32 */
  tokens: np.Array;
  /** [B, T], int32: the token behind each one */
  targets: np.Array;
  /** [B, T]: the weight of each target */
  coefficients: np.Array;
  /** [T, 1, headDim] */
  cos: np.Array;
  sin: np.Array;
};

type State = { weights: Weights; moment1: Weights; moment2: Weights };

/** jax-js must have been initialised. Compiles at the first step. */
export function jaxStep(config: ModelConfig, pool: Float32Array, batch: TokenBatch, hyper: AdamWStep): Peer {
  const { parameters, decayedSize } = parameterTable(config);
  const cut = (from: Float32Array): Weights =>
    Object.fromEntries(
      parameters.map(({ name, shape, offset, size }) => [
        name,
        np.array(from.slice(offset, offset + size)).reshape(shape),
      ]),
    );
  const zeros = new Float32Array(pool.length);
  let state: State = { weights: cut(pool), moment1: cut(zeros), moment2: cut(zeros) };
  const constants = inputs(config, batch);
  const decayed = new Set(parameters.filter(({ offset }) => offset < decayedSize).map(({ name }) => name));

  const compiled = jit((state: State, inputs: Inputs, corrections: np.Array) => {
    const [loss, gradients] = valueAndGrad((weights: Weights) => modelLoss(config, weights, inputs))(
      tree.ref(state.weights),
    );
    return { loss, state: adamW(state, { gradients, corrections, hyper, decayed }) };
  });

  let step = 0;
  return {
    async step() {
      step++;
      // An array, so that another step does not compile anew.
      const corrections = np.array([1 / (1 - hyper.beta1 ** step), 1 / (1 - hyper.beta2 ** step)]);
      const result = compiled(state, tree.ref(constants), corrections);
      state = result.state;
      const [loss] = await result.loss.data();
      return loss;
    },
    dispose() {
      tree.dispose(state);
      tree.dispose(constants);
      compiled.dispose();
    },
  };
}

function inputs(config: ModelConfig, { size, length, tokens, lengths, lossWeights }: TokenBatch): Inputs {
  const ids = new Int32Array(size * length);
  const targets = new Int32Array(size * length);
  const coefficients = new Float32Array(size * length);
  for (let b = 0; b < size; b++) {
    for (let t = 0; t < lengths[b]; t++) {
      const at = b * length + t;
      ids[at] = tokens[at];
      if (t > 0) {
        targets[at - 1] = tokens[at];
        coefficients[at - 1] = lossWeights[at];
      }
    }
  }
  const { cos, sin } = rotaryTables(
    config,
    Array.from({ length }, (_, position) => position),
  );
  const shape = [size, length];
  return {
    tokens: np.array(ids).reshape(shape),
    targets: np.array(targets).reshape(shape),
    coefficients: np.array(coefficients).reshape(shape),
    cos: np.array(cos).reshape([length, 1, headDim(config)]),
    sin: np.array(sin).reshape([length, 1, headDim(config)]),
  };
}

/** x [..., in] · weight [out, in]ᵀ */
function linear(x: np.Array, weight: np.Array): np.Array {
  return np.matmul(x, weight.transpose());
}

function rmsNorm(x: np.Array, weight: np.Array, eps: number): np.Array {
  const meanSquare = np.mean(np.square(x.ref), -1, { keepdims: true });
  return x.div(np.sqrt(meanSquare.add(eps))).mul(weight);
}

/** x [B, T, heads, headDim] */
function rotate(x: np.Array, cos: np.Array, sin: np.Array): np.Array {
  const [first, second] = np.split(x.ref, 2, -1);
  return x.mul(cos).add(np.concatenate([second.neg(), first], -1).mul(sin));
}

function modelLoss(
  config: ModelConfig,
  weights: Weights,
  { tokens, targets, coefficients, cos, sin }: Inputs,
) {
  const {
    num_attention_heads: heads,
    num_key_value_heads: groups,
    hidden_size: D,
    rms_norm_eps: eps,
  } = config;
  const [size, length] = tokens.shape;
  const width = headDim(config);
  const weight = (name: string) => weights[`model.${name}.weight`];
  const embedding = weight('embed_tokens');

  let x = np.matmul(nn.oneHot(tokens.reshape([-1]), config.vocab_size), embedding.ref);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const named = (name: string) => weight(`layers.${layer}.${name}`);
    const split = (y: np.Array, count: number) => y.reshape([size, length, count, width]);
    const normed = rmsNorm(x.ref, named('input_layernorm'), eps);
    const query = rotate(split(linear(normed.ref, named('self_attn.q_proj')), heads), cos.ref, sin.ref);
    const key = rotate(split(linear(normed.ref, named('self_attn.k_proj')), groups), cos.ref, sin.ref);
    const value = split(linear(normed, named('self_attn.v_proj')), groups);
    const attended = nn.dotProductAttention(query, key, value, { isCausal: true });
    x = x.add(linear(attended.reshape([size * length, D]), named('self_attn.o_proj')));
    const inner = rmsNorm(x.ref, named('post_attention_layernorm'), eps);
    const gate = nn.silu(linear(inner.ref, named('mlp.gate_proj')));
    x = x.add(linear(gate.mul(linear(inner, named('mlp.up_proj'))), named('mlp.down_proj')));
  }
  cos.dispose();
  sin.dispose();
  const logits = linear(rmsNorm(x, weight('norm'), eps), embedding);
  const logps = nn
    .logSoftmax(logits)
    .mul(nn.oneHot(targets.reshape([-1]), config.vocab_size))
    .sum(-1);
  return logps
    .mul(coefficients.reshape([-1]))
    .sum()
    .neg();
}

function adamW(
  { weights, moment1, moment2 }: State,
  {
    gradients,
    corrections,
    hyper,
    decayed,
  }: {
    gradients: Weights;
    corrections: np.Array;
    hyper: AdamWStep;
    decayed: Set<string>;
  },
): State {
  const { learningRate, beta1, beta2, eps, weightDecay, maxGradNorm } = hyper;
  const names = Object.keys(weights);
  const squares = names.map((name) => np.square(gradients[name].ref).sum());
  const norm = np.sqrt(squares.reduce((sum, square) => sum.add(square)));
  const scale = np.minimum(np.reciprocal(norm.add(1e-6)).mul(maxGradNorm), 1);
  const [correction1, correction2] = np.split(corrections, 2);
  const next: State = { weights: {}, moment1: {}, moment2: {} };
  for (const name of names) {
    const gradient = gradients[name].mul(scale.ref);
    const first = moment1[name].mul(beta1).add(gradient.ref.mul(1 - beta1));
    const second = moment2[name].mul(beta2).add(np.square(gradient).mul(1 - beta2));
    const direction = first.ref.mul(correction1.ref).div(np.sqrt(second.ref.mul(correction2.ref)).add(eps));
    const decay = decayed.has(name) ? 1 - learningRate * weightDecay : 1;
    next.weights[name] = weights[name].mul(decay).sub(direction.mul(learningRate));
    next.moment1[name] = first;
    next.moment2[name] = second;
  }
  scale.dispose();
  correction1.dispose();
  correction2.dispose();
  return next;
}
