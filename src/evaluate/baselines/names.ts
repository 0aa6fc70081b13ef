/** Those that count needs and what calls for them (evaluate/counters.ts). */
export const COUNTER_NAMES = [
  'leaf-bigram',
  'single-evidence',
  'bayes-window',
  'bayes-departments',
  'cause-by-cause',
] as const;

export type CounterName = (typeof COUNTER_NAMES)[number];

/** Names alone, so that the page need not load what stands behind them; in the order in which tables show them. */
export const BASELINE_NAMES = [
  'popularity',
  'item-bigram',
  ...COUNTER_NAMES,
  'item-graph',
  'item-knn',
  'ease',
  'content',
  'sasrec',
] as const;

export type BaselineName = (typeof BASELINE_NAMES)[number];
