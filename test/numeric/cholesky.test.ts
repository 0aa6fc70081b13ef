import { expect, it } from 'vitest';
import { invertPositive } from '../../src/numeric/cholesky';
import { Random } from '../../src/numeric/random';

const never = async () => {};

it('inverts: A · A⁻¹ is the identity, and the inverse is symmetric', async () => {
  const n = 37;
  const random = new Random(3, 'matrix');
  const factor = Float64Array.from({ length: n * n }, () => random.normal());
  const cell = (i: number, j: number) => {
    let sum = i === j ? 0.5 : 0;
    for (let k = 0; k < n; k++) sum += factor[i * n + k] * factor[j * n + k];
    return sum;
  };
  const matrix = Float64Array.from({ length: n * n }, (_, at) => cell(Math.floor(at / n), at % n));
  const inverse = matrix.slice();
  let pauses = 0;
  await invertPositive(inverse, n, async () => void pauses++);
  expect(pauses).toBeGreaterThan(3);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += matrix[i * n + k] * inverse[k * n + j];
      expect(sum).toBeCloseTo(Number(i === j), 8);
      expect(inverse[i * n + j]).toBe(inverse[j * n + i]);
    }
});

it('inverts by hand: [[2, 1], [1, 3]] has the inverse [[3, −1], [−1, 2]] / 5', async () => {
  const matrix = Float64Array.of(2, 1, 1, 3);
  await invertPositive(matrix, 2, never);
  [0.6, -0.2, -0.2, 0.4].forEach((value, at) => {
    expect(matrix[at]).toBeCloseTo(value, 15);
  });
});

it('says which pivot is not positive', async () => {
  await expect(invertPositive(Float64Array.of(1, 2, 2, 1), 2, never)).rejects.toThrow(/pivot 1 is -3/);
});
