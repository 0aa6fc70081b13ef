/** Which files make which data set: recognises them by name and header, and imports. Used in a worker and in Node. */

import { assemble, DEFAULT_IMPORT_OPTIONS, type ImportedTables, type ImportOptions } from './assemble';
import type { Dataset } from './dataset';
import { isZip, openArchive } from './files/archive';
import { baseName, ImportError, Problems, type SourceFile } from './files/sources';
import { readHeader } from './files/table';
import { readCompleteJourney } from './layouts/completeJourney';
import { readMovieLens } from './layouts/movieLens';
import { readPlainInteractions, recogniseInteractions } from './layouts/plainInteractions';

export { ImportError, type SourceFile } from './files/sources';

export type ImportProgress = (message: string, fraction: number) => void;

/** Said when files are none of these. */
export const ACCEPTED =
  'a Complete Journey folder (transactions.csv, products.csv, demographics.csv), a MovieLens folder or zip ' +
  '(ratings.csv, movies.csv), or one CSV of interactions with a header (user, item, time, title, categories)';
/** Tables looked into when no format is recognised by name. */
const MAX_CANDIDATES = 20;

/**
 * Imports one data set.
 * @param onProgress gets what is being done, and a fraction of the whole in [0, 1]
 * @returns the data set, and the rows that were dropped or mended, with file and row number
 * @throws ImportError with one sentence: what is wrong, in which file, what to do
 */
export async function importDataset(
  files: SourceFile[],
  onProgress: ImportProgress = () => undefined,
  options: Partial<ImportOptions> = {},
): Promise<{ dataset: Dataset; problems: string[] }> {
  const settings = { ...DEFAULT_IMPORT_OPTIONS, ...options };
  const problems = new Problems();
  try {
    onProgress('Reading files', 0);
    const tables = await readFiles(files, settings, problems, (fraction) =>
      onProgress('Reading rows', fraction * 0.8),
    );
    const building = (fraction: number) => onProgress('Building the data set', 0.8 + fraction * 0.2);
    building(0);
    const dataset = await assemble(tables, settings, building);
    onProgress('Imported', 1);
    return { dataset, problems: problems.list() };
  } catch (error) {
    // What a table too large for a tab's memory raises: an array, a string or a Map over its limit.
    if (error instanceof RangeError) {
      throw new ImportError(
        `The files are too large for this tab’s memory (${error.message}): import fewer rows.`,
        {
          cause: error,
        },
      );
    }
    throw error;
  }
}

async function readFiles(
  files: SourceFile[],
  options: ImportOptions,
  problems: Problems,
  onProgress: (fraction: number) => void,
): Promise<ImportedTables> {
  const chosen = usable(files);
  const known = await readKnown(chosen, problems, onProgress);
  if (known) return known;
  const archives: SourceFile[] = [];
  for (const file of chosen) {
    if (baseName(file).endsWith('.zip') || (chosen.length === 1 && isZip(await read(file))))
      archives.push(file);
  }
  if (archives.length === 1) {
    const entries = usable(openArchive(archives[0].name, await read(archives[0]), options.maxUnpackedBytes));
    const unpacked = await readKnown(entries, problems, onProgress);
    if (unpacked) return unpacked;
    throw new ImportError(`${archives[0].name} does not hold what is read here: ${ACCEPTED}.`);
  }
  if (archives.length > 1) throw new ImportError(`There are ${archives.length} archives: choose one.`);
  const names = chosen.slice(0, 5).map((file) => file.name);
  throw new ImportError(
    chosen.length === 0
      ? `There are no files to import; what is read is ${ACCEPTED}.`
      : `${names.join(', ')}${chosen.length > 5 ? ' …' : ''}: none of what is read here, which is ${ACCEPTED}.`,
  );
}

/** Without what operating systems leave beside the files; in the order of their paths, whatever order they came in. */
function usable(files: SourceFile[]): SourceFile[] {
  const path = (file: SourceFile) => file.path ?? file.name;
  return files
    .filter((file) => !baseName(file).startsWith('.') && !/(^|[/\\])__MACOSX[/\\]/.test(path(file)))
    .sort((a, b) => (path(a) < path(b) ? -1 : path(a) > path(b) ? 1 : 0));
}

async function readKnown(
  files: SourceFile[],
  problems: Problems,
  onProgress: (fraction: number) => void,
): Promise<ImportedTables | null> {
  const named = (name: string) =>
    only(
      files.filter((file) => baseName(file) === name),
      name,
    );
  const [transactions, products] = [named('transactions.csv'), named('products.csv')];
  if (transactions && products) {
    const demographics = named('demographics.csv');
    return readCompleteJourney(
      {
        transactions: await read(transactions),
        products: await read(products),
        demographics: demographics && (await read(demographics)),
      },
      problems,
      onProgress,
    );
  }
  const [ratings, movies] = [named('ratings.csv'), named('movies.csv')];
  if (ratings && movies) {
    return readMovieLens({ ratings: await read(ratings), movies: await read(movies) }, problems, onProgress);
  }
  return readOneTable(files, problems, onProgress);
}

/** The one table of interactions among the files; one with titles is preferred to those without. */
async function readOneTable(
  files: SourceFile[],
  problems: Problems,
  onProgress: (fraction: number) => void,
): Promise<ImportedTables | null> {
  const candidates = files.filter((file) => /\.(csv|tsv|txt)$/.test(baseName(file))).slice(0, MAX_CANDIDATES);
  const tables: { file: SourceFile; bytes: Uint8Array; hasTitles: boolean }[] = [];
  for (const file of candidates) {
    const bytes = await read(file);
    // An only file says itself what is wrong with it.
    const { isTable, hasTitles } = recogniseInteractions(readHeader(bytes));
    if (isTable || files.length === 1) tables.push({ file, bytes, hasTitles });
  }
  const titled = tables.filter(({ hasTitles }) => hasTitles);
  const found = titled.length > 0 ? titled : tables;
  if (found.length === 0) return null;
  if (found.length > 1) {
    const names = found.map(({ file }) => file.name);
    throw new ImportError(`${names.join(', ')} are each a table of interactions: choose one.`);
  }
  const [{ file, bytes, hasTitles }] = found;
  const companion = { 'transactions.csv': 'products.csv', 'ratings.csv': 'movies.csv' }[baseName(file)];
  if (companion && !hasTitles) {
    throw new ImportError(
      `${file.name} came without ${companion}, which names its items: choose both, or their folder.`,
    );
  }
  return readPlainInteractions(file.name, bytes, problems, onProgress);
}

function only(files: SourceFile[], name: string): SourceFile | null {
  if (files.length > 1)
    throw new ImportError(
      `There are ${files.length} files called ${name}: choose the folder of one data set.`,
    );
  return files[0] ?? null;
}

async function read(file: SourceFile): Promise<Uint8Array> {
  try {
    return await file.bytes();
  } catch (error) {
    if (error instanceof ImportError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ImportError(`${file.name} cannot be read (${reason}).`, { cause: error });
  }
}
