/** From a person's files to a data set, and to a preview of what was made of them. Used in a worker and in Node. */
import { type Assembled, assemble, DEFAULT_IMPORT_OPTIONS, type ImportOptions } from './assemble';
import type { Dataset } from './dataset';
import { ImportError, Problems, type SourceFile } from './files/sources';
import { openTable, type Table } from './files/table';
import { unpacked } from './files/unpacked';
import { LAYOUTS } from './layouts';
import { interactionsLayout, withRoles } from './layouts/interactions';
import type { FilesLayout, LayoutKind, Opened } from './layouts/layout';
import { type Mapping, parseMapping } from './mapping';
import type { ImportPreview } from './preview';
import { previewOf } from './previewOf';
import { readLayout } from './readLayout';

export { ImportError, type SourceFile } from './files/sources';

export type ImportProgress = (message: string, fraction: number) => void;

export interface Imported {
  dataset: Dataset;
  preview: ImportPreview;
  /** Rows that were dropped or mended, with file and row number. */
  problems: string[];
}

/** Said when files are none of these. */
export const ACCEPTED =
  'a table with a row for each interaction (a user, an item, and a time, title, categories, rating or event where there ' +
  'are any) as CSV, JSON lines or Parquet, with a table of its items beside it or not; or a folder or zip of ' +
  `${LAYOUTS.map(({ name }) => name).join(', ')}`;

/**
 * Imports one data set.
 * @param onProgress gets what is being done, and a fraction of the whole in [0, 1]
 * @throws ImportError with one sentence: what is wrong, in which file, what to do
 */
export async function importDataset(
  files: SourceFile[],
  onProgress: ImportProgress = () => undefined,
  options: Partial<ImportOptions> = {},
): Promise<Imported> {
  const settings = { ...DEFAULT_IMPORT_OPTIONS, ...options };
  const mapping = parseMapping(settings.map);
  const problems = new Problems();
  try {
    onProgress('Reading files', 0);
    const layout = await layoutOf(files, settings.maxUnpackedBytes, { problems, mapping });
    const read = await readLayout(
      layout,
      { mapping, problems, maxInteractions: settings.maxInteractions },
      (fraction) => onProgress('Reading rows', fraction * 0.8),
    );
    const building = (fraction: number) => onProgress('Building the data set', 0.8 + fraction * 0.2);
    building(0);
    const assembled: Assembled = await assemble(read.tables, settings, building);
    onProgress('Imported', 1);
    return {
      dataset: assembled.dataset,
      preview: previewOf(layout, read, assembled, problems),
      problems: problems.list(),
    };
  } catch (error) {
    // What a table too large for a tab's memory raises: an array, a string or a Map over its limit.
    if (error instanceof RangeError) {
      throw new ImportError(
        `The files are too large for this tab’s memory (${error.message}): import fewer rows.`,
        { cause: error },
      );
    }
    throw error;
  }
}

async function layoutOf(
  given: SourceFile[],
  maxUnpackedBytes: number,
  { problems, mapping }: { problems: Problems; mapping: Mapping },
): Promise<FilesLayout> {
  if (given.length === 0) throw new ImportError(`There are no files to import; what is read is ${ACCEPTED}.`);
  const files = await unpacked(given, maxUnpackedBytes);
  const tables = new Map<SourceFile, Table | null>();
  const opened: Opened = {
    files,
    async open(file, known) {
      const before = tables.get(file);
      if (before !== undefined && known === undefined) return before;
      const table = await openTable(file, problems, known);
      tables.set(file, table);
      return table;
    },
  };
  for (const kind of LAYOUTS) {
    const layout = await recognised(kind, opened, mapping);
    if (layout !== null) return layout;
  }
  const layout = await interactionsLayout(opened, mapping);
  if (layout !== null) return layout;
  throw noneOf(given, files);
}

/** The layout, with what a person says of its log; null where that cannot be said within it. */
async function recognised(kind: LayoutKind, opened: Opened, mapping: Mapping): Promise<FilesLayout | null> {
  const isPlain = Object.keys(mapping.roles).length === 0;
  const layout = await kind.recognise(opened).catch((error: unknown) => {
    // A column that it lacks may be the one that a person names.
    if (isPlain || !(error instanceof ImportError)) throw error;
    return null;
  });
  return layout === null || isPlain ? layout : withRoles(layout, mapping);
}

function noneOf(given: readonly SourceFile[], files: readonly SourceFile[]): ImportError {
  const [first] = given;
  if (given.length === 1 && first.size === 0)
    return new ImportError(`${first.name} is empty: a header line and rows are expected.`);
  if (given.length === 1 && files[0] !== first)
    return new ImportError(`${first.name} does not hold what is read here, which is ${ACCEPTED}.`);
  const names = given.slice(0, 5).map((file) => file.name);
  return new ImportError(
    `${names.join(', ')}${given.length > 5 ? ' …' : ''}: none of what is read here, which is ${ACCEPTED}.`,
  );
}
