/**
 * One function per shader: each adds dispatches to a plan. Shapes are in the shaders' headers; what varies per adapter is
 * in `Tuning` and pinned per run, since it changes the order of sums and so the bits.
 */
import adamw from '../../shaders/adamw.wgsl?raw';
import attentionSource from '../../shaders/attention.wgsl?raw';
import clearSource from '../../shaders/clear.wgsl?raw';
import crossEntropySource from '../../shaders/cross_entropy.wgsl?raw';
import decodeAttentionSource from '../../shaders/decode_attention.wgsl?raw';
import embeddingSource from '../../shaders/embedding.wgsl?raw';
import matmulSource from '../../shaders/matmul.wgsl?raw';
import matmulTiledSource from '../../shaders/matmul_tiled.wgsl?raw';
import reduceSlicesSource from '../../shaders/reduce_slices.wgsl?raw';
import rmsNormSource from '../../shaders/rms_norm.wgsl?raw';
import ropeSource from '../../shaders/rope.wgsl?raw';
import sampleSource from '../../shaders/sample.wgsl?raw';
import swigluSource from '../../shaders/swiglu.wgsl?raw';
import tokenStatisticsSource from '../../shaders/token_statistics.wgsl?raw';
import transposeSource from '../../shaders/transpose.wgsl?raw';
import type { Gpu } from './device';
import { type Binding, type Plan, ROW_OF_GROUPS } from './plan';
import { unroll } from './unroll';

/** A buffer or an aligned window of one. */
export type Window = Binding;

/** Changes with every change to a kernel's arithmetic; part of a run's fingerprint. */
export const KERNELS_VERSION = 'k2';

/** How work is laid out on an adapter. It decides the order of sums, and so the bits: a run pins it. */
export interface Tuning {
  name: 'portable' | 'tiled';
  /** Threads of a matmul workgroup, a tile each (portable only; tiled ones have 16 × 16). */
  matmulLanes: number;
  /** Threads that share a row in row-wise kernels, and rows that share a workgroup. */
  rowLanes: number;
  rows: number;
  /** Threads of an attention workgroup. */
  attentionLanes: number;
  /** Queries (or keys) that an attention thread owns. */
  attentionOwn: number;
  /** Tokens per slice of the weight gradient's reduction. */
  tokensPerSlice: number;
}

export const TUNINGS: Readonly<Record<Tuning['name'], Tuning>> = {
  /** For a CPU that plays a GPU: a thread a row, tiles in registers, no cooperation, one slice. */
  portable: {
    name: 'portable',
    matmulLanes: 8,
    rowLanes: 1,
    rows: 16,
    attentionLanes: 8,
    attentionOwn: 2,
    tokensPerSlice: 1 << 30,
  },
  /** For a GPU: tiles in workgroup memory, a row's threads side by side, slices enough to fill it. */
  tiled: {
    name: 'tiled',
    matmulLanes: 0,
    rowLanes: 32,
    rows: 4,
    attentionLanes: 32,
    attentionOwn: 1,
    tokensPerSlice: 512,
  },
};

/** The tuning a config names, or at `auto` the one that suits the adapter. */
export function tuningFor(gpu: Gpu, kernels: 'auto' | Tuning['name'] = 'auto'): Tuning {
  return TUNINGS[kernels === 'auto' ? (gpu.adapter.software ? 'portable' : 'tiled') : kernels];
}

