/**
 * What the engine's lists take, before anything is allocated, and how they are cut where the device has little room. It follows the
 * device's limits, since WebGPU tells of no memory. None of it changes a bit: sums keep their order.
 */
import type { Tuning } from '../gpu/kernels/tuning';
import { matricesOf, type ParameterTable, type PoolRange } from './parameters';

/** Sizes of a config in the letters of the shaders' headers. */
export interface Sizes {
  /** Features, MLP width, vocabulary, layers, width of a qkv row. */
  D: number;
  F: number;
  V: number;
  layers: number;
  W: number;
  eps: number;
  heads: { heads: number; kvHeads: number; headDim: number };
}

/** How much of a device each part of the engine may take, in bytes. */
export interface DeviceRoom {
  /** Of the slices that weight gradients are summed in, where that is enough for one matrix. */
  slices: number;
  /** Of the activations that a training step keeps for its backward lists; beyond, a layer's are made anew. */
  kept: number;
  /** Of a list that takes its rows in turns: scoring, and answering. */
  turn: number;
  /** Of what a list has for each column of the vocabulary, where that is enough for `COLUMNS`. */
  vocabulary: number;
  /** Of any one buffer. */
  buffer: number;
}

type BufferLimits = Pick<GPUSupportedLimits, 'maxBufferSize' | 'maxStorageBufferBindingSize'>;

export function roomOf({ maxBufferSize, maxStorageBufferBindingSize }: BufferLimits): DeviceRoom {
  const buffer = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  return {
    slices: 2 ** 26,
    kept: 4 * maxBufferSize,
    turn: maxBufferSize / 4,
    vocabulary: buffer / 4,
    buffer,
  };
}

/**
 * Chunks of the vocabulary begin at multiples of so many columns: where a row's threads and the tiles of products begin anew (their sums
 * keep their order), and windows of the weights may be bound.
 */
const COLUMNS = 64;

/** Columns [from, from + size) of the vocabulary. */
export interface VocabularyChunk {
  from: number;
  size: number;
}

/** The vocabulary, so many columns at a time. */
export function chunksOf(V: number, columns: number): VocabularyChunk[] {
  return Array.from({ length: Math.ceil(V / columns) }, (_, i) => ({
    from: i * columns,
    size: Math.min(columns, V - i * columns),
  }));
}

/**
 * Of how many columns of the vocabulary there are logits at a time: all, where they have room with what else goes by the vocabulary, which
 * is its weights turned round (portable) and the slices of their gradient. Else chunks as equal as can be.
 */
function columnsOf(
  { tuning, sizes: { D, V }, room }: Pick<PlannedModel, 'tuning' | 'sizes' | 'room'>,
  { rows, splits }: { rows: number; splits: number },
): number {
  const column = 4 * (rows + (tuning.isTiled ? 0 : D) + splits * D);
  if (column * V <= room.vocabulary) return V;
  const most = Math.max(1, Math.floor(room.vocabulary / column / COLUMNS));
  const blocks = Math.ceil(V / COLUMNS);
  return Math.min(V, COLUMNS * Math.ceil(blocks / Math.ceil(blocks / most)));
}

/** Floats of a token that are known of its logits while they come in chunks: `VocabularySums`. */
export function sumFloats({ rowLanes }: Tuning, { V }: Sizes, columns: number): number {
  return columns < V ? 5 * rowLanes : 0;
}

/**
 * What of a forward pass is kept: `all` gives every layer its own buffers (training); `residual` only what enters and leaves it, so that
 * its activations can be made anew; `qkv` only keys and values (prefill); with `none` all layers share one set.
 */
export type Keep = 'all' | 'residual' | 'qkv' | 'none';

/** Floats of a token that a layer leaves behind, `LayerActivations`. */
export function layerFloats({ D, F, W, heads }: Sizes): number {
  return 4 * D + 2 + W + heads.heads + 3 * F;
}

