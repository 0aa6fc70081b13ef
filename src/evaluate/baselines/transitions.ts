/** Which item follows which: counts over the histories that training may see. */
import type { Visible } from './baseline';

/** What followed one item: items ascending with their counts, and the sum of these. */
export interface Followers {
  items: Int32Array;
  counts: Float64Array;
  total: number;
}

/** [items] followers of each, one step on. */
export function followersOf({ items, histories }: Visible): Followers[] {
  const pairs: Map<number, number>[] = items.map(() => new Map());
  for (const history of histories)
    for (let to = 1; to < history.length; to++) {
      const row = pairs[history[to - 1]];
      row.set(history[to], (row.get(history[to]) ?? 0) + 1);
    }
  return pairs.map((row) => {
    const sorted = [...row].sort(([a], [b]) => a - b);
    return {
      items: Int32Array.from(sorted, ([item]) => item),
      counts: Float64Array.from(sorted, ([, count]) => count),
      total: sorted.reduce((sum, [, count]) => sum + count, 0),
    };
  });
}
