/**
 * `npm run recorded`: the file that *Watch a recorded run* shows, of a run that was trained with `--record`, with its SHA-256 in a manifest
 * that is built into the page. The same events give the same recording. Exits with 1 when it failed, 2 for wrong arguments.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sha256 } from '../numeric/hash';
import { readReport } from '../run/readReport';
import { packRecording, recordingOf } from '../run/recording';
import type { FileBeside } from '../run/recordings';
import type { Report } from '../run/report';
import { readEvents } from './eventsFile';

const USAGE = `npm run recorded -- --run DIR
  --run DIR    what npm run train -- --adapter dawn --record --out DIR wrote: report.json and events.jsonl
  --public DIR where the page's own files lie (default public)`;

/** Where the page finds which files there are. */
export const MANIFEST = 'src/run/recordings.json';
/** A visitor waits for it. */
export const MOST_BYTES = 400_000;

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
  mkdirSync(join(options.public, 'recorded'), { recursive: true });
  writeFileSync(join(options.public, entry.file), bytes);
  // The page shows one.
  writeFileSync(MANIFEST, `${JSON.stringify([entry], null, 2)}\n`);
  console.log(`Wrote ${entry.file}: ${entry.bytes} bytes, SHA-256 ${entry.sha256}`);
  return 0;
}
