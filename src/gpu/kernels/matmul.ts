/** Products with weight matrices, forward and backward. */
import matmulSource from '../../../shaders/matmul.wgsl?raw';
import { type Binding, type Plan, ROW_OF_GROUPS } from '../plan';
import { unroll } from '../unroll';
import { matmulTiled, type Product } from './matmulTiled';
import { transpose } from './transpose';
import { groups, type Tuning } from './tuning';

/** Of rows with a weight matrix; K is summed over. */
interface WeightProduct {
  label: string;
  a: Binding;
  w: Binding;
  out: Binding;
  K: number;
  N: number;
  rows: number;
  shape: GPUBuffer;
}

/** out[rows, N] = a[rows, K] · W[N, K]ᵀ (+ residual). Portable, W is transposed into `scratch` first. */
export function matmulNT(
  plan: Plan,
  tuning: Tuning,
  o: WeightProduct & {
    residual?: Binding;
    /** At least K · N floats, free to be overwritten; see `scratchSize`. */
    scratch: Binding;
  },
): void {
  const rest = { M: 0, splits: 1, slice: 0 };
  if (tuning.name === 'tiled') {
    matmul(plan, tuning, { ...o, ...rest, b: o.w, layout: 'nt' });
    return;
  }
  assertExtents(o.label, { K: o.K, N: o.N });
  transpose(plan, { label: `${o.label}/transpose`, w: o.w, out: o.scratch, K: o.K, N: o.N });
  matmul(plan, tuning, { ...o, ...rest, b: o.scratch, layout: 'nn' });
}

/** Floats of the scratch that products with weight matrices of at most `largest` floats need. */
export function scratchSize(tuning: Tuning, largest: number): number {
  return tuning.name === 'tiled' ? 4 : largest;
}

/** out[rows, N] = a[rows, K] · W[K, N]. */
export function matmulNN(plan: Plan, tuning: Tuning, o: WeightProduct): void {
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
  const product: Product = {
    label: o.label,
    layout: o.layout,
    constants: {
      M: o.M,
      K: o.K,
      N: o.N,
      SPLITS: o.splits,
      SLICE: o.slice,
      RESIDUAL: o.residual ? 1 : 0,
    },
    // tn has no residual, but auto layouts keep a binding that any branch names.
    bindings: [o.a, o.b, o.residual ?? o.a, o.out, o.shape],
    rows,
    N: o.N,
    splits: o.splits,
  };
  if (tuning.name === 'tiled') {
    matmulTiled(plan, product);
    return;
  }
  const { RESIDUAL, ...extents } = product.constants;
  const count = groups(Math.ceil(rows / 8) * Math.ceil(o.N / 8), tuning.matmulLanes);
  plan.add({
    label: o.label,
    code: unroll(matmulSource, { h: 2, i: 4, c: 2 }),
    entryPoint: o.layout,
    constants: { RESIDUAL, LANES: tuning.matmulLanes },
    extents,
    bindings: product.bindings,
    workgroups: [Math.min(count, ROW_OF_GROUPS), Math.ceil(count / ROW_OF_GROUPS), o.splits],
  });
}

function assertExtents(label: string, extents: Record<string, number>): void {
  for (const [name, extent] of Object.entries(extents)) {
    if (extent % 4 !== 0)
      throw new RangeError(`matmul ${label}: ${name} = ${extent} is not a multiple of 4.`);
  }
}
