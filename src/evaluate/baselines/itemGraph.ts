/**
 * The last two items, and nothing else: what one or two steps of the graph of transitions lead to, and how like the two it is by
 * its category and the words of its title. After Han et al., "An Embarrassingly Simple Graph Heuristic" (arXiv 2605.07125), which
 * found it competitive on 10 of 14 benchmarks: where it is, a benchmark asks for no more than that.
 */
import { words } from '../../data/columns/titles';
import type { Item } from '../../data/dataset';
import { type Baseline, type Scorer, tieBreak } from './baseline';
import { followersOf } from './transitions';

/** Of the item before the last, and of the second step, against the last item and the first step. */
const EARLIER = 0.5;
const SECOND_STEP = 0.25;

export const itemGraph: Baseline = {
  name: 'item-graph',
  /** What a cosine of 1 is worth, where a transition that always happens is worth 1. */
  settings: () => [0, 0.1, 0.3, 1],
  fit(visible, likeness): Scorer {
    const followers = followersOf(visible);
    const like = featureCosines(visible.items);
    const start = tieBreak(visible);
    const walk = (scores: Float64Array, from: number, weight: number, steps: number) => {
      const { items, counts: followed, total } = followers[from];
      items.forEach((item, at) => {
        const share = (weight * followed[at]) / total;
        scores[item] += share;
        if (steps > 1) walk(scores, item, SECOND_STEP * share, steps - 1);
      });
    };
    return (history) => {
      const scores = start.slice();
      [0, 1].forEach((back) => {
        if (back >= history.length) return;
        const item = history[history.length - 1 - back];
        const weight = back === 0 ? 1 : EARLIER;
        walk(scores, item, weight, 2);
        if (likeness > 0)
          like(item).forEach((cosine, other) => {
            scores[other] += weight * likeness * cosine;
          });
      });
      return scores;
    };
  },
};

/** Cosines of an item's features with every item's: categories and title words, each by the rarer the weightier. */
function featureCosines(items: readonly Item[]): (item: number) => Float64Array {
  const owners = new Map<string, number[]>();
  const features = items.map(({ title, categories }) => [
    ...new Set([
      ...categories.map((_, level) => `${level} ${categories.slice(0, level + 1).join('\u0000')}`),
      ...words(title).map((word) => `word ${word}`),
    ]),
  ]);
  features.forEach((own, item) => {
    for (const feature of own) {
      const list = owners.get(feature);
      if (list === undefined) owners.set(feature, [item]);
      else list.push(item);
    }
  });
  const weights = new Map(
    [...owners].map(([feature, { length }]) => [feature, Math.log(items.length / length)]),
  );
  const weightOf = (feature: string) => weights.get(feature) ?? 0;
  const norms = features.map((own) => Math.sqrt(own.reduce((sum, each) => sum + weightOf(each) ** 2, 0)));
  return (item) => {
    const cosines = new Float64Array(items.length);
    for (const feature of features[item])
      for (const other of owners.get(feature) ?? []) cosines[other] += weightOf(feature) ** 2;
    return cosines.map((dot, other) => (dot === 0 ? 0 : dot / (norms[item] * norms[other])));
  };
}
