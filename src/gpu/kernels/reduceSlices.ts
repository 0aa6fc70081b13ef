/** The weight gradient out of its slices. */
import reduceSlicesSource from '../../../shaders/reduce_slices.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { groups } from './tuning';

/** gradient (+)= sum of the slices, in order. `size` in floats, a multiple of 4; slices lie `slice` floats apart, or `size`. */
export function reduceSlices(
  plan: Plan,
  o: {
    slices: Binding;
    gradient: Binding;
    size: number;
    slice?: number;
    splits: number;
    objective: GPUBuffer;
  },
): void {
  plan.add({
    label: 'reduce_slices',
    code: reduceSlicesSource,
    constants: { SIZE: o.size, SLICE: o.slice ?? o.size, SPLITS: o.splits },
    bindings: [o.slices, o.gradient, o.objective],
    workgroups: [Math.min(groups(o.size / 4), 4096)],
  });
}
