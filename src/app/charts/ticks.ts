/** Three or four round numbers within [low, high]. */
export function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const found: number[] = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-12; k++) found.push(k * step);
  return found;
}
