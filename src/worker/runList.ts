/** The runs that are kept, with what a person and their reports say of them. Loaded when a list is asked for. */
import type { RunHeader } from '../run/checkpoint';
import type { Report } from '../run/report';
import { Checkpoints } from '../store/checkpoints';
import { RunNotes } from '../store/runNotes';
import { RUN_COLLECTIONS, runOfRecord } from '../store/runRecords';
import { Runs } from '../store/runs';
import type { Store } from '../store/store';
import type { FinishedRun, SavedRun } from './protocol';

/** Newest first. @param held ids of runs that other tabs train */
export async function listRuns(store: Store, held: ReadonlySet<string>): Promise<SavedRun[]> {
  const [runs, notes, finished] = await Promise.all([
    new Checkpoints<RunHeader>(store).list(),
    new RunNotes(store).list(),
    new Runs<FinishedRun, Report>(store).list(),
  ]);
  const headers = new Map(finished.map(({ id, header }) => [id, header]));
  const sizes = await bytesOf(store);
  return runs
    .map(
      ({ id, header, earlier }): SavedRun => ({
        id,
        ...header,
        earlier,
        isElsewhere: held.has(id),
        note: notes.get(id),
        result: header.finished ? headers.get(id)?.result : undefined,
        took: header.finished ? headers.get(id)?.took : undefined,
        bytes: sizes.get(id),
      }),
    )
    .sort((a, b) => b.savedAt - a.savedAt || (a.id < b.id ? -1 : 1));
}

/** Of all that is kept of each; lacks runs of which an older version of the app noted no size. */
async function bytesOf(store: Store): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const collection of RUN_COLLECTIONS)
    for (const { id, bytes } of await store.list(collection)) {
      const run = runOfRecord(id);
      if (bytes !== undefined) sizes.set(run, (sizes.get(run) ?? 0) + bytes);
    }
  return sizes;
}
