/**
 * `npm run recorded`: the file that *Watch a recorded run* shows, of a run that was trained with `--record`, with its SHA-256 in a manifest
 * that is built into the page. The same events give the same recording. Exits with 1 when it failed, 2 for wrong arguments.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sha256 } from '../numeric/hash';
import { readReport } from '../run/readReport';
import { alignedFile } from '../run/recordedEnd';
import { packRecording, recordingOf } from '../run/recording';
import type { FileBeside, RecordingBeside } from '../run/recordings';
import type { Report } from '../run/report';
import { unpackRun } from '../run/runFile';
import { readEvents } from './eventsFile';

const USAGE = `npm run recorded -- --run DIR
  --run DIR    what npm run train -- --adapter dawn --record --out DIR wrote: report.json, events.jsonl, and run.zip for the aligned model
  --public DIR where the page's own files lie (default public)`;

/** Where the page finds which files there are. */
export const MANIFEST = 'src/run/recordings.json';
/** A visitor waits for it. */
export const MOST_BYTES = 400_000;
/** Of the aligned model, which is fetched when somebody asks it. */
export const MOST_ALIGNED_BYTES = 300_000;

/** The file beside the page, and what the manifest says of it. @throws an Error where the events are not the report's, or too many */
export async function recordedFile(
  report: Report,
  eventsJsonl: string,
): Promise<{ entry: FileBeside; bytes: Uint8Array<ArrayBuffer> }> {
  const { day, events } = readEvents(eventsJsonl);
  const recording = recordingOf(report, events, day);
  const steps = recording.events.filter(({ type }) => type === 'popo').length;
  if (steps !== report.popo.steps.length)
    throw new Error(
      `The events tell of ${steps} steps of alignment and the report of ${report.popo.steps.length}: they are of two runs.`,
    );
  const { preset, version, seed } = report.config;
  const bytes = await packRecording(recording);
  if (bytes.length > MOST_BYTES)
    throw new Error(
      `The recording would have ${bytes.length} bytes, more than ${MOST_BYTES}: nothing was written.`,
    );
  const file = `recorded/${preset}-v${version}-${seed}.bin`;
  return { entry: { file, bytes: bytes.length, sha256: await sha256(bytes) }, bytes };
}

/** The aligned model's file beside the recording's; null where the run has none that can be asked. */
export async function alignedBeside(
  runZip: Uint8Array<ArrayBuffer>,
  recording: FileBeside,
): Promise<{ entry: FileBeside; bytes: Uint8Array<ArrayBuffer> } | null> {
  const { checkpoint } = await unpackRun(runZip);
  const bytes = await alignedFile(checkpoint);
  if (bytes === null) return null;
  if (bytes.length > MOST_ALIGNED_BYTES)
    throw new Error(
      `The aligned model would have ${bytes.length} bytes, more than ${MOST_ALIGNED_BYTES}: nothing was written.`,
    );
  const file = recording.file.replace(/\.bin$/, '-aligned.zip');
  return { entry: { file, bytes: bytes.length, sha256: await sha256(bytes) }, bytes };
}

export async function main(args: string[]): Promise<number> {
  let options: { run?: string; public: string };
  try {
    ({ values: options } = parseArgs({
      args,
      options: { run: { type: 'string' }, public: { type: 'string', default: 'public' } },
    }));
    if (options.run === undefined) throw new Error('--run says which run it is.');
  } catch (error) {
    console.error(`Error: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  const read = (name: string) => readFileSync(join(options.run!, name), 'utf8');
  const { entry, bytes } = await recordedFile(
    readReport(JSON.parse(read('report.json'))),
    read('events.jsonl'),
  );
  const zip = join(options.run!, 'run.zip');
  const aligned = existsSync(zip) ? await alignedBeside(Uint8Array.from(readFileSync(zip)), entry) : null;
  mkdirSync(join(options.public, 'recorded'), { recursive: true });
  for (const made of [{ entry, bytes }, ...(aligned === null ? [] : [aligned])]) {
    writeFileSync(join(options.public, made.entry.file), made.bytes);
    console.log(`Wrote ${made.entry.file}: ${made.entry.bytes} bytes, SHA-256 ${made.entry.sha256}`);
  }
  // The page shows one.
  const manifest: RecordingBeside = { ...entry, ...(aligned && { aligned: aligned.entry }) };
  writeFileSync(MANIFEST, `${JSON.stringify([manifest], null, 2)}\n`);
  return 0;
}
