/** A model that is composed of ends: its weights out of theirs, and an update of each. */
import endsSource from '../../../shaders/ends.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { groups } from './tuning';

/** One end's pools, and its uniform of (share, 1 where it is the first), 16 bytes. */
export interface EndBindings {
  parameters: Binding;
  moment1: Binding;
  moment2: Binding;
  share: GPUBuffer;
}

const workgroups = (size: number): [number] => [Math.min(groups(size), 4096)];

/** parameters = Σ_k share_k · end_k, in the order of the ends. */
export function composeEnds(
  plan: Plan,
  o: { parameters: Binding; ends: readonly EndBindings[]; size: number },
): void {
  for (const end of o.ends)
    plan.add({
      label: 'ends/compose',
      code: endsSource,
      entryPoint: 'compose',
      constants: { SIZE: o.size, DECAYED: 0 },
      bindings: [o.parameters, end.parameters, null, null, null, null, null, end.share],
      workgroups: workgroups(o.size),
    });
}

/** AdamW of every end, after `globalNorm` of the gradient at `parameters`. */
export function updateEnds(
  plan: Plan,
  o: {
    parameters: Binding;
    ends: readonly EndBindings[];
    gradient: Binding;
    metrics: Binding;
    hyper: GPUBuffer;
    size: number;
    decayed: number;
  },
): void {
  for (const { parameters, moment1, moment2, share } of o.ends)
    plan.add({
      label: 'ends/update',
      code: endsSource,
      entryPoint: 'update',
      constants: { SIZE: o.size, DECAYED: o.decayed },
      bindings: [o.parameters, parameters, moment1, moment2, o.gradient, o.metrics, o.hyper, share],
      workgroups: workgroups(o.size),
    });
}
