/**
 * A run as one file, run.zip: its checkpoint, part by part, under SHA-256. `npm run export` reads it, and another browser takes it
 * in among the runs that it keeps. The data that it was trained on does not travel with it. And files of any kind as one ZIP.
 */
import { strFromU8, strToU8, unzipSync, type Zippable, zipSync } from 'fflate';
import { sha256 } from '../numeric/hash';
import { isRunNote, type RunNote } from '../store/runNotes';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint';
import { CheckpointError } from './checkpointError';
import type { RunFile } from './files';
import { type DeviceInfo, type Report, STAGE_NAMES } from './report';
import type { RunCheckpoint } from './runState';
import { fromPlanes, type SmallForm, toPlanes, withCots, withoutCots } from './smallRun';
import { APP_VERSION } from './version';

/** Of use only to a training that goes on: a finished run's would make the file three times as large. */
const MOMENTS = ['moment1', 'moment2'];
const isMoment = (name: string) => /^(end \d+ )?moment[12]$/.test(name);
/** First in the file, so that a run is told by its first bytes. */
const ABOUT = 'run.json';
const SUMS = 'sha256.json';
/** ZIP cannot name an earlier date; the same files give the same bytes whenever they are packed. */
const EPOCH = new Date(1980, 0, 1);
/** The only part of a checkpoint that holds no floats. */
const STATE = 'state.json';
/** Bytes of all parts, unpacked: what a page can hold at once. */
const MOST_BYTES = 2 ** 31;

/** What a file says of its run beside the checkpoint. */
export interface RunIdentity {
  id: string;
  /** Of the report, where the run is finished: what it was trained on, and what it took there. */
  trained: Pick<Report, 'device' | 'memory'> | null;
  /** Where it leaves out what is there again (smallRun.ts). */
  small?: SmallForm;
  /** What its maker calls it and notes about it. */
  note?: RunNote;
}

export function zipFiles(name: string, files: readonly RunFile[], level: 6 | 9 = 6): RunFile {
  const entries: Zippable = {};
  for (const file of files) entries[file.name] = file.bytes;
  return { name, bytes: zipSync(entries, { level, mtime: EPOCH }) as RunFile['bytes'] };
}

/** Of a run that is finished without its optimiser's moments, of any other with them. */
export async function packRun(checkpoint: RunCheckpoint, about: RunIdentity): Promise<RunFile> {
  const { pools } = encodeCheckpoint('', checkpoint, true);
  const isWhole = isAtEnd(checkpoint);
  const files = [
    jsonPart(ABOUT, about),
    ...Object.entries(pools)
      .filter(([name]) => !isWhole || !isMoment(name))
      .map(([name, pool]) => ({ name, bytes: new Uint8Array(pool) })),
  ];
  return zipFiles('run.zip', await sealed(files));
}

/**
 * Of a run that stands before its alignment, as small as it can be.
 * @throws CheckpointError where it stands elsewhere, or learnt from what does not follow from its seed
 */
export async function packSmallRun(whole: RunCheckpoint, about: RunIdentity): Promise<RunFile> {
  const { checkpoint, form } = await withoutCots(whole);
  const { pools } = encodeCheckpoint('', checkpoint, false);
  const files = Object.entries(pools)
    .filter(([name]) => !MOMENTS.includes(name))
    .map(([name, pool]) => {
      const bytes = new Uint8Array(pool);
      return { name, bytes: name === STATE ? bytes : toPlanes(bytes) };
    });
  return zipFiles('run.zip', await sealed([jsonPart(ABOUT, { ...about, small: form }), ...files]), 9);
}

/** The files, and the SHA-256 of each. */
async function sealed(files: readonly RunFile[]): Promise<RunFile[]> {
  const sums: Record<string, string> = {};
  for (const { name, bytes } of files) sums[name] = await sha256(bytes);
  return [...files, jsonPart(SUMS, sums)];
}

/**
 * The inverse of `packRun` and `packSmallRun`, verified as a checkpoint in storage is. Of a finished run the moments are 0.
 * @throws CheckpointError when it is no run, is damaged, is of another version of the app, or cannot be gone on with
 */
