/** Sampling the next token. */
import sampleSource from '../../../shaders/sample.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { groups, type Tuning } from './tuning';

/** Draws each row's next token and advances the step counter. */
export function sample(
  plan: Plan,
  tuning: Tuning,
  o: {
    logits: Binding;
    state: Binding;
    next: Binding;
    ended: Binding;
    sampled: Binding;
    options: GPUBuffer;
    V: number;
    maxNew: number;
    rows: number;
  },
): void {
  const constants = {
    VOCABULARY: o.V,
    MAX_NEW: o.maxNew,
    LANES: tuning.rowLanes,
    ROWS: tuning.rows,
    // Bits of a logit at a time. Atomic counts, which more than one take, are slow on a CPU that plays a GPU.
    DIGIT: tuning.rowLanes === 1 ? 1 : 8,
  };
  plan.add({
    label: 'sample',
    code: sampleSource,
    constants,
    bindings: [o.logits, o.state, o.next, o.ended, o.sampled, o.options],
    workgroups: [groups(o.rows, tuning.rows)],
  });
  plan.add({
    label: 'sample/advance',
    code: sampleSource,
    entryPoint: 'advance',
    constants,
    bindings: [null, o.state, null, null, null, null],
    workgroups: [1],
  });
}
