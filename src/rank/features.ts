/**
 * What the ranker sees, as bags: rows of a dense [rows × features] matrix that multiplies an embedding table. An item's
 * bag marks its id and its three categories; a history's bag is a weighted sum of item bags. One-hot matmuls instead of
 * gathers, because the gradient of a gather adds with float atomics on WebGPU and would not repeat to the bit.
 */
import type { Dataset } from '../data/dataset';
import { TransitionStatistics } from '../data/transitions';
import { FeatureColumns } from './featureColumns';

/** Behaviours that call for a next one: cross features take the best of the last two and of the last four. */
const RECENT = 4;
const NEWEST = 2;
/** Behaviours that tell taste, all alike. */
const LONG = 50;
/** What a ranker sees: `strongest`, or `joined`, which adds what tells a brand and what several behaviours call for together. */
export type Sight = 'strongest' | 'joined';

/** Cross features of a context and an item. */
const CROSS = { strongest: 3, joined: 5 };
/** Log lifts, and sums of four, are brought near 1. */
const LIFT_SCALE = 1;
const SUM_SCALE = 1;

/** A user at a moment: `history[0 .. historyLength)` has happened. */
export interface Context {
  user: number;
  historyLength: number;
}

export class Features {
  /** Width of an item bag: ids, then L1, L2 and L3 categories, then words of titles for the sight `joined`. */
  readonly width: number;
  /** Cross features of a context and an item. */
  readonly crosses: number;
  readonly #sight: Sight;
  /** Width of a profile bag. */
  readonly profileWidth: number;
  /** [items][4] columns that are 1. */
  readonly #columns: number[][];
  readonly #profile: number[][];
  readonly #transitions: TransitionStatistics;
  /** [leaves] the L2 that each leaf lies in, as a column. */
  readonly #section: number[];

  constructor(
    readonly dataset: Dataset,
    sight: Sight = 'strongest',
  ) {
    const columns = new FeatureColumns(dataset);
    const count = dataset.items.length;
    const known = count + columns.categoryCount;
    this.#sight = sight;
    this.crosses = CROSS[sight];
    this.#columns = columns.paths.map((paths, item) => [
      item,
      ...paths.map((path) => count + path),
      ...(sight === 'joined' ? columns.titleWords[item].map((word) => known + word) : []),
    ]);
    this.width = known + (sight === 'joined' ? columns.wordCount : 0);
    this.#transitions = new TransitionStatistics(dataset);
    this.#section = this.#transitions.example.map((item) => this.#columns[item][2]);
    this.#profile = dataset.users.map(({ profile }) => columns.profile(profile));
    this.profileWidth = columns.profileWidth;
  }

  /** [items.length × width] */
  itemBags(items: ArrayLike<number>): Float32Array {
    const bags = new Float32Array(items.length * this.width);
    for (let row = 0; row < items.length; row++) {
      for (const column of this.#columns[items[row]]) bags[row * this.width + column] = 1;
    }
    return bags;
  }

  /** [contexts × width]: the mean bag of the last fifty behaviours; a zero row where there is no history. */
  historyBags(contexts: readonly Context[]): Float32Array {
    const bags = new Float32Array(contexts.length * this.width);
    contexts.forEach(({ user, historyLength }, row) => {
      const { history } = this.dataset.users[user];
      const count = Math.min(LONG, historyLength);
      for (let lag = 1; lag <= count; lag++) {
        for (const column of this.#columns[history[historyLength - lag]]) {
          bags[row * this.width + column] += 1 / count;
        }
      }
    });
    return bags;
  }

  /** [contexts · behaviours × width]: item bags of the last behaviours, the newest first; zero rows where there are fewer. */
  latestBags(contexts: readonly Context[], behaviours: number): Float32Array {
    const bags = new Float32Array(contexts.length * behaviours * this.width);
    contexts.forEach(({ user, historyLength }, row) => {
      const { history } = this.dataset.users[user];
      for (let lag = 1; lag <= behaviours && lag <= historyLength; lag++) {
        const at = (row * behaviours + lag - 1) * this.width;
        for (const column of this.#columns[history[historyLength - lag]]) bags[at + column] = 1;
      }
    });
    return bags;
  }

  /** [contexts × profileWidth], 1 for each word of the user's profile. */
  profileBags(contexts: readonly Context[]): Float32Array {
    const bags = new Float32Array(contexts.length * this.profileWidth);
    contexts.forEach(({ user }, row) => {
      for (const column of this.#profile[user]) bags[row * this.profileWidth + column] = 1;
    });
    return bags;
  }

  /** [contexts × crosses] of each context with `items[row]`. */
  crossPairs(contexts: readonly Context[], items: ArrayLike<number>): Float32Array {
    const cross = new Float32Array(contexts.length * this.crosses);
    contexts.forEach((context, row) => {
      cross.set(this.#cross(context, this.#transitions.leafOf[items[row]]), row * this.crosses);
    });
    return cross;
  }

  /** [contexts × items × crosses] of each context with every item. */
  crossTable(contexts: readonly Context[]): Float32Array {
    const { leafOf, leaves } = this.#transitions;
    const cross = new Float32Array(contexts.length * leafOf.length * this.crosses);
    contexts.forEach((context, row) => {
      const byLeaf = Array.from({ length: leaves }, (_, leaf) => this.#cross(context, leaf));
      leafOf.forEach((leaf, item) => {
        cross.set(byLeaf[leaf], (row * leafOf.length + item) * this.crosses);
      });
    });
    return cross;
  }

  /**
   * How strongly the last two, and the last four, behaviours call for a leaf (what usually follows them for such a
   * profile, squashed to [0, 1]); and whether one of the four lies in the leaf's L2. `joined` adds the log lifts' sum, as naive Bayes
   * has it, and the second largest: where a need has two causes, one of them alone says little.
   */
  #cross({ user, historyLength }: Context, leaf: number): number[] {
    const { leafOf } = this.#transitions;
    const { history } = this.dataset.users[user];
    const profile = this.#transitions.profileWords(user);
    let [newest, recent, near] = [0, 0, 0];
    const lifts: number[] = [];
    for (let lag = 1; lag <= RECENT && lag <= historyLength; lag++) {
      const seen = leafOf[history[historyLength - lag]];
      const lift = this.#transitions.logLift(seen, leaf, profile);
      const call = 1 / (1 + Math.exp(2 - 2 * lift));
      if (lag <= NEWEST) newest = Math.max(newest, call);
      recent = Math.max(recent, call);
      if (this.#section[seen] === this.#section[leaf]) near = 1;
      lifts.push(lift);
    }
    if (this.#sight === 'strongest') return [newest, recent, near];
    const sum = lifts.reduce((total, lift) => total + lift, 0);
    const second = lifts.sort((a, b) => b - a)[1] ?? 0;
    return [newest, recent, near, sum / SUM_SCALE, second / LIFT_SCALE];
  }
}
