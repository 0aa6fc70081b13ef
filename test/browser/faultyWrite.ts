/** A checkpoint is written, and at one of its operations on IndexedDB something goes wrong. */
import { Checkpoints } from '../../src/store/checkpoints';
import { openStore } from '../../src/store/database';

export type Fault = 'abort' | 'quota' | 'terminated';

export interface FaultyWrite {
  database: string;
  header: string;
  isFinal: boolean;
  /** Which operation, from 1 on; 0 for none. */
  at: number;
  fault: Fault;
}

export const pools = () => ({
  parameters: new Float32Array([1, 2, 3]).buffer,
  moment1: new Float32Array([4]).buffer,
  'state.json': new Uint8Array([123, 125]).buffer,
});

/**
 * Saves with a fault at that operation.
 * @param onTerminate is called there for `terminated`: whoever hears of it ends this thread, which waits meanwhile
 * @returns how many operations there were, and why it failed
 */
export async function faultyWrite(
  { database, header, isFinal, at, fault }: FaultyWrite,
  onTerminate: () => void,
): Promise<{ operations: number; error: string | null }> {
  const { store } = await openStore(database);
  const { put, delete: remove } = IDBObjectStore.prototype;
  let operations = 0;
  const faulty = <Parameters extends unknown[]>(real: (...given: Parameters) => IDBRequest) =>
    function (this: IDBObjectStore, ...given: Parameters): IDBRequest {
      operations++;
      if (operations !== at) return real.apply(this, given);
      if (fault === 'quota') throw new DOMException('full', 'QuotaExceededError');
      const request = real.apply(this, given);
      if (fault === 'abort') this.transaction.abort();
      else {
        onTerminate();
        for (;;);
      }
      return request;
    };
  IDBObjectStore.prototype.put = faulty(put);
  IDBObjectStore.prototype.delete = faulty(remove);
  try {
    await new Checkpoints<string>(store).save({ id: 'run', header, pools: pools() }, isFinal);
    return { operations, error: null };
  } catch (error) {
    return { operations, error: error instanceof Error ? error.name : String(error) };
  } finally {
    Object.assign(IDBObjectStore.prototype, { put, delete: remove });
    store.close();
  }
}
