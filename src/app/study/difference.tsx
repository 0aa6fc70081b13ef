import type { Interval } from '../../numeric/interval';

/** Coloured where the interval leaves out 0. */
export function Difference({ of, write = rate }: { of: Interval; write?: (value: number) => string }) {
  const tone = of.low > 0 ? 'up' : of.high < 0 ? 'down' : 'faint';
  const signed = (value: number) => `${value < 0 ? '−' : '+'}${write(Math.abs(value))}`;
  return (
    <span class={tone} title={`95 %: ${signed(of.low)} to ${signed(of.high)}, p = ${of.p.toFixed(3)}`}>
      {signed(of.mean)} ± {write(halfWidth(of))}
    </span>
  );
}

export const halfWidth = ({ low, high }: Interval) => (high - low) / 2;

/** A rate without its leading zero. */
export const rate = (value: number) =>
  value
    .toFixed(3)
    .replace(/^(-?)0/, '$1')
    .replace('-', '−');

/** A share with its sign. */
export const percent = (value: number | null) =>
  value === null ? '–' : `${value < 0 ? '−' : '+'}${Math.abs(100 * value).toFixed(1)} %`;