/** A uniform buffer of 16 bytes, `Shape` in the shaders: rows, length, batch and one more. */
export function shapeUniform(gpu: Gpu, rows: number, length: number, batch: number, extra = 0): GPUBuffer {
  const buffer = gpu.createBuffer('shape', 16, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  gpu.device.queue.writeBuffer(buffer, 0, new Uint32Array([rows, length, batch, extra]));
  return buffer;
}

const groups = (threads: number, size = 64) => Math.max(1, Math.ceil(threads / size));

/** out[rows, N] = a[rows, K] · W[N, K]ᵀ (+ residual). Portable, W is transposed into `scratch` first. */
export function matmulNT(
  plan: Plan,
  tuning: Tuning,
  o: {
    label: string;
    a: Binding;
    w: Binding;
    residual?: Binding;
    /** At least K · N floats, free to be overwritten; see `scratchSize`. */
    scratch: Binding;
    out: Binding;
    K: number;
    N: number;
    rows: number;
    shape: GPUBuffer;
  },
): void {
  const rest = { M: 0, splits: 1, slice: 0 };
  if (tuning.name === 'tiled') {
    matmul(plan, tuning, { ...o, ...rest, b: o.w, layout: 'nt' });
    return;
  }
  assertExtents(o.label, { K: o.K, N: o.N });
  plan.add({
    label: `${o.label}/transpose`,
    code: transposeSource,
    constants: { K: o.K, N: o.N },
    bindings: [o.w, o.scratch],
    workgroups: [Math.min(groups((o.K * o.N) / 4), 4096)],
  });
  matmul(plan, tuning, { ...o, ...rest, b: o.scratch, layout: 'nn' });
}

/** Floats of the scratch that products with weight matrices of at most `largest` floats need. */
export function scratchSize(tuning: Tuning, largest: number): number {
  return tuning.name === 'tiled' ? 4 : largest;
}

/** out[rows, N] = a[rows, K] · W[K, N]. */
export function matmulNN(
  plan: Plan,
  tuning: Tuning,
  o: {
    label: string;
    a: Binding;
    w: Binding;
    out: Binding;
    K: number;
    N: number;
    rows: number;
    shape: GPUBuffer;
  },
): void {
  matmul(plan, tuning, { ...o, b: o.w, layout: 'nn', M: 0, splits: 1, slice: 0 });
}

/** out[splits, M, N] = Σ over each split of the rows of a[rows, M]ᵀ · b[rows, N]; slices lie `slice` floats apart. */
export function matmulTN(
  plan: Plan,
  tuning: Tuning,
  o: {
    label: string;
    a: Binding;
    b: Binding;
    out: Binding;
    M: number;
    N: number;
    splits: number;
    slice: number;
    shape: GPUBuffer;
  },
): void {
  matmul(plan, tuning, { ...o, layout: 'tn', K: 0, rows: 0 });
}

function matmul(
  plan: Plan,
  tuning: Tuning,
  o: {
    label: string;
    layout: 'nt' | 'nn' | 'tn';
    a: Binding;
    b: Binding;
    residual?: Binding;
    out: Binding;
    M: number;
    K: number;
    N: number;
    rows: number;
    splits: number;
    slice: number;
    shape: GPUBuffer;
  },
): void {
  assertExtents(o.label, { M: o.M, K: o.K, N: o.N });
  const rows = o.layout === 'tn' ? o.M : o.rows;
  const constants = {
    M: o.M,
    K: o.K,
    N: o.N,
    SPLITS: o.splits,
    SLICE: o.slice,
    RESIDUAL: o.residual ? 1 : 0,
  };
  // tn has no residual, but auto layouts keep a binding that any branch names.
  const bindings = [o.a, o.b, o.residual ?? o.a, o.out, o.shape];
  if (tuning.name === 'tiled') {
    plan.add({
      label: o.label,
      code: matmulTiledSource,
      constants: { ...constants, LAYOUT: { nt: 0, nn: 1, tn: 2 }[o.layout] },
      bindings,
      workgroups: [groups(o.N, 64), groups(rows, 64), o.splits],
    });
    return;
  }
  const count = groups(Math.ceil(rows / 8) * Math.ceil(o.N / 8), tuning.matmulLanes);
  plan.add({
    label: o.label,
    code: matmulSource,
    entryPoint: o.layout,
    constants: { ...constants, LANES: tuning.matmulLanes },
    bindings,
    workgroups: [Math.min(count, ROW_OF_GROUPS), Math.ceil(count / ROW_OF_GROUPS), o.splits],
  });
}

function assertExtents(label: string, extents: Record<string, number>): void {
  for (const [name, extent] of Object.entries(extents)) {
    if (extent % 4 !== 0)
      throw new RangeError(`matmul ${label}: ${name} = ${extent} is not a multiple of 4.`);
  }
}

export function embeddingGather(
  plan: Plan,
  o: { table: Binding; tokens: Binding; out: Binding; D: number; V: number; rows: number; shape: GPUBuffer },
): void {
  plan.add({
    label: 'embedding',
    code: embeddingSource,
    entryPoint: 'gather',
    constants: { D: o.D, V: o.V },
    bindings: [o.table, o.tokens, null, o.out, o.shape],
    workgroups: [groups((o.rows * o.D) / 4)],
  });
}

/** Adds the embedding's gradient to `gradient` [V, D]; positions, items and token offsets are the CPU's sort by token. */
export function embeddingBackward(
  plan: Plan,
  o: {
    dx: Binding;
    positions: Binding;
    items: Binding;
    firstItems: Binding;
    partial: Binding;
    gradient: Binding;
    D: number;
    V: number;
    maxItems: number;
    shape: GPUBuffer;
  },
): void {
  plan.add({
    label: 'embedding_backward/partial_sums',
    code: embeddingSource,
    entryPoint: 'partial_sums',
    constants: { D: o.D, V: o.V },
    bindings: [o.dx, o.positions, o.items, o.partial, o.shape],
    workgroups: [groups((o.maxItems * o.D) / 4)],
  });
  plan.add({
    label: 'embedding_backward/accumulate',
    code: embeddingSource,
    entryPoint: 'accumulate',
    constants: { D: o.D, V: o.V },
    bindings: [o.partial, o.firstItems, null, o.gradient, null],
    workgroups: [groups((o.V * o.D) / 4)],
  });
}

interface RmsNorm {
  x: Binding;
  scale: Binding;
  D: number;
  eps: number;
  rows: number;
  shape: GPUBuffer;
}

function rmsNormConstants(tuning: Tuning, o: RmsNorm, splits: number, slice: number): Record<string, number> {
  return {
    D: o.D,
    EPS_NANO: Math.round(o.eps * 1e9),
    LANES: tuning.rowLanes,
    ROWS: tuning.rows,
    SPLITS: splits,
    SLICE: slice,
  };
}

export function rmsNorm(plan: Plan, tuning: Tuning, o: RmsNorm & { weight: Binding; out: Binding }): void {
  plan.add({
    label: 'rms_norm',
    code: rmsNormSource,
    entryPoint: 'forward',
    constants: rmsNormConstants(tuning, o, 1, 0),
    bindings: [o.x, o.weight, o.scale, null, o.out, o.shape],
    workgroups: [groups(o.rows, tuning.rows)],
  });
}

/** dx += gradient through the norm; weight gradients go to slices of `slice` floats. */
export function rmsNormBackward(
  plan: Plan,
  tuning: Tuning,
  o: RmsNorm & { weight: Binding; dy: Binding; dx: Binding; dWeight: Binding; splits: number; slice: number },
): void {
  const constants = rmsNormConstants(tuning, o, o.splits, o.slice);
  plan.add({
    label: 'rms_norm_backward',
    code: rmsNormSource,
    entryPoint: 'backward',
    constants,
    bindings: [o.x, o.weight, o.scale, o.dy, o.dx, o.shape],
    workgroups: [groups(o.rows, tuning.rows)],
  });
  plan.add({
    label: 'rms_norm_backward/weight',
    code: rmsNormSource,
    entryPoint: 'backward_weight',
    constants,
    bindings: [o.x, null, o.scale, o.dy, o.dWeight, o.shape],
    workgroups: [groups((o.splits * o.D) / 4)],
  });
}

export interface Heads {
  heads: number;
  kvHeads: number;
  headDim: number;
}

const rowWidth = ({ heads, kvHeads, headDim }: Heads) => (heads + 2 * kvHeads) * headDim;

/** Rotates the query and key heads of qkv in place; `inverse` for the gradient. */
export function rope(
  plan: Plan,
  o: {
    qkv: Binding;
    rotation: Binding;
    spans: Binding;
    heads: Heads;
    inverse: boolean;
    rows: number;
    shape: GPUBuffer;
  },
): void {
  const rotated = o.heads.heads + o.heads.kvHeads;
  plan.add({
    label: o.inverse ? 'rope_backward' : 'rope',
    code: ropeSource,
    constants: {
      HEAD_DIM: o.heads.headDim,
      ROTATED_HEADS: rotated,
      ROW_WIDTH: rowWidth(o.heads),
      INVERSE: o.inverse ? 1 : 0,
    },
    bindings: [o.qkv, o.rotation, o.shape, o.spans],
    workgroups: [groups((o.rows * rotated * o.heads.headDim) / 2)],
  });
}

interface Attention {
  qkv: Binding;
  /** Who attends to whom; see attention.wgsl. */
  spans: Binding;
  o: Binding;
  lse: Binding;
  heads: Heads;
  batch: number;
  length: number;
  shape: GPUBuffer;
}

function attentionConstants(tuning: Tuning, { heads }: Attention): Record<string, number> {
  return {
    HEADS: heads.heads,
    KV_HEADS: heads.kvHeads,
    HEAD_DIM: heads.headDim,
    ROW_WIDTH: rowWidth(heads),
    LANES: tuning.attentionLanes,
    OWN: tuning.attentionOwn,
  };
}

export function attention(plan: Plan, tuning: Tuning, o: Attention): void {
  plan.add({
    label: 'attention',
    code: unroll(attentionSource, { r: tuning.attentionOwn, c: o.heads.headDim / 4 }),
    entryPoint: 'forward',
    constants: attentionConstants(tuning, o),
    bindings: [o.qkv, o.spans, o.o, o.lse, null, null, null, o.shape],
    workgroups: [
      groups(Math.ceil(o.length / tuning.attentionOwn), tuning.attentionLanes),
      o.batch * o.heads.heads,
    ],
  });
}

export function attentionBackward(
  plan: Plan,
  tuning: Tuning,
  o: Attention & { dO: Binding; delta: Binding; dqkv: Binding },
): void {
  const constants = attentionConstants(tuning, o);
  plan.add({
    label: 'attention_backward/query',
    code: unroll(attentionSource, { r: tuning.attentionOwn, c: o.heads.headDim / 4 }),
    entryPoint: 'backward_query',
    constants,
    bindings: [o.qkv, o.spans, o.o, o.lse, o.dO, o.delta, o.dqkv, o.shape],
    workgroups: [
      groups(Math.ceil(o.length / tuning.attentionOwn), tuning.attentionLanes),
      o.batch * o.heads.heads,
    ],
  });
  plan.add({
    label: 'attention_backward/key',
    code: unroll(attentionSource, { r: tuning.attentionOwn, c: o.heads.headDim / 4 }),
    entryPoint: 'backward_key',
    constants,
    bindings: [o.qkv, o.spans, null, o.lse, o.dO, o.delta, o.dqkv, o.shape],
    workgroups: [
      groups(Math.ceil(o.length / tuning.attentionOwn), tuning.attentionLanes),
      o.batch * o.heads.kvHeads,
    ],
  });
}

export function swiglu(
  plan: Plan,
  o: { gateUp: Binding; h: Binding; F: number; rows: number; shape: GPUBuffer },
): void {
  plan.add({
    label: 'swiglu',
    code: swigluSource,
    entryPoint: 'forward',
    constants: { F: o.F },
    bindings: [o.gateUp, null, o.h, o.shape],
    workgroups: [groups((o.rows * o.F) / 4)],
  });
}

export function swigluBackward(
  plan: Plan,
  o: { gateUp: Binding; dh: Binding; dGateUp: Binding; F: number; rows: number; shape: GPUBuffer },
): void {
  plan.add({
    label: 'swiglu_backward',
    code: swigluSource,
    entryPoint: 'backward',
    constants: { F: o.F },
    bindings: [o.gateUp, o.dh, o.dGateUp, o.shape],
    workgroups: [groups((o.rows * o.F) / 4)],
  });
}

interface Vocabulary {
  logits: Binding;
  tokens: Binding;
  lengths: Binding;
  scores: Binding;
  V: number;
  rows: number;
  shape: GPUBuffer;
  /** Written by `writeObjective` (model/training.ts); scores depend on its temperature alone. */
  objective: GPUBuffer;
}

/** Loss, logps, entropies and dlogits in one pass, and their sums in metrics[0..8). */
export function crossEntropy(
  plan: Plan,
  tuning: Tuning,
  o: Vocabulary & {
    weights: Binding;
    advantages: Binding;
    baselines: Binding;
    statistics: Binding;
    dlogits: Binding;
    metrics: Binding;
  },
): void {
  plan.add({
    label: 'cross_entropy',
    code: crossEntropySource,
    constants: { V: o.V, LANES: tuning.rowLanes, ROWS: tuning.rows },
    bindings: [
      o.logits,
      o.tokens,
      null,
      o.weights,
      o.advantages,
      o.baselines,
      o.scores,
      o.statistics,
      o.dlogits,
      o.shape,
      o.objective,
    ],
    workgroups: [groups(o.rows, tuning.rows)],
  });
  plan.add({
    label: 'token_statistics',
    code: tokenStatisticsSource,
    bindings: [o.statistics, o.metrics, o.shape, o.objective],
    workgroups: [1],
  });
}

/** Only the logps and entropies. */
export function scoreTokens(plan: Plan, tuning: Tuning, o: Vocabulary): void {
  plan.add({
    label: 'score',
    code: crossEntropySource,
    entryPoint: 'score',
    constants: { V: o.V, LANES: tuning.rowLanes, ROWS: tuning.rows },
    bindings: [o.logits, o.tokens, o.lengths, null, null, null, o.scores, null, null, o.shape, o.objective],
    workgroups: [groups(o.rows, tuning.rows)],
  });
}

/** Fills `size` floats (a multiple of 4) with zeros. */
export function clear(plan: Plan, o: { out: Binding; size: number }): void {
  plan.add({
    label: 'clear',
    code: clearSource,
    constants: { SIZE: o.size },
    bindings: [o.out],
    workgroups: [Math.min(groups(o.size / 4), 4096)],
  });
}

/** gradient (+)= sum of the slices, in order. `size` in floats, a multiple of 4. */
export function reduceSlices(
  plan: Plan,
  o: { slices: Binding; gradient: Binding; size: number; splits: number; objective: GPUBuffer },
): void {
  plan.add({
    label: 'reduce_slices',
    code: reduceSlicesSource,
    constants: { SLICE: o.size, SPLITS: o.splits },
    bindings: [o.slices, o.gradient, o.objective],
    workgroups: [Math.min(groups(o.size / 4), 4096)],
  });
}

/** Partial sums of squares that the global norm is made of. */
export const NORM_PARTIALS = 256;

/** Global norm into metrics[8], clip factor into metrics[9], then AdamW over the pool. */
export function adamW(
  plan: Plan,
  o: {
    parameters: Binding;
    moment1: Binding;
    moment2: Binding;
    gradient: Binding;
    partial: Binding;
    metrics: Binding;
    hyper: GPUBuffer;
    size: number;
    decayed: number;
  },
): void {
  const constants = { SIZE: o.size, DECAYED: o.decayed, PARTIALS: NORM_PARTIALS };
  plan.add({
    label: 'global_norm/square_sums',
    code: adamw,
    entryPoint: 'square_sums',
    constants,
    bindings: [null, null, null, o.gradient, o.partial, null, null],
    workgroups: [NORM_PARTIALS],
  });
  plan.add({
    label: 'global_norm/norm',
    code: adamw,
    entryPoint: 'norm',
    constants,
    bindings: [null, null, null, null, o.partial, o.metrics, o.hyper],
    workgroups: [1],
  });
  plan.add({
    label: 'adamw',
    code: adamw,
    entryPoint: 'update',
    constants,
    bindings: [o.parameters, o.moment1, o.moment2, o.gradient, null, o.metrics, o.hyper],
    workgroups: [Math.min(groups(o.size), 4096)],
  });
}

/** Rotates and caches this step's keys, then attends to the prompt and the cache. */
export function decodeAttention(
  plan: Plan,
  tuning: Tuning,
  o: {
    qkv: Binding;
    prompt: Binding;
    promptLengths: Binding;
    cache: Binding;
    rotation: Binding;
    state: Binding;
    o: Binding;
    heads: Heads;
    generations: number;
    maxNew: number;
    rows: number;
    shape: GPUBuffer;
  },
): void {
  const { heads, kvHeads, headDim } = o.heads;
  const constants = {
    HEADS: heads,
    KV_HEADS: kvHeads,
    HEAD_DIM: headDim,
    ROW_WIDTH: rowWidth(o.heads),
    GENERATIONS: o.generations,
    MAX_NEW: o.maxNew,
    LANES: tuning.attentionLanes,
  };
  plan.add({
    label: 'decode_attention/rotate_and_store',
    code: unroll(decodeAttentionSource, { c: headDim / 4 }),
    entryPoint: 'rotate_and_store',
    constants,
    bindings: [o.qkv, null, o.promptLengths, o.cache, o.rotation, o.state, null, o.shape],
    workgroups: [groups((o.rows * (heads + kvHeads) * headDim) / 2)],
  });
  plan.add({
    label: 'decode_attention/attend',
    code: unroll(decodeAttentionSource, { c: headDim / 4 }),
    entryPoint: 'attend',
    constants,
    bindings: [o.qkv, o.prompt, o.promptLengths, o.cache, null, o.state, o.o, o.shape],
    workgroups: [groups(o.rows * heads, tuning.attentionLanes)],
  });
}

/** Draws each row's next token and advances the step counter. */
export function sample(
  plan: Plan,
  tuning: Tuning,
  o: {
    logits: Binding;
    state: Binding;
    next: Binding;
    ended: Binding;
    sampled: Binding;
    options: GPUBuffer;
    V: number;
    maxNew: number;
    rows: number;
  },
): void {
  const constants = { VOCABULARY: o.V, MAX_NEW: o.maxNew, LANES: tuning.rowLanes, ROWS: tuning.rows };
  plan.add({
    label: 'sample',
    code: sampleSource,
    constants,
    bindings: [o.logits, o.state, o.next, o.ended, o.sampled, o.options],
    workgroups: [groups(o.rows, tuning.rows)],
  });
  plan.add({
    label: 'sample/advance',
    code: sampleSource,
    entryPoint: 'advance',
    constants,
    bindings: [null, o.state, null, null, null, null],
    workgroups: [1],
  });
}
