/** The cases of imports, as tables: the right rows, or the right refusal. What they mean is tested with the importers. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { unpacked } from '../../../src/data/files/unpacked';
import { caseFile, memoryFile, type ReadTable, readTable } from './memory';

const LIMIT = 4_000_000;
const COLUMNS = ['user', 'item', 'time', 'title', 'categories'];

async function read(name: string, limit = LIMIT): Promise<ReadTable[]> {
  const tables: ReadTable[] = [];
  for (const file of await unpacked([caseFile(name)], limit)) {
    const table = await readTable(file);
    if (table) tables.push(table);
  }
  return tables;
}

/** The log that most cases are a form of: 8 users with 8 things each, a day apart. */
const LOG = Array.from({ length: 64 }, (_, index) => {
  const [user, step] = [index >> 3, index & 7];
  const item = (user + step) % 8;
  return [
    `u${user}`,
    `i${item}`,
    String(1262304000 + step * 86400),
    `Thing ${item} deluxe`,
    `home > kind ${item % 2} > sort ${item % 4}`,
  ];
});

describe('are the plain log', () => {
  test.each([
    'enc-bom.csv',
    'enc-utf16le-nobom.csv',
    'dialect-semicolon.csv',
    'dialect-pipe.csv',
    'dialect-preamble.csv',
    'dialect-crlf-quoted-last.csv',
    'dialect-trailing-comma.csv',
    'dialect-trailing-comma-rows-only.csv',
    'dialect-mixed-newlines.csv',
    'dialect-space-after-comma.csv',
    'dialect-sep-line.csv',
    'zip-trailing.zip',
    'zip-gz-inside.zip',
    'zip-nested.zip',
    'zip-latin-name.zip',
    'zip-renamed.bin',
    'zip-stored.zip',
    'zip-with-readme__plain.zip',
    'zip-zip64-entry.zip',
    'zip-sfx.zip',
    'folder-many__z.csv',
  ])('%s', async (name) => {
    const [table, ...others] = await read(name);
    expect(others).toEqual([]);
    expect(table.columns).toEqual(COLUMNS);
    expect(table.hasHeader).toBe(true);
    expect(table.rows).toEqual(LOG);
    expect(table.head).toEqual(LOG);
  });

  test('with R’s row names before it, which is said', async () => {
    const [table] = await read('dialect-R-rownames.csv');
    expect(table.columns).toEqual(['row name', ...COLUMNS]);
    expect(table.rows).toEqual(LOG.map((row, index) => [String(index + 1), ...row]));
    expect(table.problems).toEqual([expect.stringMatching(/one cell more than the header/)]);
  });

  test('with remarks before it, which are named', async () => {
    const [table] = await read('dialect-preamble.csv');
    expect(table.problems).toEqual([expect.stringMatching(/“# exported 2024-01-01”/)]);
    expect(table.numbers[0]).toBe(3);
  });

  test('with a zero byte in a row, which is reported', async () => {
    const [table] = await read('enc-nul-late.csv');
    expect(table.rows).toEqual(LOG);
    expect(table.problems).toEqual([expect.stringMatching(/row 66: a zero byte.*“u0␀”/)]);
  });

  test('beside a larger table that does not eat the allowance', async () => {
    const files = await unpacked([caseFile('zip-big-neighbour.zip')], 200_000);
    expect(files.map(({ name }) => name)).toEqual(['a_scores.csv', 'log.csv']);
    expect((await files[0].slice(0, 23)).length).toBe(23);
    expect((await readTable(files[1]))!.rows).toEqual(LOG);
    await expect(readTable(files[0])).rejects.toThrow(/a_scores\.csv in .* unpacks to more than is allowed/);
  });
});

describe('have letters', () => {
  test.each([
    ['enc-gbk.csv', '连衣裙 i0', /read as GBK/],
    ['enc-latin1-title.csv', 'Café 0', /read as Windows-1252/],
  ])('%s', async (name, title, remark) => {
    const [table] = await read(name);
    expect(table.rows[0][3]).toBe(title);
    expect(table.rows).toHaveLength(64);
    expect(table.problems).toEqual([expect.stringMatching(remark)]);
  });

  test('one Latin-1 byte spoils one cell', async () => {
    const [table] = await read('enc-utf8-one-latin1-byte.csv');
    expect(table.rows).toHaveLength(65);
    expect(table.rows.slice(0, 64).every((row) => /^春季 连衣裙 \d$/.test(row[3]))).toBe(true);
    expect(table.problems).toEqual([
      expect.stringMatching(/row 66: a letter that cannot be read.*“caf\ufffd”/),
    ]);
  });
});

describe('have quotes', () => {
  test.each([
    ['dialect-tsv-quote-starts.tsv', '"Weird Al" in 3-D', 'Thing 1', 1],
    ['dialect-csv-bad-inner-quote.csv', '"Great" Cats', 'Thing 1', 1],
    ['dialect-backslash-quote.csv', '12" vinyl, red', 'Thing 1', 0],
  ])('%s', async (name, first, second, kinds) => {
    const [table] = await read(name);
    expect(table.rows).toHaveLength(96);
    expect(table.rows.every((row) => /^u\d+$/.test(row[0]) && row[4] === 'music')).toBe(true);
    expect(table.rows.slice(0, 2).map((row) => row[3])).toEqual([first, second]);
    expect(new Set(table.problems.map((line) => line.replace(/.*(stray quotes).*/, '$1'))).size).toBe(kinds);
  });

  test.each([',', '\t'])('8,000 rows with stray ones, parted by %j, are all there', async (delimiter) => {
    const titles = [
      '"Weird Al" Yankovic',
      'Plain',
      '12" Remix',
      'End "quoted"',
      '"All quoted"',
      '"Open',
      'The "A" Team',
    ];
    const lines = [['user', 'item', 'time', 'title'].join(delimiter)];
    for (let index = 0; index < 8000; index++) {
      const item = (index * 7) % 60;
      lines.push(
        [`u${Math.floor(index / 20)}`, `i${item}`, 1262304000 + index, titles[item % 7]].join(delimiter),
      );
    }
    const table = (await readTable(memoryFile('q.csv', lines.join('\n'), 1000)))!;
    expect(table.rows).toHaveLength(8000);
    expect(new Set(table.rows.map((row) => row[0])).size).toBe(400);
    expect(new Set(table.rows.map((row) => row[1])).size).toBe(60);
    const expected = titles.map((title) => (title === '"All quoted"' ? 'All quoted' : title));
    expect(table.rows.every((row) => row[3] === expected[Number(row[1].slice(1)) % 7])).toBe(true);
    expect(table.problems.some((line) => /row 2: stray quotes/.test(line))).toBe(true);
  });

  test('unquoted commas in a title: those rows are dropped and named', async () => {
    const [table] = await read('dialect-unquoted-comma-title.csv');
    expect(table.rows).toHaveLength(56);
    expect(table.problems.slice(0, 2)).toEqual([
      'dialect-unquoted-comma-title.csv row 2: more cells than the header has (“u0,i0,1262304000,Matrix, The,x”)',
      expect.stringMatching(/row 17: more cells/),
    ]);
  });
});

describe('have no header', () => {
  test.each([
    ['shape-ml-100k-udata.data', 4, ['0', '0', '3', '1262304000']],
    ['shape-ml-1m-dat__ratings.dat', 4, ['0', '0', '3', '1262304000']],
    ['shape-ml-1m-dat__movies.dat', 3, ['0', 'Film 0 (1995)', 'Drama|War']],
    ['shape-mind-behaviors.tsv', 5, ['0', 'Uu0', '11/15/2019 8:55:22 AM', 'N1 N2', 'N3-1 N4-0']],
  ])('%s', async (name, width, first) => {
    const [table] = await read(name);
    expect(table.hasHeader).toBe(false);
    expect(table.columns).toEqual(Array.from({ length: width }, (_, index) => `#${index + 1}`));
    expect(table.rows[0]).toEqual(first);
    expect(table.numbers[0]).toBe(1);
  });
});

test('RecBole’s types are taken off the names', async () => {
  const [table] = await read('shape-recbole-inter.inter');
  expect(table.columns).toEqual(['user_id', 'item_id', 'rating', 'timestamp']);
  expect(table.types).toEqual(['token', 'token', 'float', 'float']);
  expect(table.rows).toHaveLength(64);
});

test('JSON lines', async () => {
  const [table] = await read('shape-jsonl.jsonl');
  expect(table.columns).toEqual(['user_id', 'parent_asin', 'rating', 'timestamp']);
  expect(table.rows).toHaveLength(64);
  expect(table.rows[1]).toEqual(['u0', 'i1', '5', '1262390400']);
});

test.each([
  ['shape-xlsx.xlsx', /Excel workbook \(\.xlsx\).*save it as CSV/],
  ['shape-parquet.parquet', /damaged Parquet file/],
  ['zip-zip-inside.zip', /log\.zip is an archive inside an archive/],
  ['zip-zip64.zip', /zip64/],
  ['zip-cut.zip', /not a readable zip/],
  ['zip-encrypted.zip', /log\.csv in zip-encrypted\.zip is encrypted/],
  [
    'zip-flip-silent.zip',
    'log.csv in zip-flip-silent.zip is damaged: its checksum (CRC-32) does not fit; fetch the archive again.',
  ],
])('%s is refused', async (name, reason) => {
  await expect(read(name)).rejects.toThrow(reason);
});

test('two copies are both given, with their paths', async () => {
  const files = await unpacked([caseFile('zip-two-copies.zip')], LIMIT);
  expect(files.map(({ path }) => path)).toEqual(['new/log.csv', 'old/log.csv']);
});

test('no case takes a second, none fails otherwise than with a sentence', async () => {
  for (const name of readdirSync(new URL('../cases', import.meta.url))) {
    if (name === 'zip-big-neighbour.zip') continue;
    const started = performance.now();
    await read(name).catch((error) => expect(String(error)).toMatch(/^ImportError: .*\.$/));
    expect(performance.now() - started).toBeLessThan(1000);
  }
});
