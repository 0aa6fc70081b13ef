import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ImportError, Problems } from '../../../src/data/files/sources';
import { openTable } from '../../../src/data/files/table';
import { encode, memoryFile, readTable } from './memory';

async function read(content: string | Uint8Array, piece?: number) {
  return (await readTable(memoryFile('t.csv', content, piece)))!;
}

describe('dialects', () => {
  const expected = [
    ['1', 'a', 'x'],
    ['2', 'b', ''],
  ];
  test.each([
    ['commas', 'user,item,note\n1,a,x\n2,b,\n'],
    ['no last newline', 'user,item,note\n1,a,x\n2,b,'],
    ['Windows lines', 'user,item,note\r\n1,a,x\r\n2,b,\r\n'],
    ['old Macintosh lines', 'user,item,note\r1,a,x\r2,b,\r'],
    ['semicolons', 'user;item;note\n1;a;x\n2;b;\n'],
    ['tabs', 'user\titem\tnote\n1\ta\tx\n2\tb\t\n'],
    ['double colons', 'user::item::note\n1::a::x\n2::b::\n'],
    ['quotes', '"user","item","note"\n"1","a","x"\n"2","b",""\n'],
    ['a byte order mark', '\ufeffuser,item,note\n1,a,x\n2,b,\n'],
    ['spaces', ' user , item ,note\n x , a , x \n,2,b\n'.replace(' x , a', ' 1 , a').replace(',2,b', '2,b,')],
  ])('%s', async (_, content) => {
    for (const piece of [1, 5, 1 << 20]) {
      const { columns, rows, problems, numbers } = await read(content, piece);
      expect(columns).toEqual(['user', 'item', 'note']);
      expect(rows).toEqual(expected);
      expect(numbers).toEqual([2, 3]);
      expect(problems).toEqual([]);
    }
  });

  test('a line feed inside a cell of a file whose lines end with \\r', async () => {
    const { rows } = await read('user,item,note\r1,a,"two\nlines"\r2,b,one\nmore\r');
    expect(rows).toEqual([
      ['1', 'a', 'two\nlines'],
      ['2', 'b', 'one\nmore'],
    ]);
  });

  test('decimal commas do not part cells that semicolons part, nor pipes those that commas part', async () => {
    expect((await read('user;item;price\nu1;i1;4,5\nu2;i2;3,5\n')).rows[0]).toEqual(['u1', 'i1', '4,5']);
    expect((await read('item,kinds\n1,a|b|c\n2,a|b|d\n')).columns).toEqual(['item', 'kinds']);
  });

  test('columns may be known', async () => {
    const known = { columns: ['id', 'kind', 'title'], delimiter: '\t' };
    const table = (await readTable(memoryFile('news.tsv', 'N1\tsport\tA "B" c\nN2\tnews\t"D" e\n'), known))!;
    expect(table.columns).toEqual(known.columns);
    expect(table.rows).toEqual([
      ['N1', 'sport', 'A "B" c'],
      ['N2', 'news', '"D" e'],
    ]);
  });
});

