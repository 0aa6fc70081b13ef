/** Opens any table that is read here, by what the file holds and whatever its name is. */
import { type KnownTable, openDelimited } from './delimited';
import { isJson, openJson } from './json';
import { kindOf } from './kinds';
import { openParquet } from './parquet';
import type { Table } from './reading';
import { ImportError, type Problems, type SourceFile } from './sources';
import { textOf } from './text';

export type { Table } from './reading';

/**
 * The table in a file: delimited text, JSON lines or Parquet; null when it holds none (an image, a README, nothing).
 * `problems` is told remarks about the file now, and about its rows when they are read.
 * @param known the columns of a file whose header is known to be missing
 * @throws ImportError that says what it is and what to do: damaged, or of a kind that is recognised and not read
 */
export async function openTable(
  file: SourceFile,
  problems: Problems,
  known?: KnownTable,
): Promise<Table | null> {
  const kind = await kindOf(file);
  if (kind === null) return null;
  if (kind === 'parquet') return openParquet(file, problems);
  const beginning = await firstText(file);
  if (/^\s*\[\s*\[/.test(beginning))
    throw new ImportError(`${file.name} holds lists in a list, without keys: save it as JSON lines or CSV.`);
  return isJson(beginning) ? openJson(file, beginning, problems) : openDelimited(file, problems, known);
}

async function firstText(file: SourceFile): Promise<string> {
  for await (const piece of textOf(file, () => undefined)) return piece;
  return '';
}
