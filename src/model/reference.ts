/**
 * The language model in TensorFlow.js ops with autodiff, on whichever backend is set: the oracle of the engine's tests,
 * the baseline of the benchmark, and the slow path of a machine without WebGPU. It favours being plainly right: one
 * tensor per weight, AdamW tensor by tensor, gradients from `tf.valueAndGrads`.
 */
import * as tf from '@tensorflow/tfjs';
import type { AdamWStep, ModelConfig } from './config';
import type {
  GenerateOptions,
  Generation,
  LanguageModel,
  ModelState,
  PaddedTokens,
  ScoreResult,
  StepMetrics,
  TokenBatch,
} from './languageModel';
import { fitWeights } from './padding';
import { type ParameterTable, parameterTable } from './parameters';
import { checkedIds, scattered, withoutFirst } from './referenceBatch';
import {
  causalContext,
  hiddenStates,
  logits,
  tokenLogps,
  type WeightTensors,
  weightsFromPool,
} from './referenceForward';
import { generate } from './referenceGenerate';

export interface ReferenceLossOptions {
  /** One advantage per sequence, [B], for each objective. */
  advantages: Float32Array[];
  /** [B*T] log-probabilities under the policy that sampled; null takes the current ones (ρ = 1, on-policy). */
  oldLogps: Float32Array | null;
  /** [B*T] log-probabilities under the frozen reference; null drops the KL term. */
  referenceLogps: Float32Array | null;
  beta: number;
  epsilonLow: number;
  epsilonHigh: number;
  /** Divides the logits; `oldLogps` and `referenceLogps` must be of the same. */
  temperature: number;
  /** The one objective whose loss carries β · k3; the others are the clipped term alone. */
  klIn: number;
}

export interface PolicyGradients {
  /** A flat pool per objective, in the order of `advantages`. */
  gradients: Float32Array<ArrayBuffer>[];
  /** Σ lossWeights · l per objective. */
  losses: number[];
  /** Σ lossWeights · k3; 0 without reference log-probabilities. */
  kl: number;
  /** [B*T] as in `score`. */
  logps: Float32Array;
  entropies: Float32Array;
}

/** `LanguageModel` on TensorFlow.js. Set the backend first (gpu/tfjs.ts); the model lives on it. */
export class ReferenceModel implements LanguageModel {
  readonly config: ModelConfig;
  readonly backend: LanguageModel['backend'];
  readonly #table: ParameterTable;
  #weights: WeightTensors;
  #moment1: WeightTensors;
  #moment2: WeightTensors;
  #reference: WeightTensors | null = null;

