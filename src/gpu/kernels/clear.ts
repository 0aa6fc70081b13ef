/** Zeros. */
import clearSource from '../../../shaders/clear.wgsl?raw';
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
