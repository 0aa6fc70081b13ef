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
  WeightPools,
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

/** Weights with their moments. */
interface Trained {
  weights: WeightTensors;
  moment1: WeightTensors;
  moment2: WeightTensors;
}

/** `LanguageModel` on TensorFlow.js. Set the backend first (gpu/tfjs.ts); the model lives on it. */
export class ReferenceModel implements LanguageModel {
  readonly config: ModelConfig;
  readonly backend: LanguageModel['backend'];
  readonly #table: ParameterTable;
  #own: Trained;
  #reference: WeightTensors | null = null;
  /** What the weights are composed of, and by which shares they were last; none where they stand for themselves. */
  #ends: Trained[] = [];
  #shares: readonly number[] = [];

  /** @param pool initial weights, laid out by `parameterTable(config)`; copied */
  constructor(config: ModelConfig, pool: Float32Array) {
    this.config = config;
    const name = tf.getBackend();
    this.backend = name === 'webgpu' ? 'tfjs-webgpu' : name === 'wasm' ? 'wasm' : 'cpu';
    this.#table = parameterTable(config);
    this.#own = this.#begun(pool);
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
    const state: ModelState = await this.#poolsOf(this.#own);
    if (this.#ends.length > 0) state.ends = await Promise.all(this.#ends.map((end) => this.#poolsOf(end)));
    return state;
  }

  async restore({ ends = [], ...own }: ModelState): Promise<void> {
    const [now, ...others] = [own, ...ends].map((pools) => this.#trained(pools));
    disposeOf(this.#own, ...this.#ends);
    this.#own = now;
    this.#ends = others;
  }

  async resetOptimizer(): Promise<void> {
    const { weights, moment1, moment2 } = this.#own;
    const zeros = new Float32Array(this.#table.poolSize);
    tf.dispose([...moment1.values(), ...moment2.values()]);
    this.#own = { weights, moment1: this.#upload(zeros), moment2: this.#upload(zeros) };
  }

  get ends(): number {
    return this.#ends.length;
  }

  async split(count: number): Promise<void> {
    const { parameters } = await this.#poolsOf(this.#own);
    disposeOf(...this.#ends);
    this.#ends = Array.from({ length: count }, () => this.#begun(parameters));
  }

  async compose(shares: readonly number[]): Promise<void> {
    if (this.ends !== shares.length)
      throw new Error(`The model has ${this.ends} ends, so ${shares.length} shares compose nothing.`);
    this.#shares = shares;
    this.#composeWeights();
  }

  /** Nothing outlives a step here. */
  tidy(): void {}

  memory(): { bytesPlanned: number; bytesAllocated: number } {
    const pools = (this.#reference ? 4 : 3) + 3 * this.#ends.length;
    return { bytesPlanned: pools * 4 * this.#table.poolSize, bytesAllocated: tf.memory().numBytes };
  }

  destroy(): void {
    disposeOf(this.#own, ...this.#ends);
    if (this.#reference) tf.dispose([...this.#reference.values()]);
    this.#ends = [];
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

  get #weights(): WeightTensors {
    return this.#own.weights;
  }

  /** AdamW of the weights, or of what they are composed of. Returns the gradient's norm before clipping. */
  #update(gradients: tf.Tensor[], hyper: AdamWStep): tf.Tensor {
    const { maxGradNorm } = hyper;
    const [norm, ...clipped] = tf.tidy(() => {
      const squares = gradients.map((gradient) => tf.sum(tf.square(gradient)));
      // Not addN: on WebGPU it binds one buffer per tensor, past the device's limit.
      const norm = tf.sqrt(tf.sum(tf.stack(squares)));
      if (!Number.isFinite(maxGradNorm)) return [norm, ...gradients.map((gradient) => tf.clone(gradient))];
      const scale = tf.minimum(tf.div(maxGradNorm, tf.add(norm, 1e-6)), 1);
      return [norm, ...gradients.map((gradient) => tf.mul(gradient, scale))];
    });
    if (this.#ends.length === 0) {
      const before = this.#own;
      this.#own = this.#stepped(before, clipped, hyper, 1);
      disposeOf(before);
    } else {
      this.#ends = this.#ends.map((end, k) => {
        // Not even its moments change: it had no part in what was tried.
        if (this.#shares[k] === 0) return end;
        const stepped = this.#stepped(end, clipped, hyper, this.#shares[k]);
        disposeOf(end);
        return stepped;
      });
      this.#composeWeights();
    }
    tf.dispose(clipped);
    return norm;
  }

  /**
   * AdamW (Loshchilov and Hutter, 2019) under a share of the gradient: p ← p − η (m̂ / (√v̂ + ε) + share · λθ), θ being the weights that
   * the gradient was taken at. What it makes is not of any tidy.
   */
  #stepped(of: Trained, gradients: tf.Tensor[], hyper: AdamWStep, share: number): Trained {
    const { step, learningRate, beta1, beta2, eps, weightDecay } = hyper;
    const correction1 = 1 - beta1 ** step;
    const correction2 = 1 - beta2 ** step;
    const next: Trained = { weights: new Map(), moment1: new Map(), moment2: new Map() };
    tf.tidy(() => {
      this.#table.parameters.forEach(({ name, offset }, index) => {
        const gradient = share === 1 ? gradients[index] : tf.mul(gradients[index], share);
        const first = tf.add(tf.mul(of.moment1.get(name)!, beta1), tf.mul(gradient, 1 - beta1));
        const second = tf.add(tf.mul(of.moment2.get(name)!, beta2), tf.mul(tf.square(gradient), 1 - beta2));
        const direction = tf.div(
          tf.div(first, correction1),
          tf.add(tf.sqrt(tf.div(second, correction2)), eps),
        );
        const decay = offset < this.#table.decayedSize ? learningRate * weightDecay : 0;
        const before = of.weights.get(name)!;
        // With the whole share they are θ themselves.
        const kept =
          share === 1
            ? tf.mul(before, 1 - decay)
            : tf.sub(before, tf.mul(this.#weights.get(name)!, decay * share));
        next.weights.set(name, tf.keep(tf.sub(kept, tf.mul(direction, learningRate))));
        next.moment1.set(name, tf.keep(first));
        next.moment2.set(name, tf.keep(second));
      });
    });
    return next;
  }

  #composeWeights(): void {
    const before = this.#weights;
    const composed: WeightTensors = new Map();
    for (const { name } of this.#table.parameters) {
      const weight = tf.tidy(() =>
        this.#ends
          .map(({ weights }, k) => tf.mul(weights.get(name)!, this.#shares[k]))
          .reduce((sum, part) => tf.add(sum, part)),
      );
      composed.set(name, tf.keep(weight));
    }
    tf.dispose([...before.values()]);
    this.#own = { ...this.#own, weights: composed };
  }

  /** Weights with moments of zero. */
  #begun(parameters: Float32Array): Trained {
    const zeros = new Float32Array(this.#table.poolSize);
    return {
      weights: this.#upload(parameters),
      moment1: this.#upload(zeros),
      moment2: this.#upload(zeros),
    };
  }

  #trained({ parameters, moment1, moment2 }: WeightPools): Trained {
    return {
      weights: this.#upload(parameters),
      moment1: this.#upload(moment1),
      moment2: this.#upload(moment2),
    };
  }

  async #poolsOf({ weights, moment1, moment2 }: Trained): Promise<WeightPools> {
    return {
      parameters: await this.#toPool([...weights.values()]),
      moment1: await this.#toPool([...moment1.values()]),
      moment2: await this.#toPool([...moment2.values()]),
    };
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
}

function disposeOf(...all: Trained[]): void {
  for (const { weights, moment1, moment2 } of all)
    tf.dispose([...weights.values(), ...moment1.values(), ...moment2.values()]);
}

/** x, through which no gradient flows. */
function detach(x: tf.Tensor): tf.Tensor {
  const identity = tf.customGrad((value: tf.Tensor | tf.GradSaveFunc) => ({
    value: tf.clone(value as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
  }));
  return identity(x);
}
