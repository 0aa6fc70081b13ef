/** Takes a run.zip in among the runs that are kept here. What is kept already is never replaced. */
import { sha256 } from '../numeric/hash';
import { assembleReport } from '../run/assemble';
import { encodeCheckpoint, type RunHeader } from '../run/checkpoint';
import { atEndOfAlignment, type RecordedEnd } from '../run/recordedEnd';
import type { Report } from '../run/report';
import { isAtEnd, unpackRun } from '../run/runFile';
import type { RunState } from '../run/runState';
import type { Checkpoints } from '../store/checkpoints';
import type { RunNote } from '../store/runNotes';
import type { ImportedRun } from './protocol';

/** Bytes: a file is held as a whole while it is read. */
const MOST_BYTES = 2 ** 31;

/** Where it goes. */
interface RunShelf {
  checkpoints: Checkpoints<RunHeader>;
  saveReport(id: string, report: Report): Promise<void>;
  saveNote(id: string, note: RunNote): Promise<void>;
}

/**
 * @param end of a run that stands before its alignment: what that came to, of a recording; null to leave it there
 * @throws an Error with one sentence; nothing is kept then
 */
export async function importRun(
  file: Blob,
  end: RecordedEnd | null,
  { checkpoints, saveReport, saveNote }: RunShelf,
): Promise<ImportedRun> {
  if (file.size > MOST_BYTES)
    throw new Error(`This file has more than ${MOST_BYTES / 2 ** 30} GiB: it is too large for a run.zip.`);
  const { checkpoint: found, about } = await unpackRun(new Uint8Array(await file.arrayBuffer()));
  const checkpoint = end === null ? found : await atEndOfAlignment(found, end);
  const { state } = checkpoint;
  const isWhole = isAtEnd(checkpoint);
  // What the report says is what the checkpoint says, so the two cannot disagree.
  const report =
    isWhole && about.trained !== null
      ? await assembleReport(state, about.trained.device, about.trained.memory)
      : null;
  const finished = report !== null;
  const encoded = encodeCheckpoint(about.id, checkpoint, finished);
  const kept = await checkpoints.digests(about.id);
  for (const digests of kept)
    if (await isSame(digests, encoded.pools, isWhole))
      return { id: about.id, message: `This run, ${place(state, finished)}, is kept here already.` };
  // One of the same name goes on living: the two are listed beside each other.
  const id = kept.length === 0 ? about.id : crypto.randomUUID();
  if (report !== null) await saveReport(id, report);
  await checkpoints.save({ ...encoded, id }, finished);
  if (about.note !== undefined) await saveNote(id, about.note);
  const beside = kept.length === 0 ? '' : ' Another state of this run is kept here too, and was left alone.';
  const todo = finished ? 'open it below' : 'resume it below';
  return {
    id,
    message: `The run of ${state.config.preset}, seed ${state.config.seed}, ${place(state, finished)}, is kept here now: ${todo}.${beside}${finished ? '' : needs(state)}`,
  };
}

/** Digests of a checkpoint that is kept, against what a file holds: of a finished run the file lacks the moments. */
async function isSame(
  digests: Record<string, string>,
  pools: Record<string, ArrayBuffer>,
  isWhole: boolean,
): Promise<boolean> {
  const names = new Set([...Object.keys(digests), ...Object.keys(pools)]);
  for (const name of names) {
    if (isWhole && /^moment/.test(name)) continue;
    if (pools[name] === undefined || (await sha256(new Uint8Array(pools[name]))) !== digests[name])
      return false;
  }
  return true;
}

function place({ stage, step }: RunState, finished: boolean): string {
  return finished ? 'finished' : `at step ${step} of ${stage}`;
}

/** What a run goes on with and no file of it holds. */
function needs({ config: { data, rupr }, made }: RunState): string {
  const wanted: string[] = [];
  if (data.source === 'import') wanted.push(`the data set ${data.sha256.slice(0, 12)}…`);
  if (rupr.cots_sha256 !== '' && made.rupr === undefined)
    wanted.push(`the set of reasoning ${rupr.cots_sha256.slice(0, 12)}…`);
  if (wanted.length === 0) return '';
  return ` Its file does not hold ${wanted.join(' and ')}: add the same files under More, where they are not here yet, before you resume it.`;
}
