/** The attention of attention.ts through tiles in workgroup memory. */
import attentionTiledSource from '../../../shaders/attention_tiled.wgsl?raw';
import type { Dispatch } from '../plan';
import { unroll } from '../unroll';
import { groups } from './tuning';

/** How a workgroup shares attention out; see attention_tiled.wgsl. */
export interface AttentionTile {
  /** Queries (or keys) that a workgroup owns. */
  owned: number;
  /** Keys (or queries) that it keeps in workgroup memory at a time, a multiple of 4. */
  others: number;
}

/** Threads that share an owned row; LANES in the shader. */
const LANES = 4;
/** Largest first. 16 owned queries were never slower than 32 on a large GPU; see LOG.md, 2026-11-26. */
export const ATTENTION_TILES: readonly AttentionTile[] = [16, 8, 4].map((others) => ({ owned: 16, others }));
/** For a CPU that plays a GPU, which takes long to compile larger ones. */
const SMALL: AttentionTile = { owned: 8, others: 4 };
/** Bytes of workgroup memory that every device has. */
const WORKGROUP_MEMORY = 16_384;

function bytesOf({ owned, others }: AttentionTile, headDim: number): number {
  const rows = 2 * others * (headDim + 4);
  const scores = 2 * owned * (others + 1);
  return 4 * (rows + scores + LANES * owned + others);
}

/** The largest tile that fits, or null where heads are so wide that none does. */
export function attentionTileFor(headDim: number, software: boolean): AttentionTile | null {
  const tiles = software ? [SMALL] : ATTENTION_TILES;
  return tiles.find((tile) => bytesOf(tile, headDim) <= WORKGROUP_MEMORY) ?? null;
}

/** Whether a head's gradient is turned back where it is made: its halves are taken by fours. */
export const turnsBack = (headDim: number) => headDim % 8 === 0;

/** A dispatch of attention_tiled.wgsl, of `pairs` of a sequence and a head. */
export function throughTiles(
  dispatch: Omit<Dispatch, 'code' | 'workgroups' | 'constants'> & { constants: Record<string, number> },
  tile: AttentionTile,
  { length, pairs, software }: { length: number; pairs: number; software: boolean },
): Dispatch {
  const quads = dispatch.constants.HEAD_DIM / 4;
  const parts = turnsBack(dispatch.constants.HEAD_DIM) ? 2 : 1;
  // A GPU's compiler makes more of a tile that is written out; a CPU that plays a GPU takes long to compile it.
  const unrolled = software ? 1 : tile.others;
  return {
    ...dispatch,
    code: unroll(attentionTiledSource, {
      c: quads,
      d: Math.ceil(quads / LANES),
      f: Math.ceil(quads / parts / LANES),
      g: parts,
      r: parts - 1,
      n: 2 - parts,
      s: tile.others / LANES,
      k: unrolled,
    }),
    constants: {
      ...dispatch.constants,
      OWNED: tile.owned,
      TILE: tile.others,
      PARTS: parts,
      UNROLLED: unrolled,
    },
    workgroups: [groups(length, tile.owned), pairs],
  };
}
