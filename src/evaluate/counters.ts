/**
 * What counting comes to, without a model: recommenders that only add up what training purchases followed what, and the join of the
 * catalogue's facts as the ceiling. Leaves are needs (data/needs.ts); of a leaf the item that is bought most is shown. Smoothing is
 * to the leaf's share of all purchases.
 */
import { type Dataset, type Example, targetItem } from '../data/dataset';
import { needsOf } from '../data/needs';

/** Shows an item for an example. */
export type Recommend = (example: Example) => number;

export interface Counter {
  name: string;
  recommend: Recommend;
}

/** Pseudo-counts that pull a rare condition to the general. */
const PRIOR = 2;

/** Purchases of training by leaf, under conditions that are named by texts. */
class Counts {
  readonly leafOf: Int32Array;
  readonly #prior: Float64Array;
  readonly #under = new Map<string, { total: number; leaves: Map<number, number> }>();
  readonly #best: number[] = [];

  /** @param conditions of an example: each is counted apart */
  constructor(dataset: Dataset, conditions: (example: Example) => Iterable<string>) {
    const ids = new Map<string, number>();
    this.leafOf = Int32Array.from(needsOf(dataset), ({ key }) => {
      if (!ids.has(key)) ids.set(key, ids.size);
      return ids.get(key)!;
    });
    this.#prior = new Float64Array(ids.size).fill(0.5);
    const bought = new Uint32Array(dataset.items.length);
    for (const example of dataset.splits.train) {
      const item = targetItem(dataset, example);
      const leaf = this.leafOf[item];
      bought[item]++;
      this.#prior[leaf]++;
      for (const condition of new Set(conditions(example))) {
        const entry = this.#under.get(condition) ?? { total: 0, leaves: new Map<number, number>() };
        entry.total++;
        entry.leaves.set(leaf, (entry.leaves.get(leaf) ?? 0) + 1);
        this.#under.set(condition, entry);
      }
    }
    const total = this.#prior.reduce((sum, count) => sum + count, 0);
    this.#prior.forEach((count, leaf) => {
      this.#prior[leaf] = count / total;
    });
    this.leafOf.forEach((leaf, item) => {
      if (this.#best[leaf] === undefined || bought[item] > bought[this.#best[leaf]]) this.#best[leaf] = item;
    });
  }

  /** P(leaf), smoothed. */
  prior(leaf: number): number {
    return this.#prior[leaf];
  }

  /** P(leaf | condition), pulled to `general`. */
  given(condition: string, leaf: number, general: number): number {
    const entry = this.#under.get(condition);
    return ((entry?.leaves.get(leaf) ?? 0) + PRIOR * general) / ((entry?.total ?? 0) + PRIOR);
  }

  /** The item shown for the leaf of the highest score; of equals the first. */
  show(score: (leaf: number) => number): number {
    let [best, most] = [0, Number.NEGATIVE_INFINITY];
    for (let leaf = 0; leaf < this.#prior.length; leaf++) {
      const value = score(leaf);
      if (value > most) [best, most] = [leaf, value];
    }
    return this.#best[best];
  }
}

/**
 * The counters that a world is held against.
 * @param window behaviours that they see, as many as the model's prompt shows
 */
