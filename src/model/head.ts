/**
 * The tied head: final norm and logits, and what they come to in scores, in the loss and in its gradient. Where the plan says so, logits
 * are never whole: there are those of a chunk of the vocabulary at a time, made anew for every pass over them. They end with the list.
 */
import type { BufferTable } from '../gpu/bufferTable';
import * as kernels from '../gpu/kernels';
import { type Binding, type Plan, windowOf } from '../gpu/plan';
import type { Activations, ModelBuffers, WeightViews } from './forward';
import { chunksOf, type Sizes, type VocabularyChunk } from './plans';

export interface HeadActivations {
  /** [rows, D] and [rows], of the final norm */
  normed: GPUBuffer;
  scale: GPUBuffer;
  /** [rows, columns]; dlogits take their place. */
  logits: GPUBuffer;
  /** Of the vocabulary, at a time; V where logits are whole. */
  columns: number;
  /** Where they are not. */
  sums: Record<keyof kernels.VocabularySums, GPUBuffer> | null;
}

/** Buffers that a scoring list may write all over, of as many tokens at least. */
export interface ScoringScratch {
  activations: Activations;
  head: HeadActivations;
}

/** What logits are made of. */
export interface HeadProduct {
  sizes: Sizes;
  /** [V, D] */
  embedding: Binding;
  head: HeadActivations;
  /** See `Activations`. */
  scratch: Binding;
  rows: number;
  shape: GPUBuffer;
}

/** And what a list makes of them. */
export interface Vocabulary extends HeadProduct {
  tokens: Binding;
  scores: Binding;
  objective: GPUBuffer;
}

export function allocateHead(
  table: BufferTable,
  { sizes, tuning }: Pick<ModelBuffers, 'sizes' | 'tuning'>,
  { rows, columns }: { rows: number; columns: number },
): HeadActivations {
  const { D, V } = sizes;
  const lanes = rows * tuning.rowLanes;
  return {
    normed: table.floats('final_normed', rows * D),
    scale: table.floats('final_scale', rows),
    logits: table.floats('logits', rows * columns),
    columns,
    sums:
      columns < V ? { maxima: table.floats('maxima', lanes), sums: table.floats('sums', 4 * lanes) } : null,
  };
}

/** From x [rows, D], which left the last layer. */
export function addFinalNorm(
  plan: Plan,
  tuning: kernels.Tuning,
  o: {
    sizes: Sizes;
    weights: WeightViews;
    x: GPUBuffer;
    head: Pick<HeadActivations, 'normed' | 'scale'>;
    rows: number;
    shape: GPUBuffer;
  },
): void {
  const { sizes, weights, x, head, rows, shape } = o;
  const { D, eps } = sizes;
  kernels.rmsNorm(plan, tuning, {
    x,
    weight: weights.finalNorm,
    scale: head.scale,
    out: head.normed,
    D,
    eps,
    rows,
    shape,
  });
}

/** Logits of a chunk, [rows, size], from the final norm. */
export function addLogits(
  plan: Plan,
  tuning: kernels.Tuning,
  o: Omit<HeadProduct, 'head'> & { head: Pick<HeadActivations, 'normed' | 'logits'> },
  { from, size }: VocabularyChunk,
): void {
  const { D } = o.sizes;
  kernels.matmulNT(plan, tuning, {
    label: 'logits',
    a: o.head.normed,
    w: windowOf(o.embedding, from * D, size * D, kernels.BYTES_OF[tuning.dtype]),
    scratch: o.scratch,
    out: o.head.logits,
    K: D,
    N: size,
    rows: o.rows,
    shape: o.shape,
  });
}

/** Scores alone. */
export function addScores(plan: Plan, tuning: kernels.Tuning, o: Vocabulary & { lengths: Binding }): void {
  kernels.scoreTokens(plan, tuning, { ...o, ...addRows(plan, tuning, o), V: o.sizes.V });
}

/** Loss and scores; the two gradients may follow. */
export function addLoss(plan: Plan, tuning: kernels.Tuning, o: Vocabulary & kernels.LossBindings): void {
  kernels.crossEntropy(plan, tuning, { ...o, ...addRows(plan, tuning, o), V: o.sizes.V });
}

/** Of the final norm, [rows, D], into `out`. */
export function addNormedGradient(
  plan: Plan,
  tuning: kernels.Tuning,
  o: Vocabulary & { out: Binding },
): void {
  const { V, D } = o.sizes;
  for (const chunk of chunksOf(V, o.head.columns)) {
    const { from, size } = chunk;
    addLogitGradients(plan, tuning, o, chunk);
    kernels.matmulNN(plan, tuning, {
      label: 'logits_backward',
      a: o.head.logits,
      w: windowOf(o.embedding, from * D, size * D, kernels.BYTES_OF[tuning.dtype]),
      out: o.out,
      K: size,
      N: D,
      goesOn: from > 0,
      scratch: o.scratch,
      rows: o.rows,
      shape: o.shape,
    });
  }
}

/** Of a chunk's embeddings as rows of the head's product, [size, D], into slices. */
export function addEmbeddingGradient(
  plan: Plan,
  tuning: kernels.Tuning,
  o: Vocabulary & { chunk: VocabularyChunk; out: Binding; splits: number; slice: number },
): void {
  const { chunk, out, splits, slice, shape } = o;
  addLogitGradients(plan, tuning, o, chunk);
  kernels.matmulTN(plan, tuning, {
    label: 'logits_backward/weight',
    a: o.head.logits,
    b: o.head.normed,
    out,
    M: chunk.size,
    N: o.sizes.D,
    splits,
    slice,
    shape,
  });
}

/** dlogits of a chunk, [rows, size], where its logits were. Whole, they have been there since `addLoss`. */
function addLogitGradients(plan: Plan, tuning: kernels.Tuning, o: Vocabulary, chunk: VocabularyChunk): void {
  if (o.head.sums === null) return;
  addLogits(plan, tuning, o, chunk);
  addChunk(plan, tuning, 'gradient', { ...o, ...chunk });
}

/** All logits of each row, or what they come to: the highest of them first, since sums are relative to it. */
function addRows(plan: Plan, tuning: kernels.Tuning, o: Vocabulary) {
  const { V } = o.sizes;
  const { logits, columns, sums } = o.head;
  if (sums === null) {
    addLogits(plan, tuning, o, { from: 0, size: V });
    return { logits };
  }
  for (const pass of ['highest', 'add'] as const)
    for (const chunk of chunksOf(V, columns)) {
      addLogits(plan, tuning, o, chunk);
      addChunk(plan, tuning, pass, { ...o, ...chunk });
    }
  return { logits: null, sums: sums.sums };
}

function addChunk(
  plan: Plan,
  tuning: kernels.Tuning,
  pass: Parameters<typeof kernels.vocabularyChunk>[2],
  o: Vocabulary & VocabularyChunk,
): void {
  const { logits, sums } = o.head;
  if (sums !== null) kernels.vocabularyChunk(plan, tuning, pass, { ...o, ...sums, logits });
}
