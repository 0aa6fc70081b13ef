/**
 * The one shape every data set takes, generated or imported. Items and users are referred to by index; an example is
 * "predict `users[user].history[position]` from what came before", and its `sampleId` is what results are joined by.
 */

import type { Lore } from './lore';

/** A catalogue item. `categories` are Category L1, L2, L3, from the widest to the narrowest. */
export interface Item {
  id: string;
  title: string;
  categories: readonly [string, string, string];
}

export interface User {
  id: string;
  /** What is known of the user apart from behaviour, in words; may be empty. */
  profile: string;
  /** Item indices, oldest first. */
  history: Int32Array;
}

/** Column store of impressions: user `user[i]`, having seen `historyLength[i]` behaviours, was shown `item[i]`. */
export interface Impressions {
  user: Int32Array;
  item: Int32Array;
  historyLength: Int32Array;
  /** 0 or 1 */
  click: Uint8Array;
  /** 0 or 1; a conversion implies a click */
  conversion: Uint8Array;
}

/** Predict `users[user].history[position]` from `history[0 .. position)`. */
export interface Example {
  /** Stable across sessions: data set hash, user, position. Nothing is ever joined by prompt text. */
  sampleId: string;
  user: number;
  position: number;
}

/** The generating model of an embedded world. Evaluation may look; training must not. */
export interface Oracle {
  /** True P(click ∧ conversion) of showing `item` to `user` after `historyLength` behaviours, in [0, 1]. */
  ctcvr(user: number, historyLength: number, item: number): number;
  /** Item indices that were the true evidence for `history[position]`, for teachers' ground truth; may be empty. */
  evidence(user: number, position: number): number[];
}

/** A partition of held-out examples that results are told by. */
export interface Slices {
  names: readonly string[];
  /** Index of an example's slice; −1 for training examples. */
  of(example: Pick<Example, 'user' | 'position'>): number;
}

export interface Dataset {
  /** Short name, such as `world` or `completejourney`. */
  id: string;
  /** Of everything below that is data. Hex. */
  sha256: string;
  items: Item[];
  users: User[];
  impressions: Impressions;
  /** Disjoint; no user of `train` is in `test` for a world, and time-ordered leave-one-out for imported data. */
  splits: { train: Example[]; validation: Example[]; test: Example[] };
  /** Sentences that tie a need to items or to each other, if the data set knows any ("need stroller : …"). */
  facts: string[];
  /** What a reader must know: which label is a proxy for what, what was dropped. Shown on the page and in the report. */
  notes: string[];
  oracle?: Oracle;
  /** How the validation and test examples differ in kind, where the data set knows. */
  slices?: Slices;
  /** Why purchases were made, where the data set knows; only a teacher reads it, and what labels needs. */
  lore?: Lore;
  /**
   * Of imported data: what was shown at the held-out positions, as `impressions` are at training positions. No stage but
   * ranking reads it.
   */
  heldOutImpressions?: Impressions;
  /** Of a world: `users` new people who come once the model is in use, see `deployment.ts`. */
  newcomers?(users: number): Promise<Dataset>;
}

/** Sum over users of history lengths: the number of interactions. */
export function interactionCount(dataset: Dataset): number {
  return dataset.users.reduce((total, user) => total + user.history.length, 0);
}

/** The index of the item an example asks for. */
export function targetItem(dataset: Dataset, example: Example): number {
  return dataset.users[example.user].history[example.position];
}
