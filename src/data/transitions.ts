/**
 * What usually follows what: transition counts between needs (needs.ts), in general and per profile word, over the
 * behaviours that training may see. The teacher argues from these, and they are the ranker's cross features.
 */
import type { Dataset } from './dataset';
import { needsOf } from './needs';
import { visibleToTraining } from './visibility';

/** Weight of a pair of behaviours 1, 2, 3 or 4 steps apart: near pairs are more often cause and effect. */
const LAG_WEIGHTS = [1, 0.7, 0.5, 0.35];
/** Pseudo-counts that pull P(to | from) to P(to), and P(to | from, word) to P(to | from). */
const PRIOR = 2;
const WORD_PRIOR = 3;
const MAX_WORDS = 64;

/** As prompts write them, so that a CoT can repeat one: split at spaces only, in lower case. */
function profileWordsOf(profile: string): string[] {
  return profile
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
}

export class TransitionStatistics {
  /** Number of distinct needs: of Categories L3, mostly. */
  readonly leaves: number;
  /** [items] leaf of each item: which need it answers to. */
  readonly leafOf: Int32Array;
  /** An item of each leaf, to read its names from. */
  readonly example: number[] = [];
  readonly #words = new Map<string, number>();
  readonly #userWords: number[][];
  readonly #count: Float64Array;
  #total = 0;
  readonly #from: Float64Array;
  readonly #pairs = new Map<number, number>();
  readonly #wordFrom = new Map<number, number>();
  readonly #wordPairs = new Map<number, number>();
  readonly #successors: number[][];
  /** [words] nats per transition. */
  readonly #gain: Float64Array;
  readonly #names: string[] = [];

  constructor(readonly dataset: Dataset) {
    const ids = new Map<string, number>();
    this.leafOf = Int32Array.from(needsOf(dataset), ({ key }, index) => {
      let leaf = ids.get(key);
      if (leaf === undefined) {
        leaf = ids.size;
        ids.set(key, leaf);
        this.example.push(index);
      }
      return leaf;
    });
    this.leaves = ids.size;
    this.#count = new Float64Array(this.leaves);
    this.#from = new Float64Array(this.leaves);
    this.#userWords = this.#chooseWords();
    this.#successors = Array.from({ length: this.leaves }, () => []);
    const visible = visibleToTraining(dataset);
    dataset.users.forEach((user, index) => {
      const end = visible[index];
      for (let to = 0; to < end; to++) {
        this.#count[this.leafOf[user.history[to]]] += 1;
        this.#total += 1;
        for (let lag = 1; lag <= LAG_WEIGHTS.length && lag <= to; lag++) {
          const pair = [this.leafOf[user.history[to - lag]], this.leafOf[user.history[to]]] as const;
          this.#add(...pair, this.#userWords[index], LAG_WEIGHTS[lag - 1]);
        }
      }
    });
    for (const successors of this.#successors) successors.sort((a, b) => a - b);
    this.#gain = this.#wordGains();
  }

  /**
   * The word of the user's profile that says most about what follows what: by how much, per transition, it raises the
   * log-likelihood of what training users with that word did. Null without a profile.
   */
  tellingWord(user: number): string | null {
    let best: number | null = null;
    for (const word of this.#userWords[user]) {
      if (best === null || this.#gain[word] > this.#gain[best]) best = word;
    }
    return best === null ? null : this.#names[best];
  }

  /** The words of the profile that the statistics tell users apart by. */
  profileWords(user: number): readonly number[] {
    return this.#userWords[user];
  }

  /** Leaves seen to follow `from`, ascending; empty when it was never followed. */
  successors(from: number): readonly number[] {
    return this.#successors[from];
  }

  /** log P(leaf), smoothed. */
  logPrior(leaf: number): number {
    return Math.log((this.#count[leaf] + 0.5) / (this.#total + 0.5 * this.leaves));
  }

  /**
   * log P(to | from, profile words) up to a constant: the general transition, times what each profile word makes of
   * it (naive Bayes over the words, smoothed to the general transition).
   */
  logTransition(from: number, to: number, profile: readonly number[]): number {
    const pair = from * this.leaves + to;
    const general =
      ((this.#pairs.get(pair) ?? 0) + PRIOR * Math.exp(this.logPrior(to))) / (this.#from[from] + PRIOR);
    let log = Math.log(general);
    for (const word of profile) {
      const joint = this.#wordPairs.get(word * this.leaves * this.leaves + pair) ?? 0;
      const context = this.#wordFrom.get(word * this.leaves + from) ?? 0;
      log += Math.log((joint + WORD_PRIOR * general) / (context + WORD_PRIOR) / general);
    }
    return log;
  }

  /** How much more often `to` follows `from`, for this profile, than it comes at all: log of the ratio. */
  logLift(from: number, to: number, profile: readonly number[]): number {
    return this.logTransition(from, to, profile) - this.logPrior(to);
  }

  /** Word ids per user: the profile words that at least two users and not all of them have, the most frequent first. */
  #chooseWords(): number[][] {
    const sets = this.dataset.users.map((user) => [...new Set(profileWordsOf(user.profile))]);
    const frequency = new Map<string, number>();
    for (const set of sets) for (const word of set) frequency.set(word, (frequency.get(word) ?? 0) + 1);
    [...frequency]
      .filter(([, count]) => count >= 2 && count < sets.length)
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .slice(0, MAX_WORDS)
      .forEach(([word], index) => {
        this.#words.set(word, index);
        this.#names.push(word);
      });
    return sets.map((set) =>
      set.flatMap((word) => {
        const id = this.#words.get(word);
        return id === undefined ? [] : [id];
      }),
    );
  }

  #wordGains(): Float64Array {
    const size = this.leaves * this.leaves;
    const gain = new Float64Array(this.#names.length);
    const count = new Float64Array(this.#names.length);
    for (const [joint, weight] of this.#wordPairs) {
      const word = Math.floor(joint / size);
      const from = Math.floor((joint % size) / this.leaves);
      const to = joint % this.leaves;
      gain[word] += weight * (this.logTransition(from, to, [word]) - this.logTransition(from, to, []));
      count[word] += weight;
    }
    return gain.map((sum, word) => sum / Math.max(1, count[word]));
  }

  #add(from: number, to: number, profile: readonly number[], weight: number): void {
    const pair = from * this.leaves + to;
    if (!this.#pairs.has(pair)) this.#successors[from].push(to);
    this.#pairs.set(pair, (this.#pairs.get(pair) ?? 0) + weight);
    this.#from[from] += weight;
    for (const word of profile) {
      const context = word * this.leaves + from;
      this.#wordFrom.set(context, (this.#wordFrom.get(context) ?? 0) + weight);
      const joint = word * this.leaves * this.leaves + pair;
      this.#wordPairs.set(joint, (this.#wordPairs.get(joint) ?? 0) + weight);
    }
  }
}
