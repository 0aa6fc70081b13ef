/** The wide half of the MLP: gate and up of normalised rows, and what the gate lets through. */
import matmulGatedSource from '../../../shaders/matmul_gated.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { matmulNormed, type NormedProduct } from './matmulNormed';
import { swiglu } from './swiglu';
import type { Tuning } from './tuning';

/**
 * h[rows, F] = silu(gate) · up with (gate, up)[rows, 2F] = norm(x)[rows, K] · W[2F, K]ᵀ. `out` is for gate and up, and free to be overwritten
 * where they are not kept.
 */
export function matmulGated(
  plan: Plan,
  tuning: Tuning,
  { h, F, isKept, ...o }: Omit<NormedProduct, 'N'> & { h: Binding; F: number; isKept: boolean },
): void {
  const { out: gateUp, rows, shape } = o;
  const product = { ...o, N: 2 * F };
  const end = {
    code: matmulGatedSource,
    isPaired: true,
    counts: { g: isKept ? 1 : 0 },
    bindings: [null, isKept ? gateUp : null],
  } as const;
  if (!matmulNormed(plan, tuning, { ...product, ended: h }, end)) swiglu(plan, { gateUp, h, F, rows, shape });
}