/**
 * Whether a forward pass keeps the MLP's activations, which are half of all, in f16 for the backward pass. What flows on in it stays f32: scores
 * would differ by more than the small steps whose effect is measured (directional_influence.wgsl). Where one set serves all layers there is nothing to gain.
 */
export function keepsHalves({ dtype }: Tuning, keep: Keep): boolean {
  return dtype === 'f16' && keep === 'all';
}

/** Bytes of a token that all layers keep for their backward passes. */
export function keptBytes(tuning: Tuning, sizes: Sizes): number {
  const { F, layers } = sizes;
  const whole = 4 * layers * layerFloats(sizes);
  return keepsHalves(tuning, 'all') ? whole - 6 * F * layers + 4 * F : whole;
}

/** A matrix or several, with what lies between them to keep offsets aligned: nothing writes that, so it must not be added up. */
interface SlicePart extends PoolRange {
  runs: PoolRange[];
}

export interface SlicePlan {
  splits: number;
  /** Of matrices, in the order of the backward list; one part alone has the norms, too. */
  parts: SlicePart[];
  /** The norms of all layers, where they are not of a part; their gradients are added up at the end. */
  norms: PoolRange | null;
  /** Floats of a slice: the longest part. */
  stride: number;
}

/** Into how many slices the weight gradient of so many tokens is summed. */
export function splitsOf({ tokensPerSlice }: Tuning, rows: number): number {
  return Math.max(1, Math.min(16, Math.ceil(rows / tokensPerSlice)));
}

/**
 * @param bytes of all slices together, where that is enough for one matrix
 * @param trained what of the pool has a gradient: all of it, or one matrix
 * @param columns of the vocabulary, at a time: the embedding comes in as many parts
 */
export function planSlices(
  tuning: Tuning,
  table: ParameterTable,
  rows: number,
  { bytes, trained, columns }: { bytes: number; trained: PoolRange; columns: number },
): SlicePlan {
  const splits = splitsOf(tuning, rows);
  const { poolSize, decayedSize } = table;
  const isAll = trained.from === 0 && trained.to === poolSize;
  const most = Math.floor(bytes / 4 / splits);
  if (isAll && poolSize <= most)
    return { splits, parts: [{ ...trained, runs: [trained] }], norms: null, stride: poolSize };
  const parts: SlicePart[] = [];
  const [, ...others] = matricesOf(table);
  for (const matrix of [...chunkRanges(table, columns), ...others].reverse()) {
    if (matrix.from < trained.from || matrix.to > trained.to) continue;
    const last = parts.at(-1);
    if (last === undefined || last.to - matrix.from > most) {
      parts.push({ ...matrix, runs: [{ ...matrix }] });
      continue;
    }
    last.from = matrix.from;
    const [run] = last.runs;
    if (run.from === matrix.to) run.from = matrix.from;
    else last.runs.unshift({ ...matrix });
  }
  return {
    splits,
    parts,
    norms: isAll ? { from: decayedSize, to: poolSize } : null,
    stride: Math.max(...parts.map(({ from, to }) => to - from)),
  };
}

/** Bytes of the slices, and of those of the norms. */
export function sliceBytes({ splits, stride, norms }: SlicePlan): { matrices: number; norms: number } {
  return {
    matrices: 4 * splits * stride,
    norms: norms === null ? 0 : 4 * splits * (norms.to - norms.from),
  };
}

/** Of the pool, the embeddings of so many tokens of the vocabulary at a time. */
export function chunkRanges({ parameters: [embedding] }: ParameterTable, columns: number): PoolRange[] {
  const [V, D] = embedding.shape;
  return chunksOf(V, columns).map(({ from, size }) => ({ from: D * from, to: D * (from + size) }));
}

