/** docs/DATA.md, held to what the code does: every table in it is read, and what it says is tried. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFAULT_IMPORT_OPTIONS, FEW } from '../../src/data/assemble';
import { categoryReader } from '../../src/data/columns/categories';
import { eventMeaning, ratingMeaning, readFlag } from '../../src/data/columns/conversions';
import { IdColumn } from '../../src/data/columns/ids';
import * as names from '../../src/data/columns/names';
import { isNone } from '../../src/data/columns/none';
import { NumberColumn } from '../../src/data/columns/numbers';
import { guessRoles, ROLES, type Role } from '../../src/data/columns/roles';
import { TimeColumn } from '../../src/data/columns/times';
import { blobFile } from '../../src/data/files/blobFile';
import { ARCHIVES, KINDS, kindOf, TEXTS } from '../../src/data/files/kinds';
import { LAYOUTS } from '../../src/data/layouts';
import { formatMapping, parseMapping } from '../../src/data/mapping';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENT = readFileSync(join(ROOT, 'docs/DATA.md'), 'utf8');
const SOURCES = readdirSync(join(ROOT, 'src/data'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(ROOT, 'src/data', name), 'utf8'))
  .join('\n');

/** Every table by its header, cell by cell; `\|` within a cell is a `|`. */
function tablesOf(text: string): Map<string, string[][]> {
  const tables = new Map<string, string[][]>();
  let rows: string[][] | null = null;
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) rows = null;
    else {
      const cells = line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('\\|', '|'));
      if (rows === null) {
        rows = [];
        tables.set(cells.join(' | '), rows);
      } else if (!cells.every((cell) => /^-+$/.test(cell))) rows.push(cells);
    }
  }
  return tables;
}

const TABLES = tablesOf(DOCUMENT);
const read = new Set<string>();

function table(header: string): string[][] {
  const rows = TABLES.get(header);
  if (rows === undefined) throw new Error(`docs/DATA.md has no table “${header}”.`);
  read.add(header);
  return rows;
}

