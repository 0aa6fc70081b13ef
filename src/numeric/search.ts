/** The first index of rising `sums` whose value exceeds `value`; the last where none does. Draws by weight: `sums` are running. */
export function firstAbove(sums: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
