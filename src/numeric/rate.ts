/**
 * 95 % interval of a rate (Wilson, "Probable Inference", 1927): where `rate · users` of `users` independent people said yes. It stays
 * within [0, 1] and has a width also where nobody or everybody did. Of a mean of values within [0, 1] it is no narrower than the
 * truth, since none of that mean spreads more than yes and no do.
 */
export function rateInterval(rate: number, users: number): { low: number; high: number } {
  const z = 1.96;
  const middle = (rate + (z * z) / (2 * users)) / (1 + (z * z) / users);
  const half =
    (z * Math.sqrt((rate * (1 - rate)) / users + (z * z) / (4 * users * users))) / (1 + (z * z) / users);
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}
