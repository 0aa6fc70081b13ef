/** What later passes on the same rollouts are compared with. */
import baselinesCode from '../../../shaders/baselines.wgsl?raw';
import type { Binding, Plan } from '../../gpu/plan';

/** Adds the copy of logps into one half of the baselines (TrainingStep's): the old policy's or the reference's. */
export function keepBaselines(
  plan: Plan,
  half: 'old' | 'reference',
  o: { scores: Binding; baselines: Binding; rows: number },
): void {
  plan.add({
    label: `keep_${half}`,
    code: baselinesCode,
    entryPoint: `keep_${half}`,
    bindings: [o.scores, o.baselines],
    workgroups: [Math.ceil(o.rows / 64)],
  });
}
