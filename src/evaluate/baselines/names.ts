/** Names alone, so that the page need not load what stands behind them; in the order in which tables show them. */
export const BASELINE_NAMES = [
  'popularity',
  'item-bigram',
  'item-graph',
  'item-knn',
  'ease',
  'content',
  'sasrec',
] as const;

export type BaselineName = (typeof BASELINE_NAMES)[number];
