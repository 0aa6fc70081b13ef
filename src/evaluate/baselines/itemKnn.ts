/**
 * ItemKNN (Sarwar et al., "Item-Based Collaborative Filtering", 2001): items are alike when the same users chose them,
 * cos(i, j) = c(i, j) / (√(c(i) c(j)) + shrinkage), and what is most like all that a user chose is the answer. Order plays no part.
 */
import { type Baseline, distinct, type Scorer, tieBreak } from './baseline';

/** Numbers of counted rows that are kept for the next question: 64 MiB. */
const KEPT = 2 ** 24;

export const itemKnn: Baseline = {
  name: 'item-knn',
  /** Shrinkage: how many users in common a pair must have before its cosine is believed. */
  settings: () => [0, 10, 50],
  fit(visible, shrinkage): Scorer {
    const { items, histories } = visible;
    const start = tieBreak(visible);
    const baskets = histories.map(distinct);
    const users: number[][] = items.map(() => []);
    baskets.forEach((basket, user) => {
      for (const item of basket) users[item].push(user);
    });
    const roots = users.map(({ length }) => Math.sqrt(length));
    const rows = new Map<number, Float32Array>();
    const together = (item: number) => {
      let row = rows.get(item);
      if (row === undefined) {
        row = new Float32Array(items.length);
        for (const user of users[item]) for (const other of baskets[user]) row[other]++;
        if ((rows.size + 1) * items.length <= KEPT) rows.set(item, row);
      }
      return row;
    };
    return (history) => {
      const scores = start.slice();
      for (const item of distinct(history)) {
        const row = together(item);
        for (let other = 0; other < row.length; other++) {
          if (row[other] === 0 || other === item) continue;
          scores[other] += row[other] / (roots[item] * roots[other] + shrinkage);
        }
      }
      return scores;
    };
  },
};
