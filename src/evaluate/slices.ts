/** Results told by slice: of all examples and of each kind that the data set tells apart, with intervals over users. */
import type { Example, Slices } from '../data/dataset';

/** Which kind each of some users is of. */
export interface TestSlices {
  names: string[];
  /** [users] Index into `names`. */
  of: number[];
}

/** What changes and leads are told in by slice. */
export const SLICED = ['Category_L3_ACC', 'CTCVR'] as const;
export type SlicedMetric = (typeof SLICED)[number];

/** Positions of the users of each slice; those without any are left out. */
export function usersBySlice({ names, of }: TestSlices): { name: string; users: number[] }[] {
  return names
    .map((name, kind) => ({ name, users: of.flatMap((own, user) => (own === kind ? [user] : [])) }))
    .filter(({ users }) => users.length > 0);
}

/** A mean over users; `low` and `high` are 1.96 standard errors away, so they are of this model and these users, not of others. */
interface SliceMean {
  mean: number;
  low: number;
  high: number;
}

export interface SliceRow {
  /** `all`, or the data set's name of the slice. */
  name: string;
  users: number;
  metrics: Record<string, SliceMean>;
}

/**
 * @param outcomes [examples × columns.length]
 * @returns a row of all and one of each slice that has examples
 */
export function sliceRows(
  outcomes: ArrayLike<number>,
  columns: readonly string[],
  examples: readonly Example[],
  slices: Slices,
): SliceRow[] {
  const every = examples.map((_, index) => index);
  const kinds = examples.map((example) => slices.of(example));
  const parts = slices.names.map((name, kind) => ({
    name,
    rows: every.filter((row) => kinds[row] === kind),
  }));
  return [{ name: 'all', rows: every }, ...parts]
    .filter(({ rows }) => rows.length > 0)
    .map(({ name, rows }) => ({
      name,
      users: rows.length,
      metrics: Object.fromEntries(
        columns.map((metric, column) => [
          metric,
          meanOf(rows.map((row) => outcomes[row * columns.length + column])),
        ]),
      ),
    }));
}

/** Mean of values with its interval; of one value the interval is that value. */
export function meanOf(values: readonly number[]): SliceMean {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const half = 1.96 * standardError(values, mean);
  return { mean, low: mean - half, high: mean + half };
}

/** Of the mean of independent values; 0 of fewer than two. */
export function standardError(
  values: readonly number[],
  mean = values.reduce((sum, value) => sum + value, 0) / values.length,
): number {
  if (values.length < 2) return 0;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}