/** What a training step over so many tokens takes, before anything is allocated. */
export interface TrainingPlan {
  /** Of the vocabulary, at a time. */
  columns: number;
  slices: SlicePlan;
  /** Of activations, for the backward lists. */
  keep: Keep & ('all' | 'residual');
  /** Bytes of the largest buffer: the logits there are at a time, an MLP's activations, or the gradient's slices. */
  largest: number;
}

/** A model as far as plans go by it. */
export interface PlannedModel {
  tuning: Tuning;
  sizes: Sizes;
  table: ParameterTable;
  room: DeviceRoom;
  trained: PoolRange;
}

export function planTraining(model: PlannedModel, rows: number): TrainingPlan {
  const { tuning, sizes, table, room, trained } = model;
  const { F, W, D, layers } = sizes;
  const splits = trained.from === 0 ? splitsOf(tuning, rows) : 0;
  const columns = columnsOf(model, { rows, splits });
  const slices = planSlices(tuning, table, rows, { bytes: room.slices, trained, columns });
  const kept = rows * (keptBytes(tuning, sizes) + 4 * layers * D);
  return {
    columns,
    slices,
    keep: kept > room.kept ? 'residual' : 'all',
    largest: Math.max(4 * rows * Math.max(columns, 2 * F, W, D), sliceBytes(slices).matrices),
  };
}

/** Bytes of a scoring list for each sequence of so many tokens, and those of its largest buffer. */
function scoringBytes(
  { tuning, sizes }: Pick<PlannedModel, 'tuning' | 'sizes'>,
  length: number,
  columns: number,
) {
  const { D, F, W } = sizes;
  const vocabulary = columns + sumFloats(tuning, sizes, columns);
  return {
    all: 4 * length * (layerFloats(sizes) + 3 * D + vocabulary + 8),
    largest: 4 * length * Math.max(columns, 2 * F, W, D),
  };
}

/** Bytes of a generator for each prompt, and those of its largest buffer. */
function generatorBytes(sizes: Sizes, { generations, promptLength, maxNew }: GeneratorShape) {
  const { D, F, V, W, layers, heads } = sizes;
  const cache = maxNew * 2 * heads.kvHeads * heads.headDim;
  const prefill = promptLength * (layerFloats(sizes) + (layers - 1) * W + 2 * D + 5);
  return {
    all: 4 * (prefill + generations * (5 * D + W + 3 * F + V + 3 + 2 * maxNew + layers * cache)),
    largest: 4 * Math.max(promptLength * Math.max(2 * F, W, D), generations * Math.max(V, 2 * F, W, cache)),
  };
}

/** Shape a generator is compiled for; smaller requests are padded. */
export interface GeneratorShape {
  prompts: number;
  generations: number;
  promptLength: number;
  maxNew: number;
}

/** Of `count`, how many at a time: all, or so many that the turns are as equal as can be. */
function inTurns(count: number, room: DeviceRoom, bytes: { all: number; largest: number }): number {
  const most = Math.max(1, Math.floor(Math.min(room.turn / bytes.all, room.buffer / bytes.largest)));
  return Math.ceil(count / Math.ceil(count / most));
}

/** Sequences that are scored at a time, with columns of the vocabulary such that one has room, and the bytes that they take. */
export function planScoring(
  model: Pick<PlannedModel, 'tuning' | 'sizes' | 'room'>,
  { size, length }: { size: number; length: number },
): { size: number; columns: number; bytes: number } {
  const columns = columnsOf(model, { rows: length, splits: 0 });
  const each = scoringBytes(model, length, columns);
  const most = inTurns(size, model.room, each);
  return { size: most, columns, bytes: most * each.all };
}

/** Prompts that are answered at a time, with all of their generations, and the bytes that they take. */
export function planGeneration(
  { sizes, room }: Pick<PlannedModel, 'sizes' | 'room'>,
  shape: GeneratorShape,
): { prompts: number; bytes: number } {
  const each = generatorBytes(sizes, shape);
  const prompts = inTurns(shape.prompts, room, each);
  return { prompts, bytes: prompts * each.all };
}
