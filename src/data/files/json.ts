/** Tables out of JSON: one object a line, or objects in an array. A column is a key; lists stay as their JSON text. */
import { HEAD_ROWS, type OnRow, Reading, type Table } from './reading';
import { ImportError, type Problems, type SourceFile } from './sources';
import { REPLACEMENT, textOf } from './text';

/** A longer object is passed over. Characters. */
const MAX_OBJECT = 4 * 1024 * 1024;
/** Digits from which on a number may lose some when it is read. */
const LONG_NUMBER = /\d{16}/;

type Row = Record<string, unknown>;

/** Whether text may begin a table of JSON. */
export function isJson(text: string): boolean {
  return /^\s*(\[\s*)?\{\s*["'}]/.test(text);
}

/**
 * @param beginning of the file's text
 * @throws ImportError where the first objects are none
 */
export async function openJson(file: SourceFile, beginning: string, problems: Problems): Promise<Table> {
  const reading = new Reading(file.name, problems);
  const isLines = /^\s*\{[^\n]*\}\s*(\n|$)/.test(beginning);
  const keys = new Map<string, number>();
  const inside = new Inside();
  let seen = 0;
  let isAround = false;
  await readObjects(file, isLines, {
    onObject: (object) => {
      inside.see(object);
      isAround = ++seen === 1 && Object.values(object).some((value) => isLong(value));
      return seen < HEAD_ROWS;
    },
    onBad: () => ++seen < HEAD_ROWS,
  });
  if (isAround)
    throw new ImportError(
      `${file.name} is one JSON object around all of its rows: save the rows alone, one object a line.`,
    );
  for (const key of inside.keys()) keys.set(key, keys.size);
  if (keys.size === 0) {
    const isPython = /^\s*\[?\s*\{\s*'/.test(beginning);
    throw new ImportError(
      isPython
        ? `${file.name} holds dictionaries as Python writes them, not JSON: save them as JSON lines.`
        : `${file.name} holds no JSON that can be read: one object a line is expected.`,
    );
  }
  const columns = [...keys.keys()];
  const cells = columns.map(() => '');
  const late = new Set<string>();
  const read = (onRow: OnRow, onProgress?: (fraction: number) => void) =>
    readObjects(
      file,
      isLines,
      {
        onObject: (object, row) => {
          cells.fill('');
          const flat = inside.flat(object);
          for (const key in flat) {
            const column = keys.get(key);
            if (column !== undefined) cells[column] = cellOf(flat[key]);
            else if (!late.has(key)) {
              late.add(key);
              reading.report(row, `the key ${key}, which the first rows lack, is not read`);
            }
          }
          if (cells.every((cell) => cell === '')) {
            reading.drop(row, 'an object with nothing in it that is read');
            return true;
          }
          const bad = cells.find((cell) => cell.includes(REPLACEMENT));
          if (bad !== undefined)
            reading.report(row, `a letter that cannot be read (it becomes ${REPLACEMENT})`, bad);
          return onRow(cells, row) !== false;
        },
        onBad: (row, kind, found) => {
          reading.drop(row, kind, found);
          return true;
        },
      },
      onProgress,
    );
  return reading.table({ file: file.name, columns, types: columns.map(() => null), hasHeader: true, read });
}

/** An object whose keys differ more from row to row than this has no columns of its own. */
const MAX_INSIDE = 12;

/** Objects inside of objects: their keys are columns of their own (`item.title`), where they are few. */
class Inside {
  readonly #keys = new Map<string, Set<string> | null>();

  see(object: Row): void {
    for (const [key, value] of Object.entries(object)) {
      const own = isObject(value) ? Object.keys(value) : null;
      const known = this.#keys.get(key);
      if (known === undefined) this.#keys.set(key, own && new Set(own));
      else if (own === null && value !== null) this.#keys.set(key, null);
      else for (const each of own ?? []) known?.add(each);
    }
  }

  /** Every column, in the order in which they were met. */
  keys(): string[] {
    return [...this.#keys].flatMap(([key, own]) =>
      this.#isFlat(own) ? [...own].map((each) => `${key}.${each}`) : [key],
    );
  }

  flat(object: Row): Row {
    const flat: Row = {};
    for (const key in object) {
      const value = object[key];
      if (isObject(value) && this.#isFlat(this.#keys.get(key)))
        for (const own in value) flat[`${key}.${own}`] = value[own];
      else if (value !== null || !this.#isFlat(this.#keys.get(key))) flat[key] = value;
    }
    return flat;
  }

  #isFlat(own: Set<string> | null | undefined): own is Set<string> {
    return own !== null && own !== undefined && own.size > 0 && own.size <= MAX_INSIDE;
  }
}

/** What MongoDB wraps is a value. */
function isObject(value: unknown): value is Row {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !Object.keys(value).some((key) => key.startsWith('$'))
  );
}

function isLong(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 3;
}

interface ObjectEvents {
  /** @returns whether more is wanted */
  onObject(object: Row, row: number): boolean;
  onBad(row: number, kind: string, found: string): boolean;
}

async function readObjects(
  file: SourceFile,
  isLines: boolean,
  events: ObjectEvents,
  onProgress?: (fraction: number) => void,
): Promise<void> {
  let row = 0;
  const take = (text: string): boolean => {
    row++;
    if (text.trim() === '') return true;
    const object = parse(text);
    return object
      ? events.onObject(object, row)
      : events.onBad(row, 'no JSON object that can be read', text.slice(0, 100));
  };
  const tooLong = (text: string): boolean =>
    events.onBad(
      ++row,
      `a JSON object longer than ${MAX_OBJECT} characters; it is not read`,
      text.slice(0, 100),
    );
  const splitter = isLines ? new LineCutter(take, tooLong) : new ObjectCutter(take, tooLong);
  for await (const piece of textOf(file, () => undefined, onProgress)) if (!splitter.push(piece)) return;
  splitter.end();
}

function parse(text: string): Row | null {
  try {
    // Identifiers of twenty digits would lose the last ones as numbers.
    const exact = LONG_NUMBER.test(text)
      ? text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
          token[0] === '"' ? token : `"${token}"`,
        )
      : text;
    const value: unknown = JSON.parse(exact);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Row) : null;
  } catch {
    return null;
  }
}

/** A value as a cell; what MongoDB wraps (`{"$oid": "…"}`) is taken out. */
function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value.trim();
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0][0].startsWith('$')) return cellOf(entries[0][1]);
  return JSON.stringify(value);
}

