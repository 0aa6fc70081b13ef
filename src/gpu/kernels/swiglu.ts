/** The MLP’s gate. */
import swigluSource from '../../../shaders/swiglu.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { groups } from './tuning';

export function swiglu(
  plan: Plan,
  o: { gateUp: Binding; h: Binding; F: number; rows: number; shape: GPUBuffer },
): void {
  plan.add({
    label: 'swiglu',
    code: swigluSource,
    entryPoint: 'forward',
    constants: { F: o.F },
    bindings: [o.gateUp, null, o.h, o.shape],
    workgroups: [groups((o.rows * o.F) / 4)],
  });
}

/** `dGateUp` may be `gateUp` itself, which is gone then. */
export function swigluBackward(
  plan: Plan,
  o: { gateUp: Binding; dh: Binding; dGateUp: Binding; F: number; rows: number; shape: GPUBuffer },
): void {
  const isInPlace = o.dGateUp === o.gateUp;
  plan.add({
    label: 'swiglu_backward',
    code: swigluSource,
    entryPoint: isInPlace ? 'backward_in_place' : 'backward',
    constants: { F: o.F },
    bindings: [isInPlace ? null : o.gateUp, o.dh, o.dGateUp, o.shape],
    workgroups: [groups((o.rows * o.F) / 4)],
  });
}
