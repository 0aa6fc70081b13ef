/** Which column of a ranker's inputs stands for which category and which word of a profile. */
import type { Dataset } from '../data/dataset';
import { needsOf } from '../data/needs';
import { words } from '../data/words';

const MAX_PROFILE_WORDS = 64;
const MAX_TITLE_WORDS = 64;

/** Columns of a catalogue's category paths, and of the words of its users' profiles. */
export class FeatureColumns {
  /** [items][3]: columns of an item's paths L1, L1 L2 and L1 L2 L3, below `categoryCount`. */
  readonly paths: readonly (readonly number[])[];
  readonly categoryCount: number;
  /** [items] Columns, below `wordCount`, of the words of a title that go with items of several needs: brands, mostly. */
  readonly titleWords: readonly (readonly number[])[];
  readonly wordCount: number;
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
    const shared = sharedWords(dataset);
    this.titleWords = dataset.items.map(({ title }) => columnsOf(words(title), shared));
    this.wordCount = shared.size;
    this.#columnOf = commonWords(dataset);
    // At least one, so that a data set without profiles has a (zero) bag too.
    this.profileWidth = Math.max(1, this.#columnOf.size);
  }

  /** Columns of a profile's words. */
  profile(text: string): number[] {
    return columnsOf(words(text), this.#columnOf);
  }
}

function columnsOf(text: readonly string[], columns: ReadonlyMap<string, number>): number[] {
  return [...new Set(text)].flatMap((word) => columns.get(word) ?? []);
}

/** Column of each of the words that stand in titles of at least two needs, the most frequent ones. */
function sharedWords(dataset: Dataset): Map<string, number> {
  const needs = needsOf(dataset);
  const found = new Map<string, { needs: Set<string>; count: number }>();
  dataset.items.forEach(({ title }, item) => {
    for (const word of new Set(words(title))) {
      const entry = found.get(word) ?? { needs: new Set(), count: 0 };
      entry.needs.add(needs[item].key);
      entry.count += 1;
      found.set(word, entry);
    }
  });
  const kept = [...found]
    .filter(([, entry]) => entry.needs.size > 1)
    .sort(([a, { count: first }], [b, { count: second }]) => second - first || (a < b ? -1 : 1))
    .slice(0, MAX_TITLE_WORDS);
  return new Map(kept.map(([word], column) => [word, column]));
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
