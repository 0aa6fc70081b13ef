/** What varies per adapter. It is pinned per run, since it changes the order of sums and so the bits. */
import type { Gpu } from '../device';

/** Changes with every change to a kernel's arithmetic; part of a run's fingerprint. */
export const KERNELS_VERSION = 'k4';

/** How work is laid out on an adapter. It decides the order of sums, and so the bits: a run pins it. */
export interface Tuning {
  name: 'portable' | 'tiled' | 'tiled-f16';
  /** Whether work goes through tiles in workgroup memory. */
  isTiled: boolean;
  /** How matrices of weights are stored for products to read (half.wgsl); all arithmetic is in f32. */
  dtype: 'f32' | 'f16';
  /** Threads of a matmul workgroup, a tile each (portable only; tiled ones have 16 × 16). */
  matmulLanes: number;
  /** Threads that share a row in row-wise kernels, and rows that share a workgroup. */
  rowLanes: number;
  rows: number;
  /** Threads that share the rows of a slice in the gradient of a norm's weight: 1, or a power of two. */
  normRuns: number;
  /** Threads of an attention workgroup. */
  attentionLanes: number;
  /** Queries (or keys) that an attention thread owns. */
  attentionOwn: number;
  /** Tokens per slice of the weight gradient's reduction. */
  tokensPerSlice: number;
  /** How tiled products are shared out that are not to be as usual: a member of the family by the product (see `memberFor`). */
  members: Readonly<Record<string, string>>;
}

/** For a GPU: tiles in workgroup memory, a row's threads side by side, slices enough to fill it. */
const TILED: Tuning = {
  name: 'tiled',
  isTiled: true,
  dtype: 'f32',
  matmulLanes: 0,
  rowLanes: 32,
  rows: 4,
  normRuns: 32,
  attentionLanes: 32,
  attentionOwn: 1,
  tokensPerSlice: 512,
  members: {},
};

export const TUNINGS: Readonly<Record<Tuning['name'], Tuning>> = {
  /** For a CPU that plays a GPU: a thread a row, tiles in registers, no cooperation, one slice. */
  portable: {
    name: 'portable',
    isTiled: false,
    dtype: 'f32',
    matmulLanes: 8,
    rowLanes: 1,
    rows: 16,
    normRuns: 1,
    attentionLanes: 8,
    attentionOwn: 2,
    tokensPerSlice: 1 << 30,
    members: {},
  },
  tiled: TILED,
  /** Taken by choice alone, since it rounds weights. */
  'tiled-f16': { ...TILED, name: 'tiled-f16', dtype: 'f16' },
};

/** Which operand of a product with weights is f16: those stand on the right. */
export const weightsIn = (dtype: Tuning['dtype']) => (dtype === 'f16' ? ('b' as const) : undefined);

/** Of a number that is stored. */
export const BYTES_OF: Readonly<Record<Tuning['dtype'], number>> = { f32: 4, f16: 2 };

/** The tuning a config names, or at `auto` the one that suits the adapter. */
export function tuningFor(gpu: Gpu, kernels: 'auto' | Tuning['name'] = 'auto'): Tuning {
  return TUNINGS[kernels === 'auto' ? (gpu.adapter.software ? 'portable' : 'tiled') : kernels];
}

/** `Shape` in the shaders. */
export interface Shape {
  /** Tokens, or sequences where each is one token. */
  rows: number;
  /** T */
  length: number;
  /** B */
  batch: number;
  /** Of embedding.wgsl. */
  items?: number;
}

/** A uniform buffer of a shape, 16 bytes. */
export function shapeUniform(gpu: Gpu, { rows, length, batch, items = 0 }: Shape): GPUBuffer {
  const buffer = gpu.createBuffer('shape', 16, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  gpu.device.queue.writeBuffer(buffer, 0, new Uint32Array([rows, length, batch, items]));
  return buffer;
}

/** Workgroups of `size` threads for so many threads. */
export const groups = (threads: number, size = 64) => Math.max(1, Math.ceil(threads / size));
