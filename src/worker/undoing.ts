/** Where kept runs stood just before they were changed, and which of that a change is undone from. */
import { decodeCheckpoint, encodeCheckpoint, type RunHeader } from '../run/checkpoint';
import type { ChangePlace } from '../run/forkPoints';
import type { RunCheckpoint } from '../run/runState';
import { leadsTo, undone } from '../run/undo';
import { APP_VERSION } from '../run/version';
import type { UndoPoints } from '../store/undoPoints';

/** Keeps a point of a run. One that cannot be kept is done without. */
export async function keepPoint(
  points: UndoPoints<RunHeader>,
  id: string,
  checkpoint: RunCheckpoint,
): Promise<void> {
  await points.save(encodeCheckpoint(id, checkpoint, false)).catch(() => undefined);
}

/**
 * The checkpoint that goes on without a change, from the nearest state before it: where the run itself stands, or a point of any run that
 * had the same bits up to there.
 * @throws {CheckpointError} as `undone` does
 */
export async function undoneFrom(
  points: UndoPoints<RunHeader>,
  id: string,
  run: RunCheckpoint,
  change: ChangePlace,
): Promise<RunCheckpoint> {
  const kept = (await points.list().catch(() => [])).map(
    ({ key, header: { config, changes, stage, step } }) => ({
      standing: { config, changes, stage, step },
      read: () => readPoint(points, key),
    }),
  );
  const all = [{ standing: run.state, read: async () => run }, ...kept]
    .filter(({ standing }) => leadsTo(standing, run.state, change))
    .sort((a, b) => b.standing.step - a.standing.step);
  for (const { read } of all) {
    const from = await read();
    if (from !== null) return undone(run, id, change, from);
  }
  return undone(run, id, change, null);
}

/** Null for one that is gone, damaged, or of another version of the app. */
async function readPoint(points: UndoPoints<RunHeader>, key: string): Promise<RunCheckpoint | null> {
  try {
    const found = await points.load(key);
    return found && decodeCheckpoint(found, APP_VERSION);
  } catch {
    return null;
  }
}
