/**
 * `npm run export`: a run that outgrows the tab goes on elsewhere. Reads what `npm run train` left, and writes a folder for Hugging Face
 * TRL or for verl. Exits with 1 when it failed, 2 for wrong arguments.
 */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatMapping, parseMapping } from '../data/mapping';
import { loadDataset } from '../run/datasets';
import { type ElsewhereTrainer, elsewhereFiles, TRAINERS } from '../run/elsewhere/elsewhere';
import { unpackRun } from '../run/runFile';
import { dataFiles, importFiles } from './dataFiles';

const USAGE = `npm run export -- --run FILE --to trl|verl --out DIR [options]
  --run FILE|DIR       run.zip, or the folder that npm run train left it in
  --to trl|verl        Hugging Face TRL, or the data, the model and the rewards for verl
  --out DIR            where the folder's files go
  --processes N        GPUs that TRL's batch is shared out to (default 1)
  --data DIR|FILE      your own interactions, where the run was trained on them
  --map role=column,…  where their columns are not guessed right`;

export interface ExportOptions {
  /** Of run.zip. */
  run: string;
  to: ElsewhereTrainer;
  out: string;
  processes: number;
  /** Files to import; empty for an embedded world. */
  data: string[];
  /** What is said about their columns; null where nothing. */
  map: string | null;
}

/** @throws an Error that says which argument is wrong */
export function parseExportOptions(args: string[]): ExportOptions {
  const { values } = parseArgs({
    args,
    options: {
      run: { type: 'string' },
      to: { type: 'string' },
      out: { type: 'string' },
      processes: { type: 'string', default: '1' },
      data: { type: 'string' },
      map: { type: 'string' },
    },
  });
  if (values.run === undefined) throw new Error('--run is missing: which run should go on elsewhere?');
  if (values.out === undefined) throw new Error('--out DIR is missing: where should the folder’s files go?');
  const to = TRAINERS.find((trainer) => trainer === values.to);
  if (to === undefined) throw new Error(`--to must be ${TRAINERS.join(' or ')}, not ${values.to}.`);
  const processes = Number(values.processes);
  if (!Number.isInteger(processes) || processes < 1)
    throw new Error(`--processes must be a whole number from 1, not ${values.processes}.`);
  if (values.map !== undefined && values.data === undefined)
    throw new Error('--map says which columns of --data are what; there is no --data.');
  return {
    run: runZip(values.run),
    to,
    out: values.out,
    processes,
    data: values.data === undefined ? [] : dataFiles(values.data),
    map: values.map === undefined ? null : formatMapping(parseMapping(values.map)),
  };
}

/** run.zip itself, or beside what was named: its folder, or report.json. */
export function runZip(path: string): string {
  if (!existsSync(path)) throw new Error(`--run ${path} does not exist.`);
  if (statSync(path).isFile() && basename(path) !== 'report.json') return path;
  const zip = join(statSync(path).isFile() ? dirname(path) : path, 'run.zip');
  if (existsSync(zip)) return zip;
  throw new Error(
    `There is no run.zip at --run ${path}. A report does not hold the weights and tables: train again from its link.`,
  );
}

export async function main(args: string[]): Promise<number> {
  let options: ExportOptions;
  try {
    options = parseExportOptions(args);
  } catch (error) {
    console.error(`Error: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  const { checkpoint } = await unpackRun(readFileSync(options.run));
  const { config } = checkpoint.state;
  const map = options.map ?? config.data.map;
  const imported = options.data.length > 0 ? await importFiles(options.data, map, console.log) : null;
  const dataset = await loadDataset(config, async () => {
    if (imported !== null) return imported;
    throw new Error('This run was trained on files of your own: pass them as --data.');
  });
  const files = elsewhereFiles(checkpoint, dataset, options);
  for (const { name, bytes } of files) {
    const path = join(options.out, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  console.log(`Wrote ${files.map(({ name }) => name).join(', ')} to ${resolve(options.out)}`);
  console.log('README.md there has the command to go on with.');
  return 0;
}
