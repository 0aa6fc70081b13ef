/**
 * Reads a record that has quotes in it. Writers quote cells in several ways, and many write quotes that mean nothing
 * (`"Weird Al" Yankovic`), so what does not work out as quotes is read without them, one line at a time.
 */

/** How a file's records and cells are parted. */
export interface Separators {
  delimiter: string;
  newline: '\n' | '\r';
}

/** What the file's rows are like, as far as is known, for telling them from the lines of a long cell. */
export interface RowShape {
  /** Cells of a row; 0: not known. */
  width: number;
  /** By column, the form that its cells have (`formOf`), `WORD` where they are at least single words, or null. */
  forms: readonly (string | null)[];
}

export interface QuotedRecord {
  cells: string[];
  /** Where the next record starts. */
  next: number;
  /** What is wrong, in words; null where nothing is. */
  problem: string | null;
}

const STRAY_QUOTES = 'stray quotes; the line is read as if they were letters';
const OPEN_QUOTES = 'a quoted cell that does not end; read without quotes';
/** A longer record is taken for a quote that never closes. Characters. */
const MAX_QUOTED = 256 * 1024;

/**
 * The record of `text` that starts at `start`; null when it cannot be told before more of the text is there.
 * @param isLast whether nothing follows `text`
 */
export function readQuoted(
  text: string,
  start: number,
  by: Separators & RowShape,
  isLast: boolean,
): QuotedRecord | null {
  const standard = readCells(text, start, by, '"');
  const isOpen = standard === 'open';
  const isShort = text.length - start < MAX_QUOTED;
  const isPending = (record: typeof standard) =>
    !isLast && (typeof record === 'object' ? record.next > text.length : record === 'open' && isShort);
  if (isPending(standard)) return null;
  const end = lineEnd(text, start, by.newline);
  const line = { text, start, end };
  if (typeof standard === 'object' && fits(standard, by)) return accepted(line, standard, by);
  const escaped = text.slice(start, end).includes('\\"') ? readCells(text, start, by, '\\') : 'stray';
  if (isPending(escaped)) return null;
  if (typeof escaped === 'object' && (typeof standard !== 'object' || fits(escaped, by)))
    return accepted(line, escaped, by);
  if (typeof standard === 'object') return accepted(line, standard, by);
  return plainLine(line, by, isOpen ? OPEN_QUOTES : STRAY_QUOTES);
}

/** The form of a cell: runs of digits as 0, of letters as a, anything else as it is; `u12` and `u7` are both `a0`. */
export function formOf(cell: string): string {
  return cell.replace(/[\p{L}_]+/gu, 'a').replace(/\p{N}+/gu, '0');
}

interface Cells {
  cells: string[];
  next: number;
}

/** Where a line lies in the text. */
interface Line {
  text: string;
  start: number;
  end: number;
}

function fits({ cells }: Cells, { width }: RowShape): boolean {
  if (width === 0 || cells.length === width) return true;
  return cells.length > width ? cells.slice(width).every((cell) => cell.trim() === '') : false;
}

/** The record, unless it swallowed rows: a stray quote on one line and another one lines later make a quoted cell. */
function accepted(line: Line, record: Cells, by: Separators & RowShape): QuotedRecord {
  const { text, start, end } = line;
  const isOneLine = record.next <= end + 1;
  if (isOneLine || !swallowsRows(text.slice(start, end), text.slice(end + 1, record.next), by))
    return { ...record, problem: null };
  return plainLine(line, by, STRAY_QUOTES);
}

/** Of a column: its cells have no form in common, but none has a space in it. */
export const WORD = 'word';

/**
 * Whether each line of what should be the rest of one record looks like a row. One column's form tells that; single words
 * only do where they stand in two columns, and where the first line has all of its cells too: a text seldom has as many
 * commas in each line, and no space in two of its parts.
 */
