/** The products of matmul.ts through tiles in workgroup memory. */
import matmulTiledSource from '../../../shaders/matmul_tiled.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { unroll } from '../unroll';
import { groups } from './tuning';

/** A product as the shaders take it. */
export interface Product {
  label: string;
  layout: 'nt' | 'nn' | 'tn';
  constants: Record<string, number>;
  bindings: Binding[];
  /** Extents of `out`, and how many slices there are of it. */
  rows: number;
  N: number;
  splits: number;
}

const LAYOUTS = { nt: 0, nn: 1, tn: 2 };

/** One product; its extents are checked and its constants made by matmul.ts. */
export function matmulTiled(plan: Plan, o: Product): void {
  plan.add({
    label: o.label,
    code: unroll(matmulTiledSource, { r: 4 }),
    constants: { ...o.constants, LAYOUT: LAYOUTS[o.layout] },
    bindings: o.bindings,
    workgroups: [groups(o.N, 64), groups(o.rows, 64), o.splits],
  });
}
