/** Tables out of Parquet files, a group of rows at a time. The reader is loaded when the first such file comes. */

import type { SchemaElement } from 'hyparquet';
import type { Chunk } from './parquetPages';
import { HEAD_ROWS, type OnRow, Reading, type Table } from './reading';
import { ImportError, type Problems, type SourceFile, wholeBytes } from './sources';

/** A Parquet file is read from its end, so one inside an archive has to fit into memory. */
const MAX_PACKED_BYTES = 512 * 1024 * 1024;

/**
 * The table in a Parquet file.
 * @throws ImportError: damaged, encrypted, or packed in a way that is not known
 */
export async function openParquet(file: SourceFile, problems: Problems): Promise<Table> {
  const [{ parquetMetadataAsync, parquetRead, parquetSchema }, { compressors }, { checkPages, chunksOf }] =
    await Promise.all([import('hyparquet'), import('hyparquet-compressors'), import('./parquetPages')]);
  const buffer = await asyncBuffer(file);
  const {
    metadata,
    columns,
    read: readers,
    groups,
  } = await guarded(file, async () => {
    const metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
    const elements = parquetSchema(metadata).children.map(({ element }) => element);
    const columns = elements.map(({ name }) => name);
    const read = elements.map(reader);
    return { metadata, columns, read, groups: chunksOf(metadata, buffer.byteLength) };
  });
  if (columns.length === 0) throw damaged(file, 'it has no columns');
  const reading = new Reading(file.name, problems);
  const total = Math.max(1, Number(metadata.num_rows));
  const cells: string[] = columns.map(() => '');

  const readRange = async (chunks: Chunk[], [rowStart, rowEnd]: [number, number], onRow: OnRow) => {
    let isGoingOn = true;
    await guarded(file, async () => {
      for (const chunk of chunks)
        checkPages(await buffer.slice(chunk.start, chunk.end), chunk, rowEnd - rowStart, compressors);
      await parquetRead({
        file: buffer,
        metadata,
        compressors,
        rowStart,
        rowEnd,
        rowFormat: 'array',
        parsers: PARSERS,
        utf8: false,
        onComplete: (rows: unknown[][]) => {
          for (let index = 0; index < rows.length && isGoingOn; index++) {
            for (let column = 0; column < columns.length; column++)
              cells[column] = readers[column](rows[index][column]);
            // Row 1 is the header of other tables.
            isGoingOn = onRow(cells, rowStart + index + 2) !== false;
          }
        },
      });
    });
    return isGoingOn;
  };

  const read = async (onRow: OnRow, onProgress?: (fraction: number) => void, limit = total) => {
    let start = 0;
    for (const [index, group] of metadata.row_groups.entries()) {
      const end = start + Number(group.num_rows);
      if (!(await readRange(groups[index], [start, Math.min(end, limit)], onRow)) || end >= limit) return;
      start = end;
      onProgress?.(start / total);
    }
  };
  const table = await reading.table({
    file: file.name,
    columns,
    types: columns.map(() => null),
    hasHeader: true,
    read: (onRow) => read(onRow, undefined, HEAD_ROWS),
  });
  return {
    ...table,
    rows: (onRow, onProgress) =>
      read((row, number) => {
        onRow(row, number);
      }, onProgress),
  };
}

async function asyncBuffer(file: SourceFile) {
  if (file.isPacked) {
    const bytes = await wholeBytes(file, MAX_PACKED_BYTES);
    const slice = async (start: number, end = bytes.length) => bytes.slice(start, end).buffer;
    return { byteLength: bytes.length, slice };
  }
  const slice = async (start: number, end = file.size) => {
    const bytes = await file.slice(start, end);
    return bytes.slice().buffer;
  };
  return { byteLength: file.size, slice };
}

async function guarded<Result>(file: SourceFile, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ImportError) throw error;
    throw damaged(file, error instanceof Error ? error.message : String(error), error);
  }
}

function damaged(file: SourceFile, why: string, cause?: unknown): ImportError {
  return new ImportError(
    `${file.name} is a damaged Parquet file, or of a kind that is not read here (${why}): save it anew, or as CSV.`,
    { cause },
  );
}

/** What hyparquet makes of times ends with the millisecond, and of JSON loses long numbers. */
const PARSERS = {
  timestampFromMicroseconds: (ticks: bigint) => fineTime(ticks, 1000n),
  timestampFromNanoseconds: (ticks: bigint) => fineTime(ticks, 1_000_000n),
  dateFromDays: (days: number) => dateText(new Date(days * 86_400_000)).slice(0, 10),
  jsonFromBytes: bytesText,
};

function fineTime(ticks: bigint, perMillisecond: bigint): string {
  const rest = ((ticks % perMillisecond) + perMillisecond) % perMillisecond;
  const text = dateText(new Date(Number((ticks - rest) / perMillisecond)));
  if (rest === 0n || text === '') return text;
  return text.replace('Z', `${String(rest).padStart(String(perMillisecond).length - 1, '0')}Z`);
}

/** The shortest number that is the same in 32 bits: 4.3, where 64 bits have 4.300000190734863. */
function shortest(value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/** How a column's values become cells. Takes decimals out of hyparquet's hands, which makes rounded numbers of long ids. */
function reader(element: SchemaElement): (value: unknown) => string {
  if (element.type === 'FLOAT') return (value) => cellOf(shortest(value));
  if (element.converted_type !== 'DECIMAL') return cellOf;
  const { scale = 0 } = element;
  element.converted_type = undefined;
  element.logical_type = undefined;
  return (value) => (value === null || value === undefined ? '' : decimalText(value, scale));
}

function decimalText(value: unknown, scale: number): string {
  const whole =
    value instanceof Uint8Array
      ? BigInt.asIntN(8 * value.length, BigInt(`0x${hexadecimal(value) || '0'}`))
      : BigInt(value as number | bigint);
  if (scale === 0) return String(whole);
  const digits = String(whole < 0n ? -whole : whole).padStart(scale + 1, '0');
  const fraction = digits.slice(-scale).replace(/0+$/, '');
  return `${whole < 0n ? '-' : ''}${digits.slice(0, -scale)}${fraction === '' ? '' : `.${fraction}`}`;
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value.trim();
  if (value instanceof Date) return dateText(value);
  if (value instanceof Uint8Array) return bytesText(value).trim();
  if (typeof value === 'object') return JSON.stringify(value, inList);
  return String(value);
}

function inList(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? bytesText(value) : value;
}

/** Bytes that nothing says are text: as text where they are some, else in hexadecimal, so that ids stay apart. */
function bytesText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return hexadecimal(bytes);
  }
}

function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function dateText(date: Date): string {
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}
