/**
 * `npm run starter`: the file that *Play with POPO* begins from. A run up to the beginning of its alignment, small enough to lie beside the
 * page, with its link and its SHA-256 in a manifest that is built into the page. The same run gives the same bytes. Exits with 1 when it
 * failed, 2 for wrong arguments.
 */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sha256 } from '../numeric/hash';
import { forked } from '../run/fork';
import { formatLink } from '../run/link';
import { packSmallRun, type RunIdentity, unpackRun } from '../run/runFile';
import type { RunCheckpoint } from '../run/runState';
import type { Starter } from '../run/starters';
import { runZip } from './export';
import { parseTrainOptions } from './trainOptions';

const USAGE = `npm run starter -- --link URL | --run FILE
  --link URL   trains the run of a link, in Node on Dawn, and takes it from there
  --run FILE   run.zip, or its folder, of a run that has come to its alignment, or is finished
  --public DIR where the page's own files lie (default public)`;

/** Where the page finds which files there are. */
export const MANIFEST = 'src/run/starters.json';
/** Bytes that all of them may have together: a visitor waits for one. */
export const MOST_BYTES = 2_000_000;

/** The file beside the page, and what the manifest says of it. */
export async function starterOf(
  checkpoint: RunCheckpoint,
  { id, trained }: RunIdentity,
): Promise<{ starter: Starter; bytes: Uint8Array<ArrayBuffer> }> {
  const begun = forked(checkpoint, id, 'popo');
  const { config, changes } = begun.state;
  const link = formatLink(config, null, null, changes);
  // A run of its own: of the same run, the same name.
  const own = await sha256(`${id} before its alignment`);
  const { bytes } = await packSmallRun(begun, { id: uuidOf(own), trained });
  const file = `start/${config.preset}-v${config.version}-${config.seed}.zip`;
  // Such as `llvmpipe`, without the versions behind it.
  const device = trained?.device.description.split(':')[0] || trained?.device.vendor || 'another device';
  return { starter: { link, file, bytes: bytes.length, sha256: await sha256(bytes), device }, bytes };
}

function uuidOf(hex: string): string {
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

export async function main(args: string[]): Promise<number> {
  let options: { link?: string; run?: string; public: string };
  try {
    ({ values: options } = parseArgs({
      args,
      options: {
        link: { type: 'string' },
        run: { type: 'string' },
        public: { type: 'string', default: 'public' },
      },
    }));
    if ((options.link === undefined) === (options.run === undefined))
      throw new Error('One of --link and --run says which run it is.');
  } catch (error) {
    console.error(`Error: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  const zip = options.run === undefined ? await trained(options.link!) : readFileSync(runZip(options.run!));
  const { checkpoint, about } = await unpackRun(zip);
  const { starter, bytes } = await starterOf(checkpoint, about);
  const known = (JSON.parse(readFileSync(MANIFEST, 'utf8')) as Starter[]).filter(
    ({ file }) => file !== starter.file,
  );
  const all = [...known, starter];
  const total = all.reduce((sum, one) => sum + one.bytes, 0);
  if (total > MOST_BYTES)
    throw new Error(
      `The files would have ${total} bytes together, more than ${MOST_BYTES}: nothing was written.`,
    );
  mkdirSync(join(options.public, 'start'), { recursive: true });
  writeFileSync(join(options.public, starter.file), bytes);
  writeFileSync(MANIFEST, `${JSON.stringify(all, null, 2)}\n`);
  console.log(`Wrote ${starter.file}: ${starter.bytes} bytes, SHA-256 ${starter.sha256}`);
  return 0;
}

async function trained(link: string): Promise<Uint8Array> {
  const out = mkdtempSync(join(tmpdir(), 'taiji-starter-'));
  const options = parseTrainOptions(['--link', link, '--adapter', 'dawn', '--out', out]);
  const { files } = await (await import('./trainDawn')).trainOnDawn(options, console.log);
  return files.find(({ name }) => name === 'run.zip')!.bytes;
}
