/** The objective over the vocabulary, its gradient and gauges; or the scores alone. */
import crossEntropySource from '../../../shaders/cross_entropy.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { tokenStatistics } from './tokenStatistics';
import { groups, type Tuning } from './tuning';

interface Vocabulary {
  logits: Binding;
  tokens: Binding;
  lengths: Binding;
  scores: Binding;
  V: number;
  rows: number;
  shape: GPUBuffer;
  /** Written by `writeObjective` (model/training.ts); scores depend on its temperature alone. */
  objective: GPUBuffer;
}

/** Loss, logps, entropies and dlogits in one pass, and their sums in metrics[0..8). */
export function crossEntropy(
  plan: Plan,
  tuning: Tuning,
  o: Vocabulary & {
    weights: Binding;
    advantages: Binding;
    baselines: Binding;
    statistics: Binding;
    dlogits: Binding;
    metrics: Binding;
  },
): void {
  plan.add({
    label: 'cross_entropy',
    code: crossEntropySource,
    constants: { V: o.V, LANES: tuning.rowLanes, ROWS: tuning.rows },
    bindings: [
      o.logits,
      o.tokens,
      null,
      o.weights,
      o.advantages,
      o.baselines,
      o.scores,
      o.statistics,
      o.dlogits,
      o.shape,
      o.objective,
    ],
    workgroups: [groups(o.rows, tuning.rows)],
  });
  tokenStatistics(plan, o);
}

/** Only the logps and entropies. */
export function scoreTokens(plan: Plan, tuning: Tuning, o: Vocabulary): void {
  plan.add({
    label: 'score',
    code: crossEntropySource,
    entryPoint: 'score',
    constants: { V: o.V, LANES: tuning.rowLanes, ROWS: tuning.rows },
    bindings: [o.logits, o.tokens, o.lengths, null, null, null, o.scores, null, null, o.shape, o.objective],
    workgroups: [groups(o.rows, tuning.rows)],
  });
}
