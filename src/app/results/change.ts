/** How a change is written and coloured: by its interval, never by its sign alone. */
import type { Interval } from '../../numeric/interval';

/** `up` and `down` only where the interval leaves out zero. */
export function toneOf({ low, high }: Pick<Interval, 'low' | 'high'>): 'up' | 'down' | 'faint' {
  return low > 0 ? 'up' : high < 0 ? 'down' : 'faint';
}

/** A difference of two rates as `+.024`; what rounds to nothing has no sign. */
export function changeText(value: number, digits = 3): string {
  const text = Math.abs(value).toFixed(digits).replace(/^0/, '');
  const isNothing = !/[1-9]/.test(text);
  return isNothing ? `±${text}` : `${value < 0 ? '−' : '+'}${text}`;
}

/** What a control that must gain nothing shows: `luck` where its interval says that it did gain, or lost. */
export function controlVerdict(gain: Pick<Interval, 'low' | 'high'>): 'nothing' | 'gains' | 'loses' {
  return gain.low > 0 ? 'gains' : gain.high < 0 ? 'loses' : 'nothing';
}
