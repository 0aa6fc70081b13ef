/** Products with weight matrices, forward and backward. */
import matmulSource from '../../../shaders/matmul.wgsl?raw';
import { type Binding, type Plan, ROW_OF_GROUPS } from '../plan';
import { unroll } from '../unroll';
import { MOST_PARTIALS, memberFor, splitsAny } from './matmulFamily';
import { matmulTiled } from './matmulTiled';
import type { Product } from './product';
import { transpose } from './transpose';
import { groups, type Tuning, weightsIn } from './tuning';

/** Of rows with a weight matrix; K is summed over. */
export interface WeightProduct {
  label: string;
  a: Binding;
  w: Binding;
  out: Binding;
  K: number;
  N: number;
  rows: number;
  /** Of `scratchSize` floats, free to be overwritten. */
  scratch: Binding;
  shape: GPUBuffer;
}

/** A product with a matrix of weights as the shaders take it, by how those are stored. */
export function productOf<O extends Omit<WeightProduct, 'a'>, L extends 'nt' | 'nn'>(
  { dtype }: Tuning,
  layout: L,
  o: O,
) {
  return { ...o, b: o.w, layout, splits: 1, slice: 0, half: weightsIn(dtype) };
}

/** out[rows, N] = a[rows, K] · W[N, K]ᵀ (+ residual). Portable, W is transposed into `scratch` first. */
export function matmulNT(plan: Plan, tuning: Tuning, o: WeightProduct & { residual?: Binding }): void {
  if (tuning.isTiled) {
    matmul(plan, tuning, productOf(tuning, 'nt', o));
    return;
  }
  assertExtents(o.label, { K: o.K, N: o.N });
  transpose(plan, { label: `${o.label}/transpose`, w: o.w, out: o.scratch, K: o.K, N: o.N });
  matmul(plan, tuning, productOf(tuning, 'nn', { ...o, w: o.scratch }));
}

/** Floats of the scratch that products with weight matrices of at most `largest` floats need: for a matrix, or for the slices of a sum. */
export function scratchSize({ isTiled, members }: Tuning, largest: number): number {
  if (!isTiled) return largest;
  return splitsAny(members) ? MOST_PARTIALS : 4;
}

/** out[rows, N] = a[rows, K] · W[K, N]; or, where it goes on, out's own sums with further k, in their order. */
export function matmulNN(plan: Plan, tuning: Tuning, o: WeightProduct & { goesOn?: boolean }): void {
  matmul(plan, tuning, productOf(tuning, 'nn', o));
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
    /** Whether `b` is in f16. */
    half?: 'b';
  },
): void {
  matmul(plan, tuning, { ...o, layout: 'tn', rows: o.M, K: 0 });
}

/** `rows` of the output: in tn those of aᵀ. */
function matmul(plan: Plan, tuning: Tuning, o: Product): void {
  const { label, layout, rows, K, N, splits } = o;
  assertExtents(label, layout === 'tn' ? { M: rows, N } : { K, N });
  if (tuning.isTiled) {
    // What goes on has one sum to go on with.
    matmulTiled(plan, o, memberFor(o, o.goesOn ? {} : tuning.members));
    return;
  }
  const count = groups(Math.ceil(rows / 8) * Math.ceil(N / 8), tuning.matmulLanes);
  plan.add({
    label,
    code: unroll(matmulSource, { h: 2, i: 4, c: 2 }),
    entryPoint: layout,
    constants: { RESIDUAL: o.residual ? 1 : 0, GOES_ON: o.goesOn ? 1 : 0, LANES: tuning.matmulLanes },
    extents: { M: layout === 'tn' ? rows : 0, K, N, SPLITS: splits, SLICE: o.slice },
    // tn has no residual, but auto layouts keep a binding that any branch names.
    bindings: [o.a, o.b, o.residual ?? o.a, o.out, o.shape],
    workgroups: [Math.min(count, ROW_OF_GROUPS), Math.ceil(count / ROW_OF_GROUPS), splits],
  });
}

function assertExtents(label: string, extents: Record<string, number>): void {
  for (const [name, extent] of Object.entries(extents)) {
    if (extent % 4 !== 0)
      throw new RangeError(`matmul ${label}: ${name} = ${extent} is not a multiple of 4.`);
  }
}
