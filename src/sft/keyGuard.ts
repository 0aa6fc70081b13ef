/**
 * Finds a key in what a server says, whole or in pieces: over lines, between tags, in the strings of a JSON document, or over
 * several answers. Letters and digits are what counts, so a key is found however it is broken up.
 *
 * A server that disguises it (another alphabet, one letter among many words) is not caught: it has the key anyway. What is
 * caught is a key that would end up in storage, in a file of reasoning or on the screen.
 */

/** Local servers take any word for a key; one as short as this is no secret, and may be a word of an answer. */
const SHORTEST_SECRET = 12;
/** Letters and digits of a piece that tells, where it has more than one kind of character; plain words may be as long. */
const TELLING = 6;
/** Of a piece that tells in any case. */
const LONG = 12;

export class KeyGuard {
  readonly #key: string | null;
  readonly #windows: readonly ReadonlySet<string>[];
  /** How the text taken last ended. */
  #tail = '';

  constructor(key: string | null) {
    this.#key = key !== null && key.length >= SHORTEST_SECRET ? key : null;
    this.#windows = this.#key === null ? [] : windowsOf(this.#key);
  }

  /** Whether a text holds the key or a telling part of it. */
  finds(text: string): boolean {
    if (this.#key === null) return false;
    const plain = unescaped(text);
    return [plain, withoutTags(plain), stringsOf(plain)].some((reading) => this.#holds(squeezed(reading)));
  }

  /** The same of an answer that follows others, and so may go on where the last one broke off. */
  findsNext(text: string): boolean {
    if (this.#key === null) return false;
    const joined = this.#tail + squeezed(withoutTags(unescaped(text)));
    this.#tail = joined.slice(-LONG);
    return this.finds(text) || this.#holds(joined);
  }

  /** A server's own words without the key, in case it repeats it; nothing of them where it does so in pieces. */
  clean(text: string): string {
    if (this.#key === null) return text;
    const cleaned = text.replaceAll(this.#key, '[key]');
    return this.finds(cleaned) ? 'words with parts of your key' : cleaned;
  }

  #holds(text: string): boolean {
    for (const windows of this.#windows) {
      const [first] = windows;
      if (first === undefined) continue;
      for (let at = 0; at + first.length <= text.length; at++)
        if (windows.has(text.slice(at, at + first.length))) return true;
    }
    return false;
  }
}

/** Pieces that give a key away, those of one length together. */
function windowsOf(key: string): ReadonlySet<string>[] {
  /** Where the letters and digits stand in the key. */
  const places = Array.from(key.matchAll(/[a-z0-9]/gi), ({ index }) => index);
  const cut = (length: number, isTelling: (raw: string) => boolean) =>
    new Set(
      places.slice(0, Math.max(0, places.length - length + 1)).flatMap((start, at) => {
        const raw = key.slice(start, places[at + length - 1] + 1);
        return isTelling(raw) ? [squeezed(raw)] : [];
      }),
    );
  const isMixed = (raw: string) =>
    [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-z0-9]/i].filter((kind) => kind.test(raw)).length > 1;
  return [cut(TELLING, isMixed), cut(Math.max(1, Math.min(LONG, places.length)), () => true)];
}

function squeezed(text: string): string {
  return text.replace(/[^a-z0-9]/gi, '');
}

/** Letters that a string of JSON writes by their number. */
function unescaped(text: string): string {
  return text
    .replace(/\\u([0-9a-f]{4})/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/\\[bfnrt]/g, ' ');
}

function withoutTags(text: string): string {
  return text.replace(/<[^<>]*>/g, ' ');
}

/** The strings of what looks like JSON, without the names of its fields. */
function stringsOf(text: string): string {
  return Array.from(text.matchAll(/"([^"]*)"(\s*:)?/g), ([, value, isName]) => (isName ? '' : value)).join(
    ' ',
  );
}
