/** `--data`: files to import, in Node. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { type Dataset, interactionCount } from '../data/dataset';
import { ImportError, importDataset, type SourceFile } from '../data/importDataset';

/** Bytes read at a time. */
const PIECE_BYTES = 2 ** 20;

/** The file, or all those of the folder. @throws an Error that says what is wrong with the path */
export function dataFiles(path: string): string[] {
  if (!existsSync(path)) throw new Error(`--data ${path} does not exist.`);
  if (statSync(path).isFile()) return [path];
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((name) => statSync(name).isFile())
    .sort();
  if (files.length === 0) throw new Error(`--data ${path} is an empty folder.`);
  return files;
}

/**
 * Says what was imported and what was dropped.
 * @param map what a person said about the columns (`data/mapping.ts`); '' where nothing
 * @throws ImportError naming file and row, or where nobody looks at a guess that needs looking at
 */
export async function importFiles(
  paths: string[],
  map: string,
  say: (line: string) => void,
): Promise<Dataset> {
  say(`Importing ${paths.length === 1 ? paths[0] : `${paths.length} files`}.`);
  const files = await Promise.all(paths.map(diskFile));
  const { dataset, preview, problems } = await importDataset(files, () => undefined, { map });
  const { id, users, items, notes } = dataset;
  say(`${id}: ${users.length} users, ${items.length} items, ${interactionCount(dataset)} interactions.`);
  for (const { role, columns, why } of preview.choices)
    if (columns.length > 0) say(`  ${role}: ${columns.join(' + ')} (${why})`);
  for (const { file, unread } of preview.tables)
    if (unread.length > 0) say(`  not read of ${file}: ${unread.join(', ')}`);
  for (const { file, reason } of preview.notRead) say(`  not read: ${file}, which ${reason}`);
  for (const line of [...preview.doubts, ...notes, ...problems]) say(`  ${line}`);
  for (const { role, sure, columns } of preview.choices)
    if ((role === 'user' || role === 'item') && !sure)
      throw new ImportError(
        `Which column holds the ${role} is only a guess (${columns.join(' + ')}), and nobody is here to look at it: say --map ${role}=…`,
      );
  return dataset;
}

/** A file that is read in pieces, since it may be larger than memory. */
async function diskFile(path: string): Promise<SourceFile> {
  const { size } = await stat(path);
  const slice = async (start: number, end: number) => {
    const handle = await open(path);
    try {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  };
  return {
    name: basename(path),
    path: relative('.', path),
    size,
    slice,
    async *chunks() {
      for (let start = 0; start < size; start += PIECE_BYTES) yield slice(start, start + PIECE_BYTES);
    },
  };
}
