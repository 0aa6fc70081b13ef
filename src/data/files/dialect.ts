/** How a delimited file is written, told from its beginning: what parts records and cells, and where its rows begin. */
import { bare, formOf, isWord, type RowShape, type Separators, WORD } from './quotes';
import { RecordSplitter } from './records';

/** Looked at of a file. Characters and records. */
export const SAMPLE_CHARACTERS = 256 * 1024;
const SAMPLE_RECORDS = 300;
const DELIMITERS = [',', '\t', ';', '|', '::'];
/** Lines of remarks that may stand before the header. */
const MAX_PREAMBLE = 50;
/** Share of rows that must have a column's form for it to tell rows from other lines. */
const FORM_SHARE = 0.95;
/** Share of lines that must have the same number of cells in a table. */
const TABLE_SHARE = 0.4;

export interface Dialect extends Separators, RowShape {
  /** Records before the header, or before the first row where there is none. */
  skipped: number;
  /** What they say, without blank ones. */
  preamble: string[];
  hasHeader: boolean;
  /** Names as the header has them; [] without one. */
  header: string[];
  /** Whether rows have one cell in front that the header has no name for, as R writes its row names. */
  hasRowNames: boolean;
}

/**
 * The dialect of text that begins so; null where it is no table.
 * @param isWhole whether nothing follows
 * @param delimiter where it is known
 */
export function detectDialect(text: string, isWhole: boolean, delimiter?: string): Dialect | null {
  const newline = findNewline(text);
  const told = /^\s*sep=(.|::)[ \r]*(?:\n|$)/i.exec(text.slice(0, 20).replaceAll('\r', '\n'))?.[1];
  const choices = delimiter ? [delimiter] : told ? [told] : DELIMITERS;
  const looks = choices.map((choice) => lookAt(text, isWhole, { delimiter: choice, newline }));
  const best = Math.max(...looks.map(({ score }) => score));
  const near = looks.filter(({ score }) => score >= best - 0.1);
  const look = near.reduce((widest, one) => (one.width > widest.width ? one : widest));
  if (delimiter === undefined && (look.width < 2 || look.score < TABLE_SHARE * 0.5)) return null;
  if (look.records.length === 0) return null;
  return describe(look, told !== undefined);
}

/** Counts line ends outside of quoted cells; where nearly all are `\r`, `\n` is a letter of a cell. */
function findNewline(text: string): '\n' | '\r' {
  const outside = text.replace(/"[^"]*"/g, '""');
  const feeds = outside.split('\n').length - 1;
  const returns = outside.split(/\r(?!\n)/).length - 1;
  return returns > feeds ? '\r' : '\n';
}

interface Look extends Separators {
  records: string[][];
  width: number;
  score: number;
}

/** How well a delimiter fits: the share of records that have the most frequent number of cells. */
function lookAt(text: string, isWhole: boolean, by: Separators): Look {
  const records: string[][] = [];
  const splitter = new RecordSplitter(
    { ...by, width: 0, forms: [] },
    {
      onRecord: (cells) => records.push(cells) < SAMPLE_RECORDS,
      onProblem: () => undefined,
      onLost: () => undefined,
    },
  );
  splitter.push(text);
  if (isWhole || records.length === 0) splitter.end();
  const widths = new Map<number, number>();
  const filled = records.filter((cells) => !isBlank(cells));
  for (const { length } of filled) widths.set(length, (widths.get(length) ?? 0) + 1);
  let [width, count] = [0, 0];
  for (const [length, times] of widths)
    if (times > count || (times === count && length > width)) [width, count] = [length, times];
  const share = filled.length === 0 ? 0 : count / filled.length;
  const isNamed = filled
    .slice(0, MAX_PREAMBLE)
    .some(({ length }) => length === width || (width > 2 && length === width - 1));
  const start = filled.findIndex(({ length }) => length > 1);
  const first = start < 0 ? 0 : filled[start].length;
  const agrees =
    isNamed &&
    start <= Math.max(3, filled.length / 10) &&
    first >= Math.min(width - 1, Math.max(2, width / 2));
  return { ...by, records, width, score: width < 2 ? 0 : share * (agrees ? 1 : 0.4) };
}

export function isBlank(cells: readonly string[]): boolean {
  return cells.every((cell) => cell.trim() === '');
}

