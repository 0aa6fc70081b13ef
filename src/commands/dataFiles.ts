/** `--data`: files to import, in Node. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { type Dataset, interactionCount } from '../data/dataset';
import { importDataset } from '../data/importDataset';

/** Formats that importers read, archives included. */
const DATA_FILES = /\.(csv|tsv|txt|dat|zip|gz)$/i;

/** The file, or those of the folder that an importer reads. @throws an Error that says what is wrong with the path */
export function dataFiles(path: string): string[] {
  if (!existsSync(path)) throw new Error(`--data ${path} does not exist.`);
  if (statSync(path).isFile()) return [path];
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((name) => DATA_FILES.test(name) && statSync(name).isFile())
    .sort();
  if (files.length === 0)
    throw new Error(`--data ${path} holds no file that an importer reads (csv, tsv, txt, dat, zip, gz).`);
  return files;
}

/** Says what was imported and what was dropped. @throws ImportError naming file and row */
export async function importFiles(paths: string[], say: (line: string) => void): Promise<Dataset> {
  say(`Importing ${paths.length === 1 ? paths[0] : `${paths.length} files`}.`);
  const files = paths.map((path) => ({
    name: basename(path),
    path: relative('.', path),
    bytes: async () => new Uint8Array(await readFile(path)),
  }));
  const { dataset, problems } = await importDataset(files, () => undefined);
  const { id, users, items, notes } = dataset;
  say(`${id}: ${users.length} users, ${items.length} items, ${interactionCount(dataset)} interactions.`);
  for (const line of [...notes, ...problems]) say(`  ${line}`);
  return dataset;
}
