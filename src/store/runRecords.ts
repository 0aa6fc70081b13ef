/** All that is kept of a run, wherever it lies. */
import type { Store } from './store';

/** Collections of which each record is of a run and takes room; what a person notes about it lies beside them. */
export const RUN_COLLECTIONS = ['checkpoints', 'runs', 'points', 'transcripts'] as const;

/** The run that a record is of: its key begins with the run's id, in which there is no space. */
export function runOfRecord(key: string): string {
  return key.split(' ')[0];
}

/** @throws {StoreError} where something of it may be left */
export async function deleteRun(store: Store, run: string): Promise<void> {
  for (const collection of [...RUN_COLLECTIONS, 'notes'] as const)
    for (const { id } of await store.list(collection))
      if (runOfRecord(id) === run) await store.delete(collection, id);
}
