/** The decoder's forward pass as a list of dispatches, shared by training, scoring and the prefill of generation. */
import type { BufferTable } from '../gpu/bufferTable';
import type { Gpu } from '../gpu/device';
import * as kernels from '../gpu/kernels';
import type { Binding, Plan } from '../gpu/plan';
import { headDim, type ModelConfig } from './config';
import type { ParameterTable, PoolRange } from './parameters';
import { type DeviceRoom, type Keep, keepsHalves, type Sizes } from './plans';
import { type StoredWeights, storedAt } from './storedWeights';

/** @throws RangeError where the engine cannot run a shape: every matrix dimension must be a multiple of 4. */
export function sizesOf(config: ModelConfig): Sizes {
  const heads = {
    heads: config.num_attention_heads,
    kvHeads: config.num_key_value_heads,
    headDim: headDim(config),
  };
  const sizes = {
    D: config.hidden_size,
    F: config.intermediate_size,
    V: config.vocab_size,
    layers: config.num_hidden_layers,
    W: (heads.heads + 2 * heads.kvHeads) * heads.headDim,
    eps: config.rms_norm_eps,
    heads,
  };
  for (const [name, extent] of Object.entries({
    hidden_size: sizes.D,
    intermediate_size: sizes.F,
    vocab_size: sizes.V,
    'hidden_size / num_attention_heads': heads.headDim,
  })) {
    if (!Number.isInteger(extent) || extent % 4 !== 0 || extent <= 0) {
      throw new RangeError(`The engine needs ${name} to be a positive multiple of 4, not ${extent}.`);
    }
  }
  if (heads.heads % heads.kvHeads !== 0) {
    throw new RangeError(
      `num_attention_heads (${heads.heads}) must be a multiple of num_key_value_heads (${heads.kvHeads}).`,
    );
  }
  return sizes;
}

/** A model on its device, as its compiled lists use it. */
export interface ModelBuffers {
  readonly gpu: Gpu;
  readonly tuning: kernels.Tuning;
  readonly sizes: Sizes;
  readonly table: ParameterTable;
  /** f32 [poolSize]: what is learnt. */
  readonly parameters: GPUBuffer;
  /** What lists read of it. */
  readonly weights: StoredWeights;
  /** What of the pool is trained: all, or one matrix. */
  readonly trained: PoolRange;
  /** f32, of what is trained. */
  readonly gradient: GPUBuffer;
  readonly room: DeviceRoom;
  /** (cos, sin) of rope.wgsl */
  readonly rotation: GPUBuffer;
  /** 16 floats: [0..8) see token_statistics.wgsl, [8] gradient norm, [9] clip factor. */
  readonly metrics: GPUBuffer;
}

/** Something for each of what the kernels take as one matrix or norm. */
interface ByMatrix<Each> {
  embedding: Each;
  finalNorm: Each;
  layers: Record<'norm1' | 'qkv' | 'output' | 'norm2' | 'gateUp' | 'down', Each>[];
}

/** Windows of the weights. */
export type WeightViews = ByMatrix<Binding>;

export function weightViews(weights: StoredWeights, table: ParameterTable, layers: number): WeightViews {
  return byMatrix(table, layers, (range) => storedAt(weights, table, range));
}

/** What `each` makes of the floats that a matrix or norm has in the pool. */
export function byMatrix<Each>(
  table: ParameterTable,
  layers: number,
  each: (range: PoolRange) => Each,
): ByMatrix<Each> {
  const byName = new Map(table.parameters.map((parameter) => [parameter.name, parameter]));
  const view = (first: string, last = first): Each => {
    const from = byName.get(first);
    const to = byName.get(last);
    if (!from || !to) throw new Error(`No parameter ${first} … ${last} in the table.`);
    return each({ from: from.offset, to: to.offset + to.size });
  };
  return {
    embedding: view('model.embed_tokens.weight'),
    finalNorm: view('model.norm.weight'),
    layers: Array.from({ length: layers }, (_, layer) => {
      const at = `model.layers.${layer}`;
      return {
        norm1: view(`${at}.input_layernorm.weight`),
        qkv: view(`${at}.self_attn.q_proj.weight`, `${at}.self_attn.v_proj.weight`),
        output: view(`${at}.self_attn.o_proj.weight`),
        norm2: view(`${at}.post_attention_layernorm.weight`),
        gateUp: view(`${at}.mlp.gate_proj.weight`, `${at}.mlp.up_proj.weight`),
        down: view(`${at}.mlp.down_proj.weight`),
      };
    }),
  };
}

