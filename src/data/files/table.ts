/**
 * Tables out of delimited text (CSV, TSV, semicolons), read in pieces: a file may be larger than a string can be, quotes
 * may never close, rows may be ragged, and the encoding may not be UTF-8. Papa Parse splits the pieces into cells.
 */
import Papa from 'papaparse';
import { ImportError, Problems, quote } from './sources';

/** How a column may be called; letters and digits count, in lower case ("User ID" is `userid`). Earlier names win. */
export type ColumnNames = readonly string[];

export interface TableSpec<Required extends string, Optional extends string> {
  required: Record<Required, ColumnNames>;
  optional: Record<Optional, ColumnNames>;
}

/** The bytes of a file, its name for messages, and where to say what is wrong with it. */
export interface TableFile {
  file: string;
  bytes: Uint8Array;
  problems: Problems;
}

const PIECE_BYTES = 256 * 1024;
/** A longer record is taken for a quote that never closes, and read line by line without quotes. */
const MAX_RECORD = 64 * 1024;
const DELIMITERS = [',', '\t', ';', '|'];

/**
 * Reads a table row by row. `onRow` gets the trimmed cells by column ('' where an optional column is absent) and the
 * row's number; the object is used again for the next row. Rows that lack a required cell or have more cells than the
 * header are reported in `problems` and not handed on.
 * @returns the columns that the header has
 * @throws ImportError when the file is empty, is no text, or lacks a required column
 */
export function readTable<Required extends string, Optional extends string = never>(
  source: TableFile,
  spec: TableSpec<Required, Optional>,
  onRow: (cells: Record<Required | Optional, string>, row: number) => void,
  onProgress: (fraction: number) => void = () => undefined,
): ReadonlySet<Required | Optional> {
  type Name = Required | Optional;
  const { file, problems } = source;
  let header: { width: number; columns: [Name, number, boolean][] } | null = null;
  const cells = {} as Record<Name, string>;
  const report = (row: number, kind: string, found?: string) => {
    if (!header) throw new ImportError(`${file}, row ${row}: ${kind}, so its columns cannot be known.`);
    problems.add(file, row, kind, found);
  };
  const read = (record: string[], row: number) => {
    if (record.every((cell) => cell.trim() === '')) return;
    if (!header) {
      header = { width: record.length, columns: findColumns(file, record, spec, problems) };
      return;
    }
    if (record.length > header.width && record.slice(header.width).some((cell) => cell.trim() !== '')) {
      report(row, 'more cells than the header has', record.join(','));
      return;
    }
    for (const [name, index, isRequired] of header.columns) {
      const cell = (record[index] ?? '').trim();
      if (isRequired && cell === '') {
        report(row, `no ${name}`);
        return;
      }
      cells[name] = cell;
    }
    onRow(cells, row);
  };
  readRecords(source, report, read, onProgress);
  if (!header) throw new ImportError(`${file} is empty: a header line and rows are expected.`);
  const { columns } = header as { columns: [Name, number, boolean][] };
  return new Set(columns.filter(([, index]) => index >= 0).map(([name]) => name));
}

/** The cells of a file's first line, for recognising it; [] if it is empty or no text. Never throws. */
export function readHeader(bytes: Uint8Array): string[] {
  let header: string[] = [];
  try {
    readRecords(
      { file: '', bytes: bytes.subarray(0, MAX_RECORD), problems: new Problems() },
      () => undefined,
      (record) => {
        if (header.length === 0 && record.some((cell) => cell.trim() !== '')) header = record;
      },
      () => undefined,
    );
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
  }
  return header;
}

/** The index of the column that goes by one of `names`, or −1. */
export function findColumn(header: readonly string[], names: ColumnNames): number {
  const keys = header.map(columnKey);
  for (const name of names) {
    const index = keys.indexOf(name);
    if (index >= 0) return index;
  }
  return -1;
}

