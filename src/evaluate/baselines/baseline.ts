/**
 * What a recommender without language is: fitted on what training may see, asked with a history, and answering with a score of
 * every item. Where it has a setting, the one that ranks validation behaviours best is taken.
 */
import type { StageHooks } from '../../control/hooks';
import { type Dataset, type Item, targetItem } from '../../data/dataset';
import { visibleToTraining } from '../../data/visibility';
import type { BaselineName } from './names';

/** All that a baseline learns from: nothing that is held out is in it. */
export interface Visible {
  items: readonly Item[];
  /** Item indices of each training user, oldest first; none is empty. */
  histories: readonly Int32Array[];
}

/** [items] How well each item would follow a history, oldest first; the greatest is the answer. */
export type Scorer = (history: Int32Array) => Float64Array;

export interface Baseline {
  name: BaselineName;
  /** One value at least; of several the best on validation is taken. */
  settings: (visible: Visible) => readonly number[];
  fit(visible: Visible, setting: number, hooks: Pick<StageHooks, 'gate'>): Scorer | Promise<Scorer>;
}

/** What training may see of a data set. */
export function visibleOf(dataset: Dataset): Visible {
  const visible = visibleToTraining(dataset);
  return {
    items: dataset.items,
    histories: dataset.users
      .map(({ history }, user) => history.slice(0, visible[user]))
      .filter(({ length }) => length > 0),
  };
}

/**
 * Items that training shows after others, and never asks for: where only purchases are foretold, what a shopper looked at is no
 * answer, however often it follows. None where every behaviour is asked for.
 */
export function neverAsked(dataset: Dataset): number[] {
  const visible = visibleToTraining(dataset);
  const asked = new Set(dataset.splits.train.map((example) => targetItem(dataset, example)));
  const shown = new Set(dataset.users.flatMap(({ history }, user) => [...history.slice(1, visible[user])]));
  return [...shown].filter((item) => !asked.has(item)).sort((a, b) => a - b);
}

/** [items] How often each was chosen. */
export function countsOf({ items, histories }: Visible): Float64Array {
  const counts = new Float64Array(items.length);
  for (const history of histories) for (const item of history) counts[item]++;
  return counts;
}

/** [items] So little that it only parts equals, the more popular first: the start of scores that have many of them. */
export function tieBreak(visible: Visible): Float64Array {
  const counts = countsOf(visible);
  const most = counts.reduce((a, b) => Math.max(a, b), 1);
  return counts.map((count) => (1e-9 * count) / most);
}

/** Each item once, ascending. */
export function distinct(history: Int32Array): Int32Array {
  return Int32Array.from(new Set(history)).sort();
}

/**
 * Whether users choose an item again: where they never do (films that are rated), what was chosen is no candidate any more.
 * One choice in a hundred is taken for chance.
 */
export function choosesAgain({ histories }: Visible): boolean {
  let [again, all] = [0, 0];
  for (const history of histories) {
    again += history.length - new Set(history).size;
    all += history.length - 1;
  }
  return again > 0.01 * all;
}
