/** The copy of weights that products read where they are stored in f16. */
import halfWeightsSource from '../../../shaders/half_weights.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { withHalves } from './half';
import { groups } from './tuning';

/** out = f16(weights), of `size` numbers, a multiple of 4. */
export function halfWeights(plan: Plan, o: { weights: Binding; out: Binding; size: number }): void {
  plan.add({
    label: 'half_weights',
    code: withHalves(halfWeightsSource),
    constants: { SIZE: o.size },
    bindings: [o.weights, o.out],
    workgroups: [Math.min(groups(o.size / 4), 4096)],
  });
}
