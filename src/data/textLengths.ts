/** How long a data set's texts are, in letters: what a run takes is estimated from it before there is a tokenizer. */
import type { Dataset } from './dataset';

export interface TextLengths {
  /** Behaviours of the user who has most. */
  history: number;
  /** Letters of an item's title and categories, on average, and of the longest. */
  item: number;
  longestItem: number;
  /** Of the longest profile. */
  profile: number;
}

export function textLengths({ items, users }: Pick<Dataset, 'items' | 'users'>): TextLengths {
  const lengths: TextLengths = { history: 0, item: 0, longestItem: 0, profile: 0 };
  for (const { title, categories } of items) {
    const letters = title.length + categories.reduce((sum, { length }) => sum + 1 + length, 0);
    lengths.item += letters / items.length;
    lengths.longestItem = Math.max(lengths.longestItem, letters);
  }
  for (const { history, profile } of users) {
    lengths.history = Math.max(lengths.history, history.length);
    lengths.profile = Math.max(lengths.profile, profile.length);
  }
  return lengths;
}
