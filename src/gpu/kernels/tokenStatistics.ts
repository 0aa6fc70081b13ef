/** What the rows of a loss come to. */
import tokenStatisticsSource from '../../../shaders/token_statistics.wgsl?raw';
import type { Binding, Plan } from '../plan';

/** Sums the per-row statistics that cross-entropy left into metrics[0..8). */
export function tokenStatistics(
  plan: Plan,
  o: { statistics: Binding; metrics: Binding; shape: GPUBuffer; objective: GPUBuffer },
): void {
  plan.add({
    label: 'token_statistics',
    code: tokenStatisticsSource,
    bindings: [o.statistics, o.metrics, o.shape, o.objective],
    workgroups: [1],
  });
}
