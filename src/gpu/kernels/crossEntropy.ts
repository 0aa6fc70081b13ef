/** The objective over the vocabulary, its gradient and gauges; or the scores alone. */
import crossEntropySource from '../../../shaders/cross_entropy.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { tokenStatistics } from './tokenStatistics';
import { groups, type Tuning } from './tuning';

interface Scored {
  /** [rows, V]; or null, and `sums` of crossEntropyChunks.ts, where they come in chunks. */
  logits: Binding | null;
  sums?: Binding;
  tokens: Binding;
  scores: Binding;
  V: number;
  rows: number;
  shape: GPUBuffer;
  /** Written by `writeObjective` (model/training.ts); scores depend on its temperature alone. */
  objective: GPUBuffer;
}

/** What a loss is of, beside logits. */
export interface LossBindings {
  weights: Binding;
  advantages: Binding;
  baselines: Binding;
  statistics: Binding;
  metrics: Binding;
}

/** Loss, logps and entropies, and their sums in metrics[0..8). Logits become dlogits; sums, what the chunks' gradients ask for. */
export function crossEntropy(plan: Plan, tuning: Tuning, o: Scored & LossBindings): void {
  const { weights, advantages, baselines, statistics, objective } = o;
  const inputs = [null, weights, advantages, baselines, o.scores, statistics];
  addPass(plan, tuning, {
    ...o,
    label: 'cross_entropy',
    entryPoint: o.sums ? 'loss_of_sums' : 'main',
    inputs,
    told: objective,
  });
  tokenStatistics(plan, o);
}

/** Only the logps and entropies. */
export function scoreTokens(plan: Plan, tuning: Tuning, o: Scored & { lengths: Binding }): void {
  addPass(plan, tuning, {
    ...o,
    label: 'score',
    entryPoint: o.sums ? 'score_of_sums' : 'score',
    inputs: [o.lengths, null, null, null, o.scores, null],
    // Sums are of tempered logits.
    told: o.sums ? null : o.objective,
  });
}

function addPass(
  plan: Plan,
  tuning: Tuning,
  o: Scored & { label: string; entryPoint: string; inputs: (Binding | null)[]; told: Binding | null },
): void {
  plan.add({
    label: o.label,
    code: crossEntropySource,
    entryPoint: o.entryPoint,
    constants: { V: o.V, LANES: tuning.rowLanes, ROWS: tuning.rows },
    bindings: [o.logits, o.tokens, ...o.inputs, o.sums ?? null, o.shape, o.told],
    workgroups: [groups(o.rows, tuning.rows)],
  });
}
