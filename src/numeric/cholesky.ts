/** Cholesky's factor of a symmetric positive definite matrix, and its inverse, in f64, with pauses for whoever waits. */

/** Rows between two pauses: a fraction of a second at the sizes that are allowed. */
const ROWS = 16;

/**
 * Replaces the matrix by its inverse: A = L Lᵀ, then A⁻¹ = L⁻ᵀ L⁻¹. n³ / 2 multiplications, no further memory.
 * @param matrix [n × n], of which the lower triangle is read; the whole is written
 * @param pause awaited every few rows
 * @throws RangeError where it is not positive definite
 */
export async function invertPositive(
  matrix: Float64Array,
  n: number,
  pause: () => Promise<void>,
): Promise<void> {
  await factorPositive(matrix, n, pause);
  await invertLower(matrix, n, pause);
  await multiplyTransposed(matrix, n, pause);
}

/**
 * L into the lower triangle, A = L Lᵀ; what is above the diagonal stays.
 * @param a [n × n], of which the lower triangle is read
 * @throws RangeError where it is not positive definite
 */
export async function factorPositive(a: Float64Array, n: number, pause: () => Promise<void>): Promise<void> {
  for (let i = 0; i < n; i++) {
    if (i % ROWS === 0) await pause();
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0, p = i * n, q = j * n; k < j; k++) sum -= a[p++] * a[q++];
      if (j < i) a[i * n + j] = sum / a[j * n + j];
      else if (sum > 0) a[i * n + i] = Math.sqrt(sum);
      else throw new RangeError(`The matrix is not positive definite: pivot ${i} is ${sum}.`);
    }
  }
}

/** X = L⁻ᵀ into the upper triangle and the diagonal, by rows, so that every inner loop runs along memory. */
async function invertLower(a: Float64Array, n: number, pause: () => Promise<void>): Promise<void> {
  // X[j][i] = −(Σ_{j≤k<i} L[i][k] X[j][k]) / L[i][i]; L's own diagonal makes room for X's.
  const diagonal = Float64Array.from({ length: n }, (_, i) => a[i * n + i]);
  for (let j = 0; j < n; j++) {
    if (j % ROWS === 0) await pause();
    a[j * n + j] = 1 / diagonal[j];
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j, p = i * n + j, q = j * n + j; k < i; k++) sum += a[p++] * a[q++];
      a[j * n + i] = -sum / diagonal[i];
    }
  }
}

/** A⁻¹[i][j] = Σ_{k ≥ max(i, j)} X[i][k] X[j][k]; then mirrored. */
async function multiplyTransposed(a: Float64Array, n: number, pause: () => Promise<void>): Promise<void> {
  for (let i = 0; i < n; i++) {
    if (i % ROWS === 0) await pause();
    // Row i of X is read by rows up to i only, and from j on when j's turn comes: it may be overwritten in order.
    for (let j = i; j < n; j++) {
      let sum = 0;
      for (let k = j, p = i * n + j, q = j * n + j; k < n; k++) sum += a[p++] * a[q++];
      a[i * n + j] = sum;
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) a[i * n + j] = a[j * n + i];
}
