/**
 * The training step as compiled lists: forward, loss with its gradient, backward. One `TrainingStep` serves one batch shape
 * [B, T]; smaller batches are padded with empty sequences. SFT and GRPO differ only in the objective's uniform and its
 * per-sequence advantages, so POPO's probes replay the same backward list into gradient pools of their own.
 */
import { BufferTable } from '../gpu/bufferTable';
import type { Gpu } from '../gpu/device';
import * as kernels from '../gpu/kernels';
import { type Binding, Plan } from '../gpu/plan';
import { addBackward, type BackwardScratch } from './backward';
import {
  type Activations,
  addForward,
  allocateActivations,
  type ModelBuffers,
  type WeightViews,
  weightViews,
} from './forward';
import { GradientSlices } from './gradientSlices';
import {
  addFinalNorm,
  addLoss,
  addScores,
  allocateHead,
  type HeadActivations,
  type ScoringScratch,
  type Vocabulary,
} from './head';
import type { TokenBatch } from './languageModel';
import type { PackedBatch } from './packing';
import { fitWeights } from './padding';
import { planTraining, splitsOf, type TrainingPlan } from './plans';
import { fitBatch, maxItems, sortByToken } from './upload';

/** The loss a backward list differentiates. See cross_entropy.wgsl. */
export interface KernelObjective {
  /** `supervised`: Σ w·(−logp). `policy`: clipped GRPO with a k3 KL term. */
  mode: 'supervised' | 'policy';
  /** Take old logps from `baselines`; else the policy's own, without a gradient through them. */
  useOld: boolean;
  /** Add to the gradient and metrics of the micro-batch before instead of replacing them. */
  accumulate: boolean;
  beta: number;
  epsilonLow: number;
  epsilonHigh: number;
  /** Above 0; logits are divided by it. */
  temperature: number;
}

export const SUPERVISED: KernelObjective = {
  mode: 'supervised',
  useOld: false,
  accumulate: false,
  beta: 0,
  epsilonLow: 0,
  epsilonHigh: 0,
  temperature: 1,
};

/** Writes an objective's 32-byte uniform. */
export function writeObjective(gpu: Gpu, uniform: GPUBuffer, o: KernelObjective): void {
  const words = new Uint32Array(8);
  words.set([o.mode === 'policy' ? 1 : 0, o.useOld ? 1 : 0, o.accumulate ? 1 : 0, 0]);
  new Float32Array(words.buffer).set([o.beta, o.epsilonLow, o.epsilonHigh, 1 / o.temperature], 4);
  gpu.device.queue.writeBuffer(uniform, 0, words);
}

/** A fresh uniform for `writeObjective`. */
export function objectiveUniform(table: BufferTable): GPUBuffer {
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  return table.add(table.gpu.createBuffer('objective', 32, usage));
}

/** What the step reads and leaves on the device, for those who compose further lists (popo/compiledUpdate.ts). */
export interface StepBuffers {
  /** [B*T]; see TokenBatch. */
  tokens: GPUBuffer;
  /** [B*T] of (weight, index of its advantage) */
  weights: GPUBuffer;
  /** [B*T, 4]; see Layout. */
  spans: GPUBuffer;
  /** [B] */
  lengths: GPUBuffer;
  /** [B*T] of (old logp, reference logp), indexed by the predicted token. */
  baselines: GPUBuffer;
  /** [B*T] of (logp, entropy) under the current weights. */
  scores: GPUBuffer;
  /** All ones, for the supervised objective. */
  ones: GPUBuffer;
  /** 16 floats: [0..8) see token_statistics.wgsl, [8] gradient norm, [9] clip factor. */
  metrics: GPUBuffer;
}

/** The first sequences of a step's batch: lists made for them leave the others out, and share the step's buffers. */
export interface Leading {
  /** At most B. */
  batch: number;
  /** Their `Shape` in the shaders. */
  shape: GPUBuffer;
}

export class TrainingStep {
  /** Embedding to final norm, under the current weights. */
  readonly forward: Plan;
  /** Supervised loss and its gradient into the model's gradient pool. */
  readonly supervised: Plan;
  readonly supervisedObjective: GPUBuffer;
  readonly buffers: StepBuffers;
  readonly #bufferTable: BufferTable;
  readonly #keep: TrainingPlan['keep'];
  readonly #activations: Activations;
  readonly #scratch: BackwardScratch;
  readonly #head: HeadActivations;
  readonly #statistics: GPUBuffer;
  readonly #weights: WeightViews;
  readonly #embedding: Record<'positions' | 'items' | 'firstItems' | 'partial', GPUBuffer>;
  readonly #slices: GradientSlices;
  /** All of the batch. */
  readonly #whole: Leading;
  readonly #maxItems: number;

