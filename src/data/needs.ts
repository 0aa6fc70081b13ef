/**
 * What each item answers to, in the catalogue's own words: its narrowest category or, where the categories tell too little apart, the
 * word of its title that does. The teacher argues in these words, warm-up ties them to items, and transitions are counted between them.
 */

import { words } from './columns/titles';
import type { Dataset } from './dataset';
import type { Need } from './lore';
import { type Histories, visibleToTraining } from './visibility';

export type { Need };

type Source = Pick<Dataset, 'items' | 'lore'> & Histories;

/** Categories of which one holds more of the items than this say nothing of most purchases. */
const LARGEST_LEAF = 0.5;
/** A word stands for a need only if this share of the titles has it (and two of them do), and not more than half. */
const RAREST_WORD = 0.005;
const COMMONEST_WORD = 0.5;
/** So many needs at most: the statistics of pairs grow with their square. */
const MAX_WORDS = 256;
/** Behaviours so near to each other count as one occasion. */
const NEAR = 4;
/** Pseudo-counts that pull the company of a rare word to everybody's. */
const PRIOR = 32;

const known = new WeakMap<Dataset, readonly Need[]>();

/** [items] the need of each; reckoned once for a data set. */
export function needsOf(dataset: Dataset): readonly Need[] {
  let needs = known.get(dataset);
  if (needs === undefined) {
    needs = reckonNeeds(dataset);
    known.set(dataset, needs);
  }
  return needs;
}

/** [items] as {@link needsOf}, of a data set in the making. */
export function reckonNeeds(source: Source): readonly Need[] {
  const { items, lore } = source;
  if (lore !== undefined) return lore.needs;
  const byCategory = items.map(
    ({ categories }): Need => ({ key: categories.join('\u0000'), label: firstWords(categories[2], 2) }),
  );
  if (categoriesTell(items)) return byCategory;
  const told = tellingWords(source);
  return items.map((_, item) => {
    const word = told[item];
    return word === null ? byCategory[item] : { key: `\u0000${word}`, label: word };
  });
}

/** Whether the Category L3 of an item says what it answers to. */
export function categoriesTell(items: Dataset['items']): boolean {
  const counts = new Map<string, number>();
  for (const { categories } of items) {
    const path = categories.join('\u0000');
    counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return counts.size > 1 && Math.max(...counts.values()) <= LARGEST_LEAF * items.length;
}

/**
 * [items] The word of each title that tells most of what else is bought around the time: the one with the greatest divergence
 * Σ_v p(v | w) log(p(v | w) / p(v)) of the words v of purchases near one with w from words in general. A kind of thing has company
 * of its own; a colour, a maker or `the` has everybody's. Null where a title has no word that others share.
 */
function tellingWords(source: Source): (string | null)[] {
  const { items, users } = source;
  const inTitle = items.map(({ title }) => [...new Set(words(title).filter((word) => /\p{L}/u.test(word)))]);
  const titles = new Map<string, number>();
  for (const list of inTitle) for (const word of list) titles.set(word, (titles.get(word) ?? 0) + 1);
  const least = Math.max(2, RAREST_WORD * items.length);
  const shared = [...titles]
    .filter(([, count]) => count >= least && count <= COMMONEST_WORD * items.length)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, MAX_WORDS)
    .map(([word]) => word);
  const idOf = new Map(shared.map((word, id) => [word, id]));
  const wordsOf = inTitle.map((list) => list.flatMap((word) => idOf.get(word) ?? []));

  const size = shared.length;
  const near = new Float64Array(size * size);
  const visible = visibleToTraining(source);
  users.forEach(({ history }, user) => {
    for (let to = 0; to < visible[user]; to++) {
      for (let lag = 1; lag <= NEAR && lag <= to; lag++) {
        const before = history[to - lag];
        if (before === history[to]) continue;
        for (const word of wordsOf[before]) {
          for (const other of wordsOf[history[to]]) {
            near[word * size + other]++;
            near[other * size + word]++;
          }
        }
      }
    }
  });
  const telling = divergences(near, size);
  // `shared` is sorted, so that of equals the commonest word wins, and then the first by spelling.
  return wordsOf.map((list) => {
    const best = [...list].sort((a, b) => telling[b] - telling[a] || a - b)[0];
    return best === undefined ? null : shared[best];
  });
}

/** [size] of each row of a [size × size] table of counts, smoothed, from the sum of the rows; nats. */
function divergences(counts: Float64Array, size: number): Float64Array {
  const sums = new Float64Array(size);
  counts.forEach((count, at) => {
    sums[at % size] += count;
  });
  const total = sums.reduce((sum, count) => sum + count, 0);
  return sums.map((all, row) => {
    let divergence = 0;
    for (let column = 0; column < size; column++) {
      const usual = sums[column] / total;
      if (usual === 0) continue;
      const here = (counts[row * size + column] + PRIOR * usual) / (all + PRIOR);
      divergence += here * Math.log(here / usual);
    }
    return divergence;
  });
}

/** As the catalogue writes them, so that they are the same tokens as in prompts. */
function firstWords(name: string, limit: number): string {
  return name.trim().split(/\s+/).slice(0, limit).join(' ');
}
