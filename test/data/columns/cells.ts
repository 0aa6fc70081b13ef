/** The cells of the simple tables in test/data/cases, split by hand: quotes around a cell, no line ends in it. */
import { readFileSync } from 'node:fs';

export interface Cells {
  columns: string[];
  rows: string[][];
}

export function caseCells(name: string, delimiter = ','): Cells {
  const text = readFileSync(new URL(`../cases/${name}`, import.meta.url), 'utf8');
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  const [columns, ...rows] = lines.map((line) => splitLine(line, delimiter));
  return { columns, rows };
}

export function column({ columns, rows }: Cells, name: string): string[] {
  return rows.map((row) => row[columns.indexOf(name)]);
}

function splitLine(line: string, delimiter: string): string[] {
  const cells = [''];
  let isQuoted = false;
  for (const mark of line) {
    if (mark === '"') isQuoted = !isQuoted;
    else if (mark === delimiter && !isQuoted) cells.push('');
    else cells[cells.length - 1] += mark;
  }
  return cells.map((cell) => cell.trim());
}
