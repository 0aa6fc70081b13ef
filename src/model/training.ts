/**
 * The training step as compiled lists: forward, loss with its gradient, backward. One `TrainingStep` serves one batch shape
 * [B, T]; smaller batches are padded with empty sequences. SFT and GRPO differ only in the objective's uniform and its
 * per-sequence advantages, so POPO's probes replay the same backward list into gradient pools of their own.
 */
import { BufferTable } from '../gpu/bufferTable';
import type { Gpu } from '../gpu/device';
import * as kernels from '../gpu/kernels';
import { type Binding, Plan } from '../gpu/plan';
import {
  type Activations,
  addForward,
  addHead,
  allocateActivations,
  allocateHead,
  type HeadActivations,
  type ModelBuffers,
  type Sizes,
  type WeightViews,
  weightViews,
} from './forward';
import type { TokenBatch } from './languageModel';
import type { PackedBatch } from './packing';
import { fitWeights } from './padding';
import { fitBatch, maxItems, sortByToken } from './upload';

/** Into how many slices the weight gradient of so many tokens is summed. */
function gradientSlices(tuning: kernels.Tuning, rows: number): number {
  return Math.max(1, Math.min(16, Math.ceil(rows / tuning.tokensPerSlice)));
}

/** Bytes of the largest buffer of a step over [B, T]: logits, an MLP's activations, or the gradient's slices. */
export function largestBuffer(
  tuning: kernels.Tuning,
  { V, F, W, D }: Sizes,
  poolSize: number,
  rows: number,
): number {
  return 4 * Math.max(rows * Math.max(V, 2 * F, W, D), gradientSlices(tuning, rows) * poolSize);
}

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
  /** Embedding to logits, under the current weights. */
  readonly forward: Plan;
  /** Supervised loss and its gradient into the model's gradient pool. */
  readonly supervised: Plan;
  readonly supervisedObjective: GPUBuffer;
  readonly buffers: StepBuffers;
  readonly #bufferTable: BufferTable;
  readonly #activations: Activations;
  readonly #scratch: Record<'dx' | 'dNormed' | 'dh' | 'dGateUp' | 'dAttended' | 'dqkv' | 'delta', GPUBuffer>;
  readonly #head: HeadActivations & Record<'dlogits' | 'statistics', GPUBuffer>;
  readonly #embedding: Record<'positions' | 'items' | 'firstItems' | 'partial', GPUBuffer>;
  readonly #slices: GPUBuffer;
  readonly #sliceWeights: WeightViews;
  readonly #weights: WeightViews;
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
    const { poolSize } = model.table;
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
    this.#activations = allocateActivations(table, tuning, { sizes, rows, keep: 'all' });
    this.#head = {
      ...allocateHead(table, sizes, rows),
      dlogits: table.floats('dlogits', rows * V),
      statistics: table.floats('statistics', rows * 8),
    };
    this.#scratch = {
      dx: table.floats('dx', rows * D),
      dNormed: table.floats('d_normed', rows * D),
      dh: table.floats('dh', rows * F),
      dGateUp: table.floats('d_gate_up', rows * 2 * F),
      dAttended: table.floats('d_attended', rows * D),
      dqkv: table.floats('dqkv', rows * W),
      delta: table.floats('delta', rows * heads.heads),
    };
    this.#embedding = {
      positions: table.floats('positions', rows),
      items: table.floats('items', 2 * this.#maxItems),
      firstItems: table.floats('first_items', V + 1),
      partial: table.floats('partial', this.#maxItems * D),
    };
    this.#slices = table.floats('slices', gradientSlices(tuning, rows) * poolSize);
    this.#weights = weightViews(model.parameters, model.table, sizes.layers);
    this.#sliceWeights = weightViews(this.#slices, model.table, sizes.layers, true);
    this.supervisedObjective = objectiveUniform(table);

    this.forward = new Plan(gpu);
    addForward(this.forward, tuning, {
      sizes,
      weights: this.#weights,
      activations: this.#activations,
      tokens: this.buffers.tokens,
      spans: this.buffers.spans,
      rotation: model.rotation,
      batch,
      length,
      shape: this.#whole.shape,
    });
    addHead(this.forward, tuning, {
      sizes,
      weights: this.#weights,
      x: this.#activations.residual[sizes.layers],
      kept: this.#head,
      scratch: this.#activations.scratch,
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
    const { tokens, lengths, scores } = this.buffers;
    kernels.scoreTokens(plan, this.model.tuning, {
      logits: this.#head.logits,
      tokens,
      lengths,
      scores,
      V: this.model.sizes.V,
      rows: batch * this.length,
      shape,
      objective,
    });
    return plan.compile();
  }

  #record(o: { objective: GPUBuffer; advantages: Binding; gradient: Binding; leading?: Leading }): Plan {
    const plan = new Plan(this.model.gpu);
    const { length } = this;
    const { tuning, sizes } = this.model;
    const { D, F, V, W, eps, heads, layers } = sizes;
    const { batch, shape } = o.leading ?? this.#whole;
    const rows = batch * length;
    const scratch = this.#scratch;
    const { poolSize } = this.model.table;
    const splits = gradientSlices(tuning, rows);
    const slices = { splits, slice: poolSize };
    kernels.crossEntropy(plan, tuning, {
      logits: this.#head.logits,
      dlogits: this.#head.dlogits,
      statistics: this.#head.statistics,
      tokens: this.buffers.tokens,
      lengths: this.buffers.lengths,
      weights: this.buffers.weights,
      advantages: o.advantages,
      baselines: this.buffers.baselines,
      scores: this.buffers.scores,
      metrics: this.buffers.metrics,
      objective: o.objective,
      V,
      rows,
      shape,
    });
    // Head: tied embedding, final norm.
    const { dlogits, normed } = this.#head;
    kernels.matmulTN(plan, tuning, {
      label: 'logits_backward/weight',
      a: dlogits,
      b: normed,
      out: this.#sliceWeights.embedding,
      M: V,
      N: D,
      ...slices,
      shape,
    });
    kernels.matmulNN(plan, tuning, {
      label: 'logits_backward',
      a: dlogits,
      w: this.#weights.embedding,
      out: scratch.dNormed,
      K: V,
      N: D,
      rows,
      shape,
    });
    // All of it, also beyond the leading sequences: the embedding's gradient walks over every token of the batch.
    kernels.clear(plan, { out: scratch.dx, size: this.batch * length * D });
    kernels.rmsNormBackward(plan, tuning, {
      x: this.#activations.residual[layers],
      weight: this.#weights.finalNorm,
      scale: this.#head.scale,
      dy: scratch.dNormed,
      dx: scratch.dx,
      dWeight: this.#sliceWeights.finalNorm,
      D,
      eps,
      rows,
      ...slices,
      shape,
    });
    for (let l = layers - 1; l >= 0; l--) {
      const w = this.#weights.layers[l];
      const dw = this.#sliceWeights.layers[l];
      const kept = this.#activations.layers[l];
      // MLP
      kernels.matmulTN(plan, tuning, {
        label: 'down_backward/weight',
        a: scratch.dx,
        b: kept.h,
        out: dw.down,
        M: D,
        N: F,
        ...slices,
        shape,
      });
      kernels.matmulNN(plan, tuning, {
        label: 'down_backward',
        a: scratch.dx,
        w: w.down,
        out: scratch.dh,
        K: D,
        N: F,
        rows,
        shape,
      });
      kernels.swigluBackward(plan, {
        gateUp: kept.gateUp,
        dh: scratch.dh,
        dGateUp: scratch.dGateUp,
        F,
        rows,
        shape,
      });
      kernels.matmulTN(plan, tuning, {
        label: 'gate_up_backward/weight',
        a: scratch.dGateUp,
        b: kept.normed2,
        out: dw.gateUp,
        M: 2 * F,
        N: D,
        ...slices,
        shape,
      });
      kernels.matmulNN(plan, tuning, {
        label: 'gate_up_backward',
        a: scratch.dGateUp,
        w: w.gateUp,
        out: scratch.dNormed,
        K: 2 * F,
        N: D,
        rows,
        shape,
      });
      kernels.rmsNormBackward(plan, tuning, {
        x: kept.middle,
        weight: w.norm2,
        scale: kept.scale2,
        dy: scratch.dNormed,
        dx: scratch.dx,
        dWeight: dw.norm2,
        D,
        eps,
        rows,
        ...slices,
        shape,
      });
      // Attention
      kernels.matmulTN(plan, tuning, {
        label: 'o_proj_backward/weight',
        a: scratch.dx,
        b: kept.attended,
        out: dw.output,
        M: D,
        N: D,
        ...slices,
        shape,
      });
      kernels.matmulNN(plan, tuning, {
        label: 'o_proj_backward',
        a: scratch.dx,
        w: w.output,
        out: scratch.dAttended,
        K: D,
        N: D,
        rows,
        shape,
      });
      kernels.attentionBackward(plan, tuning, {
        qkv: kept.qkv,
        spans: this.buffers.spans,
        o: kept.attended,
        lse: kept.lse,
        dO: scratch.dAttended,
        delta: scratch.delta,
        dqkv: scratch.dqkv,
        heads,
        batch,
        length,
        shape,
      });
      kernels.rope(plan, {
        qkv: scratch.dqkv,
        rotation: this.model.rotation,
        spans: this.buffers.spans,
        heads,
        inverse: true,
        rows,
        shape,
      });
      kernels.matmulTN(plan, tuning, {
        label: 'qkv_backward/weight',
        a: scratch.dqkv,
        b: kept.normed1,
        out: dw.qkv,
        M: W,
        N: D,
        ...slices,
        shape,
      });
      kernels.matmulNN(plan, tuning, {
        label: 'qkv_backward',
        a: scratch.dqkv,
        w: w.qkv,
        out: scratch.dNormed,
        K: W,
        N: D,
        rows,
        shape,
      });
      kernels.rmsNormBackward(plan, tuning, {
        x: this.#activations.residual[l],
        weight: w.norm1,
        scale: kept.scale1,
        dy: scratch.dNormed,
        dx: scratch.dx,
        dWeight: dw.norm1,
        D,
        eps,
        rows,
        ...slices,
        shape,
      });
    }
    kernels.embeddingBackward(plan, {
      dx: scratch.dx,
      ...this.#embedding,
      gradient: this.#sliceWeights.embedding,
      D,
      V,
      maxItems: this.#maxItems,
      shape,
    });
    kernels.reduceSlices(plan, {
      slices: this.#slices,
      gradient: o.gradient,
      size: poolSize,
      splits,
      objective: o.objective,
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
