/** Finds files by their names and columns by theirs: what layouts that know their files share. */
import { columnKey } from '../columns/roles';
import { baseName, ImportError, type SourceFile } from '../files/sources';
import type { Table } from '../files/table';

/** The one file that goes by one of the names; null where there is none. @throws ImportError where there are several */
export function fileNamed(files: readonly SourceFile[], ...names: string[]): SourceFile | null {
  const found = files.filter((file) => names.includes(baseName(file)));
  if (found.length > 1)
    throw new ImportError(
      `There are ${found.length} files called ${names[0]}: choose the folder of one data set.`,
    );
  return found[0] ?? null;
}

/** The index of the first of the names that a column goes by (letters and digits, lower case), or −1. */
export function columnNamed({ columns }: Table, ...names: string[]): number {
  const keys = columns.map(columnKey);
  for (const name of names) {
    const index = keys.indexOf(name);
    if (index >= 0) return index;
  }
  return -1;
}

/** @throws ImportError where no column goes by one of the names */
export function columnNeeded(table: Table, what: string, ...names: string[]): number {
  const index = columnNamed(table, ...names);
  if (index < 0)
    throw new ImportError(
      `${table.file} has no column for the ${what} (called ${names.join(' or ')}); it has ${table.columns.slice(0, 12).join(', ')}.`,
    );
  return index;
}

/** A role of one column; nothing where there is none. */
export function columnsOf(index: number): number[] {
  return index < 0 ? [] : [index];
}

/** The cell of a column that may be missing. */
export function cellAt(cells: readonly string[], index: number): string {
  return index < 0 ? '' : cells[index];
}
