/** The products of matmul.ts through tiles in workgroup memory. */
import matmulTiledSource from '../../../shaders/matmul_tiled.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { unroll } from '../unroll';
import { type Member, type ProductExtents, threadsOf } from './matmulFamily';
import { reduceSplits } from './reduceSplits';
import { groups } from './tuning';

/** A product as the shaders take it. */
export interface Product extends ProductExtents {
  label: string;
  a: Binding;
  b: Binding;
  residual?: Binding;
  /** Whether sums begin with what is in `out`: in nn alone, by a member that does not split k. */
  goesOn?: boolean;
  out: Binding;
  /** Floats from one slice of `out` to the next. */
  slice: number;
  /** Where k is to be split, at least `MOST_PARTIALS` floats, free to be overwritten. */
  scratch?: Binding;
  shape: GPUBuffer;
}

const LAYOUTS = { nt: 0, nn: 1, tn: 2 };

/** One product; its extents are checked by matmul.ts. @throws Error where k is to be split and there is no scratch */
export function matmulTiled(plan: Plan, o: Product, member: Member): void {
  const { splits } = member;
  if (splits === 1) {
    addTiles(plan, o, member);
    return;
  }
  const { label, residual, out, rows, N, shape, scratch } = o;
  if (scratch === undefined) throw new Error(`matmul ${label}: there is no room to split k.`);
  addTiles(plan, { ...o, residual: undefined, out: scratch, splits, slice: rows * N }, member);
  reduceSplits(plan, { label, slices: scratch, residual, out, rows, N, splits, shape });
}

function addTiles(plan: Plan, o: Product, member: Member): void {
  const { m, n, step, blocks } = member;
  // A GPU's compiler makes more of a step that is written out; a CPU that plays a GPU takes ten seconds to compile it.
  const unrolled = plan.software ? 1 : step;
  plan.add({
    label: o.label,
    code: unroll(matmulTiledSource, {
      h: blocks[0],
      c: blocks[1],
      i: 4,
      j: 4,
      k: unrolled,
      p: Math.ceil(((m + n) * step) / 16 / threadsOf(member)),
    }),
    constants: {
      M: o.layout === 'tn' ? o.rows : 0,
      K: o.K,
      N: o.N,
      SPLITS: o.splits,
      SLICE: o.slice,
      RESIDUAL: o.residual ? 1 : 0,
      GOES_ON: o.goesOn ? 1 : 0,
      LAYOUT: LAYOUTS[o.layout],
      TILE_M: m,
      TILE_N: n,
      STEP: step,
      BLOCKS_M: blocks[0],
      BLOCKS_N: blocks[1],
      UNROLLED: unrolled,
    },
    // tn has no residual, but auto layouts keep a binding that any branch names.
    bindings: [o.a, o.b, o.residual ?? o.a, o.out, o.shape],
    workgroups: [groups(o.N, n), groups(o.rows, m), o.splits],
  });
}
