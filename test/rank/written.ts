/** Matrices written out, for tests that work a forward pass out by hand. */

export type Matrix = readonly (readonly number[])[];

export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

export function plus(...vectors: readonly (readonly number[])[]): number[] {
  return vectors[0].map((_, i) => vectors.reduce((sum, vector) => sum + vector[i], 0));
}

export function product(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value * b[i]);
}

/** A row vector times a matrix. */
export function times(row: readonly number[], matrix: Matrix): number[] {
  return matrix[0].map((_, column) => row.reduce((sum, value, i) => sum + value * matrix[i][column], 0));
}

export function rowsOf(values: ArrayLike<number>, columns: number): number[][] {
  return Array.from({ length: values.length / columns }, (_, row) =>
    Array.from({ length: columns }, (_, column) => values[row * columns + column]),
  );
}

/** −log P of a click, and of a click with a conversion, that happened or not. */
export function surprise([click, both]: readonly number[], clicked: number, converted: number): number {
  return -Math.log(clicked ? click : 1 - click) - Math.log(converted ? both : 1 - both);
}