function columnKey(cell: string): string {
  return cell
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

function findColumns<Required extends string, Optional extends string>(
  file: string,
  header: string[],
  spec: TableSpec<Required, Optional>,
  problems: Problems,
): [Required | Optional, number, boolean][] {
  const keys = header.map(columnKey);
  const locate = (name: string, names: ColumnNames) => {
    const index = findColumn(header, names);
    if (index >= 0 && keys.indexOf(keys[index], index + 1) >= 0) {
      problems.remark(
        file,
        `the column ${quote(header[index])} stands there twice; the first is read as ${name}`,
      );
    }
    return index;
  };
  const entries = <Name extends string>(columns: Record<Name, ColumnNames>) =>
    Object.entries(columns) as [Name, ColumnNames][];
  const required = entries(spec.required).map(([name, names]): [Required, number, boolean] => {
    const index = locate(name, names);
    if (index < 0) {
      const seen = header
        .slice(0, 12)
        .map((cell) => quote(cell))
        .join(', ');
      throw new ImportError(
        `${file} has no column for the ${name} (called ${names.join(', ')}); it has ${seen}.`,
      );
    }
    return [name, index, true];
  });
  const optional = entries(spec.optional).map(([name, names]): [Optional, number, boolean] => [
    name,
    locate(name, names),
    false,
  ]);
  return [...required, ...optional];
}

/** Splits bytes into records; a record's number counts from 1 and includes blank ones. Work is linear in the bytes. */
function readRecords(
  { file, bytes, problems }: TableFile,
  report: (row: number, kind: string, found?: string) => void,
  onRecord: (cells: string[], row: number) => void,
  onProgress: (fraction: number) => void,
): void {
  const encoding = detectEncoding(file, bytes, problems);
  const decoder = new TextDecoder(encoding);
  let text = '';
  let row = 0;
  let delimiter = '';
  let newline: '\n' | '\r' = '\n';
  let isSkipping = false;

  /** Takes complete records off the front of `text`. */
  const take = (quotes: boolean, isLast: boolean): boolean => {
    const parser = new Papa.Parser({ delimiter, newline, fastMode: quotes ? undefined : true });
    const parsed: { data: string[][]; errors: { code?: string }[]; meta: { cursor: number } } = parser.parse(
      text,
      0,
      !isLast,
    );
    if (isLast && parsed.errors.some(({ code }) => code === 'MissingQuotes')) return false;
    for (const record of parsed.data) {
      // Lines of Windows end with \r\n; Papa Parse is told \n.
      const final = record.length - 1;
      if (newline === '\n' && record[final].endsWith('\r')) record[final] = record[final].slice(0, -1);
      onRecord(record, ++row);
    }
    text = isLast ? '' : text.slice(parsed.meta.cursor);
    return true;
  };

  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    const end = Math.min(start + PIECE_BYTES, bytes.length);
    const isLast = end === bytes.length;
    text += decoder.decode(bytes.subarray(start, end), { stream: !isLast });
    onProgress(end / bytes.length);
    if (isSkipping) {
      const next = text.indexOf(newline);
      text = next < 0 ? '' : text.slice(next + 1);
      if (next < 0) continue;
      isSkipping = false;
    }
    if (delimiter === '') ({ delimiter, newline } = guessDialect(text));
    take(true, false);
    if (!isLast && text.length <= MAX_RECORD) continue;
    if (isLast && text.length <= MAX_RECORD && take(true, true)) continue;
    if (text.includes('"')) report(row + 1, 'a quoted cell that does not end; read without quotes', text);
    take(false, false);
    if (text.length > MAX_RECORD) {
      report(++row, `a line longer than ${MAX_RECORD} characters`, text);
      text = '';
      isSkipping = true;
    } else if (isLast) {
      take(false, true);
    }
  }
}

function guessDialect(text: string): { delimiter: string; newline: '\n' | '\r' } {
  const newline = text.includes('\n') || !text.includes('\r') ? '\n' : '\r';
  const [line] = text.slice(0, MAX_RECORD).trimStart().split(newline, 1);
  const counts = DELIMITERS.map((delimiter) => line.split(delimiter).length);
  return { delimiter: DELIMITERS[counts.indexOf(Math.max(...counts))], newline };
}

/** By the byte order mark, else UTF-8 if the bytes are valid UTF-8, else Windows-1252, in which every byte is valid. */
function detectEncoding(file: string, bytes: Uint8Array, problems: Problems): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  if (bytes.subarray(0, 4096).includes(0)) {
    throw new ImportError(`${file} is not a text file: a table as CSV in UTF-8 is expected.`);
  }
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      const end = Math.min(start + PIECE_BYTES, bytes.length);
      decoder.decode(bytes.subarray(start, end), { stream: end < bytes.length });
    }
    return 'utf-8';
  } catch {
    problems.remark(file, 'is not UTF-8; it is read as Windows-1252, so some letters may be wrong');
    return 'windows-1252';
  }
}
