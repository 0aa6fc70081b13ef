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

/** How a workgroup and its threads share a product out; see matmul_tiled.wgsl. */
export interface Tile {
  /** Outputs of a workgroup, as many rows as columns. */
  size: number;
  /** Of k at a time. */
  step: number;
  /** A thread makes so many by so many blocks of 4 × 4 outputs. */
  blocks: number;
}

/** Largest first. Each keeps 16 KB of workgroup memory at most, which every device has. */
export const TILES: readonly Tile[] = [
  { size: 128, step: 16, blocks: 2 },
  { size: 64, step: 16, blocks: 2 },
  { size: 32, step: 32, blocks: 1 },
];

/** Workgroups that a GPU should have at least, by measurement on a large one; see LOG.md, 2026-11-26. */
const ENOUGH_GROUPS = 200;

/**
 * The largest tile of which a product has enough: the larger a tile, the fewer bytes it reads per output, but a GPU with work for
 * few of its cores is slower still. A function of the shape alone, so that equal runs take equal tiles.
 */
export function tileFor({ rows, N, splits }: Pick<Product, 'rows' | 'N' | 'splits'>): Tile {
  const enough = ({ size }: Tile) => groups(rows, size) * groups(N, size) * splits >= ENOUGH_GROUPS;
  return TILES.find(enough) ?? TILES[TILES.length - 1];
}

const LAYOUTS = { nt: 0, nn: 1, tn: 2 };

/** One product; its extents are checked and its constants made by matmul.ts. */
export function matmulTiled(plan: Plan, o: Product, tile = tileFor(o)): void {
  const { size, step, blocks } = tile;
  const threads = (size / (4 * blocks)) ** 2;
  // A GPU's compiler makes more of a step that is written out; a CPU that plays a GPU takes ten seconds to compile it.
  const unrolled = plan.software ? 1 : step;
  plan.add({
    label: o.label,
    code: unroll(matmulTiledSource, {
      h: blocks,
      c: blocks,
      i: 4,
      j: 4,
      k: unrolled,
      p: (2 * size * step) / 16 / threads,
    }),
    constants: {
      ...o.constants,
      LAYOUT: LAYOUTS[o.layout],
      TILE: size,
      STEP: step,
      BLOCKS: blocks,
      UNROLLED: unrolled,
    },
    bindings: o.bindings,
    workgroups: [groups(o.N, size), groups(o.rows, size), o.splits],
  });
}
