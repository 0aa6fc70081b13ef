/** Parquet files of several packers and encodings have their right values; damaged ones are refused, and none is read for ever. */
import { readdirSync, readFileSync } from 'node:fs';
import { type FileMetaData, parquetMetadata } from 'hyparquet';
import { describe, expect, test } from 'vitest';
import { chunksOf } from '../../../src/data/files/parquetPages';
import { ImportError } from '../../../src/data/files/sources';
import { memoryFile, readTable } from './memory';

const FOLDER = new URL('./parquet/', import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(`${name}.parquet`, FOLDER)));
const read = (bytes: Uint8Array) => readTable(memoryFile('a.parquet', bytes));

/** What each of the files says, but for those of types. */
const TRUTH = Array.from({ length: 30 }, (_, row) => [
  String(9_007_199_254_740_993n + BigInt(Math.floor(row / 10))),
  row % 13 === 0 ? '' : `i${row % 7}`,
  `2020-01-01T00:${String(row).padStart(2, '0')}:00.00000${row % 3}Z`.replace('.000000Z', '.000Z'),
  row % 4 === 0 ? '' : '4.3',
  row % 11 > 0 ? `["Home","Kind ${row % 7}"]` : row > 0 ? '[]' : '',
  String(row % 3 === 0),
]);
const PACKED = ['gzip', 'zstd', 'brotli', 'lz4', 'snappy', 'none', 'delta', 'plain'];

test('every file stands in a test', () => {
  const names = readdirSync(FOLDER).map((name) => name.replace('.parquet', ''));
  expect(names.sort()).toEqual([...PACKED, 'types', 'int96'].sort());
});

test.each(PACKED)('%s: long ids, missing cells, lists, and times to the microsecond', async (name) => {
  expect((await read(bytesOf(name)))!.rows).toEqual(TRUTH);
});

test('bytes, large numbers, finer times, zones, days, decimals and objects keep all their digits', async () => {
  const { rows } = (await read(bytesOf('types')))!;
  expect(rows[1]).toEqual([
    ...['f1ff0180', '18446744073709551614', '2020-01-01T00:00:00.000000002Z', '2020-01-01T00:01:00.000Z'],
    ...['1969-12-31T23:59:58.500001Z', '2020-02-29', '-1234566.89', 'b'],
    '{"city":"X","n":"1152921504606846977"}',
  ]);
  expect([rows[0][3], rows[2][7]]).toEqual(['', '']);
  expect((await read(bytesOf('int96')))!.rows[3]).toEqual(['2020-01-01T00:00:00.000000004Z']);
});

/** Why a file was refused, or null. */
async function refusal(bytes: Uint8Array): Promise<string | null> {
  const error = await read(bytes).then(
    () => null,
    (each: unknown) => each,
  );
  if (error === null) return null;
  expect(error).toBeInstanceOf(ImportError);
  const [, why] = /^a\.parquet is a damaged Parquet file, or of .*\((.*)\): save it anew, or as CSV\.$/s.exec(
    (error as Error).message,
  )!;
  return why;
}

describe('damaged', () => {
  test('counts and lengths are found before they are worked by, wherever they stand', {
    timeout: 60_000,
  }, async () => {
    const reasons = new Set<string | null>();
    const whole = bytesOf('none');
    let slowest = 0;
    for (let at = 4; at < whole.length; at += 2) {
      const bytes = whole.slice();
      bytes[at] = 255;
      const start = performance.now();
      reasons.add(await refusal(bytes));
      slowest = Math.max(slowest, performance.now() - start);
    }
    for (const why of [
      ...[
        'a run is longer than its page',
        'levels are longer than their page',
        'numbers of more than 32 bits',
      ],
      ...['a page is longer than its column', 'a column lies outside of the file', 'no number of values'],
    ])
      expect(reasons).toContain(why);
    expect(slowest).toBeLessThan(5000);
  });

  test.each<[RegExp, (metadata: FileMetaData) => void]>([
    [/groups have other rows/, (metadata) => (metadata.num_rows += 1n)],
    [/a column has other rows/, ({ row_groups: [group] }) => (group.num_rows += 1n)],
    [/a column has two types/, ({ row_groups: [{ columns }] }) => (columns[0].meta_data!.type = 'DOUBLE')],
    [/a column is missing/, ({ row_groups: [{ columns }] }) => columns.pop()],
    [/outside/, ({ row_groups: [{ columns }] }) => (columns[0].meta_data!.total_compressed_size = 5000n)],
    [
      /more rows than its bytes can hold/,
      (metadata) => {
        metadata.num_rows = 4_000_000n + metadata.row_groups[1].num_rows;
        metadata.row_groups[0].num_rows = 4_000_000n;
        for (const { meta_data } of metadata.row_groups[0].columns) meta_data!.num_values = 4_000_000n;
      },
    ],
  ])('numbers that do not fit each other are told from the whole: %s', (why, change) => {
    const bytes = bytesOf('none');
    const metadata = parquetMetadata(bytes);
    expect(chunksOf(metadata, bytes.length)).toHaveLength(2);
    change(metadata);
    expect(() => chunksOf(metadata, bytes.length)).toThrow(why);
  });

  test('a page whose checksum does not fit is refused', async () => {
    const bytes = bytesOf('snappy');
    bytes[34] ^= 1;
    expect(await refusal(bytes)).toMatch(/CRC-32\) does not fit/);
  });

  test('at random, they end in rows or in a sentence', { timeout: 60_000 }, async () => {
    let [refused, slowest] = [0, 0];
    for (let seed = 0; seed < 200; seed++) {
      const bytes = bytesOf(PACKED[seed % PACKED.length]);
      // The same numbers each time.
      for (let edit = 0; edit < 1 + (seed % 3); edit++)
        bytes[4 + ((seed * 7919 + edit * 104_729) % (bytes.length - 4))] ^= 1 << (seed % 8);
      const start = performance.now();
      if ((await refusal(bytes)) !== null) refused++;
      slowest = Math.max(slowest, performance.now() - start);
    }
    expect(slowest).toBeLessThan(5000);
    expect(refused).toBeGreaterThan(100);
  });
});
