/** The decoder's backward pass as a list of dispatches, after its loss: from dlogits to the gradient of every weight. */
import * as kernels from '../gpu/kernels';
import { type Binding, type Plan, windowOf } from '../gpu/plan';
import { type Activations, addAttentiveLayer, byMatrix, type ModelBuffers, weightViews } from './forward';
import type { GradientSlices } from './gradientSlices';
import { addEmbeddingGradient, addNormedGradient, type Vocabulary } from './head';
import type { PoolRange } from './parameters';
import { chunkRanges, chunksOf } from './plans';

/** What a backward list writes on its way; nothing of it outlives the list. */
export interface BackwardScratch {
  /** [rows, D] each: of the residual stream, and of what a norm or attention gave. */
  dx: GPUBuffer;
  dNormed: GPUBuffer;
  /** [rows, max(F, W)]: of h, and later of qkv. */
  wide: GPUBuffer;
  /** [rows, 2F] */
  dGateUp: GPUBuffer;
  /** [rows, heads], of attention.wgsl */
  delta: GPUBuffer;
}

interface Backward {
  batch: number;
  length: number;
  shape: GPUBuffer;
  spans: GPUBuffer;
  activations: Activations;
  /** Whether the layers' activations are to be made anew, since they share one set. */
  anew: boolean;
  vocabulary: Vocabulary;
  scratch: BackwardScratch;
  embedding: Record<'positions' | 'items' | 'firstItems' | 'partial', GPUBuffer>;
  maxItems: number;
  /** Tokens of the whole batch, of which `batch` may be the first. */
  allRows: number;
  slices: GradientSlices;
  /** Of what `slices` have a gradient of. */
  gradient: Binding;
  objective: GPUBuffer;
}

export function addBackward(plan: Plan, model: ModelBuffers, o: Backward): void {
  const { tuning, sizes, rotation } = model;
  const { D, F, V, W, eps, heads, layers } = sizes;
  const { batch, length, shape, activations, vocabulary, scratch, slices, spans } = o;
  const { dx, dNormed, wide, dGateUp } = scratch;
  const rows = batch * length;
  const weights = weightViews(model.weights, model.table, layers);
  const ranges = byMatrix(model.table, layers, (range) => range);
  const embeddings = chunkRanges(model.table, vocabulary.head.columns);

  /** Gradient of a weight [M, N] from that of its product, where it has one. */
  const learn = (
    label: string,
    range: PoolRange,
    product: { a: Binding; b: Binding; M: number; N: number; half?: 'b' },
  ) => {
    const slice = slices.at(range);
    if (slice === null) return;
    kernels.matmulTN(plan, tuning, { label: `${label}/weight`, ...product, ...slice, shape });
    slices.addMatrix(plan, range, o);
  };
  const through = (label: string, product: { a: Binding; w: Binding; out: Binding; K: number; N: number }) =>
    kernels.matmulNN(plan, tuning, { label, ...product, rows, scratch: activations.scratch, shape });
  const throughNorm = (range: PoolRange, norm: { x: Binding; weight: Binding; scale: Binding }) =>
    kernels.rmsNormBackward(plan, tuning, {
      ...norm,
      dy: dNormed,
      dx,
      dWeight: slices.at(range),
      D,
      eps,
      rows,
      shape,
    });

  addNormedGradient(plan, tuning, { ...vocabulary, out: dNormed });
  // All of it, also beyond the leading sequences: the embedding's gradient walks over every token of the batch.
  kernels.clear(plan, { out: dx, size: o.allRows * D });
  throughNorm(ranges.finalNorm, {
    x: activations.residual[layers],
    weight: weights.finalNorm,
    scale: vocabulary.head.scale,
  });
  const lowest = ranges.layers.findIndex((layer) =>
    Object.values(layer).some((range) => slices.at(range) !== null),
  );
  const isAll = slices.at(embeddings[0]) !== null;
  const end = isAll ? 0 : lowest < 0 ? layers : lowest;
  for (let l = layers - 1; l >= end; l--) {
    const w = weights.layers[l];
    const dw = ranges.layers[l];
    const kept = activations.layers[l];
    if (o.anew)
      addAttentiveLayer(plan, tuning, {
        ...{ sizes, weights, activations, spans, rotation, batch, length, shape },
        layer: l,
        isKept: true,
        out: null,
      });
    // MLP
    const h = kept.halfH === null ? { b: kept.h } : ({ b: kept.halfH, half: 'b' } as const);
    learn('down_backward', dw.down, { a: dx, ...h, M: D, N: F });
    kernels.matmulUngated(plan, tuning, {
      ...{ label: 'down_backward', a: dx, w: w.down, out: wide, K: D, F, rows, shape },
      gateUp: kept.gateUp,
      isHalf: kept.halfH !== null,
      dGateUp,
      scratch: activations.scratch,
    });
    learn('gate_up_backward', dw.gateUp, { a: dGateUp, b: kept.normed2, M: 2 * F, N: D });
    through('gate_up_backward', { a: dGateUp, w: w.gateUp, out: dNormed, K: 2 * F, N: D });
    throughNorm(dw.norm2, { x: kept.middle, weight: w.norm2, scale: kept.scale2 });
    // Attention
    learn('o_proj_backward', dw.output, { a: dx, b: kept.attended, M: D, N: D });
    through('o_proj_backward', { a: dx, w: w.output, out: dNormed, K: D, N: D });
    kernels.attentionBackward(plan, tuning, {
      qkv: kept.qkv,
      spans,
      o: kept.attended,
      lse: kept.lse,
      dO: dNormed,
      delta: scratch.delta,
      dqkv: wide,
      rotation,
      heads,
      batch,
      length,
      shape,
    });
    learn('qkv_backward', dw.qkv, { a: wide, b: kept.normed1, M: W, N: D });
    through('qkv_backward', { a: wide, w: w.qkv, out: dNormed, K: W, N: D });
    throughNorm(dw.norm1, { x: activations.residual[l], weight: w.norm1, scale: kept.scale1 });
  }
  // The tied embedding: as the last product of all, and as the first layer's input.
  if (isAll) kernels.embeddingSums(plan, { dx, ...o.embedding, D, V, maxItems: o.maxItems, shape });
  for (const [index, chunk] of [...chunksOf(V, vocabulary.head.columns).entries()].reverse()) {
    const slice = slices.at(embeddings[index]);
    if (slice === null) continue;
    addEmbeddingGradient(plan, tuning, { ...vocabulary, ...slice, chunk });
    kernels.embeddingBackward(plan, {
      partial: o.embedding.partial,
      firstItems: windowOf(o.embedding.firstItems, chunk.from, chunk.size + 1),
      gradient: slice.out,
      D,
      V: chunk.size,
    });
    slices.addMatrix(plan, embeddings[index], o);
  }
  slices.addNorms(plan, o);
}