type Take = (text: string) => boolean;

/** Cuts text into lines. */
class LineCutter {
  #rest = '';
  #isSkipping = false;
  readonly #take: Take;
  readonly #tooLong: Take;

  constructor(take: Take, tooLong: Take) {
    this.#take = take;
    this.#tooLong = tooLong;
  }

  push(piece: string): boolean {
    const text = this.#rest + piece;
    let at = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      const line = text.slice(at, end);
      at = end + 1;
      if (this.#isSkipping) this.#isSkipping = false;
      else if (!this.#take(line)) return false;
    }
    this.#rest = this.#isSkipping ? '' : text.slice(at);
    if (this.#rest.length <= MAX_OBJECT) return true;
    const isGoingOn = this.#tooLong(this.#rest);
    this.#isSkipping = true;
    this.#rest = '';
    return isGoingOn;
  }

  end(): void {
    if (this.#rest.trim() !== '') this.#take(this.#rest);
  }
}

/** Cuts text into objects by their braces, wherever lines end; what stands between them is passed over. */
class ObjectCutter {
  #rest = '';
  #at = 0;
  #depth = 0;
  #isInString = false;
  #isSkipping = false;
  readonly #take: Take;
  readonly #tooLong: Take;

  constructor(take: Take, tooLong: Take) {
    this.#take = take;
    this.#tooLong = tooLong;
  }

  push(piece: string): boolean {
    const text = this.#rest + piece;
    const token = /["{}\\]/g;
    let start = 0;
    token.lastIndex = this.#at;
    let next = this.#at;
    for (let match = token.exec(text); match; match = token.exec(text)) {
      const at = match.index;
      const letter = match[0];
      next = at + 1;
      if (letter === '\\') {
        // What a backslash stands before is no token; it may be in the next piece.
        if (this.#isInString) token.lastIndex = next = at + 2;
      } else if (letter === '"') this.#isInString = this.#depth > 0 && !this.#isInString;
      else if (!this.#isInString && letter === '{') {
        if (this.#depth++ === 0) start = at;
      } else if (!this.#isInString && this.#depth > 0 && --this.#depth === 0) {
        if (this.#isSkipping) this.#isSkipping = false;
        else if (!this.#take(text.slice(start, at + 1))) return false;
        start = at + 1;
      }
    }
    next = Math.max(next, text.length);
    const from = this.#depth > 0 ? start : text.length;
    this.#rest = this.#isSkipping ? '' : text.slice(from);
    this.#at = next - (text.length - this.#rest.length);
    if (this.#rest.length <= MAX_OBJECT) return true;
    const isGoingOn = this.#tooLong(this.#rest);
    this.#isSkipping = true;
    this.#at -= this.#rest.length;
    this.#rest = '';
    return isGoingOn;
  }

  end(): void {
    if (this.#rest.trim() !== '') this.#take(this.#rest);
  }
}