function swallowsRows(
  first: string,
  rest: string,
  { delimiter, newline, width, forms }: Separators & RowShape,
): boolean {
  const isFormed = forms.some((form) => form !== null && form !== WORD);
  const isWords = forms.filter((form) => form !== null).length > 1 && first.split(delimiter).length === width;
  if (width < 2 || !(isFormed || isWords)) return false;
  const lines = rest.split(newline);
  if (lines.at(-1) === '') lines.pop();
  return lines.every((line) => {
    const cells = line.split(delimiter);
    if (cells.length !== width) return false;
    return forms.every((form, column) => {
      if (form === WORD) return isFormed || isWord(cells[column]);
      return form === null || formOf(bare(cells[column])) === form;
    });
  });
}

/** Whether a cell is something without a space in it, before it is trimmed. */
export function isWord(cell: string): boolean {
  return /^[^\s"]+$/.test(cell);
}

/** A cell without the pair of quotes around it. */
export function bare(cell: string): string {
  const trimmed = cell.trim();
  return trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"')
    ? trimmed.slice(1, -1).replaceAll('""', '"')
    : trimmed;
}

/** One line, in which quotes count at a cell's both ends at most. */
function plainLine({ text, start, end }: Line, by: Separators & RowShape, problem: string): QuotedRecord {
  const line = text.slice(start, end).replace(/\r$/, '');
  const next = end + 1;
  const cells = line.split(by.delimiter).map(bare);
  if (by.width > 0 && !fits({ cells, next }, by)) {
    const loose = readLoosely(line, by.delimiter);
    if (fits({ cells: loose, next }, by)) return { cells: loose, next, problem };
  }
  return { cells, next, problem };
}

/** Cells of a line where a quote closes only before a delimiter: `"a "b" c","d"` has two. */
function readLoosely(line: string, delimiter: string): string[] {
  const cells: string[] = [];
  for (let at = 0; at <= line.length; ) {
    let end = line.indexOf(delimiter, at);
    if (line[at] === '"') {
      const close = line.indexOf(`"${delimiter}`, at + 1);
      end = close < 0 ? -1 : close + 1;
    }
    if (end < 0) end = line.length;
    cells.push(bare(line.slice(at, end)));
    at = end + delimiter.length;
  }
  return cells;
}

/** Cells by the rules, in which a quote inside a quoted cell is written `""`, or `\"` where `mark` is `\`. */
function readCells(text: string, start: number, by: Separators, mark: '"' | '\\'): Cells | 'open' | 'stray' {
  const { delimiter, newline } = by;
  const cells: string[] = [];
  let line = lineEnd(text, start, newline);
  for (let at = start; ; ) {
    let open = at;
    while (text[open] === ' ') open++;
    if (text[open] !== '"') {
      let end = text.indexOf(delimiter, at);
      if (end < 0 || end > line) end = line;
      cells.push(text.slice(at, end));
      if (end === line) return { cells, next: line + 1 };
      at = end + delimiter.length;
      continue;
    }
    const close = closingQuote(text, open + 1, mark);
    if (close < 0) return 'open';
    const inside = text.slice(open + 1, close);
    cells.push(
      mark === '"' ? inside.replaceAll('""', '"') : inside.replace(/\\(["\\])|""/g, (_, one) => one ?? '"'),
    );
    let after = close + 1;
    while (text[after] === ' ' || (text[after] === '\r' && newline === '\n')) after++;
    if (close > line) line = lineEnd(text, close, newline);
    if (after === text.length) return { cells, next: text.length + 1 };
    if (text[after] === newline) return { cells, next: after + 1 };
    // The text may end within a delimiter of several characters.
    if (after + delimiter.length > text.length) return 'open';
    if (!text.startsWith(delimiter, after)) return 'stray';
    at = after + delimiter.length;
  }
}

function closingQuote(text: string, start: number, mark: '"' | '\\'): number {
  for (let at = text.indexOf('"', start); at >= 0; at = text.indexOf('"', at + 1)) {
    if (mark === '\\') {
      let slashes = 0;
      while (at - 1 - slashes >= start && text[at - 1 - slashes] === '\\') slashes++;
      if (slashes % 2 === 1) continue;
    }
    if (text[at + 1] !== '"') return at;
    at++;
  }
  return -1;
}

function lineEnd(text: string, start: number, newline: string): number {
  const end = text.indexOf(newline, start);
  return end < 0 ? text.length : end;
}
