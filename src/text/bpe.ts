/**
 * Training and applying merges. Training is greedy: each free slot of the vocabulary goes to whatever saves most tokens
 * of the training text, which is either the merge of a pair (as many as it occurs) or a whole word (its count times the
 * pieces it is in, less one). Pair counts are kept up to date per merge, so a step touches only the words that change.
 */

/** Pairs of token ids → rank and product. Ids are below 2^16, so a pair packs into one number. */
export type MergeTable = ReadonlyMap<number, { readonly rank: number; readonly product: number }>;

const pairKey = (left: number, right: number): number => left * 0x10000 + right;

/** @param merges [left, right, product], most important first */
export function mergeTable(merges: readonly (readonly [number, number, number])[]): MergeTable {
  return new Map(merges.map(([left, right, product], rank) => [pairKey(left, right), { rank, product }]));
}

function replacePair(pieces: number[], left: number, right: number, product: number): number[] {
  const result: number[] = [];
  for (let i = 0; i < pieces.length; i++) {
    if (pieces[i] === left && pieces[i + 1] === right) {
      result.push(product);
      i++;
    } else {
      result.push(pieces[i]);
    }
  }
  return result;
}

/** Applies merges to a word's characters, best rank first. One pass per rank: each product has only one merge. */
export function mergeWord(characters: number[], table: MergeTable): number[] {
  let pieces = characters;
  while (pieces.length > 1) {
    let best: { rank: number; product: number; at: number } | null = null;
    for (let at = 0; at + 1 < pieces.length; at++) {
      const merge = table.get(pairKey(pieces[at], pieces[at + 1]));
      if (merge && (best === null || merge.rank < best.rank)) best = { ...merge, at };
    }
    if (best === null) break;
    pieces = replacePair(pieces, pieces[best.at], pieces[best.at + 1], best.product);
  }
  return pieces;
}

/** A binary heap of (value, key): greatest value first, smallest key among equals. */
class Heap {
  readonly #values: number[] = [];
  readonly #keys: number[] = [];

  push(value: number, key: number): void {
    let at = this.#values.length;
    this.#values.push(value);
    this.#keys.push(key);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  peek(): { value: number; key: number } | null {
    return this.#values.length === 0 ? null : { value: this.#values[0], key: this.#keys[0] };
  }

  pop(): void {
    const last = this.#values.length - 1;
    this.#swap(0, last);
    this.#values.pop();
    this.#keys.pop();
    for (let at = 0; ; ) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < last && this.#before(child, first)) first = child;
      }
      if (first === at) return;
      this.#swap(at, first);
      at = first;
    }
  }

  #before(a: number, b: number): boolean {
    if (this.#values[a] !== this.#values[b]) return this.#values[a] > this.#values[b];
    return this.#keys[a] < this.#keys[b];
  }

  #swap(a: number, b: number): void {
    [this.#values[a], this.#values[b]] = [this.#values[b], this.#values[a]];
    [this.#keys[a], this.#keys[b]] = [this.#keys[b], this.#keys[a]];
  }
}

/** Always known, so that a chain of thought written elsewhere reads even where the catalogue lacks a letter. */
const BASE_ALPHABET = "▁abcdefghijklmnopqrstuvwxyz0123456789.,:'-";
/** At most this share of the slots goes to single characters; rarer ones read as unknown (scripts with thousands). */
const ALPHABET_SHARE = 0.75;
/** Stands for a character without a token, while training. Above every id. */
const OUTSIDE = 0xffff;

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function chooseAlphabet(counts: ReadonlyMap<string, number>, slots: number): string[] {
  const seen = new Map<string, number>();
  for (const [word, count] of counts) {
    for (const character of word) {
      if (!/\p{Surrogate}/u.test(character)) seen.set(character, (seen.get(character) ?? 0) + count);
    }
  }
  const base = Array.from(BASE_ALPHABET);
  const others = [...seen.keys()]
    .filter((character) => !BASE_ALPHABET.includes(character))
    .sort((a, b) => seen.get(b)! - seen.get(a)! || byCodeUnit(a, b));
  const room = Math.max(0, Math.floor(slots * ALPHABET_SHARE) - base.length);
  return [...base, ...others.slice(0, room)];
}