/** What one layer leaves behind; [rows, …]. */
export interface LayerActivations {
  normed1: GPUBuffer;
  scale1: GPUBuffer;
  qkv: GPUBuffer;
  lse: GPUBuffer;
  attended: GPUBuffer;
  middle: GPUBuffer;
  normed2: GPUBuffer;
  scale2: GPUBuffer;
  gateUp: GPUBuffer;
  h: GPUBuffer;
  /** h in f16, for the backward pass; gateUp is in f16 then, and h shared by all layers. Null where all is f32. */
  halfH: GPUBuffer | null;
}

export interface Activations {
  /** For one weight matrix at a time; see kernels.matmulNT. */
  scratch: GPUBuffer;
  /** residual[l] enters layer l; residual[layers] leaves the last one. */
  residual: GPUBuffer[];
  layers: LayerActivations[];
}

/** Buffers of a forward pass over `rows` tokens, whose head takes so many columns of the vocabulary at a time. */
export function allocateActivations(
  table: BufferTable,
  tuning: kernels.Tuning,
  { sizes, rows, keep, columns }: { sizes: Sizes; rows: number; keep: Keep; columns: number },
): Activations {
  const { D, F, W, layers, heads } = sizes;
  const isHalf = keepsHalves(tuning, keep);
  const shared = isHalf ? table.floats('h', rows * F) : null;
  const layer = (): LayerActivations => ({
    normed1: table.floats('normed1', rows * D),
    scale1: table.floats('scale1', rows),
    qkv: table.floats('qkv', rows * W),
    lse: table.floats('lse', rows * heads.heads),
    attended: table.floats('attended', rows * heads.heads * heads.headDim),
    middle: table.floats('middle', rows * D),
    normed2: table.floats('normed2', rows * D),
    scale2: table.floats('scale2', rows),
    gateUp: table.floats('gate_up', isHalf ? rows * F : rows * 2 * F),
    h: shared ?? table.floats('h', rows * F),
    halfH: isHalf ? table.floats('half_h', (rows * F) / 2) : null,
  });
  const first = layer();
  const later = (): LayerActivations => {
    if (keep === 'all') return layer();
    return keep === 'qkv' ? { ...first, qkv: table.floats('qkv', rows * W) } : first;
  };
  const residual = [table.floats('residual', rows * D)];
  const isKept = keep === 'all' || keep === 'residual';
  // Where it is not kept, the residual stream alternates between two buffers: a layer reads one and writes the other.
  if (!isKept) residual.push(table.floats('residual', rows * D));
  return {
    scratch: table.floats('scratch', kernels.scratchSize(tuning, D * Math.max(columns, W, 2 * F))),
    layers: [first, ...Array.from({ length: layers - 1 }, later)],
    residual: Array.from({ length: layers + 1 }, (_, l) => {
      if (!isKept) return residual[l % 2];
      return l === 0 ? residual[0] : table.floats('residual', rows * D);
    }),
  };
}

