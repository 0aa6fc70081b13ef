/** The products of matmul.ts through tiles in workgroup memory. */
import matmulTiledSource from '../../../shaders/matmul_tiled.wgsl?raw';
import type { Plan } from '../plan';
import { unroll } from '../unroll';
import { boundHalves, withHalves } from './half';
import { type Member, threadsOf } from './matmulFamily';
import { stored } from './matmulStored';
import type { Product, ProductEnds } from './product';
import { reduceSplits } from './reduceSplits';
import { groups } from './tuning';

const LAYOUTS = { nt: 0, nn: 1, tn: 2 };

/** One product; its extents are checked by matmul.ts. @throws Error where k is to be split and there is no scratch */
export function matmulTiled(plan: Plan, o: Product, member: Member, ends: ProductEnds = {}): void {
  const { splits } = member;
  if (splits === 1) {
    addTiles(plan, o, member, ends);
    return;
  }
  const { label, residual, out, rows, N, shape, scratch } = o;
  if (scratch === undefined) throw new Error(`matmul ${label}: there is no room to split k.`);
  addTiles(plan, { ...o, residual: undefined, out: scratch, splits, slice: rows * N }, member, {});
  reduceSplits(plan, { label, slices: scratch, residual, out, rows, N, splits, shape });
}

function addTiles(plan: Plan, o: Product, member: Member, { norm, end = stored(o) }: ProductEnds): void {
  const { m, n, step, blocks } = member;
  // A GPU's compiler makes more of a step that is written out; a CPU that plays a GPU takes ten seconds to compile it.
  const unrolled = plan.software ? 1 : step;
  const halves = o.half ?? '';
  const [isPaired, isNormed, isHalfA, isHalfB] = [
    end.isPaired,
    norm !== undefined,
    halves.includes('a'),
    halves.includes('b'),
  ].map(Number);
  const b = boundHalves(o.b);
  const code = matmulTiledSource + end.code;
  plan.add({
    label: o.label,
    code: unroll(halves !== '' || end.isHalf ? withHalves(code) : code, {
      h: blocks[0],
      c: blocks[1],
      i: 4,
      j: 4,
      k: unrolled,
      p: Math.ceil(((m + n) * step) / 16 / threadsOf(member)),
      z: isPaired,
      w: 1 - isPaired,
      o: isNormed,
      e: 1 - isNormed,
      u: isHalfA,
      t: 1 - isHalfA,
      f: isHalfB,
      s: 1 - isHalfB,
      ...end.counts,
    }),
    constants: {
      M: o.layout === 'tn' ? o.rows : 0,
      K: o.K,
      N: o.N,
      SPLITS: o.splits,
      SLICE: o.slice,
      GOES_ON: o.goesOn ? 1 : 0,
      LAYOUT: LAYOUTS[o.layout],
      TILE_M: m,
      TILE_N: n,
      STEP: step,
      BLOCKS_M: blocks[0],
      BLOCKS_N: blocks[1],
      UNROLLED: unrolled,
      B_FROM: b.from,
      NORM_LANES: norm?.lanes ?? 1,
      EPS_NANO: Math.round((norm?.eps ?? 0) * 1e9),
      ...end.constants,
    },
    bindings: [o.a, b.bound, end.bindings[0], o.out, o.shape, end.bindings[1] ?? null, norm?.weight ?? null],
    workgroups: [groups(o.N, n), groups(o.rows, m), o.splits],
  });
}
