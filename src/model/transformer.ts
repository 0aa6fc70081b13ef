/**
 * The language model on WebGPU: weights and moments in flat pools on the device, and compiled steps that are built once per
 * shape and replayed. `reference.ts` is the same model in TensorFlow.js.
 */
import { BufferTable } from '../gpu/bufferTable';
import { type Gpu, GpuLimitError } from '../gpu/device';
import * as kernels from '../gpu/kernels';
import { keyOf } from '../gpu/kernels/matmulFamily';
import { Plan, submit } from '../gpu/plan';
import type { Tuner } from '../gpu/tuner';
import { type AdamWStep, headDim, type ModelConfig } from './config';
import { type ModelBuffers, sizesOf } from './forward';
import { Generator } from './generate';
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
import { Learner } from './learner';
import type { ModelEnds } from './modelEnds';
import { turnsOf } from './padding';
import {
  initialParameters,
  matrixOf,
  type ParameterTable,
  type PoolRange,
  parameterTable,
} from './parameters';
import {
  type DeviceRoom,
  type GeneratorShape,
  planGeneration,
  planScoring,
  planTraining,
  roomOf,
  type Sizes,
} from './plans';
import { backwardProducts, forwardProducts, type ModelProduct } from './products';
import { ScoringStep } from './scoring';
import { addRounding, freeze, frozenPool, type StoredWeights, storedPool } from './storedWeights';
import { SUPERVISED, TrainingStep, writeObjective } from './training';

/** cos and sin of position · theta^(−2i/h) in f64, rounded once. [positions, h/2, 2] */
export function rotationTable(config: ModelConfig): Float32Array<ArrayBuffer> {
  const half = headDim(config) / 2;
  const table = new Float32Array(config.max_position_embeddings * half * 2);
  for (let position = 0; position < config.max_position_embeddings; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * config.rope_theta ** (-i / half);
      table[2 * (position * half + i)] = Math.cos(angle);
      table[2 * (position * half + i) + 1] = Math.sin(angle);
    }
  }
  return table;
}

/** The engine on a device, with weights initialised from the seed. @throws GpuLimitError, RangeError on a bad shape */
export async function createTransformer(
  gpu: Gpu,
  config: ModelConfig,
  seed: number,
  tuning = kernels.tuningFor(gpu),
): Promise<Transformer> {
  const model = new Transformer(gpu, config, tuning);
  await model.write(initialParameters(config, seed));
  gpu.assertHealthy();
  return model;
}

export class Transformer implements LanguageModel, ModelBuffers {
  readonly backend = 'webgpu';
  readonly sizes: Sizes;
  readonly table: ParameterTable;
  /** f32 [table.poolSize]; whoever writes it by hand has `weights` follow by `write`. */
  readonly parameters: GPUBuffer;
  readonly weights: StoredWeights;
  readonly trained: PoolRange;
  readonly room: DeviceRoom;
  readonly tuning: kernels.Tuning;
  /** Says which members products take, those apart that `tuning` names; null: the usual ones. It changes no bit. */
  tuner: Tuner | null = null;
  readonly #members: Record<string, string>;
  /** 16 floats, see StepBuffers.metrics. */
  readonly metrics: GPUBuffer;
  readonly rotation: GPUBuffer;
  readonly hyper: GPUBuffer;
  readonly normPartials: GPUBuffer;
  #ends: ModelEnds | null = null;
  readonly #buffers: BufferTable;
  /** Made when something is first learnt, or remembered of what was. */
  #learner: Learner | null = null;
  /** Made when it is first needed. */
  #reference: StoredWeights | null = null;
  #rounding: Promise<Plan> | null = null;
  readonly #training = new Map<string, Promise<TrainingStep>>();
  /** Keys of training steps that somebody took. */
  readonly #taken = new Set<string>();
  #trainingBytes = 0;
  readonly #scoring = new Map<string, { step: ScoringStep; plan: Promise<Plan> }>();
  readonly #generators: Generator[] = [];

