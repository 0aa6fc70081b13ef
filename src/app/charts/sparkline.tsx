import { thinned } from '../state/columns';

const WIDTH = 64;
const HEIGHT = 18;

/** A curve without axes, from its lowest to its highest value. Nothing below two values. */
export function Sparkline({ values }: { values: Float64Array }) {
  const [, y] = thinned(
    values.map((_, index) => index),
    [values],
    WIDTH / 2,
  );
  const known = y.flatMap((value, index) => (value === null ? [] : [{ value, index }]));
  if (known.length < 2) return null;
  const low = Math.min(...known.map(({ value }) => value));
  const high = Math.max(...known.map(({ value }) => value));
  const px = (index: number) => 1 + ((WIDTH - 2) * index) / (y.length - 1);
  const py = (value: number) =>
    high === low ? HEIGHT / 2 : 1 + (HEIGHT - 2) * (1 - (value - low) / (high - low));
  const points = known.map(({ value, index }) => `${px(index).toFixed(1)},${py(value).toFixed(1)}`);
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <polyline points={points.join(' ')} />
    </svg>
  );
}
