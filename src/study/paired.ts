/** Two methods of a study on the same users of the same seeds. */
import { OUTCOMES } from '../evaluate/metrics';
import type { Cell } from './cell';

/** One outcome of each user. */
export function valuesOf({ outcomes }: Cell, column: number): Float64Array {
  const width = OUTCOMES.length;
  return Float64Array.from({ length: outcomes.length / width }, (_, user) => outcomes[user * width + column]);
}

/**
 * Differences per seed that both methods have, and the control's mean over those seeds.
 * @param column of OUTCOMES
 * @throws Error where the two were not judged on as many users
 */
export function paired(cells: readonly Cell[], method: string, control: string, column: number) {
  const differences: Float64Array[] = [];
  let base = 0;
  for (const ours of cells.filter((cell) => cell.method === method)) {
    const theirs = cells.find((cell) => cell.method === control && cell.seed === ours.seed);
    if (theirs === undefined) continue;
    if (theirs.outcomes.length !== ours.outcomes.length)
      throw new Error(`${method} and ${control} of seed ${ours.seed} were not judged on the same users.`);
    const [own, other] = [valuesOf(ours, column), valuesOf(theirs, column)];
    differences.push(own.map((value, user) => value - other[user]));
    for (const value of other) base += value / other.length;
  }
  return { differences, base: base / Math.max(1, differences.length) };
}
