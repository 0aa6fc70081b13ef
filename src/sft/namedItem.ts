/**
 * Which item of the catalogue a teacher's answer names. The model's own answers are read by their tokens (text/prompt.ts);
 * a teacher writes freely: other case and punctuation, a shortened title, the categories behind it, words around it.
 */
import type { Item } from '../data/dataset';
import { normalize } from '../text/tokenizer';

/** An answer of more words names nothing. */
const MAX_WORDS = 64;
/** Words that titles are cited with or without. */
const ARTICLES = new Set(['a', 'an', 'the']);
/** A part, a size, a year. Roman ones of a single letter are more often words. */
const NUMBER = /\p{N}|^(?=..)x{0,3}(?:ix|iv|v?i{0,3})$/u;
/** As films are cited. */
const YEAR_IN_BRACKETS = /\((?:1[89]|20)\d\d\)/g;

export class NamedItems {
  readonly #items: readonly Item[];
  readonly #titles: ReadonlySet<string>[];
  readonly #byTitle = new Map<string, number[]>();
  /** word → the items whose titles have it. */
  readonly #byWord = new Map<string, number[]>();
  readonly #categoryNames = new Set<string>();
  #longestName = 0;

  constructor(items: readonly Item[]) {
    this.#items = items;
    this.#titles = items.map(({ title }, item) => {
      const words = spoken(title);
      append(this.#byTitle, words.join(' '), item);
      const different = new Set(words);
      for (const word of different) append(this.#byWord, word, item);
      return different;
    });
    for (const { categories } of items) {
      for (const category of categories) {
        const name = spoken(category);
        this.#categoryNames.add(name.join(' '));
        this.#longestName = Math.max(this.#longestName, name.length);
      }
    }
  }

  /**
   * Whether the text names `item` and no other: it is the title, alone or before the item's categories; or it is close to the
   * title and closer than to any other item's, and neither a number nor a category in it is another's.
   */
  names(text: string, item: number): boolean {
    const whole = spoken(text);
    if (whole.length === 0 || whole.length > MAX_WORDS) return false;
    const key = whole.join(' ');
    const exact = this.#byTitle.get(key);
    if (exact) return exact.includes(item);
    const { title, categories } = this.#items[item];
    const known = spoken(title).join(' ');
    const path = categories.map((category) => spoken(category).join(' '));
    if (key === `${known} ${path.join(' ')}` || key === `${known} ${path[2]}`) return true;
    // A year tells items apart only where the title has one.
    const said = /\d{4}/.test(title) ? whole : spoken(text.replace(YEAR_IN_BRACKETS, ' '));
    return this.#isClose(said, item) && !this.#contradicts(said, item) && this.#isClosest(said, item);
  }

  /** A shortened title, or the whole one with few words around it. */
  #isClose(said: readonly string[], item: number): boolean {
    const { matched, rest } = this.#overlap(said, item);
    return matched > rest / 2 && (matched === rest || matched === this.#titles[item].size);
  }

  #contradicts(said: readonly string[], item: number): boolean {
    const own = new Set([...this.#titles[item], ...this.#categoryWords(item)]);
    if (said.some((word) => NUMBER.test(word) && !own.has(word))) return true;
    for (let from = 0; from < said.length; from++) {
      for (let to = from + 1; to <= Math.min(said.length, from + this.#longestName); to++) {
        const phrase = said.slice(from, to);
        if (this.#categoryNames.has(phrase.join(' ')) && !phrase.every((word) => own.has(word))) return true;
      }
    }
    return false;
  }

  #isClosest(said: readonly string[], item: number): boolean {
    const dice = (matched: number, rest: number, other: number) =>
      (2 * matched) / (rest + this.#titles[other].size);
    const similarity = (other: number) => {
      const { matched, rest } = this.#overlap(said, other);
      return dice(matched, rest, other);
    };
    const own = similarity(item);
    const shared = new Map<number, number>();
    for (const word of new Set(said)) {
      for (const other of this.#byWord.get(word) ?? []) shared.set(other, (shared.get(other) ?? 0) + 1);
    }
    // No item can be closer than if nothing were said but what its title has.
    return ![...shared].some(
      ([other, matched]) =>
        other !== item && dice(matched, matched, other) >= own && similarity(other) >= own,
    );
  }

  /** Numbers of different words: said beyond the item's categories, and of these in its title. */
  #overlap(said: readonly string[], item: number): { rest: number; matched: number } {
    const title = this.#titles[item];
    const categories = new Set(this.#categoryWords(item));
    const rest = [...new Set(said)].filter((word) => title.has(word) || !categories.has(word));
    return { rest: rest.length, matched: rest.filter((word) => title.has(word)).length };
  }

  #categoryWords(item: number): string[] {
    return this.#items[item].categories.flatMap(spoken);
  }
}

/** The words that count, in order. */
function spoken(text: string): string[] {
  const words = normalize(text).match(/[\p{L}\p{N}]+/gu) ?? [];
  const telling = words.filter((word) => !ARTICLES.has(word));
  return telling.length > 0 ? telling : words;
}

function append(index: Map<string, number[]>, key: string, item: number): void {
  const known = index.get(key);
  if (known) known.push(item);
  else index.set(key, [item]);
}
