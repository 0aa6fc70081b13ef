/** What the first cells of a column say about a guess that was made by its name. */
import { isKnownEvent, readFlag } from './conversions';
import { isNone } from './none';
import { NumberColumn } from './numbers';
import { CLOCK_CELL } from './timeForms';
import { type ReadTimes, TimeColumn } from './times';

/** The first rows of a table: one cell per column. */
export type Head = readonly (readonly string[])[];

/** The cells of a column that say something. */
export function givenCells(head: Head, column: number): string[] {
  return head.map((row) => row[column] ?? '').filter((cell) => !isNone(cell.trim()));
}

/** The share of a column's cells that say nothing; 0 where there are no rows. */
export function emptyShare(head: Head, column: number): number {
  return head.length === 0 ? 0 : 1 - givenCells(head, column).length / head.length;
}

export function distinct(cells: Iterable<string>): number {
  return new Set(cells).size;
}

/** The share of the given cells for which something holds; 1 where none is given. */
function shareOf(cells: readonly string[], holds: (cell: string) => boolean): number {
  return cells.length === 0 ? 1 : cells.filter(holds).length / cells.length;
}

export interface TimesSeen {
  read: ReadTimes;
  /** Share of the given cells that are times. */
  share: number;
  /** Whether a time of day is told. */
  isFine: boolean;
  isRank: boolean;
}

/** The column as times; two columns are joined. null where no cell is given. */
export function seenTimes(head: Head, columns: readonly number[]): TimesSeen | null {
  const times = new TimeColumn();
  let given = 0;
  head.forEach((cells, row) => {
    const cell = columns.map((column) => cells[column] ?? '').join(' ');
    if (isNone(cell.trim())) return;
    given++;
    times.add(cell, row + 1);
  });
  if (given === 0) return null;
  const read = times.finish();
  const found = read.times.filter((time) => !Number.isNaN(time));
  const isRank = read.words.startsWith('numbers');
  const isFine = !isRank && found.some((time) => time % 86_400_000 !== 0);
  return { read, share: found.length / given, isFine, isRank };
}

/** Whether the cells are times of day, or hours, or milliseconds of a session, and nothing more. */
export function isClock(head: Head, column: number): boolean {
  const cells = givenCells(head, column);
  return cells.length > 0 && shareOf(cells, (cell) => CLOCK_CELL.test(cell.trim())) > 0.9;
}

/** Whether most given cells are numbers. */
export function isNumeric(head: Head, column: number): boolean {
  const numbers = new NumberColumn();
  const cells = givenCells(head, column);
  return cells.length > 0 && shareOf(cells, (cell) => !Number.isNaN(numbers.add(cell, 0))) > 0.8;
}

/** Whether every given cell is a whole number: an id or a code, no words. */
export function isWholeNumbers(head: Head, column: number): boolean {
  const cells = givenCells(head, column);
  return cells.length > 0 && cells.every((cell) => /^-?\d+(?:\.0+)?$/.test(cell.trim()));
}

/** Whether most given cells are flags. */
export function isFlag(head: Head, column: number): boolean {
  const cells = givenCells(head, column);
  return cells.length > 0 && shareOf(cells, (cell) => readFlag(cell) !== null) > 0.8;
}

/** Whether the values are few, and some of them are known events or all of them small numbers. */
export function isEvents(head: Head, column: number): boolean {
  const cells = givenCells(head, column);
  const values = [...new Set(cells)];
  if (values.length === 0 || values.length > 60) return false;
  return values.some(isKnownEvent) || values.every((value) => /^[0-6]$/.test(value));
}

/** Fewer rows beyond each item's first tell nothing. */
const FEW = 4;

/** How a text goes with an item and with a user. */
export interface Varying {
  /** Of the rows beyond an item's first, the share that brings a new text; null where hardly an item comes twice. */
  withinItems: number | null;
  /** Whether every user with several items has one text only, and texts differ between users. */
  isOfUser: boolean;
  /** Distinct texts by distinct items. */
  texts: number;
  items: number;
}

/** @param keys the columns of text, item and user; -1: no user */
export function varying(head: Head, keys: { text: number; item: number; user: number }): Varying {
  const byItem = new Map<string, Set<string>>();
  const byUser = new Map<string, { texts: Set<string>; items: Set<string> }>();
  const texts = new Set<string>();
  let rows = 0;
  for (const cells of head) {
    const text = (cells[keys.text] ?? '').trim().toLowerCase();
    const [item, user] = [cells[keys.item] ?? '', cells[keys.user] ?? ''];
    if (isNone(text)) continue;
    rows++;
    texts.add(text);
    byItem.set(item, (byItem.get(item) ?? new Set()).add(text));
    const known = byUser.get(user) ?? { texts: new Set(), items: new Set() };
    known.texts.add(text);
    known.items.add(item);
    byUser.set(user, known);
  }
  const beyond = rows - byItem.size;
  const news = [...byItem.values()].reduce((total, { size }) => total + size - 1, 0);
  const several = [...byUser.values()].filter(({ items }) => items.size > 1);
  const isOfUser =
    keys.user >= 0 &&
    several.length > 1 &&
    several.every((user) => user.texts.size === 1) &&
    texts.size > 1 &&
    byItem.size > 1;
  return {
    withinItems: beyond >= FEW ? news / beyond : null,
    isOfUser,
    texts: texts.size,
    items: byItem.size,
  };
}
