import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ImportError, Problems } from '../../src/data/files/sources';
import { readHeader, readTable } from '../../src/data/files/table';

const SPEC = { required: { user: ['user', 'userid'], item: ['item'] }, optional: { note: ['note'] } };

function read(content: string | Uint8Array) {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const problems = new Problems();
  const rows: [string, string, string, number][] = [];
  const present = readTable({ file: 't.csv', bytes, problems }, SPEC, ({ user, item, note }, row) => {
    rows.push([user, item, note, row]);
  });
  return { rows, problems: problems.list(), present };
}

describe('dialects', () => {
  const expected = [
    ['1', 'a', 'x', 2],
    ['2', 'b', '', 3],
  ];
  test.each([
    ['commas', 'user,item,note\n1,a,x\n2,b,\n'],
    ['no last newline', 'user,item,note\n1,a,x\n2,b,'],
    ['Windows lines', 'user,item,note\r\n1,a,x\r\n2,b,\r\n'],
    ['old Macintosh lines', 'user,item,note\r1,a,x\r2,b,\r'],
    ['semicolons', 'user;item;note\n1;a;x\n2;b;\n'],
    ['tabs', 'user\titem\tnote\n1\ta\tx\n2\tb\t\n'],
    ['quotes', '"user","item","note"\n"1","a","x"\n"2","b",""\n'],
    ['a byte order mark', '\ufeffuser,item,note\n1,a,x\n2,b,\n'],
    ['another order, names and spaces', ' Note , User ID ,ITEM\n x , 1 , a \n,2,b\n'],
  ])('%s', (_, content) => {
    const { rows, problems } = read(content);
    expect(rows).toEqual(expected);
    expect(problems).toEqual([]);
  });

  test('UTF-16 with a byte order mark', () => {
    const text = '\ufeffuser,item,note\n1,a,x\n2,b,\n';
    const bytes = new Uint8Array(text.length * 2);
    for (let i = 0; i < text.length; i++)
      new DataView(bytes.buffer).setUint16(i * 2, text.charCodeAt(i), true);
    expect(read(bytes).rows).toEqual(expected);
  });

  test('what is not UTF-8 is read as Windows-1252, and said', () => {
    const bytes = new TextEncoder().encode('user,item\n1,caf_\n');
    bytes[bytes.indexOf(0x5f)] = 0xe9;
    const { rows, problems } = read(bytes);
    expect(rows[0][1]).toBe('café');
    expect(problems[0]).toMatch(/t\.csv.*Windows-1252/);
  });
});

describe('broken tables', () => {
  test('a missing column is named, with what is there', () => {
    expect(() => read('user,thing\n1,2\n')).toThrow(/t\.csv has no column for the item.*“user”, “thing”/);
    expect(() => read('user,thing\n1,2\n')).toThrow(ImportError);
  });
  test('empty files, blank files and binary files are refused', () => {
    expect(() => read('')).toThrow(/empty/);
    expect(() => read('\n\n  \n')).toThrow(/empty/);
    expect(() => read(Uint8Array.of(1, 0, 2, 0, 3))).toThrow(/not a text file/);
  });
  test('a doubled header is read once, and said', () => {
    const { rows, problems } = read('user,user,item\n1,9,a\n');
    expect(rows[0].slice(0, 2)).toEqual(['1', 'a']);
    expect(problems[0]).toMatch(/“user” stands there twice/);
  });
  test('ragged rows: too long is dropped, lacking a required cell is dropped, lacking the rest is kept', () => {
    const { rows, problems } = read('user,item,note\n1,a,x,,\n2,b,y,z\n3\n4,d\n\n5,e,v\n');
    expect(rows.map(([user, , , row]) => [user, row])).toEqual([
      ['1', 2],
      ['4', 5],
      ['5', 7],
    ]);
    expect(problems).toEqual([
      't.csv row 3: more cells than the header has (“2,b,y,z”)',
      't.csv row 4: no item',
    ]);
  });
  test('five rows of a kind are named and the rest is counted', () => {
    const { problems } = read(`user,item\n${'1,\n'.repeat(1000)}`);
    expect(problems).toHaveLength(6);
    expect(problems[5]).toBe('t.csv: 995 more rows: no item');
  });
  test('a quote that never closes costs its own cell, not the rest of the file', () => {
    const body = Array.from({ length: 60_000 }, (_, i) => `${i},item${i},plain`).join('\n');
    const { rows, problems } = read(`user,item,note\nx,y,"open\n${body}\nlast,"z\n`);
    expect(rows.length).toBe(60_002);
    expect(rows[0].slice(0, 2)).toEqual(['x', 'y']);
    expect(rows.at(-1)![0]).toBe('last');
    expect(problems.some((line) => /row 2: a quoted cell that does not end/.test(line))).toBe(true);
  });
  test('a line without end is skipped and what follows is read', () => {
    const { rows, problems } = read(`user,item\n1,${'x'.repeat(700_000)}\n2,b\n`);
    expect(rows).toEqual([['2', 'b', '', 3]]);
    expect(problems[0]).toMatch(/row 2: a line longer than/);
    expect(() => read('x'.repeat(700_000))).toThrow(/row 1: a line longer/);
  });
  test('quoted newlines and cells across pieces of the file stay whole', () => {
    const cell = 'line one\nline two, with "quotes" and ünï';
    const quoted = `"${cell.replaceAll('"', '""')}"`;
    const count = 20_000;
    const { rows, problems } = read(
      `user,item,note\n${Array.from({ length: count }, (_, i) => `${i},b,${quoted}`).join('\n')}`,
    );
    expect(problems).toEqual([]);
    expect(rows.length).toBe(count);
    expect(rows.every(([user, , note], i) => user === String(i) && note === cell)).toBe(true);
  });
});

describe('any bytes', () => {
  const lively = fc.array(
    fc.oneof(
      fc.constantFrom('"', ',', '\n', '\r', '\r\n', ';', '""', '\t', 'a', '1', ' ', 'é', '\u{1f600}', '\0'),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 80 },
  );
  test('of any cells: quoted as they should be, they come back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), fc.string())),
        (records) => {
          const clean = records.filter(([user, item]) => user.trim() !== '' && item.trim() !== '');
          const quote = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
          const lines = clean.map((record) => record.map(quote).join(','));
          const { rows } = read(['user,item,note', ...lines].join('\n'));
          expect(rows.map((row) => row.slice(0, 3))).toEqual(
            clean.map((record) => record.map((cell) => cell.trim())),
          );
        },
      ),
    );
  });
  test('of any kind: read or refused, never anything else', () => {
    const survives = (content: Uint8Array) => {
      readHeader(content);
      try {
        const { rows } = read(content);
        expect(rows.every(([user, item]) => user !== '' && item !== '')).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(ImportError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), survives));
    fc.assert(
      fc.property(lively, (pieces) => survives(new TextEncoder().encode(`user,item\n${pieces.join('')}`))),
      { numRuns: 500 },
    );
  });
});