describe('encodings', () => {
  /** Text as bytes of one of the encodings that TextDecoder reads; made by looking all pairs up. */
  function encodeAs(encoding: string, text: string): Uint8Array {
    const decoder = new TextDecoder(encoding);
    const codes = new Map<string, number[]>();
    for (let lead = 0x81; lead < 0xff; lead++) {
      codes.set(decoder.decode(Uint8Array.of(lead)), [lead]);
      for (let trail = 0x40; trail < 0xff; trail++) {
        const letter = decoder.decode(Uint8Array.of(lead, trail));
        if ([...letter].length === 1 && !codes.has(letter)) codes.set(letter, [lead, trail]);
      }
    }
    return Uint8Array.from([...text].flatMap((letter) => codes.get(letter) ?? [letter.charCodeAt(0)]));
  }

  test.each([
    ['gb18030', '春季连衣裙女装新款', 'GBK'],
    ['gb18030', '手机', 'GBK'],
    ['big5', '春季連衣裙女裝新款的手機', 'Big5'],
    ['shift_jis', '新しいワンピースのレディース', 'Shift-JIS'],
    ['euc-jp', '新しいワンピースのレディース', 'EUC-JP'],
    ['euc-kr', '여자 원피스 신상 가디건 스니커즈', 'EUC-KR'],
    ['windows-1251', 'Новое платье женское', 'Windows-1251'],
    ['windows-1252', 'Größe für Mädchen, déjà vu', 'Windows-1252'],
  ])('%s: %s', async (encoding, title, name) => {
    const lines = Array.from({ length: 20 }, (_, index) => `u${index}\ti${index}\t${title}`);
    const table = await read(encodeAs(encoding, `user\titem\ttitle\n${lines.join('\n')}\n`), 100);
    expect(table.problems).toEqual([expect.stringContaining(`it is read as ${name}`)]);
    expect(table.rows.every((row) => row[2] === title)).toBe(true);
  });

  test.each([true, false])('UTF-16, little end first: %s, with a mark and without', async (isLittle) => {
    for (const mark of ['\ufeff', '']) {
      const text = `${mark}user,item,title\n1,a,春\n2,b,夏\n`;
      const bytes = new Uint8Array(text.length * 2);
      const view = new DataView(bytes.buffer);
      for (let at = 0; at < text.length; at++) view.setUint16(at * 2, text.charCodeAt(at), isLittle);
      const { rows } = await read(bytes, 7);
      expect(rows).toEqual([
        ['1', 'a', '春'],
        ['2', 'b', '夏'],
      ]);
    }
  });

  test('letters after a megabyte of none, and a file cut within one', async () => {
    const plain = Array.from({ length: 60_000 }, (_, index) => `u${index},i${index},plain`).join('\n');
    const bytes = encode(`user,item,title\n${plain}\nu,i,été\nv,j,naï`);
    const whole = await read(bytes, 1000);
    expect(whole.rows.at(-2)).toEqual(['u', 'i', 'été']);
    const cut = await read(bytes.subarray(0, -1), 1000);
    expect(cut.rows.at(-1)).toEqual(['v', 'j', 'na\ufffd']);
    expect(cut.problems).toEqual([expect.stringMatching(/row 60003: a letter that cannot be read/)]);
  });
});

describe('broken tables', () => {
  test('ragged rows: too long is dropped, too short is filled, both are said', async () => {
    const { rows, problems } = await read('user,item,note\n1,a,x,,\n2,b,y,z\n4,d\n\n5,e,v\n');
    expect(rows).toEqual([
      ['1', 'a', 'x'],
      ['4', 'd', ''],
      ['5', 'e', 'v'],
    ]);
    expect(problems).toEqual([
      't.csv row 3: more cells than the header has (“2,b,y,z”)',
      't.csv row 4: fewer cells than the header has; those that are missing are taken for empty (“4,d”)',
    ]);
  });

  test('a file cut within its last row loses that row and says so', async () => {
    const { rows, problems } = await read('user,item,time\n1,a,1262304000\n2,b,1262304000\n3,c');
    expect(rows).toHaveLength(2);
    expect(problems).toEqual([expect.stringMatching(/row 4: the file ends in the middle of this row/)]);
  });

  test('the header line once more is no row', async () => {
    const { rows, problems } = await read('user,item\n1,a\nuser,item\n2,b\n');
    expect(rows).toHaveLength(2);
    expect(problems).toEqual([expect.stringMatching(/row 3: the header line once more/)]);
  });

  test('problems are told once, however often rows are read', async () => {
    const problems = new Problems();
    const table = (await openTable(memoryFile('t.csv', 'user,item\n1,a\n2,b,c\n'), problems))!;
    expect(problems.list()).toEqual([]);
    for (let time = 0; time < 3; time++) await table.rows(() => undefined);
    expect(problems.list()).toHaveLength(1);
  });

  test('a quote that never closes costs no other row', async () => {
    const body = Array.from({ length: 30_000 }, (_, i) => `${i},item${i},plain`).join('\n');
    const { rows, problems } = await read(`user,item,note\nx,y,"open\n${body}\nlast,z,"z\n`);
    expect(rows).toHaveLength(30_002);
    expect(rows[0]).toEqual(['x', 'y', '"open']);
    expect(rows.at(-1)![0]).toBe('last');
    expect(problems.some((line) => /row 2: .*quote/.test(line))).toBe(true);
  });

  test('a quote that seems to close in a later row swallows none', async () => {
    const lines = Array.from({ length: 50 }, (_, i) => `u${i}\ti${i}\tThing ${i}\t${1262304000 + i}`);
    lines[10] = 'u10\ti10\t"Heroes\t1262304010';
    lines[11] = 'u11\ti11\t12"\t1262304011';
    lines[30] = 'u30\ti30\t"Low\t1262304030';
    lines[40] = 'u40\ti40\t7"\t1262304040';
    const { rows, problems } = await read(`user\titem\ttitle\ttime\n${lines.join('\n')}\n`);
    expect(rows).toHaveLength(50);
    expect(rows[11][2]).toBe('12"');
    expect(problems.filter((line) => /stray quotes/.test(line))).toHaveLength(2);
  });

  test('a line without end is passed over and what follows is read', async () => {
    const { rows, problems } = await read(`user,item\n1,a\n1,${'x'.repeat(3_000_000)}\n2,b\n`);
    expect(rows).toEqual([
      ['1', 'a'],
      ['2', 'b'],
    ]);
    expect(problems).toEqual([expect.stringMatching(/row 3: a line longer than/)]);
  });

  test('quoted line ends and cells across pieces of the file stay whole', async () => {
    const cell = 'line one\nline two, with "quotes" and ünï';
    const quoted = `"${cell.replaceAll('"', '""')}"`;
    const count = 20_000;
    const lines = Array.from({ length: count }, (_, i) => `${i},b,${quoted}`);
    const { rows, problems } = await read(`user,item,note\n${lines.join('\n')}`, 10_007);
    expect(problems).toEqual([]);
    expect(rows).toHaveLength(count);
    expect(rows.every(([user, , note], i) => user === String(i) && note === cell)).toBe(true);
  });
});