  /** @param pool initial weights, laid out by `parameterTable(config)`; copied */
  constructor(config: ModelConfig, pool: Float32Array) {
    this.config = config;
    const name = tf.getBackend();
    this.backend = name === 'webgpu' ? 'tfjs-webgpu' : name === 'wasm' ? 'wasm' : 'cpu';
    this.#table = parameterTable(config);
    this.#weights = this.#upload(pool);
    const zeros = new Float32Array(this.#table.poolSize);
    this.#moment1 = this.#upload(zeros);
    this.#moment2 = this.#upload(zeros);
  }

  /** Does nothing: nothing is compiled here. */
  prepare(): void {}

  async trainStep(microBatches: TokenBatch[], hyper: AdamWStep): Promise<StepMetrics> {
    const [loss, gradNorm] = tf.tidy(() => {
      let loss: tf.Tensor = tf.scalar(0);
      let gradients: tf.Tensor[] | null = null;
      for (const batch of microBatches) {
        const part = this.#supervised(batch);
        loss = tf.add(loss, part.value);
        gradients = gradients ? gradients.map((sum, i) => tf.add(sum, part.grads[i])) : part.grads;
      }
      if (!gradients) throw new Error('A training step needs at least one micro-batch.');
      return [loss, this.#update(gradients, hyper)];
    });
    const metrics = { loss: (await loss.data())[0], gradNorm: (await gradNorm.data())[0] };
    tf.dispose([loss, gradNorm]);
    return metrics;
  }

  /** The weighted next-token loss of one batch and its gradient as a flat pool (gaps are 0). Updates nothing. */
  async lossAndGradient(batch: TokenBatch): Promise<{ loss: number; gradient: Float32Array<ArrayBuffer> }> {
    const { value, grads } = tf.tidy(() => this.#supervised(batch));
    const result = { loss: (await value.data())[0], gradient: await this.#toPool(grads) };
    tf.dispose([value, grads]);
    return result;
  }

  /**
   * The GRPO loss of one batch for each of several advantage vectors, and its gradients. Per token
   * l = −min(ρA, clip(ρ, 1 − ε_low, 1 + ε_high)·A) + β·k3, and the loss is Σ lossWeights · l (Shao et al.,
   * DeepSeekMath, 2024, eq. 3). Updates nothing.
   */
  async policyGradients(batch: TokenBatch, options: ReferenceLossOptions): Promise<PolicyGradients> {
    const ids = checkedIds(this.config, batch);
    const { size, length } = batch;
    const weights = fitWeights(batch, size, length);
    if (length === 1) throw new Error('A policy batch of single tokens has nothing to score.');
    const shape: [number, number] = [size, length - 1];
    const result: PolicyGradients = {
      gradients: [],
      losses: [],
      kl: 0,
      logps: new Float32Array(0),
      entropies: new Float32Array(0),
    };
    for (const [objective, advantages] of options.advantages.entries()) {
      const kept: { logps?: tf.Tensor; entropies?: tf.Tensor; kl?: tf.Tensor } = {};
      const { value, grads } = tf.tidy(() => {
        const coefficient = tf.tensor2d(withoutFirst(weights, size, length), shape);
        // Where no weight is, ρ and k3 are those of equal log-probabilities: exp(∞) · 0 would be NaN.
        const counted = tf.cast(tf.notEqual(coefficient, 0), 'float32');
        const advantage = tf.tensor2d(Float32Array.from(advantages), [size, 1]);
        return this.#gradients((model) => {
          const tokens = { ids: tf.tensor1d(ids, 'int32'), size, length };
          const { logps, entropies } = tokenLogps(this.config, model, tokens, options.temperature);
          const old = options.oldLogps
            ? tf.tensor2d(withoutFirst(options.oldLogps, size, length), shape)
            : detach(logps);
          const ratio = tf.exp(tf.mul(tf.sub(logps, old), counted));
          const clipped = tf.clipByValue(ratio, 1 - options.epsilonLow, 1 + options.epsilonHigh);
          let loss = tf.neg(tf.minimum(tf.mul(ratio, advantage), tf.mul(clipped, advantage)));
          kept.logps = tf.keep(tf.clone(logps));
          kept.entropies = tf.keep(tf.clone(entropies));
          if (options.referenceLogps) {
            const reference = tf.tensor2d(withoutFirst(options.referenceLogps, size, length), shape);
            const delta = tf.mul(tf.sub(reference, logps), counted);
            const k3 = tf.sub(tf.sub(tf.exp(delta), delta), 1);
            kept.kl = tf.keep(tf.sum(tf.mul(coefficient, k3)));
            if (objective === options.klIn) loss = tf.add(loss, tf.mul(k3, options.beta));
          }
          return tf.sum(tf.mul(coefficient, loss));
        });
      });
      result.losses.push((await value.data())[0]);
      result.gradients.push(await this.#toPool(grads));
      if (kept.kl) result.kl = (await kept.kl.data())[0];
      result.logps = scattered(await kept.logps!.data(), batch);
      result.entropies = scattered(await kept.entropies!.data(), batch);
      tf.dispose([value, grads, ...Object.values(kept)]);
    }
    return result;
  }

  /** One AdamW update with a gradient computed elsewhere, given as a flat pool. Resolves with its norm before clipping. */
  async applyGradient(gradient: Float32Array, hyper: AdamWStep): Promise<number> {
    const norm = tf.tidy(() => this.#update([...this.#upload(gradient).values()], hyper));
    const value = (await norm.data())[0];
    norm.dispose();
    return value;
  }

  /** @param temperature divides the logits */
  async score(
    batch: PaddedTokens,
    which: 'current' | 'reference' = 'current',
    temperature = 1,
  ): Promise<ScoreResult> {
    const ids = checkedIds(this.config, batch);
    const { size, length } = batch;
    const weights = which === 'current' ? this.#weights : this.#reference;
    if (!weights) throw new Error('No reference policy to score under: call freezeReference() first.');
    if (length === 1) return { logps: new Float32Array(size), entropies: new Float32Array(size) };
    const tensors = tf.tidy(() =>
      tokenLogps(this.config, weights, { ids: tf.tensor1d(ids, 'int32'), size, length }, temperature),
    );
    const [logps, entropies] = [await tensors.logps.data(), await tensors.entropies.data()];
    tf.dispose([tensors.logps, tensors.entropies]);
    return { logps: scattered(logps, batch), entropies: scattered(entropies, batch) };
  }

  async logitsAfter(batch: PaddedTokens): Promise<Float32Array> {
    const ids = checkedIds(this.config, batch);
    const { size, length, lengths } = batch;
    const last = Int32Array.from({ length: size }, (_, b) => b * length + lengths[b] - 1);
    const tensor = tf.tidy(() => {
      const context = causalContext(this.config, length);
      const tokens = { ids: tf.tensor1d(ids, 'int32'), size, length, context };
      const { hidden } = hiddenStates(this.config, this.#weights, tokens);
      return logits(this.#weights, tf.gather(hidden, tf.tensor1d(last, 'int32')));
    });
    const values = await tensor.data();
    tensor.dispose();
    return values as Float32Array;
  }

  generate(options: GenerateOptions): Promise<Generation> {
    return generate(this.config, this.#weights, options);
  }

  async freezeReference(): Promise<void> {
    if (this.#reference) tf.dispose([...this.#reference.values()]);
    this.#reference = new Map([...this.#weights].map(([name, weight]) => [name, tf.clone(weight)]));
  }

  async snapshot(): Promise<ModelState> {
    return {
      parameters: await this.#toPool([...this.#weights.values()]),
      moment1: await this.#toPool([...this.#moment1.values()]),
      moment2: await this.#toPool([...this.#moment2.values()]),
    };
  }

  async restore(state: ModelState): Promise<void> {
    const weights = this.#upload(state.parameters);
    const moment1 = this.#upload(state.moment1);
    const moment2 = this.#upload(state.moment2);
    this.#replace(weights, moment1, moment2);
  }

  async resetOptimizer(): Promise<void> {
    const zeros = new Float32Array(this.#table.poolSize);
    tf.dispose([...this.#moment1.values(), ...this.#moment2.values()]);
    this.#moment1 = this.#upload(zeros);
    this.#moment2 = this.#upload(zeros);
  }

  memory(): { bytesPlanned: number; bytesAllocated: number } {
    const pools = this.#reference ? 4 : 3;
    return { bytesPlanned: pools * 4 * this.#table.poolSize, bytesAllocated: tf.memory().numBytes };
  }

  destroy(): void {
    for (const tensors of [this.#weights, this.#moment1, this.#moment2, this.#reference]) {
      if (tensors) tf.dispose([...tensors.values()]);
    }
    this.#reference = null;
  }

  /** Loss and gradients, one per parameter in table order, of the weighted next-token loss. */
  #supervised(batch: TokenBatch): { value: tf.Tensor; grads: tf.Tensor[] } {
    const ids = checkedIds(this.config, batch);
    const { size, length } = batch;
    const weights = fitWeights(batch, size, length);
    if (length === 1) {
      return {
        value: tf.scalar(0),
        grads: [...this.#weights.values()].map((weight) => tf.zerosLike(weight)),
      };
    }
    const coefficient = tf.tensor2d(withoutFirst(weights, size, length), [size, length - 1]);
    return this.#gradients((model) => {
      const { logps } = tokenLogps(this.config, model, { ids: tf.tensor1d(ids, 'int32'), size, length });
      return tf.neg(tf.sum(tf.mul(coefficient, logps)));
    });
  }

  #gradients(loss: (model: WeightTensors) => tf.Tensor): { value: tf.Tensor; grads: tf.Tensor[] } {
    const names = [...this.#weights.keys()];
    const differentiate = tf.valueAndGrads(
      (...weights: tf.Tensor[]) => loss(new Map(names.map((name, i) => [name, weights[i]]))) as tf.Scalar,
    );
    return differentiate([...this.#weights.values()]);
  }

  /** AdamW (Loshchilov and Hutter, 2019): p ← (1 − ηλ)p − η m̂ / (√v̂ + ε). Returns the gradient's norm before clipping. */
  #update(gradients: tf.Tensor[], hyper: AdamWStep): tf.Tensor {
    const { step, learningRate, beta1, beta2, eps, weightDecay, maxGradNorm } = hyper;
    const correction1 = 1 - beta1 ** step;
    const correction2 = 1 - beta2 ** step;
    const weights: WeightTensors = new Map();
    const moment1: WeightTensors = new Map();
    const moment2: WeightTensors = new Map();
    const norm = tf.tidy(() => {
      const squares = gradients.map((gradient) => tf.sum(tf.square(gradient)));
      // Not addN: on WebGPU it binds one buffer per tensor, past the device's limit.
      const norm = tf.sqrt(tf.sum(tf.stack(squares)));
      const scale = Number.isFinite(maxGradNorm)
        ? tf.minimum(tf.div(maxGradNorm, tf.add(norm, 1e-6)), 1)
        : null;
      this.#table.parameters.forEach(({ name, offset }, index) => {
        const gradient = scale ? tf.mul(gradients[index], scale) : gradients[index];
        const first = tf.add(tf.mul(this.#moment1.get(name)!, beta1), tf.mul(gradient, 1 - beta1));
        const second = tf.add(
          tf.mul(this.#moment2.get(name)!, beta2),
          tf.mul(tf.square(gradient), 1 - beta2),
        );
        const direction = tf.div(
          tf.div(first, correction1),
          tf.add(tf.sqrt(tf.div(second, correction2)), eps),
        );
        const decay = offset < this.#table.decayedSize ? 1 - learningRate * weightDecay : 1;
        const weight = tf.sub(tf.mul(this.#weights.get(name)!, decay), tf.mul(direction, learningRate));
        weights.set(name, tf.keep(weight));
        moment1.set(name, tf.keep(first));
        moment2.set(name, tf.keep(second));
      });
      return norm;
    });
    this.#replace(weights, moment1, moment2);
    return norm;
  }

  #upload(pool: Float32Array): WeightTensors {
    const { parameters, poolSize } = this.#table;
    if (pool.length !== poolSize) {
      throw new Error(
        `The pool holds ${pool.length} floats, but this model's parameter table needs ${poolSize}.`,
      );
    }
    return weightsFromPool(parameters, pool);
  }

  /** Tensors in table order back into one flat pool. */
  async #toPool(tensors: tf.Tensor[]): Promise<Float32Array<ArrayBuffer>> {
    const pool = new Float32Array(this.#table.poolSize);
    const values = await Promise.all(tensors.map((tensor) => tensor.data()));
    this.#table.parameters.forEach(({ offset }, index) => {
      pool.set(values[index], offset);
    });
    return pool;
  }

  #replace(weights: WeightTensors, moment1: WeightTensors, moment2: WeightTensors): void {
    tf.dispose([...this.#weights.values(), ...this.#moment1.values(), ...this.#moment2.values()]);
    this.#weights = weights;
    this.#moment1 = moment1;
    this.#moment2 = moment2;
  }
}

/** x, through which no gradient flows. */
function detach(x: tf.Tensor): tf.Tensor {
  const identity = tf.customGrad((value: tf.Tensor | tf.GradSaveFunc) => ({
    value: tf.clone(value as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
  }));
  return identity(x);
}
