/** A product out of the slices that runs of k gave. */
import reduceSplitsSource from '../../../shaders/reduce_splits.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { groups } from './tuning';

/** out[rows, N] = sum of the slices in order (+ residual). Slices lie rows · N floats apart. */
export function reduceSplits(
  plan: Plan,
  o: {
    label: string;
    slices: Binding;
    residual?: Binding;
    out: Binding;
    rows: number;
    N: number;
    splits: number;
    shape: Binding;
  },
): void {
  plan.add({
    label: `${o.label}/reduce`,
    code: reduceSplitsSource,
    constants: { N: o.N, SLICE: o.rows * o.N, SPLITS: o.splits, RESIDUAL: o.residual ? 1 : 0 },
    // Auto layouts keep a binding that any branch names.
    bindings: [o.slices, o.residual ?? o.slices, o.out, o.shape],
    workgroups: [groups((o.rows * o.N) / 4)],
  });
}
