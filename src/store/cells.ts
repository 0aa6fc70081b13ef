/** Cells of studies: one method at one seed, under a name that its config decides. */
import type { Store } from './store';

/** The cells of a store. Methods reject with StoreError only. */
export class Cells<Cell> {
  constructor(readonly store: Store) {}

  save(id: string, cell: Cell): Promise<void> {
    return this.store.put('cells', { id, header: null, parts: { cell } });
  }

  /** The cell of this id, or null if there is none. */
  async load(id: string): Promise<Cell | null> {
    const record = await this.store.get('cells', id);
    return record === null ? null : (record.parts.cell as Cell);
  }

  /** Deletes every cell. */
  async clear(): Promise<void> {
    for (const { id } of await this.store.list('cells')) await this.store.delete('cells', id);
  }
}
