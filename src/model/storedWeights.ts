/**
 * The weights as lists read them. In f32 they are the pool itself. In f16 the matrices are a copy of it, rounded, which is made anew wherever
 * the pool moves; norms are the pool's own. Steps add up in the pool however small they are, and products read half the bytes.
 */
import type { BufferTable } from '../gpu/bufferTable';
import type { Gpu } from '../gpu/device';
import { BYTES_OF, halfWeights, type Tuning } from '../gpu/kernels';
import { type Binding, type Plan, windowOf } from '../gpu/plan';
import type { ParameterTable, PoolRange } from './parameters';

export interface StoredWeights {
  dtype: Tuning['dtype'];
  /** Of the pool from its beginning, all matrices at least. */
  matrices: GPUBuffer;
  /** f32, of the pool from its float `normsFrom` on. */
  norms: GPUBuffer;
  normsFrom: number;
}

export const wholePool = (pool: GPUBuffer): StoredWeights => ({
  dtype: 'f32',
  matrices: pool,
  norms: pool,
  normsFrom: 0,
});

/** The pool as it is, or with room for a rounded copy of its matrices. */
export function storedPool(
  buffers: BufferTable,
  dtype: Tuning['dtype'],
  { pool, table }: { pool: GPUBuffer; table: ParameterTable },
): StoredWeights {
  if (dtype === 'f32') return wholePool(pool);
  const matrices = buffers.floats('half_weights', table.decayedSize / 2, 'windows');
  return { dtype, matrices, norms: pool, normsFrom: 0 };
}

/** Room for weights that stay as they are while the pool moves. */
export function frozenPool(
  buffers: BufferTable,
  dtype: Tuning['dtype'],
  { poolSize, decayedSize }: ParameterTable,
): StoredWeights {
  if (dtype === 'f32') return wholePool(buffers.floats('reference', poolSize));
  return {
    dtype,
    matrices: buffers.floats('reference', decayedSize / 2, 'windows'),
    norms: buffers.floats('reference_norms', poolSize - decayedSize),
    normsFrom: decayedSize,
  };
}

/** Copies weights into a `frozenPool`. */
export function freeze(encoder: GPUCommandEncoder, from: StoredWeights, to: StoredWeights): void {
  encoder.copyBufferToBuffer(from.matrices, 0, to.matrices, 0, to.matrices.size);
  if (to.norms === to.matrices) return;
  encoder.copyBufferToBuffer(from.norms, 4 * (to.normsFrom - from.normsFrom), to.norms, 0, to.norms.size);
}

/** Where a matrix or norm is. */
export function storedAt(weights: StoredWeights, { decayedSize }: ParameterTable, range: PoolRange): Binding {
  const { dtype, matrices, norms, normsFrom } = weights;
  const size = range.to - range.from;
  return range.from < decayedSize
    ? windowOf(matrices, range.from, size, BYTES_OF[dtype])
    : windowOf(norms, range.from - normsFrom, size);
}

/** Numbers of f16 between places at which a window may begin. */
const ALIGNED = 128;

/** Rounds that of the pool anew which has moved, where it is rounded. */
export function addRounding(
  plan: Plan,
  {
    gpu,
    weights,
    parameters,
    table,
  }: { gpu: Gpu; weights: StoredWeights; parameters: GPUBuffer; table: ParameterTable },
  { from, to }: PoolRange,
): void {
  if (weights.dtype === 'f32') return;
  const end = Math.min(to, table.decayedSize);
  // The pool may be larger than what is bound at once.
  const most = ALIGNED * Math.floor(gpu.device.limits.maxStorageBufferBindingSize / 4 / ALIGNED);
  for (let at = from - (from % ALIGNED); at < end; at += most) {
    const size = Math.min(most, end - at);
    const out = windowOf(weights.matrices, at, size, BYTES_OF.f16);
    halfWeights(plan, { weights: windowOf(parameters, at, size), out, size });
  }
}
