/** From a person's files to a data set, and to a preview of what was made of them. Used in a worker and in Node. */
import { type Assembled, assemble, DEFAULT_IMPORT_OPTIONS, type ImportOptions } from './assemble';
import type { Dataset } from './dataset';
import { ImportError, Problems, type SourceFile } from './files/sources';
import { openTable, type Table } from './files/table';
import { unpacked } from './files/unpacked';
import { LAYOUTS } from './layouts';
import { interactionsLayout, withRoles } from './layouts/interactions';
import type { FilesLayout, LayoutKind, Opened } from './layouts/layout';
import { type Mapping, NOTHING_MAPPED, parseMapping } from './mapping';
import type { ImportPreview, SeenFiles } from './preview';
import { previewOf } from './previewOf';
import { type ReadTables, readLayout } from './readLayout';
import { RefusedFiles, seenOf, seenTables } from './seenFiles';

export { ImportError, type SourceFile } from './files/sources';

/** Files that are looked into to show what is in them when they are refused. */
const MAX_SEEN = 12;

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
 * @throws RefusedFiles with one sentence: what is wrong, in which file, what to do; and with what was understood of them
 */
export async function importDataset(
  files: SourceFile[],
  onProgress: ImportProgress = () => undefined,
  options: Partial<ImportOptions> = {},
): Promise<Imported> {
  const settings = { ...DEFAULT_IMPORT_OPTIONS, ...options };
  const problems = new Problems();
  let mapping = NOTHING_MAPPED;
  let opened: Opening | null = null;
  let layout: FilesLayout | null = null;
  let read: ReadTables | null = null;
  try {
    if (files.length === 0)
      throw new ImportError(`There are no files to import; what is read is ${ACCEPTED}.`);
    onProgress('Reading files', 0);
    opened = new Opening(await unpacked(files, settings.maxUnpackedBytes), problems);
    mapping = parseMapping(settings.map);
    layout = await layoutOf(files, opened, mapping);
    read = await readLayout(
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
    const refusal =
      error instanceof RangeError
        ? `The files are too large for this tab’s memory (${error.message}): import fewer rows.`
        : error instanceof ImportError
          ? error.message
          : null;
    if (refusal === null) throw error;
    const seen =
      // A layout that knows its columns offers no choice; whoever names columns has them read as any table's.
      layout !== null && layout.log.guesses.length > 0
        ? seenOf(layout, read, problems)
        : ((await opened?.seen(mapping)) ?? null);
    throw new RefusedFiles(refusal, seen, { cause: error });
  }
}

/** Files that may be opened as tables, each once. */
class Opening implements Opened {
  readonly #tables = new Map<SourceFile, Table | null>();

  constructor(
    readonly files: readonly SourceFile[],
    private readonly problems: Problems,
  ) {}

  // Handed on by itself.
  open: Opened['open'] = async (file, known) => {
    const before = this.#tables.get(file);
    if (before !== undefined && known === undefined) return before;
    const table = await openTable(file, this.problems, known);
    this.#tables.set(file, table);
    return table;
  };

  /** What the tables in the files look like; null where there is none. */
  async seen(mapping: Mapping): Promise<SeenFiles | null> {
    const tables: Table[] = [];
    const notRead: { file: string; reason: string }[] = [];
    for (const file of this.files.slice(0, MAX_SEEN)) {
      try {
        const table = await this.open(file);
        if (table !== null) tables.push(table);
        else notRead.push({ file: file.name, reason: 'is no table' });
      } catch (error) {
        if (!(error instanceof ImportError)) throw error;
        notRead.push({ file: file.name, reason: `cannot be read: ${error.message}` });
      }
    }
    return seenTables(tables, notRead, { mapping, problems: this.problems });
  }
}

async function layoutOf(
  given: readonly SourceFile[],
  opened: Opened,
  mapping: Mapping,
): Promise<FilesLayout> {
  for (const kind of LAYOUTS) {
    const layout = await recognised(kind, opened, mapping);
    if (layout !== null) return layout;
  }
  const layout = await interactionsLayout(opened, mapping);
  if (layout !== null) return layout;
  throw noneOf(given, opened.files);
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
