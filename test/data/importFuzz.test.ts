/** Tables changed at random end in a data set that says what it lost, or in a sentence; tables of known truth come out exactly. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ImportError, type Imported, importDataset, type SourceFile } from '../../src/data/importDataset';
import { file, interactionsCsv } from './sources';

/** Numbers that are the same each time. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Rows that an import says that it left out, by the reason. */
function told({ preview }: Imported): number {
  return preview.counts.notUsed!.reduce((total, { rows }) => total + rows, 0);
}

const TABLES: readonly string[] = [
  interactionsCsv(6, 8),
  [
    'user_id\titem_id\tevent_type\ttimestamp\tname',
    ...Array.from(
      { length: 56 },
      (_, row) =>
        `${row % 6}\t${row % 7}\t${['view', 'cart', 'purchase', 'return'][row % 4]}\t2021-03-0${1 + (row % 9)} 10:00:${10 + (row % 50)}\tThing ${row % 7}`,
    ),
  ].join('\n'),
  [
    'customer;product;qty;order_date;title;rating',
    ...Array.from(
      { length: 56 },
      (_, row) =>
        `c${row % 6};p${row % 8};${row % 11 === 0 ? -1 : 1 + (row % 3)};${1 + (row % 28)}.03.2021;"Lamp ""${row % 8}"", big";${1 + (row % 5)}`,
    ),
  ].join('\r\n'),
  Array.from({ length: 56 }, (_, row) =>
    JSON.stringify({
      user: `u${row % 6}`,
      item: `i${row % 8}`,
      ts: 1_600_000_000 + row,
      is_click: row % 3,
      title: `T ${row % 8}`,
    }),
  ).join('\n'),
];

const INSERTED = [
  ...[
    '"',
    '""',
    ',',
    ';',
    '\t',
    '\n',
    '\r',
    '\r\n',
    '\0',
    '\ufeff',
    '\ufffd',
    'NaN',
    'NULL',
    '-1',
    '0',
    '1e308',
    '9'.repeat(30),
    "'",
  ],
  ...[
    '{',
    '}',
    '[',
    '\\',
    '30/02/2021',
    '31.12.2019',
    '99999999999999',
    'é',
    '用户',
    '  ',
    '-',
    '(5)',
    'purchase',
    'no',
    'x'.repeat(300),
  ],
];

/** One to four changes: cut, doubled, swapped or inserted characters, cells, columns and lines. */
function mutated(table: string, next: (below: number) => number): string | Uint8Array<ArrayBuffer> {
  let text = table;
  for (let edits = 1 + next(4); edits > 0; edits--) {
    const lines = text.split('\n');
    const at = next(text.length + 1);
    const line = next(lines.length);
    const kind = next(9);
    if (kind === 0) text = text.slice(0, at) + text.slice(at + 1 + next(40));
    else if (kind === 1) text = text.slice(0, at) + INSERTED[next(INSERTED.length)] + text.slice(at);
    else if (kind === 2)
      text = [...lines.slice(0, line), ...lines.slice(line, line + 1 + next(8)), ...lines.slice(line)].join(
        '\n',
      );
    else if (kind === 3) text = lines.filter((_, index) => index !== line).join('\n');
    else if (kind === 4) text = text.slice(0, at);
    else if (kind === 5) {
      const mark = INSERTED[next(INSERTED.length)];
      const cell = next(5);
      const part = 3 + next(8);
      text = lines
        .map((each, index) =>
          index > 0 && index % part === 0
            ? each
                .split(/([,;\t])/)
                .map((one, place) => (place === cell * 2 ? mark : one))
                .join('')
            : each,
        )
        .join('\n');
    } else if (kind === 6) text = text.replaceAll(',', [';', '\t', '|', ' '][next(4)]);
    else if (kind === 7)
      text = lines
        .map((each, index) => (index === line ? each.replace(/\d+/, INSERTED[next(INSERTED.length)]) : each))
        .join('\n');
    else text = `${lines[line]}\n${text}`;
  }
  if (next(6) > 0) return text;
  const bytes = new Uint8Array(new TextEncoder().encode(text));
  for (let flips = 1 + next(4); flips > 0 && bytes.length > 0; flips--) bytes[next(bytes.length)] = next(256);
  return bytes;
}

