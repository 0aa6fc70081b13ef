/** What a person says of the columns: its text, and what becomes of it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ROLES } from '../../src/data/columns/roles';
import { importDataset } from '../../src/data/importDataset';
import { columnOf } from '../../src/data/layouts/interactions';
import {
  formatMapping,
  MAX_MAPPING,
  type Mapping,
  mappingProblem,
  parseMapping,
} from '../../src/data/mapping';
import { file } from './sources';

/** Names as columns have them, trimmed, with every mark that means something in a mapping. */
const name = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom(...',=+% #abN1用户é%2C\u3000') }),
    fc.constantFrom('none', '%6Eone', 'None', '100%', '%zz', 'a,b=c+d', '購入 日', 'user id', '#2'),
  )
  .filter((text) => text.trim() === text && text !== '');
const columnsOf = (role: string) =>
  fc.array(name, { maxLength: role === 'time' || role === 'categories' ? 3 : 1 });
const roles = fc.record(Object.fromEntries(ROLES.map((role) => [role, columnsOf(role)])), {
  requiredKeys: [],
});
const mapping: fc.Arbitrary<Mapping> = fc.record(
  {
    roles,
    dates: fc.constantFrom('dmy' as const, 'mdy' as const),
    threshold: fc.integer({ min: -1e8, max: 1e8 }).map((value) => value / 100 + 0),
    purchases: fc.array(name, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['roles'] },
);

describe('the text of a mapping', () => {
  test('is read back as what it was made of', () => {
    fc.assert(
      fc.property(mapping, (given) => {
        const text = formatMapping(given);
        if (text.length > MAX_MAPPING) return;
        expect(parseMapping(text)).toEqual(given);
        expect(formatMapping(parseMapping(text))).toBe(text);
      }),
      { seed: 13, numRuns: 2000 },
    );
  });

  test('is short, and in one order', () => {
    expect(
      formatMapping({ roles: { time: ['day', 'hour'], user: ['who is it'], rating: [] }, dates: 'mdy' }),
    ).toBe('user=who%20is%20it,time=day+hour,rating=none,dates=mdy');
    expect(parseMapping(' threshold = -4.5 , purchases = buy+order,, user = a%2Cb ')).toEqual({
      roles: { user: ['a,b'] },
      threshold: -4.5,
      purchases: ['buy', 'order'],
    });
    expect(parseMapping('')).toEqual({ roles: {} });
    expect(parseMapping('user=%6Eone,item=none')).toEqual({ roles: { user: ['none'], item: [] } });
    expect(parseMapping('purchases=none')).toEqual({ roles: {}, purchases: [] });
    expect(parseMapping(formatMapping({ roles: {}, purchases: ['none'] })).purchases).toEqual(['none']);
    expect(formatMapping({ roles: {}, purchases: [] })).toBe('purchases=none');
    expect(parseMapping('user=100%')).toEqual({ roles: { user: ['100%'] } });
  });

  test.each([
    [
      'user',
      '“user” is not of the form role=column, as in user=customer_id; nothing at all is said as “rating=none”.',
    ],
    [
      '=a',
      '“=a” is not of the form role=column, as in user=customer_id; nothing at all is said as “rating=none”.',
    ],
    [
      'user=',
      '“user=” is not of the form role=column, as in user=customer_id; nothing at all is said as “user=none”.',
    ],
    [
      'purchases=',
      '“purchases=” is not of the form role=column, as in user=customer_id; nothing at all is said as “purchases=none”.',
    ],
    ['user=a,user=b', 'The mapping names user twice.'],
    ['user=a+b', 'The user is read from one column, not from 2.'],
    ['title=a+b+c', 'The title is read from one column, not from 3.'],
    ['dates=ymd', 'dates is dmy (day first) or mdy (month first), not “ymd”.'],
    ['threshold=high', 'threshold is a number, not “high”.'],
    ['threshold=1e3', 'threshold is a number, not “1e3”.'],
    [
      'who=a',
      '“who” is nothing that a mapping names: user, item, time, title, categories, event, conversion, rating, quantity, ' +
        'dates, threshold, purchases.',
    ],
    [`user=${'a'.repeat(596)}`, 'A mapping of columns has at most 600 characters; this has 601.'],
  ])('%s is refused in a sentence', (text, sentence) => {
    expect(mappingProblem(text)).toBe(sentence);
  });

  test('of 600 characters is still read', () => {
    expect(mappingProblem(`user=${'a'.repeat(595)}`)).toBeNull();
  });
});

test('a column goes by its very name, then by letters and digits alone, then by its number', () => {
  const columns = ['User ID', 'user_id', '#3', 'Größe', '--'];
  expect(
    ['user_id', 'USERID', '#3', '#1', 'grÖSSE', 'größe', '#5', '#6', '#0', '', '---'].map((each) =>
      columnOf(columns, each),
    ),
  ).toEqual([1, 0, 2, 0, -1, 3, 4, -1, -1, -1, -1]);
});

describe('a mapping', () => {
  /** Two of everything: `a_` is what is taken by itself for neither. */
  const rows = ['user_id,item_id,who,what,when,ts,name,label,stars'];
  for (let user = 0; user < 6; user++)
    for (let step = 0; step < 6; step++)
      rows.push(
        `${[
          `u${user}`,
          `i${(user + step) % 6}`,
          `w${user % 3}`,
          `x${(user * 2 + step) % 6}`,
          100 - step,
          1000 + step,
        ].join(',')},Name ${(user + step) % 6},Label ${(user * 2 + step) % 6},${step}`,
      );
  const csv = file('log.csv', rows.join('\n'));
  const read = (map: string) => importDataset([csv], undefined, { map });

  test('takes the place of the guess, by name, by letters and by number', async () => {
    const { dataset: guessed } = await read('');
    expect([guessed.users.length, guessed.items[0].id, guessed.items[0].title]).toEqual([6, 'i0', 'name 0']);
    expect([...guessed.users[0].history]).toEqual([0, 1, 2, 3, 4, 5]);
    const { dataset, preview } = await read('user=WHO,item=#4,time=when,title=label');
    expect([dataset.users.length, dataset.items[0].id, dataset.items[0].title]).toEqual([3, 'x0', 'label 0']);
    // Users u0 and u3 are one; times run backwards, and ties stay as they stand.
    expect([...dataset.users[0].history]).toEqual([5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0]);
    expect(
      preview.choices.filter(({ why }) => why === 'You said so.').map(({ role, columns }) => [role, columns]),
    ).toEqual([
      ['user', ['who']],
      ['item', ['what']],
      ['time', ['when']],
      ['title', ['label']],
    ]);
    expect(dataset.sha256).not.toBe(guessed.sha256);
  });

  test('of none leaves a role unread', async () => {
    const { dataset, preview } = await read('time=none,title=none,rating=none');
    expect(dataset.notes.join(' ')).toMatch(/no times.*no titles/);
    expect(dataset.items[0].title).toBe('item i0');
    expect(preview.choices.find(({ role }) => role === 'rating')?.columns).toEqual([]);
  });

  test.each(['user', 'item', 'time', 'event', 'conversion', 'rating', 'quantity'])(
    'of a column that is not there is refused: %s',
    async (role) => {
      await expect(read(`${role}=nowhere`)).rejects.toThrow(
        `no column “nowhere” to read the ${role} from: it has user_id, item_id, who`,
      );
    },
  );

  test.each(['title', 'categories'])('of a %s that no table has is refused as well', async (role) => {
    await expect(read(`${role}=nowhere`)).rejects.toThrow(
      /“nowhere” to read the (title|categories) from; log\.csv has user_id/,
    );
  });

  test('of a title in the items’ own table is found there', async () => {
    const items = ['item_id,name,short'];
    for (let item = 0; item < 6; item++) items.push(`i${item},Long name ${item},Short ${item}`);
    const files = [csv, file('items.csv', items.join('\n'))];
    const { dataset } = await importDataset(files, undefined, { map: 'title=short' });
    expect(dataset.items[2].title).toBe('short 2');
  });
});

describe('a mapping of a known data set', () => {
  const files = [
    file(
      'ratings.csv',
      [
        'userId,movieId,rating,timestamp,seen_at',
        ...Array.from(
          { length: 48 },
          (_, row) => `${1 + (row % 6)},${1 + (row % 8)},${1 + (row % 5)},${1e9 + row},${2e9 - row}`,
        ),
      ].join('\n'),
    ),
    file(
      'movies.csv',
      [
        'movieId,title,genres',
        ...Array.from({ length: 8 }, (_, id) => `${1 + id},"Film, The (200${id})",War`),
      ].join('\n'),
    ),
  ];
  const read = (map: string) => importDataset(files, undefined, { map });

  test('leaves it known, where its log can be read so', async () => {
    const plain = await read('');
    expect([plain.preview.layout, plain.dataset.items[0].title]).toEqual(['MovieLens', 'the film 2000']);
    for (const [map, conversions] of [
      ['threshold=3', 28],
      ['rating=none', 48],
      ['user=userId,item=movieId', 18],
    ] as const) {
      const { preview, dataset } = await read(map);
      expect([map, preview.layout, dataset.items[0].title]).toEqual([map, 'MovieLens', 'the film 2000']);
      expect([map, preview.counts.conversions]).toEqual([map, conversions]);
    }
    const other = await read('time=seen_at');
    expect(other.preview.layout).toBe('MovieLens');
    expect([...other.dataset.users[0].history]).toEqual([...plain.dataset.users[0].history].reverse());
  });

  test('makes it an ordinary table where a person names titles, or what its log lacks', async () => {
    expect((await read('title=genres')).preview.layout).toBe('a table of interactions');
    await expect(read('user=who')).rejects.toThrow(/has no column “who” to read the user from/);
  });
});

test('purchases=none: no event is a conversion', async () => {
  const log = file(
    'log.csv',
    [
      'user,item,time,event',
      ...Array.from(
        { length: 48 },
        (_, row) => `u${row % 6},i${row % 8},${1e9 + row},${row % 3 ? 'view' : 'purchase'}`,
      ),
    ].join('\n'),
  );
  expect((await importDataset([log])).preview.counts.conversions).toBe(16);
  const { counts } = (await importDataset([log], undefined, { map: 'purchases=none' })).preview;
  expect([counts.clicks, counts.conversions]).toEqual([48, 0]);
});
