/** Weights of one model, in one pool (parameters.ts). */
type Weights = Float32Array<ArrayBuffer>;

/**
 * Σ share · θ, summed in f64 and rounded once. A share of 0 takes nothing, so that of one model alone the weights are its own to the bit.
 * @throws {RangeError} where shares are none, or do not come to 1
 */
export function mixed(parts: readonly { share: number; weights: Weights }[]): Weights {
  const total = parts.reduce((sum, { share }) => sum + share, 0);
  if (parts.some(({ share }) => !(share >= 0 && share <= 1)) || Math.abs(total - 1) > 1e-6)
    throw new RangeError('The shares of the runs must each be from 0 to 1, and come to 1 together.');
  const taken = parts.filter(({ share }) => share > 0);
  if (taken.length === 1) return taken[0].weights;
  const [{ weights: first }] = taken;
  return Float32Array.from(first, (_, index) =>
    taken.reduce((sum, { share, weights }) => sum + share * weights[index], 0),
  );
}
