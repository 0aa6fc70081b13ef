/**
 * What a data set itself knows of why people buy: the parts of an argument, in its own words. A world may offer it, so that a told
 * teacher can argue in several steps (sft/chains.ts); training reads it through the teacher alone.
 */

export interface Need {
  /** Equal for items that answer to the same need. */
  key: string;
  /** One or two words, written as prompts write them. */
  label: string;
}

/** One step of an argument: a behaviour, and what it calls for. */
export interface Clause {
  /** Catalogue index of the behaviour. */
  item: number;
  /** What stands before that which it says: `saw lark takes`. */
  words: string;
  /** `cobalt` */
  says: string;
}

export interface Lore {
  /** [items] */
  needs: readonly Need[];
  /** Words of arguments beside those of the catalogue and of profiles, for the tokenizer. */
  words: readonly string[];
  /** [places] All that the clause in each place of an argument may say. */
  properties: readonly (readonly string[])[];
  /** What was called for just before `history[position]`, whether or not it was bought; what it says, joined, labels a need. */
  argument(user: number, position: number): Clause[];
  /** First clauses from other behaviours than the argument's, of the last `window` before `position`; may be empty. */
  rivals(user: number, position: number, window: number): Clause[];
  /** What to say of a purchase that nothing called for, before `need …`; null where it was called for. */
  impulse(user: number, position: number): string | null;
}
