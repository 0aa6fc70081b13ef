/**
 * Cells of studies: one method at one seed, under a name that its config decides. Beside some of them lies the whole run, as a file, for as
 * long as others are to be made from it.
 */
import type { Store } from './store';

/** Ends the key of a run beside its cell. */
const END = ' (end)';

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

  /** @param bytes a whole buffer */
  saveEnd(id: string, { buffer }: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.store.put('cells', { id: id + END, header: null, parts: { end: buffer } });
  }

  /** The run beside the cell of this id, or null if there is none. */
  async loadEnd(id: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const record = await this.store.get('cells', id + END);
    return record === null ? null : new Uint8Array(record.parts.end as ArrayBuffer);
  }

  dropEnd(id: string): Promise<void> {
    return this.store.delete('cells', id + END);
  }

  /** Deletes every cell, and the runs beside them. */
  async clear(): Promise<void> {
    for (const { id } of await this.store.list('cells')) await this.store.delete('cells', id);
  }
}