describe('tables changed at random', () => {
  test('end in a data set that says what it lost, or in a sentence', { timeout: 60_000 }, async () => {
    let [accepted, slowest] = [0, 0];
    for (let seed = 0; seed < 2000; seed++) {
      const next = generator(seed * 7919 + 1);
      const content = mutated(TABLES[seed % TABLES.length], next);
      const start = performance.now();
      const imported = await importDataset([file('log.csv', content)]).catch((error: unknown) => error);
      slowest = Math.max(slowest, performance.now() - start);
      if (imported instanceof Error) {
        const at = `seed ${seed}: ${imported.stack}`;
        expect(imported, at).toBeInstanceOf(ImportError);
        expect(imported.message, at).toMatch(/\.$/);
        expect(imported.message, at).not.toMatch(/memory/);
        continue;
      }
      accepted++;
      const read = imported as Imported;
      const { rows, interactions } = read.preview.counts;
      expect([seed, told(read)]).toEqual([seed, rows - interactions]);
    }
    expect(slowest).toBeLessThan(5000);
    // Changes are small: most tables must still be read.
    expect(accepted).toBeGreaterThan(900);
  });
});

type Truth = readonly (readonly [user: string, item: string])[];

/** Ways to write a table; all of them say the same. */
const form = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|'),
  quoted: fc.constantFrom<'all' | 'needed' | 'titles'>('all', 'needed', 'titles'),
  newline: fc.constantFrom('\n', '\r\n', '\r'),
  ends: fc.boolean(),
  encoding: fc.constantFrom<'utf-8' | 'bom' | 'utf-16le' | 'utf-16be' | 'latin1'>(
    'utf-8',
    'bom',
    'utf-16le',
    'utf-16be',
    'latin1',
  ),
  time: fc.constantFrom<keyof typeof TIMES>(
    's',
    'ms',
    'us',
    'iso',
    'isoZ',
    'space',
    'european',
    'american',
    'rfc',
  ),
  names: fc.constantFrom(
    ['user', 'item', 'time', 'title'],
    ['customer_id', 'product_id', 'order_date', 'product_name'],
    ['Visitor ID', 'Item ID', 'Timestamp', 'Item Name'],
    ['userId', 'movieTrack', 'ts', 'name'].map((name) => (name === 'movieTrack' ? 'trackId' : name)),
    ['reviewerID', 'asin', 'unixReviewTime', 'title'],
    ['uid', 'sku', 'event_time', 'description'],
  ),
  order: fc.constantFrom([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]),
  seed: fc.nat(),
  users: fc.integer({ min: 6, max: 9 }),
  items: fc.integer({ min: 6, max: 9 }),
  isNumeric: fc.boolean(),
});
type Form = typeof form extends fc.Arbitrary<infer Value> ? Value : never;

const two = (value: number) => String(value).padStart(2, '0');
const iso = (ms: number) => new Date(ms).toISOString().slice(0, 19);
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const clock = (date: Date) =>
  `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
const TIMES = {
  s: (ms: number) => String(ms / 1000),
  ms: (ms: number) => String(ms),
  us: (ms: number) => `${ms}000`,
  iso: (ms: number) => iso(ms),
  isoZ: (ms: number) => `${iso(ms)}Z`,
  space: (ms: number) => iso(ms).replace('T', ' '),
  european: (ms: number) => {
    const date = new Date(ms);
    return `${two(date.getUTCDate())}/${two(date.getUTCMonth() + 1)}/${date.getUTCFullYear()} ${clock(date)}`;
  },
  american: (ms: number) => {
    const date = new Date(ms);
    return `${date.getUTCMonth() + 1}/${date.getUTCDate()}/${date.getUTCFullYear()} ${clock(date)}`;
  },
  rfc: (ms: number) => {
    const date = new Date(ms);
    return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} ${clock(date)} GMT`;
  },
};

