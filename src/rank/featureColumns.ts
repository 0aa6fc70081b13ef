/** Which column of a ranker's inputs stands for which category and which word of a profile. */
import type { Dataset } from '../data/dataset';
import { words } from '../data/words';

const MAX_PROFILE_WORDS = 64;

/** Columns of a catalogue's category paths, and of the words of its users' profiles. */
export class FeatureColumns {
  /** [items][3]: columns of an item's paths L1, L1 L2 and L1 L2 L3, below `categoryCount`. */
  readonly paths: readonly (readonly number[])[];
  readonly categoryCount: number;
  readonly profileWidth: number;
  readonly #columnOf: Map<string, number>;

  /** @param dataset whose profiles say which words are common */
  constructor(dataset: Dataset) {
    const ids = new Map<string, number>();
    this.paths = dataset.items.map(({ categories }) =>
      [1, 2, 3].map((level) => {
        const path = `${level} ${categories.slice(0, level).join('\u0000')}`;
        if (!ids.has(path)) ids.set(path, ids.size);
        return ids.get(path)!;
      }),
    );
    this.categoryCount = ids.size;
    this.#columnOf = commonWords(dataset);
    // At least one, so that a data set without profiles has a (zero) bag too.
    this.profileWidth = Math.max(1, this.#columnOf.size);
  }

  /** Columns of a profile's words. */
  profile(text: string): number[] {
    return [...new Set(words(text))].flatMap((word) => this.#columnOf.get(word) ?? []);
  }
}

/** Column of each of the most frequent words of profiles. */
function commonWords({ users }: Dataset): Map<string, number> {
  const frequency = new Map<string, number>();
  for (const { profile } of users) {
    for (const word of new Set(words(profile))) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  }
  const kept = [...frequency]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, MAX_PROFILE_WORDS);
  return new Map(kept.map(([word], column) => [word, column]));
}