export function countersOf(dataset: Dataset, window: number): Counter[] {
  const needs = needsOf(dataset);
  const seen = ({ user, position }: Example) =>
    Array.from(dataset.users[user].history.subarray(Math.max(0, position - window), position)).reverse();
  const newestOfDepartments = (example: Example) => {
    const departments = new Map<string, number>();
    for (const item of seen(example)) {
      const [department] = dataset.items[item].categories;
      if (!departments.has(department)) departments.set(department, item);
    }
    return [...departments.values()];
  };
  const life = ({ user }: Example) => dataset.users[user].profile.split(' ')[0];
  const key = (item: number) => needs[item].key;
  const both = (example: Example, item: number) => `${key(item)}|${life(example)}`;

  const single = (name: string, of: (example: Example) => number[]): Counter => {
    const counts = new Counts(dataset, (example) => of(example).map(key));
    const strongest = (example: Example, leaf: number) =>
      Math.max(0, ...of(example).map((item) => counts.given(key(item), leaf, counts.prior(leaf))));
    return { name, recommend: (example) => counts.show((leaf) => strongest(example, leaf)) };
  };
  const bayes = (name: string, of: (example: Example) => number[]): Counter => {
    const counts = new Counts(dataset, (example) =>
      of(example).flatMap((item) => [key(item), both(example, item)]),
    );
    const score = (example: Example, leaf: number) => {
      const prior = counts.prior(leaf);
      return of(example).reduce((sum, item) => {
        const general = counts.given(key(item), leaf, prior);
        return sum + Math.log(counts.given(both(example, item), leaf, general) / prior);
      }, Math.log(prior));
    };
    return { name, recommend: (example) => counts.show((leaf) => score(example, leaf)) };
  };
  return [
    single('leaf bigram', (example) => seen(example).slice(0, 1)),
    single('best single evidence', seen),
    bayes('naive Bayes, window × life', seen),
    bayes('naive Bayes, newest of each department × life', newestOfDepartments),
    sections(dataset, { newestOfDepartments, life }),
  ];
}

/**
 * What the causes call for counted apart: Category L2 by life and each cause, the leaf by each cause. A sparse pair of two causes is
 * not needed, so this is the strongest that counting without facts can do on pairs that were met.
 */
function sections(
  dataset: Dataset,
  of: { newestOfDepartments: (example: Example) => number[]; life: (example: Example) => string },
): Counter {
  const needs = needsOf(dataset);
  const sectionOf = dataset.items.map(({ categories }) => categories.slice(0, 2).join('\u0000'));
  const leaves = new Counts(dataset, (example) =>
    of.newestOfDepartments(example).map((item) => needs[item].key),
  );
  const leafSection = new Map<number, string>();
  leaves.leafOf.forEach((leaf, item) => {
    leafSection.set(leaf, sectionOf[item]);
  });
  const totals = new Map<string, number>();
  const bump = (name: string) => totals.set(name, (totals.get(name) ?? 0) + 1);
  for (const example of dataset.splits.train) {
    const section = sectionOf[targetItem(dataset, example)];
    bump(section);
    for (const item of of.newestOfDepartments(example)) {
      bump(`${needs[item].key}|${of.life(example)}`);
      bump(`${needs[item].key}|${of.life(example)}|${section}`);
    }
  }
  const all = dataset.splits.train.length;
  const score = (example: Example, leaf: number) => {
    const section = leafSection.get(leaf)!;
    const share = ((totals.get(section) ?? 0) + 0.5) / all;
    const prior = leaves.prior(leaf);
    return of.newestOfDepartments(example).reduce((sum, item) => {
      const condition = `${needs[item].key}|${of.life(example)}`;
      const here =
        ((totals.get(`${condition}|${section}`) ?? 0) + PRIOR * share) /
        ((totals.get(condition) ?? 0) + PRIOR);
      return sum + Math.log(here / share) + Math.log(leaves.given(needs[item].key, leaf, prior) / prior);
    }, Math.log(prior));
  };
  return {
    name: 'category and leaf by each cause',
    recommend: (example) => leaves.show((leaf) => score(example, leaf)),
  };
}

/**
 * The ceiling: it knows every fact and rule of the data set, and shows of what is needed the item that truly sells best.
 * @returns null where the data set does not know why people buy
 */
export function factJoin(dataset: Dataset): Counter | null {
  const { lore, oracle, items } = dataset;
  if (lore === undefined || oracle === undefined) return null;
  return {
    name: 'fact join (the ceiling)',
    recommend({ user, position }) {
      const label = lore
        .argument(user, position)
        .map(({ says }) => says)
        .join(' ');
      const fitting = Array.from(items.keys()).filter((item) => lore.needs[item].label === label);
      return fitting.reduce(
        (best, item) =>
          oracle.ctcvr(user, position, item) > oracle.ctcvr(user, position, best) ? item : best,
        fitting[0] ?? 0,
      );
    },
  };
}
