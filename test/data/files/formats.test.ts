/** Tables that are not delimited text: JSON and Parquet. */
import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { unpacked } from '../../../src/data/files/unpacked';
import { memoryFile, readTable } from './memory';

describe('JSON', () => {
  const amazon = [
    '{"user_id":"A","parent_asin":"B1","rating":5.0,"timestamp":1588687728923,"images":[],"verified":true}',
    '{"parent_asin":"B2","categories":["a","b \\"c\\", d"],"user_id":"B","rating":4.5}',
    '',
    '{"user_id":"C","parent_asin": ',
    '{"user_id":12345678901234567890,"note":"1234567890123456789, of 9","parent_asin":null}',
  ].join('\n');

  test.each([1, 3, 50, 1 << 20])(
    'lines have keys in any order, lists, long numbers; in pieces of %i',
    async (piece) => {
      const table = (await readTable(memoryFile('a.jsonl', amazon, piece)))!;
      expect(table.columns).toEqual([
        'user_id',
        'parent_asin',
        'rating',
        'timestamp',
        'images',
        'verified',
        'categories',
        'note',
      ]);
      expect(table.rows).toEqual([
        ['A', 'B1', '5', '1588687728923', '[]', 'true', '', ''],
        ['B', 'B2', '4.5', '', '', '', '["a","b \\"c\\", d"]', ''],
        ['12345678901234567890', '', '', '', '', '', '', '1234567890123456789, of 9'],
      ]);
      expect(table.numbers).toEqual([1, 2, 5]);
      expect(table.problems).toEqual([
        'a.jsonl row 4: no JSON object that can be read (“{"user_id":"C","parent_asin":”)',
      ]);
    },
  );

  test.each([1, 5, 1 << 20])('objects of an array, over several lines; in pieces of %i', async (piece) => {
    const text =
      '[\n  {"user": "a}{", "item": {"$oid": "x1"},\n "tags": ["q\\\\", "\\"{"]},\n {"user":"b","item":2}\n]\n';
    const table = (await readTable(memoryFile('a.json', text, piece)))!;
    expect(table.rows).toEqual([
      ['a}{', 'x1', '["q\\\\","\\"{"]'],
      ['b', '2', ''],
    ]);
    expect(table.problems).toEqual([]);
  });

  test('a key that comes late is reported', async () => {
    const lines = Array.from({ length: 1500 }, (_, index) =>
      JSON.stringify(index < 1400 ? { a: 1 } : { a: 1, late: 2 }),
    );
    const table = (await readTable(memoryFile('a.jsonl', lines.join('\n'))))!;
    expect(table.rows).toHaveLength(1500);
    expect(table.problems).toEqual([
      'a.jsonl row 1401: the key late, which the first rows lack, is not read',
    ]);
  });

  test('an array that is cut loses its last object, which is said', async () => {
    const table = (await readTable(memoryFile('a.json', '[{"a":"x"},{"a":"y"},{"a":"')))!;
    expect(table.rows).toEqual([['x'], ['y']]);
    expect(table.problems).toEqual([expect.stringMatching(/row 3: no JSON object/)]);
  });
});

describe('Parquet', () => {
  const bytes = new Uint8Array(readFileSync(new URL('./rows.parquet', import.meta.url)));

  test('has all kinds of cells, and all rows of all groups', async () => {
    const table = (await readTable(memoryFile('a.parquet', bytes)))!;
    expect(table.columns).toEqual(['user_id', 'item', 'rating', 'small', 'good', 'time', 'tags']);
    expect(table.rows).toHaveLength(2500);
    expect(table.rows[0]).toEqual([
      '9007199254740993',
      '',
      '0.5',
      '0',
      'true',
      '2010-01-01T00:00:00.000Z',
      '{"a":[1,0]}',
    ]);
    expect(table.rows[2499]).toEqual([
      '9007199254741002',
      '',
      '4.5',
      '4',
      'false',
      '2010-01-01T00:00:49.000Z',
      '{"a":[1,0]}',
    ]);
    expect(table.rows[1234][1]).toBe('i14');
    expect(table.head).toEqual(table.rows.slice(0, 1000));
    expect(table.numbers[2499]).toBe(2501);
  });

  test('that is cut, anywhere, is refused', async () => {
    for (let end = 4; end < bytes.length; end += 97) {
      await expect(readTable(memoryFile('a.parquet', bytes.slice(0, end)))).rejects.toThrow(
        /a\.parquet is a damaged Parquet file/,
      );
    }
  });

  test('inside an archive is read', async () => {
    const [file] = await unpacked([memoryFile('a.zip', zipSync({ 'x/a.parquet': bytes }))], 1_000_000);
    expect((await readTable(file))!.rows).toHaveLength(2500);
  });
});
