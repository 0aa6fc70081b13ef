/** RMSNorm and its gradient. */
import rmsNormSource from '../../../shaders/rms_norm.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { groups, type Tuning } from './tuning';

interface RmsNorm {
  x: Binding;
  scale: Binding;
  D: number;
  eps: number;
  rows: number;
  shape: GPUBuffer;
}

function rmsNormConstants(tuning: Tuning, o: RmsNorm, splits: number, slice: number): Record<string, number> {
  return {
    D: o.D,
    EPS_NANO: Math.round(o.eps * 1e9),
    LANES: tuning.rowLanes,
    ROWS: tuning.rows,
    RUNS: tuning.normRuns,
    SPLITS: splits,
    SLICE: slice,
  };
}

export function rmsNorm(plan: Plan, tuning: Tuning, o: RmsNorm & { weight: Binding; out: Binding }): void {
  plan.add({
    label: 'rms_norm',
    code: rmsNormSource,
    entryPoint: 'forward',
    constants: rmsNormConstants(tuning, o, 1, 0),
    bindings: [o.x, o.weight, o.scale, null, o.out, o.shape],
    workgroups: [groups(o.rows, tuning.rows)],
  });
}

/** dx += gradient through the norm; that of the weight, where it has one, into `splits` slices `slice` floats apart. */
export function rmsNormBackward(
  plan: Plan,
  tuning: Tuning,
  o: RmsNorm & {
    weight: Binding;
    dy: Binding;
    dx: Binding;
    dWeight: { out: Binding; splits: number; slice: number } | null;
  },
): void {
  const { out, splits, slice } = o.dWeight ?? { splits: 1, slice: 0 };
  const constants = rmsNormConstants(tuning, o, splits, slice);
  plan.add({
    label: 'rms_norm_backward',
    code: rmsNormSource,
    entryPoint: 'backward',
    constants,
    bindings: [o.x, o.weight, o.scale, o.dy, o.dx, o.shape],
    workgroups: [groups(o.rows, tuning.rows)],
  });
  if (out === undefined) return;
  plan.add({
    label: 'rms_norm_backward/weight',
    code: rmsNormSource,
    entryPoint: 'backward_weight',
    constants,
    bindings: [o.x, null, o.scale, o.dy, out, o.shape],
    workgroups: [groups((splits * o.D) / 4, tuning.normRuns === 1 ? 64 : 8)],
  });
}