  constructor(
    readonly gpu: Gpu,
    readonly config: ModelConfig,
    tuning: kernels.Tuning,
    /** `trains`: the one weight that is trained, by its name, with those that the kernels take as one matrix with it; none: all. */
    { room = roomOf(gpu.device.limits), trains }: { room?: DeviceRoom; trains?: string } = {},
  ) {
    this.sizes = sizesOf(config);
    this.table = parameterTable(config);
    this.room = room;
    this.#members = { ...tuning.members };
    this.tuning = { ...tuning, members: this.#members };
    const { poolSize } = this.table;
    this.trained = trains === undefined ? { from: 0, to: poolSize } : matrixOf(this.table, trains);
    const buffers = new BufferTable(gpu, 'model');
    this.#buffers = buffers;
    // The update of all of them takes them at once.
    this.parameters = buffers.floats('parameters', poolSize, trains === undefined ? 'whole' : 'windows');
    this.weights = storedPool(buffers, tuning.dtype, { pool: this.parameters, table: this.table });
    this.metrics = buffers.floats('metrics', 16);
    const rotation = rotationTable(config);
    this.rotation = buffers.floats('rotation', rotation.length);
    gpu.device.queue.writeBuffer(this.rotation, 0, rotation);
    this.hyper = buffers.uniform('hyper', 32);
    this.normPartials = buffers.floats('norm_partials', kernels.NORM_PARTIALS);
  }

  get #learning(): Learner {
    this.#learner ??= new Learner(this);
    return this.#learner;
  }

  /** f32, of what is trained; the first one who asks has it made. */
  get gradient(): GPUBuffer {
    return this.#learning.gradient;
  }

  /** AdamW's running mean of the clipped gradient. */
  get moment1(): GPUBuffer {
    return this.#learning.moment1;
  }

  /** The frozen policy, zeros before. */
  get reference(): StoredWeights {
    this.#reference ??= frozenPool(this.#buffers, this.tuning.dtype, this.table);
    return this.#reference;
  }

  /** Sets the weights. */
  async write(parameters: Float32Array<ArrayBuffer>): Promise<void> {
    const { gpu } = this;
    gpu.device.queue.writeBuffer(this.parameters, 0, parameters);
    if (this.weights.dtype === 'f32') return;
    this.#rounding ??= this.#roundingOf();
    submit(gpu, await this.#rounding);
  }

  #roundingOf(): Promise<Plan> {
    const plan = new Plan(this.gpu);
    addRounding(plan, this, { from: 0, to: this.table.poolSize });
    return plan.compile();
  }

  /** Clips the gradient pool and applies AdamW, to the ends where there are some; `writeHyper` and a training step first. */
  get optimizer(): Plan {
    return this.#ends?.optimizer ?? this.#learning.optimizer;
  }

  /** Whether the device can hold the training step of [B, T]. @throws GpuLimitError; nothing is allocated */
  checkBatch(batch: number, length: number): void {
    const { largest } = planTraining(this, batch * length);
    const { buffer } = this.room;
    if (largest > buffer) throw new GpuLimitError(`a batch of ${batch} × ${length} tokens`, largest, buffer);
  }

  /**
   * The step compiled for [B, T], built at the first call. Rows of packed sequences may be longer than any position in them:
   * `longest` is the longest single sequence. @throws GpuLimitError before allocating anything
   */
  training(batch: number, length: number, longest = length): Promise<TrainingStep> {
    const step = this.#prepared(batch, length, longest);
    this.#taken.add(`${batch}×${length}`);
    return step;
  }

  #prepared(batch: number, length: number, longest: number): Promise<TrainingStep> {
    this.checkLength(longest);
    const key = `${batch}×${length}`;
    let step = this.#training.get(key);
    if (!step) {
      this.checkBatch(batch, length);
      step = this.#built(batch, length);
      step
        .then((built) => {
          this.#trainingBytes += built.bytes;
        })
        .catch(() => this.#training.delete(key));
      this.#training.set(key, step);
    }
    return step;
  }

