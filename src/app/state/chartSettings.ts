/** How a person likes charts drawn, for as long as the page is open. */
import { signal } from '@preact/signals';

/** By how much noisy lines are averaged: the weight of the newest value. */
export const SMOOTHINGS = [
  { name: 'none', rate: 1 },
  { name: 'light', rate: 0.4 },
  { name: 'medium', rate: 0.15 },
  { name: 'strong', rate: 0.05 },
] as const;

export function createChartSettings() {
  return { smoothing: signal<number>(SMOOTHINGS[2].rate), logLoss: signal(false) };
}