/** Embedding and all layers: residual[layers] holds the result, before the final norm. */
export function addForward(
  plan: Plan,
  tuning: kernels.Tuning,
  o: {
    sizes: Sizes;
    weights: WeightViews;
    activations: Activations;
    tokens: GPUBuffer;
    spans: GPUBuffer;
    rotation: GPUBuffer;
    batch: number;
    length: number;
    shape: GPUBuffer;
    /** Whether a backward pass is to follow; else only `qkv` of a layer need be right. */
    isKept: boolean;
  },
): void {
  const { sizes, weights, activations, shape, batch, length } = o;
  const { D, V } = sizes;
  const rows = batch * length;
  kernels.embeddingGather(plan, tuning, {
    table: weights.embedding,
    tokens: o.tokens,
    out: activations.residual[0],
    D,
    V,
    rows,
    shape,
  });
  weights.layers.forEach((_, l) => {
    addAttentiveLayer(plan, tuning, { ...o, layer: l, out: activations.residual[l + 1] });
  });
}

/** The layer of that number, over whole sequences, into its activations; and into `out` where that is given. */
export function addAttentiveLayer(
  plan: Plan,
  tuning: kernels.Tuning,
  o: Omit<Parameters<typeof addForward>[2], 'tokens'> & { layer: number; out: GPUBuffer | null },
): void {
  const { sizes, activations, spans, rotation, batch, length, shape } = o;
  const { heads } = sizes;
  const rows = batch * length;
  const kept = activations.layers[o.layer];
  addLayer(plan, tuning, {
    sizes,
    weight: o.weights.layers[o.layer],
    x: activations.residual[o.layer],
    kept,
    out: o.out,
    scratch: activations.scratch,
    rows,
    shape,
    isKept: o.isKept,
    turn: { rotation, spans, heads },
    attend: () =>
      kernels.attention(plan, tuning, {
        qkv: kept.qkv,
        spans,
        o: kept.attended,
        lse: kept.lse,
        heads,
        batch,
        length,
        shape,
      }),
  });
}

/**
 * One layer, from x [rows, D] to out [rows, D], or to what it leaves behind alone. `attend` adds what leads from `kept.qkv`, which is
 * turned to its positions where `turn` says them, to `kept.attended`.
 */
export function addLayer(
  plan: Plan,
  tuning: kernels.Tuning,
  o: {
    sizes: Sizes;
    weight: WeightViews['layers'][number];
    x: GPUBuffer;
    kept: Omit<LayerActivations, 'lse'>;
    /** Whether a backward pass is to follow; else what it leaves behind need not be right but for `qkv`. */
    isKept: boolean;
    out: GPUBuffer | null;
    scratch: GPUBuffer;
    rows: number;
    shape: GPUBuffer;
    turn: kernels.Turn | null;
    attend: () => void;
  },
): void {
  const { weight, x, kept, scratch, rows, shape, turn, isKept } = o;
  const { D, F, W, eps } = o.sizes;
  const qkv = {
    label: 'qkv',
    input: { x, weight: weight.norm1, eps, normed: kept.normed1, scale: kept.scale1, isKept },
    w: weight.qkv,
    scratch,
    out: kept.qkv,
    K: D,
    rows,
    shape,
  };
  if (turn !== null) kernels.matmulRotated(plan, tuning, { ...qkv, turn });
  else kernels.matmulNormed(plan, tuning, { ...qkv, N: W });
  o.attend();
  kernels.matmulNT(plan, tuning, {
    label: 'o_proj',
    a: kept.attended,
    w: weight.output,
    scratch,
    residual: x,
    out: kept.middle,
    K: D,
    N: D,
    rows,
    shape,
  });
  kernels.matmulGated(plan, tuning, {
    label: 'gate_up',
    input: { x: kept.middle, weight: weight.norm2, eps, normed: kept.normed2, scale: kept.scale2, isKept },
    w: weight.gateUp,
    scratch,
    out: kept.gateUp,
    h: kept.h,
    halfH: kept.halfH,
    K: D,
    F,
    isKept,
    rows,
    shape,
  });
  if (o.out === null) return;
  kernels.matmulNT(plan, tuning, {
    label: 'down',
    a: kept.h,
    w: weight.down,
    scratch,
    residual: kept.middle,
    out: o.out,
    K: F,
    N: D,
    rows,
    shape,
  });
}