/** What happened, oldest first: everybody meets every item at least once. */
function truthOf({ seed, users, items, isNumeric }: Form): { truth: Truth; times: number[] } {
  const next = generator(seed);
  const pairs: (readonly [string, string])[] = [];
  const [userOf, itemOf] = isNumeric
    ? [(user: number) => String(100 + user), (item: number) => String(7000 + item)]
    : [(user: number) => `user-${user}`, (item: number) => `I.${item}é`];
  for (let user = 0; user < users; user++)
    for (let item = 0; item < items; item++) pairs.push([userOf(user), itemOf(item)]);
  for (let at = pairs.length - 1; at > 0; at--) {
    const other = next(at + 1);
    [pairs[at], pairs[other]] = [pairs[other], pairs[at]];
  }
  let time = Date.UTC(2019, 0, 3);
  const times = pairs.map(() => {
    time += 1000 * (3600 + next(200_000));
    return time;
  });
  return { truth: pairs, times };
}

function written(form: Form, { truth, times }: ReturnType<typeof truthOf>): SourceFile {
  const { delimiter, quoted, newline, ends, encoding, names, order, seed } = form;
  const next = generator(seed ^ 0x5555);
  const cell = (text: string, column: number) => {
    const isNeeded = text.includes(delimiter) || /["\r\n]/.test(text);
    if (isNeeded || quoted === 'all' || (quoted === 'titles' && column === 3))
      return `"${text.replaceAll('"', '""')}"`;
    return text;
  };
  const line = (cells: readonly string[]) =>
    order.map((column) => cell(cells[column], column)).join(delimiter);
  const rows = truth.map(([user, item], at) =>
    line([user, item, TIMES[form.time](times[at]), titleOf(item)]),
  );
  for (let at = rows.length - 1; at > 0; at--) {
    const other = next(at + 1);
    [rows[at], rows[other]] = [rows[other], rows[at]];
  }
  const text = [line(names), ...rows].join(newline) + (ends ? newline : '');
  return file('log.csv', encoded(text, encoding));
}

const titleOf = (item: string) => `Café, "big" | no; ${item}`;

function encoded(text: string, encoding: Form['encoding']): Uint8Array<ArrayBuffer> {
  if (encoding === 'utf-8') return new TextEncoder().encode(text);
  if (encoding === 'bom') return new TextEncoder().encode(`\ufeff${text}`);
  if (encoding === 'latin1') return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const bytes = new Uint8Array(2 * text.length + 2);
  const view = new DataView(bytes.buffer);
  for (const [at, letter] of [...`\ufeff${text}`].entries())
    view.setUint16(2 * at, letter.charCodeAt(0), encoding === 'utf-16le');
  return bytes;
}

test('well-formed tables of known truth come out exactly, however they are written', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(form, async (form) => {
      const known = truthOf(form);
      const { dataset, preview } = await importDataset([written(form, known)]);
      expect(preview.counts).toMatchObject({
        rows: known.truth.length,
        interactions: known.truth.length,
        duplicates: 0,
        ties: 0,
      });
      const users = [...new Set(known.truth.map(([user]) => user))].sort();
      const items = [...new Set(known.truth.map(([, item]) => item))].sort();
      expect(dataset.items.map(({ id }) => id)).toEqual(items);
      for (const { id, title } of dataset.items) expect(title).toBe(`café big no ${id.toLowerCase()}`);
      expect(dataset.users.map(({ history }) => Array.from(history, (item) => items[item]))).toEqual(
        users.map((user) => known.truth.filter(([who]) => who === user).map(([, item]) => item)),
      );
    }),
    { seed: 500, numRuns: 500 },
  );
});