export async function unpackRun(
  bytes: Uint8Array,
): Promise<{ checkpoint: RunCheckpoint; about: RunIdentity }> {
  const entries = unzipped(bytes);
  const sums = parsed(entries[SUMS]) as Record<string, unknown> | null;
  if (typeof sums !== 'object' || sums === null || Array.isArray(sums)) throw notRun();
  const pools: Record<string, ArrayBuffer> = {};
  for (const name of new Set([...Object.keys(entries), ...Object.keys(sums)])) {
    if (name === SUMS) continue;
    // A copy, since an entry may lie anywhere within a larger buffer.
    const part = Object.hasOwn(entries, name) ? entries[name].slice() : null;
    if (part === null || (await sha256(part)) !== sums[name])
      throw new CheckpointError(`This run.zip is damaged: its part “${name}” is not what was written.`);
    pools[name] = part.buffer;
  }
  const { small, ...about } = aboutOf(pools[ABOUT]);
  delete pools[ABOUT];
  if (small !== undefined)
    for (const name of Object.keys(pools))
      if (name !== STATE) pools[name] = fromPlanes(new Uint8Array(pools[name])).buffer;
  const lacksMoments = pools.parameters !== undefined && MOMENTS.every((name) => pools[name] === undefined);
  if (lacksMoments)
    for (const [name, { byteLength }] of Object.entries(pools))
      if (name === 'parameters' || /^end \d+ parameters$/.test(name))
        for (const moment of MOMENTS) pools[name.replace('parameters', moment)] = new ArrayBuffer(byteLength);
  const checkpoint = decodeCheckpoint({ pools }, APP_VERSION);
  if (small !== undefined) return { checkpoint: await withCots(checkpoint, small), about };
  if (lacksMoments && !isAtEnd(checkpoint))
    throw new CheckpointError(
      'This run.zip holds a run that is not finished, without what its training needs to go on: save it again where it was trained.',
    );
  return { checkpoint, about };
}

/** Whether all stages have passed. */
export function isAtEnd({ state: { stage, made } }: RunCheckpoint): boolean {
  return stage === STAGE_NAMES.at(-1) && made[stage] !== undefined;
}

function unzipped(bytes: Uint8Array): Record<string, Uint8Array> {
  let total = 0;
  try {
    return unzipSync(bytes, {
      filter({ originalSize }) {
        total += originalSize;
        if (total > MOST_BYTES) throw tooLarge();
        return true;
      },
    });
  } catch (error) {
    throw error instanceof CheckpointError ? error : notRun();
  }
}

function tooLarge(): CheckpointError {
  return new CheckpointError(`This run.zip has more than ${MOST_BYTES / 2 ** 30} GiB: no page can hold it.`);
}

/** @throws CheckpointError also for an identity that no app wrote, though its sum is right */
function aboutOf(part: ArrayBuffer | undefined): RunIdentity {
  // A file of version 0.7.0 says nothing.
  if (part === undefined) return { id: crypto.randomUUID(), trained: null };
  const about = parsed(new Uint8Array(part)) as Partial<RunIdentity> | null;
  const trained = about?.trained ?? null;
  const small = about?.small;
  const isOne =
    typeof about?.id === 'string' &&
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(about.id) &&
    (trained === null || (isDevice(trained.device) && isMemory(trained.memory))) &&
    (small === undefined || /^[0-9a-f]{64}$/.test(String(small?.cots))) &&
    (about.note === undefined || isRunNote(about.note));
  if (!isOne) throw new CheckpointError(`This run.zip is damaged: its part “${ABOUT}” tells of no run.`);
  return {
    id: about.id as string,
    trained,
    ...(small && { small }),
    ...(about.note && { note: about.note }),
  };
}

function isDevice(device: Partial<DeviceInfo> | undefined): boolean {
  const { backend, vendor, architecture, description, limits } = device ?? {};
  return (
    [backend, vendor, architecture, description].every((word) => typeof word === 'string') &&
    typeof limits === 'object' &&
    limits !== null &&
    Object.values(limits).every((limit) => typeof limit === 'number')
  );
}

function isMemory(memory: Partial<Report['memory']> | undefined): boolean {
  return Number.isFinite(memory?.bytesPlanned) && Number.isFinite(memory?.bytesAllocated);
}

function parsed(part: Uint8Array | undefined): unknown {
  try {
    return part === undefined ? null : JSON.parse(strFromU8(part));
  } catch {
    return null;
  }
}

function jsonPart(name: string, value: object): RunFile {
  return { name, bytes: strToU8(JSON.stringify(value)) as RunFile['bytes'] };
}

function notRun(): CheckpointError {
  return new CheckpointError('This is no run.zip, or it is damaged: its parts cannot be read.');
}
