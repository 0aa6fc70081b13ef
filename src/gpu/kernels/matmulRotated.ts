/** Queries, keys and values of normalised rows, queries and keys turned to their positions. */
import matmulRotatedSource from '../../../shaders/matmul_rotated.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { type Heads, rowWidth } from './heads';
import { matmulNormed, type NormedProduct } from './matmulNormed';
import type { End } from './product';
import { rope } from './rope';
import type { Tuning } from './tuning';

/** How rows are turned: to the positions in `spans` by the table of `rotation`. */
export interface Turn {
  rotation: Binding;
  spans: Binding;
  heads: Heads;
}

/** out[rows, W] = turn(norm(x)[rows, K] · W[W, K]ᵀ): of a layer's qkv. */
export function matmulRotated(
  plan: Plan,
  tuning: Tuning,
  { turn, ...o }: Omit<NormedProduct, 'N'> & { turn: Turn },
): void {
  const product = { ...o, N: rowWidth(turn.heads) };
  const { out: qkv, rows, shape } = product;
  // The halves of a head are taken by fours.
  const end = turn.heads.headDim % 8 === 0 ? rotated(turn) : undefined;
  if (!matmulNormed(plan, tuning, product, end)) rope(plan, { ...turn, qkv, inverse: false, rows, shape });
}

function rotated({ rotation, spans, heads: { heads, kvHeads, headDim } }: Turn): End {
  return {
    code: matmulRotatedSource,
    isPaired: true,
    constants: { HEAD_DIM: headDim, ROTATED_HEADS: heads + kvHeads },
    bindings: [spans, rotation],
  };
}
