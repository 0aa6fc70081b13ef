/** From a gradient to the next weights. */
import adamwSource from '../../../shaders/adamw.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { unroll } from '../unroll';
import { groups } from './tuning';

/** Partial sums of squares that the global norm is made of. */
export const NORM_PARTIALS = 256;
/** Gradients that a thread of the norm has under way at once. */
const AHEAD = 16;

interface Norm {
  gradient: Binding;
  partial: Binding;
  metrics: Binding;
  hyper: GPUBuffer;
  size: number;
  decayed: number;
}

const code = unroll(adamwSource, { j: AHEAD });

const constantsOf = ({ size, decayed }: Norm) => ({
  SIZE: size,
  DECAYED: decayed,
  PARTIALS: NORM_PARTIALS,
  AHEAD,
});

/** Global norm into metrics[8], clip factor into metrics[9]. */
export function globalNorm(plan: Plan, o: Norm): void {
  const constants = constantsOf(o);
  plan.add({
    label: 'global_norm/square_sums',
    code,
    entryPoint: 'square_sums',
    constants,
    bindings: [null, null, null, o.gradient, o.partial, null, null],
    workgroups: [NORM_PARTIALS],
  });
  plan.add({
    label: 'global_norm/norm',
    code,
    entryPoint: 'norm',
    constants,
    bindings: [null, null, null, null, o.partial, o.metrics, o.hyper],
    workgroups: [1],
  });
}

/** Global norm and clip factor, then AdamW over the pool. */
export function adamW(
  plan: Plan,
  o: Norm & { parameters: Binding; moment1: Binding; moment2: Binding },
): void {
  globalNorm(plan, o);
  plan.add({
    label: 'adamw',
    code,
    entryPoint: 'update',
    constants: constantsOf(o),
    bindings: [o.parameters, o.moment1, o.moment2, o.gradient, null, o.metrics, o.hyper],
    workgroups: [Math.min(groups(o.size), 4096)],
  });
}
