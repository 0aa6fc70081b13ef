/** The style sheet's colours for what is drawn on a canvas, read anew when light turns to dark. */

const NAMES = ['semantic', 'id', 'ink', 'muted', 'line', 'grid', 'third', 'fourth'] as const;

export type PaletteName = (typeof NAMES)[number];

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
