/** How far the axes of a chart go. */
import type { Columns } from '../state/columns';

/** The ends of an axis by the lowest and the highest value that is drawn, null where there is none; or fixed ends, null where free. */
export type Range =
  | [number | null, number | null]
  | ((low: number | null, high: number | null) => [number, number]);

/** Of an axis of values, with some room beyond its free ends. */
export function valueRange(
  low: number | null,
  high: number | null,
  range: Range = [null, null],
): [number, number] {
  if (typeof range === 'function') return range(low, high);
  const from = range[0] ?? low ?? 0;
  const to = range[1] ?? high ?? 1;
  // Values that are all alike get a frame of their own size, not one that magnifies rounding.
  const slack = to - from > Math.abs(to) * 1e-6 ? (to - from) * 0.08 : Math.max(Math.abs(to) * 0.2, 0.1);
  return [range[0] ?? from - slack, range[1] ?? to + slack];
}

/** The least that an axis of shares shows on either side of equal ones. */
const LEAST = 0.05;

/**
 * Of an axis of K shares that sum to 1: about 1/K, as far as the values go and within [0, 1]. Its ends are round, so that it stands
 * still from step to step: multiples of .05, and of .1 where it is wide.
 */
export function sharesRange(numShares: number): Range {
  const even = 1 / numShares;
  return (low, high) => {
    const from = Math.max(0, Math.min(low ?? even, even - LEAST));
    const to = Math.min(1, Math.max(high ?? even, even + LEAST));
    const parts = to - from > 0.3 ? 10 : 20;
    // Values are rounded sums, so an end may lie a little beyond a multiple.
    return [Math.floor(from * parts + 1e-6) / parts, Math.ceil(to * parts - 1e-6) / parts];
  };
}

/** Of an axis of steps: from the first to the last of all columns that stand over it, and never of no length. */
export function stepRange(all: readonly Columns[]): [number, number] {
  const ends = all.flatMap((columns) => {
    const xs = columns.xs();
    return xs.length === 0 ? [] : [xs[0], xs[xs.length - 1]];
  });
  if (ends.length === 0) return [0, 1];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  return [low, Math.max(high, low + 1)];
}