describe('any bytes', () => {
  const cell = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      'a,b',
      'x "y" z',
      '"',
      'two\nlines',
      'é',
      '\u{1f600}',
      "it's",
      'a;b',
      '春',
      '',
      '5" disc',
    ),
  );
  const clean = (text: string) => text.replace(/[\0\r\ufeff]/g, '').trim();

  test('well-formed tables come back exactly, cut at any boundary', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { minLength: 2, maxLength: 30 }),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(',', ';', '\t', '|'),
        fc.constantFrom('\n', '\r\n'),
        async (cells, piece, delimiter, newline) => {
          const quote = (text: string) =>
            /["\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;
          const records = cells.map(([a, b], i) => [
            `u${i}`,
            clean(a),
            String(1262304000 + i),
            clean(b),
            'end',
          ]);
          const lines = [['user', 'note', 'time', 'title', 'last'], ...records].map((row) =>
            row.map(quote).join(delimiter),
          );
          const { rows } = await read(lines.join(newline) + newline, piece);
          expect(rows).toEqual(records);
        },
      ),
      { numRuns: 500, seed: 13 },
    );
  });

  test('mutated tables are read or refused, quickly, and rows that are lost are reported: 2,000 of them', async () => {
    const base = Array.from(
      { length: 40 },
      (_, i) => `u${i % 7},i${i % 11},${1262304000 + i},${i % 3 ? 'Thing' : '"A, ""b"""'} ${''}`,
    );
    const text = `user,item,time,title\n${base.join('\n')}\n`;
    const piece = fc.constantFrom(
      '"',
      ',',
      '\n',
      '\r',
      '\r\n',
      ';',
      '""',
      '\t',
      '\\"',
      '\0',
      'é',
      '|',
      '::',
      '{',
      '\x80',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(text.length), fc.nat(3), piece), { minLength: 1, maxLength: 5 }),
        async (changes) => {
          let changed = text;
          for (const [at, cut, put] of changes)
            changed = changed.slice(0, at) + put + changed.slice(at + cut);
          const started = performance.now();
          try {
            const table = await readTable(
              memoryFile('t.csv', Uint8Array.from(Buffer.from(changed, 'latin1')), 97),
            );
            const lost = 40 - (table?.rows.length ?? 0);
            // Line ends that were put in or cut make rows of others.
            if (table && lost > changes.length * 2) expect(table.problems.length).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(ImportError);
          }
          expect(performance.now() - started).toBeLessThan(1000);
        },
      ),
      { numRuns: 2000, seed: 13 },
    );
  });

  test('of any kind: read or refused, never anything else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        await readTable(memoryFile('t', bytes, 50)).catch((error) =>
          expect(error).toBeInstanceOf(ImportError),
        );
      }),
      { numRuns: 500, seed: 13 },
    );
  });
});
