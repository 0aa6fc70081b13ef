/** Lists as Python, JSON, NumPy and Postgres write them into a cell. */

export type ListValue = string | null | ListValue[];

const DEEPEST = 8;
const CLOSING: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}' };
const NOTHING = new Set(['none', 'null', 'nan', 'undefined', '']);

/**
 * The values of a list, nested ones as lists. Of a dict with a name, as TMDB has it, the name; strings without a comma
 * between them (NumPy) are two. null where the text is no list.
 */
export function parseList(text: string): ListValue[] | null {
  const start = text.startsWith('array([') ? 6 : 0;
  if (!(text[start] in CLOSING) || !(start > 0 || text.endsWith(CLOSING[text[start]]))) return null;
  if (text[start] === '(' && !/^\(\s*['"[(]/.test(text)) return null;
  const parser = new ListParser(text.slice(start, start + 10_000));
  const value = parser.value(0);
  return Array.isArray(value) ? value : value === null ? null : [value];
}

class ListParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): ListValue {
    this.#space();
    const mark = this.#text[this.#at];
    if (mark === '"' || mark === "'") return this.#string(mark);
    if (depth < DEEPEST && mark in CLOSING) return this.#list(CLOSING[mark], depth);
    return this.#bare();
  }

  #list(end: string, depth: number): ListValue {
    this.#at++;
    const values: ListValue[] = [];
    const named = new Map<string, ListValue>();
    let key: string | null = null;
    while (this.#at < this.#text.length) {
      this.#space();
      const mark = this.#text[this.#at];
      if (mark === end || mark === undefined) break;
      if (mark === ',') {
        this.#at++;
        continue;
      }
      if (mark === ':' && end === '}') {
        this.#at++;
        const last = values.pop();
        key = typeof last === 'string' ? last : null;
        continue;
      }
      const before = this.#at;
      const value = this.value(depth + 1);
      if (key === null) values.push(value);
      else named.set(key.toLowerCase(), value);
      key = null;
      if (this.#at === before) this.#at++;
    }
    this.#at++;
    if (named.size === 0) return values;
    return (
      named.get('name') ?? named.get('title') ?? [...named.values()].find((value) => value !== null) ?? null
    );
  }

  /** An apostrophe inside a word, as in 'Women's', does not end it: only one before a comma, a colon or an end does. */
  #string(quote: string): string {
    let found = '';
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const mark = this.#text[this.#at];
      if (mark === '\\' && this.#at + 1 < this.#text.length) {
        found += this.#escaped();
      } else if (mark === quote && this.#ends()) {
        this.#at++;
        return found;
      } else if (mark === quote && this.#text[this.#at + 1] === quote && quote === '"') {
        found += quote;
        this.#at++;
      } else {
        found += mark;
      }
    }
    return found;
  }

  #ends(): boolean {
    return /^\s*(?:[\])}:,]|$|['"])/.test(this.#text.slice(this.#at + 1, this.#at + 8)) && !this.#isDoubled();
  }

  /** CSV writers that double quotes in a cell that was not quoted. */
  #isDoubled(): boolean {
    return this.#text[this.#at] === '"' && /^""\w/.test(this.#text.slice(this.#at, this.#at + 3));
  }

  #escaped(): string {
    this.#at++;
    const mark = this.#text[this.#at];
    if (mark === 'u' || mark === 'x') {
      const length = mark === 'u' ? 4 : 2;
      const hex = this.#text.slice(this.#at + 1, this.#at + 1 + length);
      if (/^[\da-f]+$/i.test(hex) && hex.length === length) {
        this.#at += length;
        return String.fromCharCode(Number.parseInt(hex, 16));
      }
    }
    return mark === 'n' || mark === 't' || mark === 'r' ? ' ' : mark;
  }

  #bare(): string | null {
    const rest = this.#text.slice(this.#at);
    const found = /^[^,\][{}()"':]*/.exec(rest)![0];
    this.#at += found.length;
    const word = found.trim();
    return NOTHING.has(word.toLowerCase()) ? null : word;
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }
}

/** The strings of a list, or of its first list where it holds lists: the first of several paths. */
export function firstPath(list: readonly ListValue[]): string[] {
  const nested = list.find(
    (value): value is ListValue[] => Array.isArray(value) && firstPath(value).length > 0,
  );
  const strings = list.filter((value) => typeof value === 'string');
  return strings.length > 0 || !nested ? strings : firstPath(nested);
}