  private constructor(
    readonly model: ModelBuffers,
    /** B */
    readonly batch: number,
    /** T */
    readonly length: number,
  ) {
    const rows = batch * length;
    const { gpu, tuning, sizes } = model;
    const { D, F, V, W, heads } = sizes;
    const { columns, keep, slices } = planTraining(model, rows);
    const table = new BufferTable(gpu, `training ${batch}×${length}`);
    this.#bufferTable = table;
    this.#maxItems = maxItems(rows, V);
    this.#whole = this.leading(table, batch);
    this.buffers = {
      tokens: table.floats('tokens', rows),
      weights: table.floats('weights', 2 * rows),
      spans: table.floats('spans', 4 * rows),
      lengths: table.floats('lengths', batch),
      baselines: table.floats('baselines', 2 * rows),
      scores: table.floats('scores', 2 * rows),
      ones: table.floats('ones', batch),
      metrics: model.metrics,
    };
    gpu.device.queue.writeBuffer(this.buffers.ones, 0, new Float32Array(batch).fill(1));
    this.#keep = keep;
    this.#activations = allocateActivations(table, tuning, { sizes, rows, keep, columns });
    this.#head = allocateHead(table, model, { rows, columns });
    this.#statistics = table.floats('statistics', rows * 8);
    // Where a layer's activations are made anew for its backward pass, its h is free once the weight's gradient
    // is known, and so is gate_up once its own is.
    const [{ h, gateUp }] = this.#activations.layers;
    this.#scratch = {
      dx: table.floats('dx', rows * D),
      dNormed: table.floats('d_normed', rows * D),
      wide: keep === 'residual' && F >= W ? h : table.floats('d_wide', rows * Math.max(F, W)),
      dGateUp: keep === 'residual' ? gateUp : table.floats('d_gate_up', rows * 2 * F),
      delta: table.floats('delta', rows * heads.heads),
    };
    this.#embedding = {
      positions: table.floats('positions', rows),
      items: table.floats('items', 2 * this.#maxItems),
      firstItems: table.floats('first_items', V + 1),
      partial: table.floats('partial', this.#maxItems * D),
    };
    this.#slices = GradientSlices.allocate(table, slices);
    const weights = weightViews(model.weights, model.table, sizes.layers);
    this.#weights = weights;
    this.supervisedObjective = objectiveUniform(table);

    this.forward = new Plan(gpu);
    addForward(this.forward, tuning, {
      sizes,
      weights,
      activations: this.#activations,
      tokens: this.buffers.tokens,
      spans: this.buffers.spans,
      rotation: model.rotation,
      batch,
      length,
      shape: this.#whole.shape,
      isKept: true,
    });
    addFinalNorm(this.forward, tuning, {
      sizes,
      weights,
      x: this.#activations.residual[sizes.layers],
      head: this.#head,
      rows,
      shape: this.#whole.shape,
    });
    this.supervised = this.#record({
      objective: this.supervisedObjective,
      advantages: this.buffers.ones,
      gradient: model.gradient,
    });
  }

  /** @throws GpuLimitError when a buffer of this shape exceeds the device's limits. */
  static async create(model: ModelBuffers, batch: number, length: number): Promise<TrainingStep> {
    const step = new TrainingStep(model, batch, length);
    await Promise.all([step.forward.compile(), step.supervised.compile()]);
    model.gpu.assertHealthy();
    return step;
  }

  get bytes(): number {
    return this.#bufferTable.bytes;
  }

  /**
   * What a scoring list may write between two lists of this step: nothing in it outlives a backward list. Whoever asks for it scores
   * neither while one of these runs nor between a backward list and what it is made of.
   * @param table that has what more is needed
   */
  scoringScratch(table: BufferTable): ScoringScratch {
    const { D, layers } = this.model.sizes;
    const rows = this.batch * this.length;
    const { dx, dNormed, wide, dGateUp, delta } = this.#scratch;
    const { scratch, layers: kept } = this.#activations;
    const more = (name: string) => table.floats(name, rows * D);
    const scale = table.floats('scale', rows);
    // Activations that are made anew for each layer are free, too.
    const [normed, middle] =
      this.#keep === 'residual' ? [kept[0].normed1, kept[0].middle] : [more('normed'), more('middle')];
    const residual = [dx, dNormed];
    return {
      activations: {
        scratch,
        residual: Array.from({ length: layers + 1 }, (_, l) => residual[l % 2]),
        layers: Array.from({ length: layers }, (_, l) => ({
          normed1: normed,
          scale1: scale,
          qkv: wide,
          lse: delta,
          // Nothing leaves the layer before this is used up.
          attended: residual[(l + 1) % 2],
          middle,
          normed2: normed,
          scale2: scale,
          gateUp: dGateUp,
          h: wide,
          halfH: null,
        })),
      },
      head: { ...this.#head, normed, scale },
    };
  }

  /** The batch's first `batch` sequences, for lists of their own; the uniform belongs to `table`. */
  leading(table: BufferTable, batch: number): Leading {
    const { length } = this;
    const rows = batch * length;
    const shape = kernels.shapeUniform(this.model.gpu, { rows, length, batch, items: this.#maxItems });
    return { batch, shape: table.add(shape) };
  }

  /**
   * A list that, after `forward`, differentiates an objective into a gradient pool of the parameters' shape. `advantages` is
   * [B]; `objective` a uniform written by `writeObjective`. Where only `leading` sequences are differentiated, `scores`
   * and `metrics` are theirs alone.
   */
  async backward(o: {
    objective: GPUBuffer;
    advantages: Binding;
    gradient: Binding;
    leading?: Leading;
  }): Promise<Plan> {
    return this.#record(o).compile();
  }

  /** A list that, after `forward`, leaves `scores` without differentiating anything. */
  async score(objective: GPUBuffer, { batch, shape }: Leading = this.#whole): Promise<Plan> {
    const plan = new Plan(this.model.gpu);
    const { lengths } = this.buffers;
    const rows = batch * this.length;
    addScores(plan, this.model.tuning, { ...this.#vocabulary({ rows, shape, objective }), lengths });
    return plan.compile();
  }

  #vocabulary(o: { rows: number; shape: GPUBuffer; objective: GPUBuffer }): Vocabulary {
    const { tokens, scores } = this.buffers;
    return {
      sizes: this.model.sizes,
      embedding: this.#weights.embedding,
      head: this.#head,
      scratch: this.#activations.scratch,
      tokens,
      scores,
      ...o,
    };
  }

  #record(o: { objective: GPUBuffer; advantages: Binding; gradient: Binding; leading?: Leading }): Plan {
    const plan = new Plan(this.model.gpu);
    const { length } = this;
    const { tuning } = this.model;
    const { objective } = o;
    const { batch, shape } = o.leading ?? this.#whole;
    const rows = batch * length;
    const vocabulary = this.#vocabulary({ rows, shape, objective });
    addLoss(plan, tuning, {
      ...vocabulary,
      weights: this.buffers.weights,
      advantages: o.advantages,
      baselines: this.buffers.baselines,
      statistics: this.#statistics,
      metrics: this.buffers.metrics,
    });
    addBackward(plan, this.model, {
      ...{ batch, length, shape },
      slices: this.#slices.first(splitsOf(tuning, rows)),
      spans: this.buffers.spans,
      activations: this.#activations,
      anew: this.#keep === 'residual',
      vocabulary,
      scratch: this.#scratch,
      embedding: this.#embedding,
      maxItems: this.#maxItems,
      allRows: this.batch * length,
      gradient: o.gradient,
      objective,
    });
    return plan;
  }

  /** Uploads a batch of at most B sequences of at most T tokens. @throws RangeError on another shape. */
  upload(batch: TokenBatch | PackedBatch): void {
    const { batch: size, length } = this;
    const vocabulary = this.model.sizes.V;
    const { tokens, lengths, layout } = fitBatch(batch, { size, length, vocabulary });
    const weights = fitWeights(batch, size, length);
    const weighed = new Float32Array(2 * weights.length);
    weights.forEach((weight, row) => {
      weighed[2 * row] = weight;
      weighed[2 * row + 1] = layout.segments[row];
    });
    const { queue } = this.model.gpu.device;
    queue.writeBuffer(this.buffers.tokens, 0, tokens);
    queue.writeBuffer(this.buffers.lengths, 0, lengths);
    queue.writeBuffer(this.buffers.weights, 0, weighed);
    queue.writeBuffer(this.buffers.spans, 0, layout.spans);
    const { positions, items, firstItems } = sortByToken(tokens, vocabulary, this.#maxItems);
    queue.writeBuffer(this.#embedding.positions, 0, positions);
    queue.writeBuffer(this.#embedding.items, 0, items);
    queue.writeBuffer(this.#embedding.firstItems, 0, firstItems);
  }

  destroy(): void {
    this.#bufferTable.destroy();
  }
}
