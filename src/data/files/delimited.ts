/** Tables out of delimited text: CSV, TSV and the like. Rows that do not fit the header are reported, never shifted. */
import { counted, verb } from '../words';
import { type Dialect, detectDialect, isBlank, SAMPLE_CHARACTERS, TYPED_NAME } from './dialect';
import { Reading, type Table } from './reading';
import { RecordSplitter } from './records';
import { type Problems, quote, type SourceFile } from './sources';
import { REPLACEMENT, textOf } from './text';

export interface KnownTable {
  columns: readonly string[];
  delimiter?: string;
}

/** The table in a file of text; null where its lines are no table. */
export async function openDelimited(
  file: SourceFile,
  problems: Problems,
  known?: KnownTable,
): Promise<Table | null> {
  const { text, isWhole } = await beginning(file, problems);
  const found = detectDialect(text, isWhole, known?.delimiter);
  if (!found) return null;
  const dialect = known ? withNames(found, known.columns) : found;
  const names = namesOf(dialect);
  if (known) for (const [index, name] of known.columns.entries()) names[index] ??= name;
  sayDialect(file.name, dialect, problems);
  const typed = names.map((name) => TYPED_NAME.exec(name));
  const isTyped = typed.some((match) => match !== null);
  const columns = names.map((name, index) => (isTyped && typed[index] ? typed[index][1] : name));
  const reading = new Reading(file.name, problems);
  const read = (onRow: Parameters<Table['rows']>[0], onProgress?: (fraction: number) => void) =>
    readRows({ file, dialect, columns, reading, onRow }, onProgress);
  return reading.table({
    file: file.name,
    columns,
    types: typed.map((match) => match?.[2] ?? null),
    hasHeader: dialect.hasHeader,
    read,
  });
}

/** As much of a file's text as tells how it is written. */
async function beginning(file: SourceFile, problems: Problems): Promise<{ text: string; isWhole: boolean }> {
  let text = '';
  const sayEncoding = ({ guessed }: { guessed: string | null }) => {
    if (guessed)
      problems.remark(
        file.name,
        `has no mark of its encoding and is not UTF-8; it is read as ${guessed}, so some letters may be wrong`,
      );
  };
  for await (const piece of textOf(file, sayEncoding)) {
    text += piece;
    if (text.length >= SAMPLE_CHARACTERS) return { text: text.slice(0, SAMPLE_CHARACTERS), isWhole: false };
  }
  return { text, isWhole: true };
}

/** A file whose columns are known has no header, unless its first line names them. */
function withNames(dialect: Dialect, columns: readonly string[]): Dialect {
  const same = (name: string, index: number) => name.toLowerCase() === columns[index]?.toLowerCase();
  if (dialect.hasHeader && dialect.header.every(same)) return dialect;
  const width = Math.max(dialect.width, columns.length);
  return { ...dialect, width, hasHeader: false, header: [...columns], hasRowNames: false };
}

function namesOf({ header, width, hasRowNames }: Dialect): string[] {
  const names = hasRowNames ? ['row name', ...header] : header;
  const filled = Array.from({ length: Math.max(width, names.length) }, (_, index) => {
    const name = (names[index] ?? '').trim();
    return name === '' ? `#${index + 1}` : name;
  });
  // A delimiter at a line's end names nothing.
  while (filled.length > 1 && filled.length <= names.length && names[filled.length - 1].trim() === '')
    filled.pop();
  return filled;
}

function sayDialect(file: string, { preamble, hasRowNames, hasHeader }: Dialect, problems: Problems): void {
  if (preamble.length > 0) {
    const lines = preamble.slice(0, 3).map(quote).join(', ');
    problems.remark(
      file,
      `${counted(preamble.length, 'line')} before the table ${verb(preamble.length, 'is', 'are')} not read: ${lines}`,
    );
  }
  if (hasRowNames)
    problems.remark(file, 'rows have one cell more than the header; the first is taken for a row name');
  if (!hasHeader) problems.remark(file, 'has no header line; its columns are numbered');
}

interface RowReading {
  file: SourceFile;
  dialect: Dialect;
  columns: readonly string[];
  reading: Reading;
  onRow: Parameters<Table['rows']>[0];
}

async function readRows(
  { file, dialect, columns, reading, onRow }: RowReading,
  onProgress?: (fraction: number) => void,
): Promise<void> {
  const width = columns.length;
  const headerRow = dialect.skipped + (dialect.hasHeader ? 1 : 0);
  let mayBeBad = false;
  const onRecord = (cells: string[], row: number, isCut: boolean): boolean | undefined => {
    if (row <= headerRow || (cells.length <= 1 && isBlank(cells))) return;
    if (cells.length > width && !isBlank(cells.slice(width))) {
      reading.drop(row, 'more cells than the header has', cells.join(dialect.delimiter));
      return;
    }
    if (cells.length < width) {
      if (isBlank(cells)) return;
      if (isCut && row > headerRow + 1) {
        reading.drop(
          row,
          'the file ends in the middle of this row; it is not read',
          cells.join(dialect.delimiter),
        );
        return;
      }
      reading.report(
        row,
        'fewer cells than the header has; those that are missing are taken for empty',
        cells.join(dialect.delimiter),
      );
    }
    cells.length = width;
    let length = 0;
    for (let column = 0; column < width; column++) {
      const cell = (cells[column] ?? '').trim();
      cells[column] = cell;
      length += cell.length;
    }
    if (length === 0) return;
    if (
      dialect.hasHeader &&
      cells[0] === columns[0] &&
      cells.every((cell, column) => cell === columns[column])
    ) {
      reading.drop(row, 'the header line once more', cells.join(dialect.delimiter));
      return;
    }
    if (mayBeBad && !checkLetters(cells, row, reading)) return;
    return onRow(cells, row) as boolean | undefined;
  };
  const splitter = new RecordSplitter(dialect, {
    onRecord,
    onProblem: (row, kind, found) => row > dialect.skipped && reading.report(row, kind, found),
    onLost: (row, kind, found) => row > dialect.skipped && reading.drop(row, kind, found),
  });
  for await (const piece of textOf(file, () => undefined, onProgress)) {
    // A record may begin in an earlier piece.
    const isBad = piece.includes(REPLACEMENT) || piece.includes('\0');
    mayBeBad ||= isBad;
    if (!splitter.push(piece)) return;
    mayBeBad = isBad;
  }
  splitter.end();
}

/** @returns false where the row cannot be used */
function checkLetters(cells: readonly string[], row: number, reading: Reading): boolean {
  for (const cell of cells) {
    if (cell.includes('\0')) {
      reading.drop(row, 'a zero byte in a cell; the row is not read', cell.replaceAll('\0', '␀'));
      return false;
    }
    if (cell.includes(REPLACEMENT))
      reading.report(row, `a letter that cannot be read (it becomes ${REPLACEMENT})`, cell);
  }
  return true;
}