  async #built(batch: number, length: number): Promise<TrainingStep> {
    const { compiled } = this.#learning;
    const rows = batch * length;
    // Without one nothing is waited for: pipelines are asked for at once.
    if (this.tuner !== null)
      await this.#choose(this.tuner, [
        ...forwardProducts(this.sizes, this.tuning, rows),
        ...backwardProducts(this.sizes, this.tuning, rows),
      ]);
    const [step] = await Promise.all([TrainingStep.create(this, batch, length), compiled]);
    return step;
  }

  prepare(batch: number, length: number): void {
    const prepared = async () => this.#prepared(batch, length, length);
    // The first step meets the same error: a step that failed is not kept.
    prepared().catch(() => undefined);
  }

  /** Has the tuner choose for products of a list that is to be made. */
  async #choose(tuner: Tuner, products: readonly ModelProduct[]): Promise<void> {
    if (!this.tuning.isTiled) return;
    const open = products.filter((product) => !Object.hasOwn(this.#members, keyOf(product)));
    Object.assign(this.#members, await tuner.choose(open));
  }

  /** The scoring list for [B, T] under a parameter pool. */
  async scoring(
    batch: number,
    length: number,
    weights: 'current' | 'reference',
  ): Promise<{ step: ScoringStep; plan: Plan }> {
    this.checkLength(length);
    const key = `${weights} ${batch}×${length}`;
    let entry = this.#scoring.get(key);
    if (!entry) {
      const step = new ScoringStep(this, batch, length);
      const stored = weights === 'current' ? this.weights : this.reference;
      entry = { step, plan: step.plan(stored) };
      this.#scoring.set(key, entry);
    }
    return { step: entry.step, plan: await entry.plan };
  }

  writeHyper(hyper: AdamWStep): void {
    this.gpu.device.queue.writeBuffer(
      this.hyper,
      0,
      new Float32Array([
        hyper.learningRate,
        hyper.beta1,
        hyper.beta2,
        hyper.eps,
        hyper.weightDecay,
        1 - hyper.beta1 ** hyper.step,
        1 - hyper.beta2 ** hyper.step,
        Math.min(hyper.maxGradNorm, 3e38),
      ]),
    );
  }

  async trainStep(microBatches: TokenBatch[], hyper: AdamWStep): Promise<StepMetrics> {
    const size = Math.max(...microBatches.map((batch) => batch.size));
    const length = Math.max(...microBatches.map((batch) => batch.length));
    const step = await this.training(size, length);
    this.gpu.assertHealthy();
    this.submitStep(step, microBatches, hyper);
    const metrics = new Float32Array(await this.gpu.read(this.metrics, 0, 64));
    return { loss: metrics[0], gradNorm: metrics[8] };
  }

  /** Hands a training step over to the device, and waits for nothing. */
  submitStep(step: TrainingStep, microBatches: TokenBatch[], hyper: AdamWStep): void {
    microBatches.forEach((batch, index) => {
      step.upload(batch);
      writeObjective(this.gpu, step.supervisedObjective, { ...SUPERVISED, accumulate: index > 0 });
      if (index + 1 < microBatches.length) submit(this.gpu, step.forward, step.supervised);
    });
    this.writeHyper(hyper);
    submit(this.gpu, step.forward, step.supervised, this.optimizer);
  }

  async score(batch: PaddedTokens, weights: 'current' | 'reference' = 'current'): Promise<ScoreResult> {
    const { step, plan, turns } = await this.#turns(batch, weights);
    const logps = new Float32Array(batch.size * batch.length);
    const entropies = new Float32Array(logps.length);
    for (const [turn, part] of turns.entries()) {
      const found = await step.run(plan, part);
      logps.set(found.logps, turn * step.batch * batch.length);
      entropies.set(found.entropies, turn * step.batch * batch.length);
    }
    return { logps, entropies };
  }

  async logitsAfter(batch: PaddedTokens): Promise<Float32Array> {
    const { step, plan, turns } = await this.#turns(batch, 'current');
    const logits = new Float32Array(batch.size * this.sizes.V);
    for (const [turn, part] of turns.entries())
      logits.set(await step.logitsAfter(plan, part), turn * step.batch * this.sizes.V);
    return logits;
  }

  /** A batch's sequences in turns for which there is room, and the list that takes each of them. */
  async #turns(batch: PaddedTokens, weights: 'current' | 'reference') {
    const { size } = planScoring(this, batch);
    return { ...(await this.scoring(size, batch.length, weights)), turns: turnsOf(batch, size) };
  }

  async generate(options: GenerateOptions): Promise<Generation> {
    const longest = Math.max(...options.prompts.map((prompt) => prompt.length));
    this.checkLength(longest + options.maxNewTokens);
    // Prompts vary by a few tokens from batch to batch: round up so that one generator serves them all.
    const room = this.config.max_position_embeddings - options.maxNewTokens;
    const shape: GeneratorShape = {
      prompts: options.prompts.length,
      generations: options.numGenerations,
      promptLength: Math.min(room, Math.ceil(longest / 16) * 16),
      maxNew: options.maxNewTokens,
    };
    const { prompts } = planGeneration(this, shape);
    const wanted = { ...shape, prompts, promptLength: longest };
    let generator = this.#generators.find((candidate) => candidate.fits(wanted));
    if (!generator) {
      if (this.tuner !== null)
        await this.#choose(this.tuner, forwardProducts(this.sizes, this.tuning, prompts * shape.generations));
      generator = await Generator.create(this, { ...shape, prompts });
      this.#generators.push(generator);
    }
    return generator.runInTurns(options);
  }

  /** Of what was generated last in a shape of its own; 0 before. */
  get dispatchesPerToken(): number {
    return this.#generators.at(-1)?.decode.dispatches ?? 0;
  }

  async freezeReference(): Promise<void> {
    const encoder = this.gpu.device.createCommandEncoder();
    freeze(encoder, this.weights, this.reference);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  async snapshot(): Promise<ModelState> {
    const [parameters, moment1, moment2] = await Promise.all([
      this.gpu.read(this.parameters).then((words) => new Float32Array(words)),
      this.#readMoment('moment1'),
      this.#readMoment('moment2'),
    ]);
    const state: ModelState = { parameters, moment1, moment2 };
    if (this.#ends !== null) state.ends = await this.#ends.snapshot();
    return state;
  }

  /** [poolSize], zeros where nothing was learnt. */
  async #readMoment(name: 'moment1' | 'moment2'): Promise<Float32Array<ArrayBuffer>> {
    const { poolSize } = this.table;
    if (this.#learner === null) return new Float32Array(poolSize);
    const found = new Float32Array(await this.gpu.read(this.#learner[name]));
    if (found.length === poolSize) return found;
    const pool = new Float32Array(poolSize);
    pool.set(found, this.trained.from);
    return pool;
  }

  /** Zeros are not worth a pool. */
  #writeMoments(moments: Pick<WeightPools, 'moment1' | 'moment2'>): void {
    const { from, to } = this.trained;
    const isZero = (pool: Float32Array) => pool.every((value) => value === 0);
    if (this.#learner === null && isZero(moments.moment1) && isZero(moments.moment2)) return;
    for (const name of ['moment1', 'moment2'] as const)
      this.gpu.device.queue.writeBuffer(this.#learning[name], 0, moments[name].subarray(from, to));
  }

  async restore({ ends = [], ...own }: ModelState): Promise<void> {
    for (const pools of [own, ...ends])
      for (const [name, pool] of Object.entries(pools)) {
        if (pool.length !== this.table.poolSize) {
          throw new RangeError(
            `The checkpoint's ${name} hold ${pool.length} numbers, this model ${this.table.poolSize}: it belongs to another config.`,
          );
        }
      }
    const written = this.write(own.parameters);
    this.#writeMoments(own);
    await written;
    await this.#provide(ends.length);
    this.#ends?.restore(ends);
  }

  get ends(): number {
    return this.#ends?.count ?? 0;
  }

  async split(count: number): Promise<void> {
    await this.#provide(count);
    this.#ends?.begin();
  }

  async compose(shares: readonly number[]): Promise<void> {
    if (this.ends !== shares.length)
      throw new Error(`The model has ${this.ends} ends, so ${shares.length} shares compose nothing.`);
    this.#ends?.compose(shares);
  }

  /** So many ends, whatever they hold. */
  async #provide(count: number): Promise<void> {
    if (this.ends === count) return;
    this.#ends?.destroy();
    this.#ends = null;
    if (count === 0) return;
    // Most runs have none.
    const { ModelEnds } = await import('./modelEnds');
    this.#ends = await ModelEnds.create(this, count);
  }

  async resetOptimizer(): Promise<void> {
    const zeros = new Float32Array(this.table.poolSize);
    this.#writeMoments({ moment1: zeros, moment2: zeros });
  }

  tidy(): void {
    for (const key of this.#taken) {
      const step = this.#training.get(key);
      this.#training.delete(key);
      step
        ?.then((built) => {
          this.#trainingBytes -= built.bytes;
          built.destroy();
        })
        .catch(() => undefined);
    }
    this.#taken.clear();
    for (const { step } of this.#scoring.values()) step.destroy();
    this.#scoring.clear();
    for (const generator of this.#generators.splice(0)) generator.destroy();
  }

  memory(): { bytesPlanned: number; bytesAllocated: number } {
    const scoring = [...this.#scoring.values()].reduce((total, { step }) => total + step.bytes, 0);
    const generators = this.#generators.reduce((total, generator) => total + generator.bytes, 0);
    const learning = (this.#learner?.bytes ?? 0) + (this.#ends?.bytes ?? 0);
    const bytesPlanned = this.#buffers.bytes + this.#trainingBytes + scoring + generators + learning;
    return { bytesPlanned, bytesAllocated: this.gpu.bytesAllocated };
  }

  destroy(): void {
    for (const step of this.#training.values()) step.then((built) => built.destroy()).catch(() => undefined);
    for (const { step } of this.#scoring.values()) step.destroy();
    for (const generator of this.#generators) generator.destroy();
    this.#ends?.destroy();
    this.#learner?.destroy();
    this.#buffers.destroy();
  }

  /** @throws RangeError for a sequence of more tokens than there are positions */
  checkLength(length: number): void {
    if (length > this.config.max_position_embeddings) {
      throw new RangeError(
        `A sequence of ${length} tokens exceeds max_position_embeddings = ${this.config.max_position_embeddings}.`,
      );
    }
  }
}
