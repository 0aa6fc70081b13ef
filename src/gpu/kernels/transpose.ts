/** A weight matrix turned round. */
import transposeSource from '../../../shaders/transpose.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { groups } from './tuning';

/** out[K, N] = w[N, K]ᵀ; both extents multiples of 4. */
export function transpose(
  plan: Plan,
  o: { label: string; w: Binding; out: Binding; K: number; N: number },
): void {
  plan.add({
    label: o.label,
    code: transposeSource,
    extents: { K: o.K, N: o.N },
    bindings: [o.w, o.out],
    workgroups: [Math.min(groups((o.K * o.N) / 4), 4096)],
  });
}
