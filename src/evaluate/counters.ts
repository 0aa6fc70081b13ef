/**
 * What counting comes to, without a model: recommenders that only add up what training purchases followed what, and the join of the
 * catalogue's facts as the ceiling. Leaves are needs (data/needs.ts); of a leaf the item that is bought most is shown. Smoothing is
 * to the leaf's share of all purchases. They were made for the causes of the world `compatibility` (a stage of life, by which a profile
 * begins, a device and an occasion of departments of their own), and count the same things of any data.
 */
import { type Dataset, type Example, targetItem } from '../data/dataset';
import { needsOf } from '../data/needs';
import type { CounterName } from './baselines/names';

/** Shows an item for an example. */
export type Recommend = (example: Example) => number;

export interface Counter {
  name: string;
  recommend: Recommend;
}

/** One that counts training purchases, so that it can rank whatever the catalogue has. */
export interface LeafCounter extends Counter {
  /** What a report and a study call it. */
  baseline: CounterName;
  /**
   * [items] Of distinct numbers the greater is the better: leaf after leaf, the best first, and of each the item that is bought more often;
   * the first is the one that `recommend` shows.
   */
  score(example: Example): Float64Array;
}

/** Pseudo-counts that pull a rare condition to the general. */
const PRIOR = 2;

interface Condition {
  total: number;
  leaves: Map<number, number>;
}

/** Purchases of training by leaf, under conditions that are named by texts. */
class Counts {
  readonly leafOf: Int32Array;
  readonly #prior: Float64Array;
  readonly #under = new Map<string, Condition>();
  /** [leaves] Items of each, what is bought most first; of equals, the first of the catalogue. */
  readonly #items: number[][];

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
    this.#items = Array.from(this.#prior, () => []);
    this.leafOf.forEach((leaf, item) => {
      this.#items[leaf].push(item);
    });
    for (const items of this.#items) items.sort((a, b) => bought[b] - bought[a] || a - b);
  }

  get leaves(): number {
    return this.#prior.length;
  }

  /** P(leaf), smoothed. */
  prior(leaf: number): number {
    return this.#prior[leaf];
  }

  /** P(leaf | condition), pulled to `general`, of every leaf that is asked for. */
  given(condition: string): (leaf: number, general: number) => number {
    const { total, leaves } = this.#under.get(condition) ?? { total: 0, leaves: new Map<number, number>() };
    return (leaf, general) => ((leaves.get(leaf) ?? 0) + PRIOR * general) / (total + PRIOR);
  }

  /** The item shown for the leaf of the highest score; of equals the first. */
  show(scores: Float64Array): number {
    return this.#items[scores.reduce((best, score, leaf) => (score > scores[best] ? leaf : best), 0)][0];
  }

  /** [items] see `LeafCounter.score` */
  rank(scores: Float64Array): Float64Array {
    const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
    const ranked = new Float64Array(this.leafOf.length);
    order
      .flatMap((leaf) => this.#items[leaf])
      .forEach((item, rank) => {
        ranked[item] = -rank;
      });
    return ranked;
  }
}

/**
 * The counters that a world is held against.
 * @param window behaviours that they see, as many as the model's prompt shows
 */
export function countersOf(dataset: Dataset, window: number): LeafCounter[] {
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

  const single = (of: (example: Example) => number[]): Made => {
    const counts = new Counts(dataset, (example) => of(example).map(key));
    const under = (example: Example) => {
      const each = of(example).map((item) => counts.given(key(item)));
      return (leaf: number) => Math.max(0, ...each.map((given) => given(leaf, counts.prior(leaf))));
    };
    return { counts, under };
  };
  const bayes = (of: (example: Example) => number[]): Made => {
    const counts = new Counts(dataset, (example) =>
      of(example).flatMap((item) => [key(item), both(example, item)]),
    );
    const under = (example: Example) => {
      const each = of(example).map((item) => ({
        alone: counts.given(key(item)),
        withLife: counts.given(both(example, item)),
      }));
      return (leaf: number) => {
        const prior = counts.prior(leaf);
        return each.reduce(
          (sum, { alone, withLife }) => sum + Math.log(withLife(leaf, alone(leaf, prior)) / prior),
          Math.log(prior),
        );
      };
    };
    return { counts, under };
  };
  return [
    counter(
      'leaf-bigram',
      'leaf bigram',
      single((example) => seen(example).slice(0, 1)),
    ),
    counter('single-evidence', 'best single evidence', single(seen)),
    counter('bayes-window', 'naive Bayes, window × life', bayes(seen)),
    counter('bayes-departments', 'naive Bayes, newest of each department × life', bayes(newestOfDepartments)),
    counter(
      'cause-by-cause',
      'category and leaf by each cause',
      causeByCause(dataset, { newestOfDepartments, life }),
    ),
  ];
}

/** Counts, and what they say of each leaf for an example. */
interface Made {
  counts: Counts;
  under(example: Example): (leaf: number) => number;
}

function counter(baseline: CounterName, name: string, { counts, under }: Made): LeafCounter {
  const scores = (example: Example) => {
    const of = under(example);
    return Float64Array.from({ length: counts.leaves }, (_, leaf) => of(leaf));
  };
  return {
    baseline,
    name,
    recommend: (example) => counts.show(scores(example)),
    score: (example) => counts.rank(scores(example)),
  };
}

/**
 * What the causes call for counted apart: Category L2 by life and each cause, the leaf by each cause. A sparse pair of two causes is
 * not needed, so this is the strongest that counting without facts can do on pairs that were met.
 */
function causeByCause(
  dataset: Dataset,
  of: { newestOfDepartments: (example: Example) => number[]; life: (example: Example) => string },
): Made {
  const needs = needsOf(dataset);
  const sectionOf = dataset.items.map(({ categories }) => categories.slice(0, 2).join('\u0000'));
  const counts = new Counts(dataset, (example) =>
    of.newestOfDepartments(example).map((item) => needs[item].key),
  );
  const leafSection = new Map<number, string>();
  counts.leafOf.forEach((leaf, item) => {
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
  const under = (example: Example) => {
    const each = of.newestOfDepartments(example).map((item) => {
      const condition = `${needs[item].key}|${of.life(example)}`;
      return { condition, total: totals.get(condition) ?? 0, leaf: counts.given(needs[item].key) };
    });
    return (leaf: number) => {
      const section = leafSection.get(leaf)!;
      const share = ((totals.get(section) ?? 0) + 0.5) / all;
      const prior = counts.prior(leaf);
      return each.reduce((sum, { condition, total, leaf: given }) => {
        const here = ((totals.get(`${condition}|${section}`) ?? 0) + PRIOR * share) / (total + PRIOR);
        return sum + Math.log(here / share) + Math.log(given(leaf, prior) / prior);
      }, Math.log(prior));
    };
  };
  return { counts, under };
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
