/**
 * Where runs stood just before they were changed, so that a second line can go on from there. They are no more than a shorter way: whatever
 * is gone can be trained again. So each run has few, and they go before anything else does.
 */
import { type Checkpoint, Checkpoints } from './checkpoints';
import { runOfRecord } from './runRecords';
import type { Store } from './store';

/** Of one run. */
const MOST = 8;
/** Of one run's, together; the newest is kept however large it is. */
const MOST_BYTES = 96 * 1024 * 1024;

/** A point as it is listed. */
interface ListedPoint<Header> {
  key: string;
  header: Header;
}

/** The points of a store. Methods reject with StoreError only. */
export class UndoPoints<Header extends { stage: string; step: number }> {
  readonly #points: Checkpoints<Header>;

  constructor(readonly store: Store) {
    this.#points = new Checkpoints(store, 'points');
  }

  /** Writes a point of a run, and lets go of its oldest where there are too many; the one at the same step is replaced. */
  async save({ id: run, header, pools }: Checkpoint<Header>): Promise<void> {
    const key = `${run} ${header.stage} ${header.step}`;
    await this.#points.save({ id: key, header, pools }, false, true);
    const others = (await this.#recordsOf(run)).filter(({ id }) => id !== key);
    const bytes = others.map((record) => record.bytes ?? 0);
    let left = Object.values(pools).reduce((sum, pool) => sum + pool.byteLength, 0);
    for (const [at, { id }] of others.entries()) {
      left += bytes[at];
      if (at >= MOST - 1 || left > MOST_BYTES) await this.#points.delete(id);
    }
  }

  /** Those of all runs, without reading any pool. */
  async list(): Promise<ListedPoint<Header>[]> {
    return (await this.#points.list()).map(({ id, header }) => ({ key: id, header }));
  }

  /**
   * A point, or null if it is gone.
   * @throws {StoreError} `damaged` when it is not what was written
   */
  load(key: string): Promise<Checkpoint<Header> | null> {
    return this.#points.load(key);
  }

  /** The newest first. */
  async #recordsOf(run: string) {
    const own = (await this.store.list('points')).filter(({ id }) => runOfRecord(id) === run);
    return own.sort((a, b) => (b.writtenAt ?? 0) - (a.writtenAt ?? 0));
  }
}
