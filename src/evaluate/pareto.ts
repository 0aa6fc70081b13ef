/** Who dominates whom, among points whose every coordinate is better the larger. */

/** a is at least as good as b everywhere and better somewhere. */
export function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, k) => value >= b[k]) && a.some((value, k) => value > b[k]);
}

/**
 * Area that points of the plane dominate, down to and left of `reference`: exact, by a sweep over the first coordinate.
 * Points that do not exceed the reference in both coordinates add nothing.
 */
export function hypervolume(
  points: readonly (readonly [number, number])[],
  reference: readonly [number, number],
): number {
  const descending = points
    .filter(([x, y]) => x > reference[0] && y > reference[1])
    .sort((a, b) => b[0] - a[0] || b[1] - a[1]);
  let area = 0;
  let height = reference[1];
  for (const [x, y] of descending) {
    if (y <= height) continue;
    area += (x - reference[0]) * (y - height);
    height = y;
  }
  return area;
}
