/** What most often followed the last item, backed off to what is chosen most often: (c(i → j) + μ P(j)) / (c(i →) + μ). */
import { type Baseline, countsOf } from './baseline';
import { followersOf } from './transitions';

export const itemBigram: Baseline = {
  name: 'item-bigram',
  /** μ, pseudo-counts of the back-off. */
  settings: () => [1, 10, 100, 1000],
  fit(visible, prior) {
    const followers = followersOf(visible);
    const counts = countsOf(visible);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const popular = counts.map((count) => count / Math.max(1, total));
    return (history) => {
      if (history.length === 0) return popular;
      const { items, counts: followed, total: all } = followers[history[history.length - 1]];
      const scores = popular.map((share) => (prior * share) / (all + prior));
      items.forEach((item, at) => {
        scores[item] += followed[at] / (all + prior);
      });
      return scores;
    };
  },
};
