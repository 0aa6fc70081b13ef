/**
 * The contract of a reward: what one completion is paid, in [0, 1]. A reward is one object in a file of its own and one entry in
 * `index.ts`; the config, the form and the charts follow. Rewards are look-ups and arithmetic, so the page may import them.
 */

/** What the rewards need of a parsed completion (text/prompt.ts). */
export interface ParsedAnswer {
  /** The reasoning before the answer; null when there is none. */
  think: string | null;
  /** The answer as text, title and categories; null when there is none. */
  answer: string | null;
  /** Catalogue index, −1 when the answer resolves to no item. */
  item: number;
  valid: boolean;
  /** Whether the categories in the answer are those of `item`. */
  coherent: boolean;
}

/** One completion to be paid. */
export interface Completion {
  parsed: ParsedAnswer;
  /** The row of the reward table that its example has. */
  example: number;
  /** The item that was truly chosen. */
  target: number;
}

/** What a reward is to people. */
export interface RewardWords {
  label: string;
  /** As an index in a formula, such as w_id: lower-case letters. */
  symbol: string;
  /** What it asks of an answer. */
  question: string;
  /** What it is about, in a word. */
  about: string;
  /** One sentence. */
  sentence: string;
  /** What an answer might earn, in [0, 1], to be drawn before anything has run. */
  example: number;
}

/** @typeParam Sources what it looks up, and its parameters */
export interface Reward<Name extends string, Sources> {
  /** The config's and the report's word. */
  readonly name: Name;
  readonly words: RewardWords;
  /**
   * What a valid answer that names an item of the catalogue earns, in [0, 1]; every other has been given 0 before.
   * @throws Error for a completion that its sources know nothing of
   */
  score(completion: Completion, sources: Sources): number;
}
