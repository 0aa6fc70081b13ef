/** Files for tests of reading, made in memory and given in pieces of any size. */
import { readFileSync } from 'node:fs';
import { blobFile } from '../../../src/data/files/blobFile';
import { Problems, type SourceFile } from '../../../src/data/files/sources';
import { openTable } from '../../../src/data/files/table';

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A file that comes in pieces of `piece` bytes. */
export function memoryFile(name: string, content: string | Uint8Array, piece = 256 * 1024): SourceFile {
  const bytes = typeof content === 'string' ? encode(content) : content;
  return {
    name: name.split('/').at(-1)!,
    path: name,
    size: bytes.length,
    slice: async (start, end) => bytes.slice(start, end),
    async *chunks() {
      for (let at = 0; at < bytes.length; at += piece) yield bytes.slice(at, at + piece);
    },
  };
}

export function caseFile(name: string): SourceFile {
  const bytes = readFileSync(new URL(`../cases/${name}`, import.meta.url));
  return blobFile(new Blob([bytes]), name, name);
}

export interface ReadTable {
  columns: readonly string[];
  types: readonly (string | null)[];
  hasHeader: boolean;
  head: readonly (readonly string[])[];
  rows: string[][];
  numbers: number[];
  problems: string[];
}

/** Reads a whole table; null where `openTable` finds none. */
export async function readTable(
  file: SourceFile,
  known?: Parameters<typeof openTable>[2],
): Promise<ReadTable | null> {
  const problems = new Problems();
  const table = await openTable(file, problems, known);
  if (!table) return null;
  const rows: string[][] = [];
  const numbers: number[] = [];
  await table.rows((cells, row) => {
    rows.push([...cells]);
    numbers.push(row);
  });
  const { columns, types, hasHeader, head } = table;
  return { columns, types, hasHeader, head, rows, numbers, problems: problems.list() };
}
