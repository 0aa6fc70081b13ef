import type { Reward } from './reward';

export interface IdSources {
  /** [examples × items], in [0, 1]. */
  rewardTable: ArrayLike<number>;
  /** Number of catalogue items. */
  items: number;
}

/**
 * P(click ∧ conversion) of the resolved item for this example, looked up in an offline table that was computed and min-max
 * normalised once, never asked of a live ranker.
 */
export const id: Reward<'id', IdSources> = {
  name: 'id',
  words: {
    label: 'ID',
    symbol: 'id',
    question: 'ID: would they click and buy?',
    about: 'behaviour',
    sentence: 'How likely this shopper is to click and buy the item, by a ranker of past behaviour',
    example: 0.38,
  },
  score({ parsed: { item }, example }, { rewardTable, items }) {
    if (item >= items || (example + 1) * items > rewardTable.length) {
      throw new Error(
        `Example ${example} with item ${item} is outside the reward table of ` +
          `${Math.floor(rewardTable.length / items)} examples × ${items} items.`,
      );
    }
    return rewardTable[example * items + item];
  },
};
