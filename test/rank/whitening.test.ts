/** Whitening against Mahalanobis cosines that are worked out by Gauss and Jordan. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/numeric/random';
import { meanCosine } from '../../src/rank/similarUsers';
import { whiteningOf } from '../../src/rank/whitening';

const pause = async () => {};

/** Unit rows that crowd about the first direction, and differ in others less and less. */
function crowded(rows: number, dimension: number, purpose = 'crowded'): Float32Array {
  const random = new Random(1, purpose);
  return Float32Array.from(
    Array.from({ length: rows }, () => {
      const row = Array.from({ length: dimension }, (_, d) => (d === 0 ? 2 : random.normal() / (1 + d)));
      return row.map((x) => x / Math.hypot(...row));
    }).flat(),
  );
}

const rowOf = (vectors: Float32Array, row: number, dimension: number) => [
  ...vectors.subarray(row * dimension, (row + 1) * dimension),
];
const isSilent = (row: number[]) => row.every((x) => x === 0);

function inverse(matrix: number[][]): number[][] {
  const n = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => Number(i === j))]);
  for (let p = 0; p < n; p++) {
    rows[p] = rows[p].map((x) => x / rows[p][p] || 0);
    for (let i = 0; i < n; i++) if (i !== p) rows[i] = rows[i].map((x, j) => x - rows[i][p] * rows[p][j]);
  }
  return rows.map((row) => row.slice(n));
}

/** Cosines of all pairs of `asked` by (C + .1 tr C / D)⁻¹ about the mean of `past`, where something was said. */
function plain(past: Float32Array, asked: Float32Array, dimension: number): number[][] {
  const rows = (of: Float32Array) =>
    Array.from({ length: of.length / dimension }, (_, row) => rowOf(of, row, dimension));
  const spoken = rows(past).filter((row) => !isSilent(row));
  const mean = spoken[0].map((_, d) => spoken.reduce((sum, row) => sum + row[d], 0) / spoken.length);
  const off = (row: number[]) => row.map((x, d) => x - mean[d]);
  const covariance = mean.map((_, i) =>
    mean.map((_, j) => spoken.reduce((sum, row) => sum + off(row)[i] * off(row)[j], 0) / spoken.length),
  );
  const trace = covariance.reduce((sum, row, d) => sum + row[d], 0);
  const precision = inverse(
    covariance.map((row, i) => row.map((x, j) => x + (i === j ? (0.1 * trace) / dimension : 0))),
  );
  const product = (a: number[], b: number[]) =>
    a.reduce((sum, x, i) => sum + x * b.reduce((inner, y, j) => inner + precision[i][j] * y, 0), 0);
  const moved = rows(asked).map((row) => (isSilent(row) ? null : off(row)));
  return moved.map((a) =>
    moved.map((b) =>
      a === null || b === null ? 0 : product(a, b) / Math.sqrt(product(a, a) * product(b, b)),
    ),
  );
}

describe('whitening', () => {
  it.each([
    [200, 16],
    [57, 7],
    [9, 2],
    // Fewer rows than dimensions: most of the covariance is nothing.
    [3, 12],
    [2, 5],
  ])('has the cosines of Mahalanobis: %i rows of %i', async (rows, dimension) => {
    const past = crowded(rows, dimension);
    const asked = crowded(8, dimension, 'asked');
    const whiten = await whiteningOf({ vectors: past, dimension }, pause);
    if (whiten === null) throw new Error('These rows differ.');
    const white = whiten(asked);
    const wanted = plain(past, asked, dimension);
    wanted.forEach((row, a) => {
      row.forEach((cosine, b) => {
        let found = 0;
        for (let d = 0; d < dimension; d++) found += white[a * dimension + d] * white[b * dimension + d];
        expect(found).toBeCloseTo(cosine, 4);
      });
    });
  });

  it('takes away what all have in common, so that a mean cosine of .9 becomes none', async () => {
    const past = { vectors: crowded(400, 16), dimension: 16 };
    expect(meanCosine(past)).toBeGreaterThan(0.8);
    const white = (await whiteningOf(past, pause))!(past.vectors);
    expect(Math.abs(meanCosine({ vectors: white, dimension: 16 }))).toBeLessThan(0.01);
  });

  it('leaves what was not said at zero, and does not learn from it', async () => {
    const dimension = 6;
    const spoken = crowded(40, dimension);
    const silent = new Float32Array(dimension);
    const some = Float32Array.from([...silent, ...spoken, ...silent]);
    const first = (await whiteningOf({ vectors: spoken, dimension }, pause))!;
    const second = (await whiteningOf({ vectors: some, dimension }, pause))!;
    expect(second(spoken)).toEqual(first(spoken));
    const white = second(some);
    expect(isSilent(rowOf(white, 0, dimension))).toBe(true);
    expect(isSilent(rowOf(white, 41, dimension))).toBe(true);
    for (const row of [1, 17, 40]) expect(Math.hypot(...rowOf(white, row, dimension))).toBeCloseTo(1, 5);
  });

  it('is not done where nobody differs: nothing said, one row, or one answer for everybody', async () => {
    const one = crowded(1, 5);
    const same = Float32Array.from(Array.from({ length: 30 }, () => [...one]).flat());
    for (const vectors of [new Float32Array(0), new Float32Array(20), one, same])
      expect(await whiteningOf({ vectors, dimension: 5 }, pause)).toBeNull();
    // What is the mean itself stands nowhere.
    const two = Float32Array.of(1, 0, 0, 1);
    const whiten = (await whiteningOf({ vectors: two, dimension: 2 }, pause))!;
    expect([...whiten(Float32Array.of(0.5, 0.5))]).toEqual([0, 0]);
  });
});
