/** The wide half of the MLP: gate and up of normalised rows, and what the gate lets through. */
import matmulGatedSource from '../../../shaders/matmul_gated.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { matmulNormed, type NormedProduct } from './matmulNormed';
import { swiglu } from './swiglu';
import type { Tuning } from './tuning';

/**
 * h[rows, F] = silu(gate) · up with (gate, up)[rows, 2F] = norm(x)[rows, K] · W[2F, K]ᵀ. `out` is for gate and up, and free to be overwritten
 * where they are not kept. With `halfH` gate and up are kept in f16, and h once more there.
 */
export function matmulGated(
  plan: Plan,
  tuning: Tuning,
  {
    h,
    halfH,
    F,
    isKept,
    ...o
  }: Omit<NormedProduct, 'N'> & { h: Binding; halfH: Binding | null; F: number; isKept: boolean },
): void {
  const { out: gateUp, rows, shape } = o;
  const product = { ...o, N: 2 * F };
  const isHalf = isKept && halfH !== null;
  const end = {
    code: matmulGatedSource,
    isPaired: true,
    isHalf,
    counts: { g: Number(isKept && !isHalf), v: Number(isHalf) },
    bindings: [isHalf ? halfH : null, isKept ? gateUp : null],
  } as const;
  if (!matmulNormed(plan, tuning, { ...product, ended: h }, end)) swiglu(plan, { gateUp, h, F, rows, shape });
}
