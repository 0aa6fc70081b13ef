/** Learning rate of every training stage: linear warm-up, then half a cosine down to a tenth. */

export interface ScheduleOptions {
  learningRate: number;
  /** Length of the whole schedule. */
  steps: number;
  /** Default: 5 % of the steps. */
  warmupSteps?: number;
}

/** The rate of step 0, 1, …; the full rate is reached at the last warm-up step, a tenth of it at the last step. */
export function learningRateAt(options: ScheduleOptions, step: number): number {
  const { learningRate, steps } = options;
  const warmupSteps = options.warmupSteps ?? Math.max(1, Math.round(0.05 * steps));
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  const progress = Math.min(1, (step + 1 - warmupSteps) / Math.max(1, steps - warmupSteps));
  return learningRate * (0.1 + 0.45 * (1 + Math.cos(Math.PI * progress)));
}
