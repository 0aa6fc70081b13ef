/** Files of a run as one ZIP: a folder to go on with elsewhere, and the run itself, which `npm run export` reads. */
import { strFromU8, strToU8, unzipSync, type Zippable, zipSync } from 'fflate';
import { sha256 } from '../numeric/hash';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint';
import { CheckpointError } from './checkpointError';
import type { RunFile } from './files';
import type { RunCheckpoint } from './runState';
import { APP_VERSION } from './version';

/** Moments are of use only to a training that goes on here, and would make the file three times as large. */
const MOMENTS = ['moment1', 'moment2'];
const SUMS = 'sha256.json';
/** ZIP cannot name an earlier date; the same files give the same bytes whenever they are packed. */
const EPOCH = new Date(1980, 0, 1);

export function zipFiles(name: string, files: readonly RunFile[]): RunFile {
  const entries: Zippable = {};
  for (const file of files) entries[file.name] = file.bytes;
  return { name, bytes: zipSync(entries, { level: 6, mtime: EPOCH }) as RunFile['bytes'] };
}

/** run.zip: all of a run that can be looked at and exported, without its optimiser's moments. */
export async function packRun(checkpoint: RunCheckpoint): Promise<RunFile> {
  const { pools } = encodeCheckpoint('', checkpoint, true);
  const files = Object.entries(pools)
    .filter(([name]) => !MOMENTS.includes(name))
    .map(([name, pool]) => ({ name, bytes: new Uint8Array(pool) }));
  const sums: Record<string, string> = {};
  for (const { name, bytes } of files) sums[name] = await sha256(bytes);
  return zipFiles('run.zip', [
    ...files,
    { name: SUMS, bytes: strToU8(JSON.stringify(sums)) as RunFile['bytes'] },
  ]);
}

/**
 * The inverse of `packRun`, with moments of 0.
 * @throws CheckpointError when it is no run, is damaged, or is of another version of the app
 */
export async function unpackRun(bytes: Uint8Array): Promise<RunCheckpoint> {
  let entries: Record<string, Uint8Array>;
  let sums: Record<string, string>;
  try {
    entries = unzipSync(bytes);
    sums = JSON.parse(strFromU8(entries[SUMS])) as Record<string, string>;
  } catch {
    throw new CheckpointError('This is no run.zip, or it is damaged: its parts cannot be read.');
  }
  const pools: Record<string, ArrayBuffer> = {};
  for (const [name, sum] of Object.entries(sums)) {
    // A copy, since an entry may lie anywhere within a larger buffer.
    const part = entries[name]?.slice();
    if (part === undefined || (await sha256(part)) !== sum)
      throw new CheckpointError(`This run.zip is damaged: its part “${name}” is not what was written.`);
    pools[name] = part.buffer;
  }
  if (pools.parameters !== undefined)
    for (const name of MOMENTS) pools[name] = new ArrayBuffer(pools.parameters.byteLength);
  return decodeCheckpoint({ pools }, APP_VERSION);
}