function describe({ records, width, delimiter, newline }: Look, isTold: boolean): Dialect {
  const preamble: string[] = [];
  let skipped = isTold ? 1 : 0;
  const usual = usuallyFilled(records, width);
  while (
    skipped < Math.min(records.length - 1, MAX_PREAMBLE) &&
    isPreamble(records[skipped], { width, usual })
  ) {
    if (!isBlank(records[skipped])) preamble.push(records[skipped].join(delimiter));
    skipped++;
  }
  const [first, ...rows] = records.slice(skipped).map((cells) => cells.map(bare));
  const filled = rows.filter((cells) => cells.length === width);
  const hasHeader = first === undefined || isHeader(first, filled);
  const hasRowNames = hasHeader && first !== undefined && namesRows(first, filled, width);
  const rowWidth = hasRowNames || !hasHeader ? width : Math.max(first?.length ?? 0, 1);
  const forms = columnForms(hasHeader ? filled : [first, ...filled], rowWidth);
  const header = hasHeader ? (first ?? []) : [];
  return { delimiter, newline, width: rowWidth, forms, skipped, preamble, hasHeader, header, hasRowNames };
}

/** Of rows with all their cells, how many are not empty in the middle one; columns may be empty throughout. */
function usuallyFilled(records: readonly (readonly string[])[], width: number): number {
  const filled = records
    .filter(({ length }) => length === width)
    .map((cells) => cells.filter((cell) => cell.trim() !== '').length)
    .sort((a, b) => a - b);
  return filled[filled.length >> 1] ?? width;
}

/** Blank lines, remarks, and lines of few cells before a table of many. */
function isPreamble(cells: readonly string[], { width, usual }: { width: number; usual: number }): boolean {
  if (isBlank(cells)) return true;
  const filled = cells.filter((cell) => cell.trim() !== '').length;
  if (/^\s*(#|%|\/\/|--)/.test(cells[0]) && cells.length !== width && cells.length !== width - 1) return true;
  return width > 1 && filled <= usual / 2 && filled < width - 1 + (filled === 1 ? 1 : 0);
}

const NUMBER = /^[-+]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?%?$/i;
const DATE = /^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]|$)|^\d{1,2}:\d{2}/;
const isValue = (cell: string) => NUMBER.test(cell) || DATE.test(cell);
/** RecBole writes a column's type behind its name. */
export const TYPED_NAME = /^(.+):(token|token_seq|float|float_seq)$/;

/** A first record is no header if a number or date stands where rows have them too, or a cell that rows repeat. */
function isHeader(first: readonly string[], rows: readonly (readonly string[])[]): boolean {
  if (rows.length === 0) return !first.some(isValue);
  if (first.some((name) => TYPED_NAME.test(name))) return true;
  return !first.some((name, column) => {
    if (name === '') return false;
    const cells = rows.map((row) => row[column] ?? '').filter((cell) => cell !== '');
    if (isValue(name)) return cells.filter(isValue).length > cells.length * 0.8;
    // A header line that stands there again repeats all of its cells.
    const again = rows.filter(
      (row) => row[column] === name && row.some((cell, index) => cell !== first[index]),
    );
    return again.length >= 3;
  });
}

/** Whether rows are one cell longer than the header because the first one, different in each, is a name or number. */
function namesRows(first: readonly string[], rows: readonly (readonly string[])[], width: number): boolean {
  if (first.length !== width - 1 || rows.length === 0 || rows.every((row) => row[width - 1] === ''))
    return false;
  return new Set(rows.map((row) => row[0])).size === rows.length;
}

function columnForms(rows: readonly (readonly string[])[], width: number): (string | null)[] {
  return Array.from({ length: width }, (_, column) => {
    const counts = new Map<string, number>();
    for (const row of rows) {
      const form = formOf((row[column] ?? '').trim());
      counts.set(form, (counts.get(form) ?? 0) + 1);
    }
    for (const [form, count] of counts) {
      if (form.includes('0') && rows.length > 1 && count >= rows.length * FORM_SHARE) return form;
    }
    const words = rows.filter((row) => isWord(row[column] ?? '')).length;
    return rows.length > 1 && words >= rows.length * FORM_SHARE ? WORD : null;
  });
}
