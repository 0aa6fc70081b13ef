/** Times that are not known exactly, in words. */
import type { RunTimes, TimeRange } from '../../run/times';

/** Two edges in one unit, rounded to about a digit and a half: `4 to 9 minutes`. */
export function rangeWords({ low, high }: TimeRange): string {
  if (high < 1.5) return 'a second or less';
  const [unit, one] =
    high < 100
      ? (['seconds', 1] as const)
      : high < 100 * 60
        ? (['minutes', 60] as const)
        : (['hours', 3600] as const);
  const [from, to] = [low / one, high / one].map(rough);
  return from >= to ? `${to} ${unit}` : `${from} to ${to} ${unit}`;
}

/** Whole from 10 on to a step of 5, whole from 2 on, else to halves. */
function rough(value: number): number {
  if (value >= 20) return 5 * Math.round(value / 5);
  if (value >= 2) return Math.round(value);
  return Math.max(0.5, Math.round(value * 2) / 2);
}

/** What a range comes of, in one sentence. */
export const BASIS: Record<RunTimes['basis'], string> = {
  measured:
    'Reckoned from a short measurement of this device. No run that it could be held against has been finished here.',
  kept: 'Reckoned from a short measurement of this device, and corrected by a run that was finished here with other settings.',
  same: 'What a finished run with these settings took on this device, give or take a quarter.',
};
