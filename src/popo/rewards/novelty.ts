import type { Reward } from './reward';

export interface NoveltySources {
  /** [items], in [0, 1]: see `itemNovelty`. */
  novelty: ArrayLike<number>;
}

/** How rarely the resolved item was chosen by training users, as its share of the largest self-information. */
export const novelty: Reward<'novelty', NoveltySources> = {
  name: 'novelty',
  words: {
    label: 'novelty',
    symbol: 'n',
    question: 'Novelty: do few choose it?',
    about: 'novelty',
    sentence: 'How rarely shoppers have chosen the item',
    example: 0.6,
  },
  score: ({ parsed }, { novelty }) => novelty[parsed.item],
};

/** −log P(item) with every item seen once more than it was, divided by the largest: [items], 1 for the rarest. */
export function itemNovelty(counts: ArrayLike<number>): Float32Array {
  let total = counts.length;
  for (let item = 0; item < counts.length; item++) total += counts[item];
  const information = Float32Array.from(counts, (count) => -Math.log((count + 1) / total));
  const largest = information.reduce((a, b) => Math.max(a, b), 0);
  return information.map((value) => (largest > 0 ? value / largest : 0));
}
