/** What importers read from, and how they say what is wrong with it. */

import { counted } from '../words';

/** A file of the visitor's: from a file picker, a dropped folder, an archive or a disk. */
export interface SourceFile {
  name: string;
  /** With folders, where it came from one. */
  path?: string;
  /** Bytes; of an archive's entry what the archive claims. */
  size: number;
  /** The bytes from the beginning, in pieces; may be asked for more than once. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Whether it is unpacked while it is read, so that its end costs as much as all of it. */
  isPacked?: boolean;
  /** Bytes [start, end), fewer where the file ends. Of a packed file it unpacks as much as it must. */
  slice(start: number, end: number): Promise<Uint8Array>;
}

/**
 * A file's bytes in one piece, for small files.
 * @throws ImportError when there are more than `limit` of them
 */
export async function wholeBytes(file: SourceFile, limit: number): Promise<Uint8Array> {
  const bytes = await file.slice(0, limit + 1);
  if (bytes.length > limit) {
    throw new ImportError(`${file.name} is larger than the ${limit} bytes that are read of such a file.`);
  }
  return bytes;
}

/** Files that cannot become a data set; the message is one sentence that says which file, what, and what to do. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
}

/** The last part of a file's path, in lower case: what formats are recognised by. */
export function baseName(file: SourceFile): string {
  return (file.path ?? file.name).split(/[/\\]/).at(-1)!.toLowerCase();
}

/** Rows named for each kind of problem of a file; the others are counted. */
const NAMED = 5;

/** Rows that were dropped or mended, by file and kind. Row 1 is a file's first record, usually the header. */
export class Problems {
  readonly #kinds = new Map<string, { file: string; kind: string; named: string[]; count: number }>();

  /**
   * @param kind what is wrong, in words that are the same for every such row ("no time that can be read")
   * @param found what stands there instead, if that helps
   */
  add(file: string, row: number, kind: string, found?: string): void {
    const key = `${file}\n${kind}`;
    let entry = this.#kinds.get(key);
    if (!entry) {
      entry = { file, kind, named: [], count: 0 };
      this.#kinds.set(key, entry);
    }
    entry.count++;
    if (entry.named.length >= NAMED) return;
    entry.named.push(`${file} row ${row}: ${kind}${found === undefined ? '' : ` (${quote(found)})`}`);
  }

  /** So many more rows of a kind, which are counted and not named. */
  more(file: string, kind: string, count: number): void {
    const entry = this.#kinds.get(`${file}\n${kind}`);
    if (entry !== undefined) entry.count += count;
  }

  /** A remark about a whole file. */
  remark(file: string, text: string): void {
    this.#kinds.set(`${file}\n${text}`, { file, kind: text, named: [`${file}: ${text}`], count: 0 });
  }

  /** By kind: how many rows, 0 for a remark about the file, and the first of them in words. */
  kinds(): { file: string; kind: string; rows: number; examples: string[] }[] {
    return [...this.#kinds.values()].map(({ file, kind, named, count }) => ({
      file,
      kind,
      rows: count,
      examples: count === 0 ? [] : [...named],
    }));
  }

  /** One line per named row, and one per kind for the rest of them. */
  list(): string[] {
    return [...this.#kinds.values()].flatMap(({ file, kind, named, count }) => {
      const rest = count - named.length;
      return rest > 0 ? [...named, `${file}: ${counted(rest, 'more row')}: ${kind}`] : named;
    });
  }
}

/** Text of a file as it may stand in a message: short, on one line. */
export function quote(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return `“${line.length > 40 ? `${line.slice(0, 40)}…` : line}”`;
}
