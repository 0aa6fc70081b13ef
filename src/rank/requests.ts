/**
 * What a ranker may know of a request: the user's profile and behaviours before it, and what the language model made of
 * them. Everything of request r is read from `history[0 … position)`, from what was said of it, and from other users' past; what the user
 * did next is only in the labels.
 */
import type { Dataset, Example } from '../data/dataset';
import type { FeatureColumns } from './featureColumns';

/** Behaviours that target attention looks at, and those that are averaged. */
export const ATTENDED = 10;
const AVERAGED = 50;
/** Levels of categories. */
export const LEVELS = 3;
/** Added to shares before their ratio is taken, so that what nobody did has a logarithm. */
const SMOOTHING = 0.02;

/** What the language model adds: by request, in the order of `examples`. */
export interface Enhancement {
  /** [requests × M] of the product quantiser, each below `size`. */
  codes: Int32Array;
  subspaces: number;
  size: number;
  /** What people did next of whom the model said much the same. */
  crowd: Leaning;
  /** The item that the model itself names. */
  answer: Leaning;
}

/** How much more than usual a request leans to a category: the log of the ratio of two shares, by the category's column. */
export type Leaning = (request: number, column: number) => number;

/** Of requests that the language model has said nothing of. */
export const PLAIN: Enhancement = {
  codes: new Int32Array(0),
  subspaces: 0,
  size: 0,
  crowd: () => 0,
  answer: () => 0,
};

/** @param share and `usual` are in [0, 1] */
export function leaning(share: number, usual: number): number {
  return Math.log((share + SMOOTHING) / (usual + SMOOTHING));
}

/** What was shown at one request and what came of it. */
export interface Slate {
  items: number[];
  clicks: number[];
  conversions: number[];
}

export class Requests {
  readonly slates: Slate[];
  readonly #profile: number[][];

  constructor(
    readonly dataset: Dataset,
    readonly examples: readonly Pick<Example, 'user' | 'position'>[],
    readonly columns: FeatureColumns,
    readonly enhancement: Enhancement,
  ) {
    this.#profile = dataset.users.map(({ profile }) => columns.profile(profile));
    this.slates = this.#slates();
  }

  get items(): number {
    return this.dataset.items.length;
  }

  /** [rows × profileWidth] */
  profiles(rows: readonly number[]): Float32Array {
    const { profileWidth } = this.columns;
    const bags = new Float32Array(rows.length * profileWidth);
    rows.forEach((row, i) => {
      for (const column of this.#profile[this.examples[row].user]) bags[i * profileWidth + column] = 1;
    });
    return bags;
  }

  /** The last behaviours before each request: [rows × ATTENDED], newest first, −1 for none. */
  latest(rows: readonly number[]): Int32Array {
    return newest(rows.map((row) => this.#before(row)));
  }

  /** [rows × items] each the mean over the last fifty behaviours before the request. */
  averages(rows: readonly number[]): Float32Array {
    return means(
      rows.map((row) => this.#before(row).slice(-AVERAGED)),
      this.items,
    );
  }

  /**
   * How far each request leans to each of its items' categories.
   * @param items [rows × n], −1 for none
   * @returns [rows × n × LEVELS]
   */
  leanings(of: 'crowd' | 'answer', rows: readonly number[], items: ArrayLike<number>): Float32Array {
    const lean = this.enhancement[of];
    const count = items.length / rows.length;
    const all = new Float32Array(items.length * LEVELS);
    for (let at = 0; at < items.length; at++) {
      if (items[at] < 0) continue;
      const row = rows[Math.floor(at / count)];
      this.columns.paths[items[at]].forEach((column, level) => {
        all[at * LEVELS + level] = lean(row, column);
      });
    }
    return all;
  }

  /** [rows × M · size]: a 1 in each part's block. */
  codes(rows: readonly number[]): Float32Array {
    const { codes, subspaces, size } = this.enhancement;
    const width = subspaces * size;
    const bags = new Float32Array(rows.length * width);
    rows.forEach((row, i) => {
      for (let m = 0; m < subspaces; m++) bags[i * width + m * size + codes[row * subspaces + m]] = 1;
    });
    return bags;
  }

  #before(row: number): Int32Array {
    const { user, position } = this.examples[row];
    return this.dataset.users[user].history.subarray(0, position);
  }

  #slates(): Slate[] {
    const { user, item, historyLength, click, conversion } = this.dataset.impressions;
    const slates = this.examples.map(() => ({
      items: [] as number[],
      clicks: [] as number[],
      conversions: [] as number[],
    }));
    const at = new Map(this.examples.map((example, row) => [`${example.user} ${example.position}`, row]));
    for (let i = 0; i < user.length; i++) {
      const row = at.get(`${user[i]} ${historyLength[i]}`);
      if (row === undefined) continue;
      slates[row].items.push(item[i]);
      slates[row].clicks.push(click[i]);
      slates[row].conversions.push(conversion[i]);
    }
    return slates;
  }
}

function newest(histories: readonly Int32Array[]): Int32Array {
  const rows = new Int32Array(histories.length * ATTENDED).fill(-1);
  histories.forEach((history, row) => {
    for (let lag = 1; lag <= ATTENDED && lag <= history.length; lag++) {
      rows[row * ATTENDED + lag - 1] = history[history.length - lag];
    }
  });
  return rows;
}

function means(histories: readonly Int32Array[], items: number): Float32Array {
  const bags = new Float32Array(histories.length * items);
  histories.forEach((history, row) => {
    for (const item of history) bags[row * items + item] += 1 / history.length;
  });
  return bags;
}
