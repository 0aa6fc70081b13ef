/** The style sheet's colours for what is drawn on a canvas, read anew when light turns to dark; and what is drawn in which. */
import { REWARDS, type RewardName, rewardWords } from '../../popo/rewards';

const NAMES = ['semantic', 'id', 'ink', 'muted', 'line', 'grid', 'third', 'fourth'] as const;

export type PaletteName = (typeof NAMES)[number];

export interface Look {
  color: PaletteName;
  dash?: number[];
}

/** The at-th of many: a colour of its own while there are any, then the same ones again in longer and longer dashes. */
function lookAt<Color extends PaletteName>(colors: readonly Color[], at: number): Look & { color: Color } {
  const round = Math.floor(at / colors.length);
  return { color: colors[at % colors.length], ...(round > 0 ? { dash: [4 * round, 3] } : {}) };
}

const OF_REWARDS = ['semantic', 'id', 'third', 'fourth'] as const;
const OF_PAIRS = ['ink', ...OF_REWARDS] as const;

/** How a reward is named and drawn. `color` is also a class of the style sheet. */
export function rewardLook(name: RewardName): Look & { label: string } {
  const { label } = rewardWords(name);
  return { label, ...lookAt(OF_REWARDS, REWARDS.indexOf(name)) };
}

/** How the line of the pair-th two rewards (`pairsOf`) is drawn. */
export const pairLook = (pair: number): Look => lookAt(OF_PAIRS, pair);

export function palette(): Record<PaletteName | 'font', string> {
  const style = getComputedStyle(document.documentElement);
  const colors = Object.fromEntries(
    NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
  ) as Record<PaletteName, string>;
  return { ...colors, font: style.getPropertyValue('--sans').trim() };
}

/** Calls back after light turned to dark or back; returns how to stop. */
export function whenPaletteChanges(callback: () => void): () => void {
  const query = matchMedia('(prefers-color-scheme: dark)');
  query.addEventListener('change', callback);
  return () => query.removeEventListener('change', callback);
}
