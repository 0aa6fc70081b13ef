/** What every kind of table has in common: its head, and that its problems are told once however often it is read. */
import type { Problems } from './sources';

/** Rows kept of a table's beginning. */
export const HEAD_ROWS = 1000;

export interface Table {
  /** For messages. */
  file: string;
  /**
   * As the file has them, trimmed; RecBole's types (`user_id:token`) are taken off and kept in `types`. A column without a
   * name is called by its number: `#1`.
   */
  columns: readonly string[];
  types: readonly (string | null)[];
  hasHeader: boolean;
  /** The first rows, at most 1,000: one cell per column, trimmed. */
  head: readonly (readonly string[])[];
  /** Rows that are not given to `rows`, by the reason; known once a reading has come to its end. */
  dropped: ReadonlyMap<string, Dropped>;
  /**
   * Every row in order, as often as asked. `row` counts records from 1 and includes the header and blank ones. The array
   * may be used again, and cells are views into pieces of the file (`detached` makes strings of their own). Dropped rows
   * are reported by the first reading that comes to the end. Throws ImportError.
   */
  rows(
    onRow: (cells: readonly string[], row: number) => void,
    onProgress?: (fraction: number) => void,
  ): Promise<void>;
}

/** Rows that were lost for one reason. */
export interface Dropped {
  rows: number;
  /** The first, with its row and what stands there; '' where there is none to name. */
  example: string;
}

/** Counts one more row, or several, for a reason. */
export function countDropped(dropped: Map<string, Dropped>, kind: string, lost: Dropped): void {
  const entry = dropped.get(kind);
  if (entry === undefined) dropped.set(kind, { ...lost });
  else entry.rows += lost.rows;
}

/** Row and cell as a sentence names them. */
export function rowAndCell(row: number, cell: string): string {
  return `row ${row}${cell === '' ? '' : ` (“${cell.slice(0, 40).trim()}”)`}`;
}

/** Gets a row; false stops the reading. */
export type OnRow = (cells: readonly string[], row: number) => unknown;

export interface Readable extends Omit<Table, 'head' | 'rows' | 'dropped'> {
  read(onRow: OnRow, onProgress?: (fraction: number) => void): Promise<void>;
}

/** Keeps problems back while a table's head is read, and after they were told once. */
export class Reading {
  readonly #file: string;
  readonly #problems: Problems;
  readonly #dropped = new Map<string, Dropped>();
  #isTelling = false;
  #isTold = false;

  constructor(file: string, problems: Problems) {
    this.#file = file;
    this.#problems = problems;
  }

  /** A row that was mended, or that something is odd about. */
  report(row: number, kind: string, found?: string): void {
    if (this.#isTelling) this.#problems.add(this.#file, row, kind, found);
  }

  /** A row that is not read. */
  drop(row: number, kind: string, found = ''): void {
    this.report(row, kind, found === '' ? undefined : found);
    if (this.#isTelling) countDropped(this.#dropped, kind, { rows: 1, example: rowAndCell(row, found) });
  }

  /** Reads the head, and makes the table of it. */
  async table({ read, ...rest }: Readable): Promise<Table> {
    const head: string[][] = [];
    await read((cells) => head.push([...cells]) < HEAD_ROWS);
    const rows: Table['rows'] = async (onRow, onProgress) => {
      this.#isTelling = !this.#isTold;
      try {
        await read((cells, row) => {
          onRow(cells, row);
        }, onProgress);
        this.#isTold = true;
      } finally {
        this.#isTelling = false;
      }
    };
    return { ...rest, head, rows, dropped: this.#dropped };
  }
}
