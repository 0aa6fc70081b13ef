/** Rows that are normalised before a product. Where tiles are low, the product does it itself, and one dispatch is saved. */
import type { Binding, Plan } from '../plan';
import type { Member } from './matmulFamily';
import type { ProductNorm } from './product';
import { rmsNorm } from './rmsNorm';
import type { Tuning } from './tuning';

export interface NormedRows {
  /** [rows, K] */
  x: Binding;
  /** [K] */
  weight: Binding;
  eps: number;
  /** Where the rows go, [rows, K], and their scales, [rows]; free to be overwritten where they are not kept. */
  normed: Binding;
  scale: Binding;
  /** Whether they are read later on. */
  isKept: boolean;
}

/** Rows of a tile up to which a product normalises them: its sums of squares need room beside the tiles, and every tile along n does it anew. */
const MOST_ROWS = 32;

/** The rows for a product with `member`, which is null where it is portable: a norm for it to apply, or rows that were put through one. */
export function normedRows(
  plan: Plan,
  tuning: Tuning,
  o: { input: NormedRows; member: Member | null; K: number; rows: number; shape: GPUBuffer },
): { a: Binding; norm?: ProductNorm } {
  const { x, weight, eps, normed, scale, isKept } = o.input;
  const { member } = o;
  if (!isKept && member !== null && member.m <= MOST_ROWS && member.splits === 1)
    return { a: x, norm: { weight, eps, lanes: tuning.rowLanes } };
  const { K: D, rows, shape } = o;
  rmsNorm(plan, tuning, { x, weight, scale, out: normed, D, eps, rows, shape });
  return { a: normed };
}
