/** Text as lines: a log that only grows, kept in the pieces it was written in, and whole files by their SHA-256. */
import type { Store } from './store';

/** Logs of a store by name. Methods reject with StoreError only. */
export class LineLogs {
  constructor(readonly store: Store) {}

  /** Adds lines to a log; those before are not touched. */
  append(name: string, lines: string[]): Promise<void> {
    // Ids never meet, also when two tabs write to one log.
    const id = `${name}/${crypto.randomUUID()}`;
    return this.store.put('answers', { id, header: null, parts: { lines } });
  }

  /** All lines of a log, in the order of each piece but the pieces in any order. */
  async read(name: string): Promise<string[]> {
    const all: string[] = [];
    for (const { id } of await this.store.list('answers')) {
      if (!id.startsWith(`${name}/`)) continue;
      const record = await this.store.get('answers', id);
      if (record) all.push(...(record.parts.lines as string[]));
    }
    return all;
  }

  /** Lines of all logs together. */
  async count(): Promise<number> {
    let lines = 0;
    for (const { id } of await this.store.list('answers')) {
      lines += ((await this.store.get('answers', id))?.parts.lines as string[] | undefined)?.length ?? 0;
    }
    return lines;
  }

  /** Deletes every log. */
  async clear(): Promise<void> {
    for (const { id } of await this.store.list('answers')) await this.store.delete('answers', id);
  }
}

/** Files of lines by SHA-256; `Header` is what a list shows of one. Methods reject with StoreError only. */
export class LineFiles<Header> {
  constructor(readonly store: Store) {}

  /** Writes or replaces the file. */
  save(sha256: string, header: Header, text: string): Promise<void> {
    return this.store.put('cots', { id: sha256, header, parts: { text } });
  }

  /** Headers in the order of hashes, without reading any text. */
  async list(): Promise<Header[]> {
    return (await this.store.list('cots')).map(({ header }) => header as Header);
  }

  /** The text of this hash, or null if there is none. */
  async load(sha256: string): Promise<string | null> {
    const record = await this.store.get('cots', sha256);
    return record ? (record.parts.text as string) : null;
  }

  delete(sha256: string): Promise<void> {
    return this.store.delete('cots', sha256);
  }
}
