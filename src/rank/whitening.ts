/**
 * Whitening: vectors that crowd about one direction are told apart again. Of the training users' moments, mean μ and covariance C:
 *
 *     x → unit(L⁻¹ (x − μ)),   L Lᵀ = C + γ (tr C / D) I
 *
 * so that a cosine counts every direction by how much it differs between people, and no longer what all of them have in common. Any
 * whitening has these cosines (Kessy et al., arXiv 1512.00809). γ keeps directions in which hardly anybody differs from being all noise.
 */
import { factorPositive } from '../numeric/cholesky';
import { type Moments, spokenOf } from './similarUsers';

/** γ */
const RIDGE = 0.1;

/** [rows × D] → the same rows whitened, in f64 and rounded once; rows of zeros stay. */
export type Whitening = (vectors: Float32Array) => Float32Array<ArrayBuffer>;

/**
 * @param past what mean and covariance are of
 * @returns null where nobody differs: fewer than two rows of which something was said, or all of them the same
 */
export async function whiteningOf(
  past: Pick<Moments, 'vectors' | 'dimension'>,
  pause: () => Promise<void>,
): Promise<Whitening | null> {
  const { vectors, dimension } = past;
  const rows = spokenOf(past);
  const mean = new Float64Array(dimension);
  for (const row of rows)
    for (let d = 0; d < dimension; d++) mean[d] += vectors[row * dimension + d] / rows.length;
  const covariance = new Float64Array(dimension * dimension);
  const off = new Float64Array(dimension);
  for (const row of rows) {
    for (let d = 0; d < dimension; d++) off[d] = vectors[row * dimension + d] - mean[d];
    for (let i = 0; i < dimension; i++)
      for (let j = 0; j <= i; j++) covariance[i * dimension + j] += (off[i] * off[j]) / rows.length;
  }
  let trace = 0;
  for (let d = 0; d < dimension; d++) trace += covariance[d * dimension + d];
  // What rounding leaves of equal unit rows is no difference between people.
  if (rows.length < 2 || trace < 1e-9) return null;
  for (let d = 0; d < dimension; d++) covariance[d * dimension + d] += (RIDGE * trace) / dimension;
  await factorPositive(covariance, dimension, pause);
  return (all) => {
    const white = new Float32Array(all.length);
    const solved = new Float64Array(dimension);
    for (const row of spokenOf({ vectors: all, dimension })) {
      const at = row * dimension;
      for (let i = 0; i < dimension; i++) {
        let sum = all[at + i] - mean[i];
        for (let k = 0; k < i; k++) sum -= covariance[i * dimension + k] * solved[k];
        solved[i] = sum / covariance[i * dimension + i];
      }
      const length = Math.hypot(...solved);
      if (length > 0) for (let d = 0; d < dimension; d++) white[at + d] = solved[d] / length;
    }
    return white;
  };
}
