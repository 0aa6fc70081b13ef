/** The gradient of a gate, of what the MLP's last product hands back. */
import matmulUngatedSource from '../../../shaders/matmul_ungated.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { matmulNN, productOf, type WeightProduct } from './matmul';
import { memberFor, wholeMemberFor } from './matmulFamily';
import { matmulTiled } from './matmulTiled';
import { swigluBackward } from './swiglu';
import type { Tuning } from './tuning';

/**
 * dGateUp[rows, 2F] of dh[rows, F] = a[rows, K] · W[K, F]. `out` is for dh, and free to be overwritten. `dGateUp` may be `gateUp` itself,
 * which is gone then, unless that is in f16 (`isHalf`).
 */
export function matmulUngated(
  plan: Plan,
  tuning: Tuning,
  {
    gateUp,
    dGateUp,
    F,
    isHalf,
    ...o
  }: Omit<WeightProduct, 'N'> & { gateUp: Binding; dGateUp: Binding; F: number; isHalf: boolean },
): void {
  const product = productOf(tuning, 'nn', { ...o, N: F });
  const find = isHalf ? wholeMemberFor : memberFor;
  const member = tuning.isTiled ? find(product, tuning.members) : null;
  if (member === null || member.splits > 1) {
    matmulNN(plan, tuning, { ...o, N: F });
    swigluBackward(plan, { gateUp, dh: o.out, dGateUp, F, rows: o.rows, shape: o.shape });
    return;
  }
  const isInPlace = dGateUp === gateUp;
  const end = {
    code: matmulUngatedSource,
    isPaired: false,
    isHalf,
    counts: { g: Number(!isInPlace && !isHalf), q: Number(isInPlace), v: Number(isHalf) },
    bindings: [isInPlace ? null : gateUp],
  } as const;
  matmulTiled(plan, { ...product, out: dGateUp }, member, { end });
}
