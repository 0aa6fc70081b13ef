/** Numbers on axes: where they stand, and how they are written. */

/** Three or four round numbers within [low, high], each as it is written there. */
export function ticks(low: number, high: number): { at: number; label: string }[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const found: { at: number; label: string }[] = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-12; k++)
    found.push({ at: k * step, label: tickLabel(k * step, step) });
  return found;
}

/**
 * A number on an axis, with as many digits as tell it from its neighbours.
 * @param increment from one tick to the next; 0 on a logarithmic axis, which says what it can
 */
export function tickLabel(value: number | null, increment: number): string {
  // uPlot leaves out what would stand too close on a logarithmic axis.
  if (value === null) return '';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const digits = digitsOf(increment);
  const isLong = (size < 0.001 && digits > 4) || size >= 10_000;
  const plain = increment > 0 ? size.toFixed(digits) : String(Number(size.toPrecision(3)));
  const told = isLong ? size.toExponential(increment > 0 && increment < size / 2 ? 1 : 0) : plain;
  return value < 0 ? `−${told}` : told;
}

/** Decimals that an increment such as .025 takes, at most 6; as many where there is none. */
function digitsOf(increment: number): number {
  const isWhole = (digits: number) => Math.abs(((increment * 10 ** digits + 0.5) % 1) - 0.5) < 1e-6;
  return increment > 0 ? ([0, 1, 2, 3, 4, 5].find(isWhole) ?? 6) : 6;
}
