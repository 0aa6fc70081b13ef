/**
 * Holds a Parquet file's numbers against each other and against its bytes before hyparquet works by them. A flipped bit in a
 * count or in the length of a run has it write 2^30 values, for minutes or for ever.
 */
import type { ColumnMetaData, Compressors, FileMetaData, PageHeader, SchemaTree } from 'hyparquet';
import { parquetSchema } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getPhysicalColumns } from 'hyparquet/src/schema.js';
import { crc32 } from './crc32';

/** Beyond the first million, values that a byte may stand for: no log says as little with as many. */
const VALUES_PER_BYTE = 64;
const FREE_VALUES = 1_000_000;
/** What a page may unpack to, whatever it claims. */
const MAX_PAGE_BYTES = 1 << 30;
/** Writers fill the last run of a page up; none by more values than this. */
const FILLED_UP = 1024;

/** A column of one group of rows, and where it lies in the file. */
export interface Chunk {
  meta: ColumnMetaData;
  start: number;
  end: number;
  definition: number;
  repetition: number;
  rows: number;
}

type Group = FileMetaData['row_groups'][number];

/**
 * The columns of every group of rows.
 * @param size of the file, in bytes
 * @throws an Error that says which numbers do not fit
 */
export function chunksOf(metadata: FileMetaData, size: number): Chunk[][] {
  const tree = parquetSchema(metadata);
  const leaves = getPhysicalColumns(tree);
  if (new Set(leaves).size < leaves.length) throw new Error('two of its columns have one name');
  const groups = metadata.row_groups.map((group) => groupChunks(group, { tree, leaves, size }));
  const rows = metadata.row_groups.reduce((total, group) => total + Number(group.num_rows), 0);
  if (rows !== Number(metadata.num_rows)) throw new Error('its groups have other rows than it says');
  return groups;
}

function groupChunks(
  group: Group,
  { tree, leaves, size }: { tree: SchemaTree; leaves: readonly string[]; size: number },
): Chunk[] {
  const rows = count(group.num_rows, 'rows');
  const chunks = group.columns.map(({ meta_data: meta, file_path: elsewhere }) => {
    if (meta === undefined || elsewhere) throw new Error('a column is kept elsewhere');
    const path = pathTo(tree, meta.path_in_schema);
    if (meta.type !== path[path.length - 1].element.type) throw new Error('a column has two types');
    const start = count(meta.dictionary_page_offset || meta.data_page_offset, 'bytes');
    const end = start + count(meta.total_compressed_size, 'bytes');
    if (start < 4 || end > size - 8) throw new Error('a column lies outside of the file');
    const [definition, repetition] = [getMaxDefinitionLevel(path), getMaxRepetitionLevel(path)];
    const values = count(meta.num_values, 'values');
    if (repetition === 0 ? values !== rows : values < rows) throw new Error('a column has other rows');
    return { meta, start, end, definition, repetition, rows };
  });
  const names = chunks.map(({ meta }) => meta.path_in_schema.join('.'));
  if (leaves.length !== names.length || leaves.some((leaf) => !names.includes(leaf)))
    throw new Error('a column is missing');
  const bytes = chunks.reduce((total, { start, end }) => total + end - start, 0);
  const most = Math.max(rows, ...chunks.map(({ meta }) => Number(meta.num_values)));
  if (most > FREE_VALUES + VALUES_PER_BYTE * bytes) throw new Error('more rows than its bytes can hold');
  return chunks;
}

function pathTo(tree: SchemaTree, names: readonly string[]): SchemaTree[] {
  const path = [tree];
  for (const name of names) {
    const child = path[path.length - 1].children.find(({ element }) => element.name === name);
    if (child === undefined) throw new Error('a column is not in its schema');
    path.push(child);
  }
  return path;
}

function count(value: bigint | number | undefined, of: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`no number of ${of}`);
  return number;
}

/**
 * Walks a column's pages as far as its first rows.
 * @param bytes of the chunk
 * @param rows read of it
 * @throws an Error where a page's numbers fit neither its bytes nor the others
 */
export function checkPages(bytes: ArrayBuffer, chunk: Chunk, rows: number, compressors: Compressors): void {
  const reader = { view: new DataView(bytes), offset: 0 };
  const total = Number(chunk.meta.num_values);
  const wanted = chunk.repetition === 0 ? Math.min(rows, total) : total;
  let [values, left] = [0, Number(chunk.meta.total_uncompressed_size)];
  while (values < wanted) {
    if (reader.offset >= bytes.byteLength) throw new Error('a column ends too early');
    const header = parquetHeader(reader);
    const packed = count(header.compressed_page_size, 'bytes');
    const size = count(header.uncompressed_page_size, 'bytes');
    left -= size;
    if (packed > bytes.byteLength - reader.offset || left < 0 || size > MAX_PAGE_BYTES)
      throw new Error('a page is longer than its column');
    const page = new Uint8Array(bytes, reader.offset, packed);
    reader.offset += packed;
    if (header.crc !== undefined && crc32(page) !== header.crc >>> 0)
      throw new Error('a page’s checksum (CRC-32) does not fit');
    values += checkPage(page, header, chunk, compressors);
    if (values > total) throw new Error('its pages have more values than it says');
  }
}

