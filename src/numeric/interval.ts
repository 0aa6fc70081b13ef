/** A value with the interval that a bootstrap gives it (Efron, "Bootstrap Methods", 1979). */
export interface Interval {
  mean: number;
  /** Percentile interval, 95 % unless another level was asked for. */
  low: number;
  high: number;
  /** Two-sided, that it is 0: twice the smaller share of draws on one side of 0, one draw added. */
  p: number;
}

/**
 * @param draws the value in each resample; sorted in place
 * @param miss chance that the interval is to leave the truth out, both sides together
 */
export function intervalOf(mean: number, draws: Float64Array, miss = 0.05): Interval {
  draws.sort();
  let [below, above] = [0, 0];
  for (const value of draws) {
    if (value <= 0) below++;
    if (value >= 0) above++;
  }
  return {
    mean,
    low: draws[Math.floor((miss / 2) * (draws.length - 1))],
    high: draws[Math.ceil((1 - miss / 2) * (draws.length - 1))],
    p: Math.min(1, (2 * (Math.min(below, above) + 1)) / (draws.length + 1)),
  };
}
