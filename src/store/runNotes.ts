/** What a person calls a run and notes about it: a record of its own, so that nothing of a checkpoint depends on it. */
import type { Store } from './store';

export interface RunNote {
  /** '' where the person gave none. */
  name: string;
  text: string;
  /** It stays beside whatever is on show, after a reload too. */
  pinned?: boolean;
}

/** Most letters of each. */
export const MOST_NAME = 120;
export const MOST_NOTE = 4000;

/** The notes of a store, by run id. Methods reject with StoreError only. */
export class RunNotes {
  constructor(readonly store: Store) {}

  /** An empty note is none. */
  async save(id: string, { name, text, pinned = false }: RunNote): Promise<void> {
    const header: RunNote = {
      name: name.trim().slice(0, MOST_NAME),
      text: text.trim().slice(0, MOST_NOTE),
      ...(pinned && { pinned }),
    };
    if (header.name === '' && header.text === '' && !pinned) await this.store.delete('notes', id);
    else await this.store.put('notes', { id, header, parts: {} });
  }

  async list(): Promise<Map<string, RunNote>> {
    return new Map((await this.store.list('notes')).map(({ id, header }) => [id, header as RunNote]));
  }
}

/** Whether plain data from a file is one. */
export function isRunNote(value: unknown): value is RunNote {
  const { name, text } = (value ?? {}) as Partial<RunNote>;
  return (
    typeof name === 'string' &&
    typeof text === 'string' &&
    name.length <= MOST_NAME &&
    text.length <= MOST_NOTE
  );
}