/** @returns its values; 0 of a dictionary */
function checkPage(page: Uint8Array, header: PageHeader, chunk: Chunk, compressors: Compressors): number {
  const unpack = (packed: Uint8Array, size: number) =>
    decompressPage(packed, size, chunk.meta.codec, compressors);
  const { data_page_header: first, data_page_header_v2: second, dictionary_page_header: dictionary } = header;
  const size = header.uncompressed_page_size;
  if (header.type === 'DICTIONARY_PAGE' && dictionary) {
    if (count(dictionary.num_values, 'values') > 8 * size) throw new Error('a dictionary is too short');
    return 0;
  }
  if (header.type === 'DATA_PAGE' && first) {
    const values = count(first.num_values, 'values');
    const runs = new Runs(unpack(page, size));
    if (chunk.repetition > 0) runs.skipLevels(chunk.repetition, values);
    if (chunk.definition > 0) runs.skipLevels(chunk.definition, values);
    // How many of the values are missing is not known here: the runs may end before so many.
    checkIndices(runs, first.encoding, chunk, { values, isExact: chunk.definition === 0 });
    return values;
  }
  if (header.type === 'DATA_PAGE_V2' && second) {
    const values = count(second.num_values, 'values');
    const nulls = count(second.num_nulls, 'values');
    const repeats = count(second.repetition_levels_byte_length, 'bytes');
    const levels = repeats + count(second.definition_levels_byte_length, 'bytes');
    const isFlat = chunk.repetition === 0;
    if (nulls > values || (isFlat && second.num_rows !== values) || levels > Math.min(page.length, size))
      throw new Error('a page has more values than it holds');
    if (!isFlat) new Runs(page.subarray(0, repeats)).skip(bitWidth(chunk.repetition), values);
    if (chunk.definition > 0)
      new Runs(page.subarray(repeats, levels)).skip(bitWidth(chunk.definition), values);
    const rest = page.subarray(levels);
    const isPacked = second.is_compressed !== false && size > levels;
    const indices = new Runs(isPacked ? unpack(rest, size - levels) : rest);
    checkIndices(indices, second.encoding, chunk, { values: values - nulls, isExact: true });
    return values;
  }
  throw new Error('a page is of no known kind');
}

/** Indices into a dictionary, and yes and no, are runs as levels are. */
function checkIndices(
  runs: Runs,
  encoding: string,
  { meta }: Chunk,
  { values, isExact }: { values: number; isExact: boolean },
): void {
  if (encoding.endsWith('_DICTIONARY')) runs.skip(runs.byte(), values, isExact);
  else if (encoding === 'RLE' && meta.type === 'BOOLEAN') {
    runs.skipLength();
    runs.skip(1, values, isExact);
  }
}

function bitWidth(level: number): number {
  return 32 - Math.clz32(level);
}

/** Numbers in runs: of one value, or packed by eights. */
class Runs {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next byte; 0 behind the last. */
  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  skipLength(): number {
    const [a, b, c, d] = [this.byte(), this.byte(), this.byte(), this.byte()];
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  /** The levels of a first page: runs behind their length. */
  skipLevels(most: number, values: number): void {
    const length = this.skipLength();
    const start = this.#at;
    if (length > this.#bytes.length - start) throw new Error('levels are longer than their page');
    this.skip(bitWidth(most), values);
    this.#at = start + length;
  }

  /** @param isExact whether there must be so many values, and not fewer */
  skip(width: number, values: number, isExact = true): void {
    if (width > 32) throw new Error('numbers of more than 32 bits');
    for (let seen = 0; seen < values; ) {
      if (this.#at >= this.#bytes.length) {
        if (isExact) throw new Error('runs end before their values');
        return;
      }
      const header = this.#varint();
      const isPacked = header % 2 === 1;
      const run = Math.floor(header / 2) * (isPacked ? 8 : 1);
      if (run > values - seen + FILLED_UP) throw new Error('a run is longer than its page');
      this.#at += isPacked ? (run / 8) * width : Math.ceil(width / 8);
      seen += run;
    }
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.byte();
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
    throw new Error('the length of a run is no number');
  }
}
