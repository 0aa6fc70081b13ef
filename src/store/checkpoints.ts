/** Checkpoints: a header that says where a run stands, and pools of weights and moments, byte for byte. */
import type { Store } from './store';

export interface Checkpoint<Header> {
  id: string;
  /** Plain data (structured clone); listed without reading the pools. */
  header: Header;
  /** Named pools, e.g. `parameters`, `moment1`, `moment2`. */
  pools: Record<string, ArrayBuffer>;
}

/** The checkpoints of a store. Methods reject with StoreError only; a failed `save` leaves the old checkpoint. */
export class Checkpoints<Header> {
  constructor(readonly store: Store) {}

  /** Writes or replaces the checkpoint of this id, all of it or nothing. */
  save({ id, header, pools }: Checkpoint<Header>): Promise<void> {
    return this.store.put('checkpoints', { id, header, parts: pools });
  }

  /** Ids and headers in the order of ids, without reading any pool. */
  async list(): Promise<{ id: string; header: Header }[]> {
    return (await this.store.list('checkpoints')) as { id: string; header: Header }[];
  }

  /** The checkpoint of this id, or null if there is none. */
  async load(id: string): Promise<Checkpoint<Header> | null> {
    const record = await this.store.get('checkpoints', id);
    if (!record) return null;
    return { id, header: record.header as Header, pools: record.parts as Record<string, ArrayBuffer> };
  }

  delete(id: string): Promise<void> {
    return this.store.delete('checkpoints', id);
  }
}