/** What makes a row of the table below one that is not used: by its reason, how it is written. */
const LOST: Record<string, (row: string[]) => string[]> = {
  'more cells than the header has': (row) => [...row, 'more'],
  'a zero byte in a cell; the row is not read': ([user, ...rest]) => [`${user}\0`, ...rest],
  'the header line once more': () => ['user', 'item', 'time', 'event', 'quantity'],
  'no user': ([, ...rest]) => ['NULL', ...rest],
  'no item': ([user, , ...rest]) => [user, '', ...rest],
  'an id longer than 128 characters': ([user, , ...rest]) => [user, 'x'.repeat(129), ...rest],
  'no time that can be read': ([user, item, , ...rest]) => [user, item, 'soon', ...rest],
  'a date that does not exist': ([user, item, , ...rest]) => [user, item, '2021-02-30', ...rest],
  'the event “impression” is no behaviour': ([user, item, time]) => [user, item, time, 'impression', '1'],
  'a return (a negative quantity)': ([user, item, time]) => [user, item, time, 'view', '-1'],
};
const COPY = 'an exact copy of an earlier row';

test('every row of the file is an interaction, or counted by its reason', { timeout: 60_000 }, async () => {
  const reasons = [...Object.keys(LOST), COPY];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 3 }), { minLength: 11, maxLength: 11 }),
      fc.nat(),
      async (lost, seed) => {
        const next = generator(seed);
        const good = Array.from({ length: 60 }, (_, row) => [
          `u${row % 6}`,
          `i${(row * 7) % 10}`,
          `2021-03-01 ${two(10 + Math.floor(row / 60))}:${two(row)}:00`,
          row % 4 === 0 ? 'purchase' : 'view',
          '1',
        ]);
        const rows = good.map((row) => row.join(','));
        for (const [index, reason] of reasons.entries())
          for (let count = 0; count < lost[index]; count++) {
            const row = [...good[next(60)]];
            // Of one time each, so that none is a copy of another.
            if (reason !== COPY)
              row[2] = `2021-04-0${1 + (index % 9)} 1${count}:00:0${Math.floor(index / 9)}`;
            // Behind the good rows and in front of one: no row is the last, which may be cut.
            rows.splice(60 + next(rows.length - 59), 0, (LOST[reason]?.(row) ?? row).join(','));
          }
        rows.push('u0,i0,2021-05-01 10:00:00,view,1');
        const { preview } = await importDataset([
          file('log.csv', ['user,item,time,event,quantity', ...rows].join('\n')),
        ]);
        const { rows: all, interactions, notUsed, duplicates } = preview.counts;
        expect([all, interactions, duplicates]).toEqual([rows.length, 61, lost.at(-1)]);
        const counted = Object.fromEntries(
          notUsed!.map(({ reason, rows: count }) => [reason.replace(/, in column time .*$/, ''), count]),
        );
        expect(counted).toEqual(
          Object.fromEntries(
            reasons.map((reason, at) => [reason, lost[at]] as const).filter(([, count]) => count > 0),
          ),
        );
      },
    ),
    { seed: 60, numRuns: 100 },
  );
});

test('a line of JSON that is none, and an empty object, are counted too', async () => {
  const rows = Array.from({ length: 48 }, (_, row) =>
    JSON.stringify({ user: `u${row % 6}`, item: `i${row % 8}`, ts: 1_600_000_000 + row }),
  );
  const text = [...rows.slice(0, 20), '{"user": "u1", ', '{}', ...rows.slice(20)].join('\n');
  const { counts } = (await importDataset([file('log.jsonl', text)])).preview;
  expect([counts.rows, counts.interactions]).toEqual([50, 48]);
  expect(counts.notUsed).toEqual([
    { reason: 'no JSON object that can be read', rows: 1, example: 'row 21 (“{"user": "u1",”)' },
    { reason: 'an object with nothing in it that is read', rows: 1, example: 'row 22' },
  ]);
});
