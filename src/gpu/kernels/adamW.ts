/** From a gradient’s slices to the next weights. */
import adamw from '../../../shaders/adamw.wgsl?raw';
import clearSource from '../../../shaders/clear.wgsl?raw';
import reduceSlicesSource from '../../../shaders/reduce_slices.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { groups } from './tuning';

/** Fills `size` floats (a multiple of 4) with zeros. */
export function clear(plan: Plan, o: { out: Binding; size: number }): void {
  plan.add({
    label: 'clear',
    code: clearSource,
    constants: { SIZE: o.size },
    bindings: [o.out],
    workgroups: [Math.min(groups(o.size / 4), 4096)],
  });
}

/** gradient (+)= sum of the slices, in order. `size` in floats, a multiple of 4. */
export function reduceSlices(
  plan: Plan,
  o: { slices: Binding; gradient: Binding; size: number; splits: number; objective: GPUBuffer },
): void {
  plan.add({
    label: 'reduce_slices',
    code: reduceSlicesSource,
    constants: { SLICE: o.size, SPLITS: o.splits },
    bindings: [o.slices, o.gradient, o.objective],
    workgroups: [Math.min(groups(o.size / 4), 4096)],
  });
}

/** Partial sums of squares that the global norm is made of. */
export const NORM_PARTIALS = 256;

/** Global norm into metrics[8], clip factor into metrics[9], then AdamW over the pool. */
export function adamW(
  plan: Plan,
  o: {
    parameters: Binding;
    moment1: Binding;
    moment2: Binding;
    gradient: Binding;
    partial: Binding;
    metrics: Binding;
    hyper: GPUBuffer;
    size: number;
    decayed: number;
  },
): void {
  const constants = { SIZE: o.size, DECAYED: o.decayed, PARTIALS: NORM_PARTIALS };
  plan.add({
    label: 'global_norm/square_sums',
    code: adamw,
    entryPoint: 'square_sums',
    constants,
    bindings: [null, null, null, o.gradient, o.partial, null, null],
    workgroups: [NORM_PARTIALS],
  });
  plan.add({
    label: 'global_norm/norm',
    code: adamw,
    entryPoint: 'norm',
    constants,
    bindings: [null, null, null, null, o.partial, o.metrics, o.hyper],
    workgroups: [1],
  });
  plan.add({
    label: 'adamw',
    code: adamw,
    entryPoint: 'update',
    constants,
    bindings: [o.parameters, o.moment1, o.moment2, o.gradient, null, o.metrics, o.hyper],
    workgroups: [Math.min(groups(o.size), 4096)],
  });
}
