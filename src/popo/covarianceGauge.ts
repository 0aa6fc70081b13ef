/** What is told of the covariances of rewards over several steps, since those of one step are noise. */

/** The last steps that are told of. */
export const GAUGE_STEPS = 20;

/** Mean of the last values that are numbers; null where there are none. */
export function recentMean(values: ArrayLike<number>): number | null {
  const last = Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .slice(-GAUGE_STEPS);
  return last.length === 0 ? null : last.reduce((sum, value) => sum + value, 0) / last.length;
}
