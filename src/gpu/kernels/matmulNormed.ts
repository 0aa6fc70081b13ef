/** Products of normalised rows with weight matrices, and what becomes of their sums, in as few dispatches as there can be. */
import type { Binding, Plan } from '../plan';
import { matmulNT, productOf, type WeightProduct } from './matmul';
import { memberFor, wholeMemberFor } from './matmulFamily';
import { matmulTiled } from './matmulTiled';
import { type NormedRows, normedRows } from './normedRows';
import type { End } from './product';
import type { Tuning } from './tuning';

export interface NormedProduct extends Omit<WeightProduct, 'a'> {
  input: NormedRows;
  /** What an end writes instead of `out`. */
  ended?: Binding;
}

/**
 * out[rows, N] = norm(x)[rows, K] · W[N, K]ᵀ, or what `end` makes of it.
 * @returns whether the end was applied; without one, whether there was none to apply
 */
export function matmulNormed(plan: Plan, tuning: Tuning, o: NormedProduct, end?: End): boolean {
  const { input, ended, ...product } = o;
  const whole = productOf(tuning, 'nt', product);
  const find = end?.isHalf ? wholeMemberFor : memberFor;
  const member = tuning.isTiled ? find(whole, tuning.members) : null;
  const { a, norm } = normedRows(plan, tuning, { ...o, member });
  const isEnded = end !== undefined && member !== null && member.splits === 1;
  if (member === null || (norm === undefined && !isEnded)) {
    matmulNT(plan, tuning, { ...product, a });
    return false;
  }
  const out = isEnded ? (ended ?? o.out) : o.out;
  matmulTiled(plan, { ...whole, a, out }, member, { norm, end: isEnded ? end : undefined });
  return isEnded;
}