/** The code spans of a cell. */
const spans = (cell: string) => [...cell.matchAll(/`([^`]*)`/g)].map(([, code]) => code);
const spanOf = (cell: string) => spans(cell)[0];
const counted = <Value>(values: readonly Value[], rows: number) =>
  new Map(values.map((value) => [value, rows]));

test('a table is read as people read it', () => {
  expect([...tablesOf('| a | b |\n| --- | --- |\n| `x\\|y` | |\n\n| c |\n| --- |\n| d |')]).toEqual([
    ['a | b', [['`x|y`', '']]],
    ['c', [['d']]],
  ]);
  expect(spans('`a` and `b c`')).toEqual(['a', 'b c']);
});

test('known data sets are those that are recognised, with their files', () => {
  expect(table('data set | files')).toEqual(LAYOUTS.map(({ name, files }) => [name, files]));
});

test('every role is explained, in order', () => {
  expect(table('role | what it is | without it | what checks the guess').map(([role]) => role)).toEqual([
    ...ROLES,
  ]);
});

describe('names of columns', () => {
  const LEVELS = 'categories: a column for each of up to five levels, widest first';
  const LISTS: Record<string, readonly string[]> = {
    'user: best': names.USERS,
    'user: where no better is there': names.WEAK_USERS,
    'user: visits and baskets, where no user is there': names.SESSIONS,
    'item: best': names.ITEMS,
    'item: where no better is there': names.WEAK_ITEMS,
    'time: all': names.TIMES,
    'time: a time of day beside a column of dates': names.CLOCKS,
    'title: all': names.TITLES,
    'categories: one column': names.CATEGORIES,
    [LEVELS]: names.LEVELS.flat(),
    'event: all': names.EVENTS,
    'event: flags: a 0 is an impression and no click': names.CLICK_FLAGS,
    'conversion: all': names.CONVERSIONS,
    'rating: all': names.RATINGS,
    'quantity: all': names.QUANTITIES,
  };
  const rows = table('role | which | names').map(
    ([role, which, cell]) =>
      [`${role}: ${which}`, role as Role, spans(cell).flatMap((list) => list.split(' '))] as const,
  );

  test('each list of the code stands there, in its order', () => {
    expect(Object.fromEntries(rows.map(([key, , listed]) => [key, listed]))).toEqual(LISTS);
  });

  /** Twelve rows: four users, six items, a value each that changes with the row, the user or the item. */
  const CELLS: Record<string, (row: number) => string> = {
    user: (row) => `u${row % 4}`,
    item: (row) => `i${row % 6}`,
    time: (row) => `2019-10-${String(row + 1).padStart(2, '0')} 10:15:00`,
    date: (row) => `2019-10-${String(row + 1).padStart(2, '0')}`,
    clock: (row) => `${row + 8}:15`,
    title: (row) => `Lamp of kind ${row % 6}`,
    categories: (row) => `Kind ${'abc'[row % 3]}`,
    event: (row) => (row % 3 === 0 ? 'purchase' : 'view'),
    flag: (row) => String(row % 2),
    rating: (row) => String((row % 5) + 1),
    quantity: (row) => String((row % 2) + 1),
  };

  /** Columns by role in a table of these names, which hold what their kind says. */
  function guessed(
    columns: readonly (readonly [name: string, kind: string])[],
  ): Partial<Record<Role, string>> {
    const head = Array.from({ length: 12 }, (_, row) => columns.map(([, kind]) => CELLS[kind](row)));
    const header = columns.map(([name]) => name);
    const types = header.map(() => null);
    return Object.fromEntries(
      guessRoles(header, types, head, 'interactions').map(({ role, columns: at }) => [
        role,
        at.map((index) => header[index]).join('+'),
      ]),
    );
  }

  const USER = ['user_id', 'user'] as const;
  const ITEM = ['item_id', 'item'] as const;

  function tried(key: string, role: Role, name: string): { got: string | undefined; right: string } {
    if (role === 'user') return { got: guessed([[name, 'user'], ITEM]).user, right: name };
    if (role === 'item') return { got: guessed([USER, [name, 'item']]).item, right: name };
    if (key.includes('time of day')) {
      return { got: guessed([USER, ITEM, ['date', 'date'], [name, 'clock']]).time, right: `date+${name}` };
    }
    if (key === LEVELS) {
      // Beside a level 1, or where it is that a level 2.
      const others = names.LEVELS[0].includes(name) ? [name, 'category_l2'] : ['category_l1', name];
      const columns = others.map((other) => [other, 'categories'] as const);
      return { got: guessed([USER, ITEM, ...columns]).categories, right: others.join('+') };
    }
    const kind = role === 'conversion' || key.includes('flags') ? 'flag' : role;
    return { got: guessed([USER, ITEM, [name, kind]])[role], right: name };
  }

  test.each(rows)('%s', (key, role, listed) => {
    const all = listed.map((name) => ({ name, ...tried(key, role, name) }));
    expect(all.filter(({ got, right }) => got !== right)).toEqual([]);
  });

  test('users and items are known as ids too', () => {
    const users = names.USERS.filter((name) => guessed([[`${name}_id`, 'user'], ITEM]).user !== `${name}_id`);
    const items = names.ITEMS.filter((name) => guessed([USER, [`${name}_id`, 'item']]).item !== `${name}_id`);
    expect([...users, ...items]).toEqual([]);
    for (const name of ['user', 'user_id', 'userNo', 'id_user', 'hashed_user_id'])
      expect(guessed([[name, 'user'], ITEM]).user).toBe(name);
  });

  test('the earlier name of a list goes first', () => {
    const kinds: [Role, string, readonly string[]][] = [
      ['time', 'time', names.TIMES],
      ['title', 'title', names.TITLES.filter((name) => !name.startsWith('item'))],
      ['event', 'event', names.EVENTS],
      ['conversion', 'flag', names.CONVERSIONS],
      ['rating', 'rating', names.RATINGS],
      ['quantity', 'quantity', names.QUANTITIES],
    ];
    for (const [role, kind, listed] of kinds) {
      const wrong = listed.slice(1).flatMap((name, index) => {
        const got = guessed([USER, ITEM, [name, kind], [listed[index], kind]])[role];
        return got === listed[index] ? [] : [`${role}: ${got} before ${listed[index]}`];
      });
      expect(wrong).toEqual([]);
    }
  });

  test('columns that only reviews have are those', () => {
    const [, what] = table('case | what happens').find(([name]) => name === 'a review’s headline')!;
    expect(spanOf(what).split(' ')).toEqual(names.REVIEW_TEXTS);
  });
});

describe('times', () => {
  const one = (cell: string) => {
    const column = new TimeColumn();
    column.add(cell, 2);
    return new Date(column.finish().times[0]).toISOString();
  };
  test.each(table('form | examples | read as'))('%s: %s', (_, examples, right) => {
    const cells = spans(examples);
    expect(cells.length).toBeGreaterThan(0);
    expect(cells.map(one)).toEqual(cells.map(() => spanOf(right)));
  });

  const BAD = table('cell among good ones | what is said');
  test.each(BAD)('%s: %s', (cell, said) => {
    const column = new TimeColumn();
    const isNumeric = spanOf(cell).includes('/');
    for (let day = 13; day < 29; day++) column.add(isNumeric ? `${day}/12/2009` : `2009-12-${day}`, day);
    column.add(spanOf(cell), 40);
    const { bad, times } = column.finish();
    expect(bad.map(({ kind, count }) => [kind, count])).toEqual([[said, 1]]);
    expect(times.at(-1)).toBeNaN();
    expect(Number.isNaN(times[0])).toBe(false);
  });
});

describe('ids and numbers', () => {
  const idsOf = (cells: readonly string[]) => {
    const column = new IdColumn('item');
    return cells.map((cell) => column.clean(cell));
  };
  const numbersOf = (cells: readonly string[]) => {
    const column = new NumberColumn();
    const codes = cells.map((cell, row) => column.add(cell, row));
    const { value } = column.finish();
    return codes.map((code) => String(value(code)));
  };

  test.each(table('column | cells | read as'))('%s: %s', (kind, cells, right) => {
    const found = kind.startsWith('ids') ? idsOf(spans(cells)) : numbersOf(spans(cells));
    expect(found).toEqual(spans(right));
  });

  test('what says that nothing is there', () => {
    const [, list] = /nothing is there, in any case of letters: ([\s\S]*?)\.\n/.exec(DOCUMENT)!;
    expect(spans(list).length).toBeGreaterThan(5);
    expect(spans(list).filter((cell) => !isNone(cell))).toEqual([]);
  });
});

test.each(table('cells | levels'))('categories: %s', (cells, levels) => {
  for (const cell of spans(cells))
    expect([cell, ...categoryReader([cell]).levels(cell)]).toEqual([cell, ...spans(levels)]);
});

describe('clicks and conversions', () => {
  test.each(table('events in a column | clicks | conversions | neither'))('%s', (...cells) => {
    const [events, ...right] = cells.map(spans);
    const { behaviours, conversions, neither } = eventMeaning(counted(events, 10));
    expect([behaviours, conversions, neither]).toEqual(right);
  });

  test.each(table('ratings that there are | conversion from'))('ratings %s: %s', (scales, threshold) => {
    for (const scale of spans(scales).map((ratings) => ratings.split(' ').map(Number)))
      expect([scale, ratingMeaning(counted(scale, 10)).threshold]).toEqual([
        scale,
        Number(spanOf(threshold)),
      ]);
  });

  test.each(table('flag | cells'))('%s', (flag, cells) => {
    expect(spans(cells).map(readFlag)).toEqual(spans(cells).map(() => flag === 'yes'));
  });

  test('500 among 1 to 5 is a slip', () => {
    const counts = new Map([...counted([1, 2, 3, 4, 5], 1000), [500, 1] as const]);
    expect(ratingMeaning(counts)).toMatchObject({ threshold: 4, notRated: [500] });
  });
});

test('numbers that rules have are those of the code', () => {
  const rules = Object.fromEntries(table('step | rule'));
  const { kCore, maxInteractions, maxTrainExamples, negatives, maxTitleWords, maxUnpackedBytes } =
    DEFAULT_IMPORT_OPTIONS;
  const number = (value: number) => value.toLocaleString('en');
  expect(rules.filtering).toContain(`fewer than ${kCore} interactions`);
  expect(rules['large files']).toContain(`beyond ${number(maxInteractions)} interactions`);
  expect(rules['leave-one-out']).toContain(`at most ${number(maxTrainExamples)}`);
  expect(rules.impressions).toContain(`${negatives} items`);
  expect(DOCUMENT).toContain(`its first ${maxTitleWords} words`);
  expect(maxUnpackedBytes).toBe(4 * 2 ** 30);
  expect(DOCUMENT).toContain(`fewer than ${FEW} users or items`);
});

describe('refusals', () => {
  test('every kind of file that is refused has a row, and no other', () => {
    const known = [...KINDS, ...TEXTS, ...Object.values(ARCHIVES)].map(
      ({ is, advice }) => `${is}: ${advice}`,
    );
    const listed = table('files that are | what to do').flatMap(([kinds, advice]) =>
      kinds.split(' / ').map((is) => `${is}: ${advice}`),
    );
    expect(listed.sort()).toEqual(known.sort());
  });

  test.each(KINDS)('$is', async ({ begins, is, advice }) => {
    const bytes = Uint8Array.from(`${begins}\0\0\0\0`, (letter) => letter.charCodeAt(0));
    const refused = kindOf(blobFile(new Blob([bytes]), 'log.csv', 'log.csv'));
    await expect(refused).rejects.toThrow(`log.csv is ${is}, which is not read here: ${advice}.`);
  });

  test('what is said is what the code says', () => {
    const rows = table('what | kind | what is said | what to do');
    const wrong = rows.filter(([, kind, said]) => {
      const isKind = ['refusal', 'doubt', 'report'].includes(kind);
      return !isKind || spans(said).length === 0 || !spans(said).every((words) => SOURCES.includes(words));
    });
    expect(wrong).toEqual([]);
  });

  test('every encoding that is guessed is listed, and no other', () => {
    const guessed = [...SOURCES.matchAll(/\bguessed: '([^']+)'/g)].map(([, name]) => name);
    const [, sentence] = /common letters of the bytes:\s([^.]*)\./.exec(DOCUMENT.replaceAll('\n', ' '))!;
    const listed = sentence.split(', ');
    expect(listed.sort()).toEqual(guessed.sort());
  });
});

describe('mappings', () => {
  test('every key is listed', () => {
    const keys = table('key | value').flatMap(([cell]) => spans(cell));
    expect(keys.sort()).toEqual([...ROLES, 'dates', 'threshold', 'purchases'].sort());
  });

  const examples = table('what is wanted | mapping').map(([, mapping]) => spanOf(mapping));
  const commands = [...DOCUMENT.matchAll(/--map (\S+=\S+)/g)].map(([, mapping]) => mapping);
  test.each([...examples, ...commands])('%s', (mapping) => {
    expect(formatMapping(parseMapping(mapping))).toBe(mapping);
  });

  test('marks within names', () => {
    const name = 'a,b+c=d e';
    expect(formatMapping({ roles: { user: [name] } })).toBe('user=a%2Cb%2Bc%3Dd%20e');
    expect(parseMapping('user=a%2Cb%2Bc%3Dd%20e').roles.user).toEqual([name]);
  });
});

/** These are prose: their words are for people. */
const PROSE = ['format | what is read', 'table | how it is known | what becomes of it', 'question | answer'];

test('no table is left unread', () => {
  expect([...TABLES.keys()].filter((header) => !read.has(header)).sort()).toEqual([...PROSE].sort());
});