/**
 * @param counts how often each word (with its marker) occurs
 * @param slots tokens to choose at most, characters included
 * @returns tokens: characters, then the others as they were chosen; merges in rank order
 */
export function trainVocabulary(
  counts: ReadonlyMap<string, number>,
  slots: number,
): { tokens: string[]; merges: [string, string][] } {
  const tokens = chooseAlphabet(counts, slots);
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: [string, string][] = [];
  /** Products of merges: a second path to one token would make the order of merging matter. */
  const products = new Set<string>();

  const surfaces = [...counts.keys()].sort(byCodeUnit);
  const wordOf = new Map(surfaces.map((surface, word) => [surface, word]));
  const frequency = surfaces.map((surface) => counts.get(surface)!);
  const pieces = surfaces.map((surface) => Array.from(surface, (char) => ids.get(char) ?? OUTSIDE));

  const pairCount = new Map<number, number>();
  const pairWords = new Map<number, Set<number>>();
  const pairHeap = new Heap();
  const wordHeap = new Heap();
  const saving = (word: number) => (pieces[word].length - 1) * frequency[word];

  const countPairs = (word: number, sign: 1 | -1, touched: Set<number>): void => {
    const sequence = pieces[word];
    for (let i = 0; i + 1 < sequence.length; i++) {
      if (sequence[i] === OUTSIDE || sequence[i + 1] === OUTSIDE) continue;
      const key = pairKey(sequence[i], sequence[i + 1]);
      pairCount.set(key, (pairCount.get(key) ?? 0) + sign * frequency[word]);
      touched.add(key);
      if (sign === 1) {
        const holders = pairWords.get(key);
        if (holders) holders.add(word);
        else pairWords.set(key, new Set([word]));
      }
    }
  };
  /** Entries of the heaps go stale when counts fall; a fresh one is pushed and the stale one skipped when met. */
  const pushPairs = (touched: Set<number>): void => {
    for (const key of touched) {
      const count = pairCount.get(key)!;
      if (count > 1) pairHeap.push(count, key);
    }
  };
  const setPieces = (word: number, next: number[], touched: Set<number>): void => {
    countPairs(word, -1, touched);
    pieces[word] = next;
    countPairs(word, 1, touched);
  };
  const addToken = (token: string): number => {
    ids.set(token, tokens.length);
    tokens.push(token);
    return tokens.length - 1;
  };

  const all = new Set<number>();
  surfaces.forEach((_, word) => {
    countPairs(word, 1, all);
    if (frequency[word] > 1 && pieces[word].length > 1) wordHeap.push(saving(word), word);
  });
  pushPairs(all);

  while (tokens.length < slots) {
    for (
      let top = pairHeap.peek();
      top !== null && pairCount.get(top.key) !== top.value;
      top = pairHeap.peek()
    ) {
      pairHeap.pop();
    }
    for (let top = wordHeap.peek(); top !== null && saving(top.key) !== top.value; top = wordHeap.peek()) {
      wordHeap.pop();
      if (saving(top.key) > 0) wordHeap.push(saving(top.key), top.key);
    }
    const pair = pairHeap.peek();
    const word = wordHeap.peek();
    if (pair === null && word === null) break;
    const touched = new Set<number>();

    if (word !== null && word.value >= (pair?.value ?? 0)) {
      wordHeap.pop();
      const surface = surfaces[word.key];
      setPieces(word.key, [ids.get(surface) ?? addToken(surface)], touched);
    } else if (pair !== null) {
      pairHeap.pop();
      const left = Math.floor(pair.key / 0x10000);
      const right = pair.key % 0x10000;
      const product = tokens[left] + tokens[right];
      if (products.has(product)) continue;
      products.add(product);
      merges.push([tokens[left], tokens[right]]);
      const id = ids.get(product) ?? addToken(product);
      for (const holder of [...pairWords.get(pair.key)!]) {
        setPieces(holder, replacePair(pieces[holder], left, right, id), touched);
      }
      const whole = wordOf.get(product);
      if (whole !== undefined) setPieces(whole, [id], touched);
    }
    pushPairs(touched);
  }
  return { tokens, merges };
}
