/** A value with the interval that a bootstrap gives it (Efron, "Bootstrap Methods", 1979). */
export interface Interval {
  mean: number;
  /** 95 % percentile interval. */
  low: number;
  high: number;
  /** Two-sided, that it is 0: twice the smaller share of draws on one side of 0, one draw added. */
  p: number;
}

/** @param draws the value in each resample; sorted in place */
export function intervalOf(mean: number, draws: Float64Array): Interval {
  draws.sort();
  let [below, above] = [0, 0];
  for (const value of draws) {
    if (value <= 0) below++;
    if (value >= 0) above++;
  }
  return {
    mean,
    low: draws[Math.floor(0.025 * (draws.length - 1))],
    high: draws[Math.ceil(0.975 * (draws.length - 1))],
    p: Math.min(1, (2 * (Math.min(below, above) + 1)) / (draws.length + 1)),
  };
}
