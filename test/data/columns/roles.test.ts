import { describe, expect, test } from 'vitest';
import { columnKey, guessRoles, tableKind } from '../../../src/data/columns/roles';
import { caseCells } from './cells';

type Found = Record<string, string>;

function guess(
  header: string,
  rows: readonly (readonly string[])[],
  kind: 'interactions' | 'items' = 'interactions',
) {
  const columns = header.split(',');
  return guessRoles(
    columns,
    columns.map(() => null),
    rows,
    kind,
  );
}

/** By role the names of its columns, joined by +; '' where one was refused. */
function found(header: string, rows: readonly (readonly string[])[], kind?: 'items'): Found {
  const columns = header.split(',');
  return Object.fromEntries(
    guess(header, rows, kind).map((one) => [one.role, one.columns.map((at) => columns[at]).join('+')]),
  );
}

function ofCase(name: string, delimiter = ','): Found & { kind: string } {
  const { columns, rows } = caseCells(name, delimiter);
  const kind = tableKind(
    columns,
    columns.map(() => null),
    rows,
  );
  return { ...found(columns.join(','), rows, kind === 'items' ? 'items' : undefined), kind };
}

test('names are compared by letters and digits', () => {
  expect(columnKey(' Customer-ID ')).toBe('customerid');
  expect(columnKey('用户 ID')).toBe('用户id');
});

describe('the cases', () => {
  const log = { kind: 'interactions' };
  const cases: [string, Found][] = [
    [
      'shape-amazon2023-reviews.csv',
      { user: 'user_id', item: 'parent_asin', time: 'timestamp', title: '', rating: 'rating' },
    ],
    [
      'shape-rees46.csv',
      {
        user: 'user_id',
        item: 'product_id',
        time: 'event_time',
        event: 'event_type',
        categories: 'category_code',
      },
    ],
    [
      'shape-online-retail-full.csv',
      {
        user: 'CustomerID',
        item: 'StockCode',
        time: 'InvoiceDate',
        title: 'Description',
        quantity: 'Quantity',
      },
    ],
    ['time-column-names-h&m.csv', { user: 'customer_id', item: 'article_id', time: 't_dat' }],
    ['time-two-columns.csv', { user: 'user', item: 'item', time: 'date+time' }],
    ['title-is-user-name.csv', { user: 'user_id', item: 'item_id', time: 'timestamp', title: '' }],
    ['desc-text-column.csv', { user: 'user_id', item: 'item_id', time: 'timestamp', title: '' }],
    [
      'title-changes.csv',
      { user: 'user', item: 'item', time: 'time', title: 'title', categories: 'categories' },
    ],
    [
      'conv-is_click-label.csv',
      { user: 'user_id', item: 'item_id', time: 'timestamp', event: 'is_click', conversion: 'long_view' },
    ],
    [
      'conv-column-text.csv',
      { user: 'user_id', item: 'item_id', time: 'timestamp', conversion: 'purchased' },
    ],
    ...['anime_id', 'game_id', 'isbn', 'object_id', 'product_code', 'recipe_id', 'track_id', 'video_id'].map(
      (item) => [`itemcol-${item}.csv`, { user: 'user_id', item, time: 'timestamp' }] as [string, Found],
    ),
    ...['account_id', 'client_id', 'member_id', 'person_id', 'shopper_id'].map(
      (user) => [`usercol-${user}.csv`, { user, item: 'item_id', time: 'timestamp' }] as [string, Found],
    ),
    ...'action_time click_time datetime_utc event_timestamp purchase_date t_dat time_ms transaction_date ts unixtime visit_date'
      .split(' ')
      .map((time) => [`timecol-${time}.csv`, { user: 'user_id', item: 'item_id', time }] as [string, Found]),
  ];
  test.each(cases)('%s', (name, expected) => {
    expect(ofCase(name)).toEqual({ ...expected, ...log });
  });

  test('of tables of items, and of users', () => {
    expect(ofCase('shape-kaggle-ml20m__movie.csv')).toEqual({
      item: 'movieId',
      title: 'title',
      categories: 'genres',
      kind: 'items',
    });
    expect(ofCase('ml-dup-movie-row__movies.csv').title).toBe('title');
    expect(ofCase('shape-instacart__products.csv')).toMatchObject({
      item: 'product_id',
      title: 'product_name',
      kind: 'items',
    });
    expect(ofCase('shape-items-table-beside__interactions.csv').kind).toBe('interactions');
    expect(tableKind(['user_id', 'age', 'gender'], [null, null, null], [['1', '2', 'm']])).toBe('users');
    expect(
      tableKind(
        ['isbn', 'title', 'author'],
        [null, null, null],
        [
          ['1', 'x', 'y'],
          ['2', 'z', 'y'],
        ],
      ),
    ).toBe('items');
    expect(tableKind(['a', 'b'], [null, null], [['1', '2']])).toBe('other');
  });
});

const row = (user: number, item: number, ...rest: string[]) => [`u${user}`, `i${item}`, ...rest];
const rows = (...rest: string[]) => [
  row(0, 0, ...rest),
  row(0, 1, ...rest),
  row(1, 1, ...rest),
  row(1, 2, ...rest),
];

describe('a column', () => {
  test.each([
    ['user_id,item_id,reviewTime,unixReviewTime', ['08 28, 2012', '1346112001'], { time: 'unixReviewTime' }],
    ['user_id,item_id,date,event_time', ['2019-01-01', '2019-01-01 10:15:00'], { time: 'event_time' }],
    ['user_id,item_id,release_date,watch_time', ['2019-01-01', '17'], {}],
    ['user_id,item_id,time,day', ['lunch', 'Monday'], { time: '' }],
    ['session_id,item_id,user_id', ['u'], { user: 'user_id' }],
    ['session_id,item_id,ts', ['1262304000'], { user: 'session_id', time: 'ts' }],
    ['asin,reviewerID,overall', ['5.0'], { user: 'reviewerID', item: 'asin', rating: 'overall' }],
    ['user_id,product_id,product_code,name', ['7', 'Lamp'], { item: 'product_id', title: 'name' }],
    ['user_id,item_id,rating', ['good'], { rating: '' }],
    ['user_id,item_id,purchased', ['perhaps'], { conversion: '' }],
    ['user_id,item_id,category_id', ['205301355563188'], { categories: '' }],
    ['user_id,item_id,l1,l2,l3', ['a', 'b', 'c'], { categories: 'l1+l2+l3' }],
    ['user_id,item_id,category,subcategory', ['a', 'b'], { categories: 'category+subcategory' }],
    [
      'user_id,item_id,department,category,sub_category',
      ['a', 'b', 'c'],
      { categories: 'department+category+sub_category' },
    ],
    [
      'user_id,item_id,sub_category,category,main_category',
      ['a', 'b', 'c'],
      { categories: 'main_category+category+sub_category' },
    ],
    ['user_id,item_id,type', ['free'], {}],
    ['user_id,item_id,behavior_type', ['pv'], { event: 'behavior_type' }],
    ['user_id,item_id,average_rating', ['4.5'], {}],
  ])('of %s', (header, rest, expected) => {
    const { user, item, ...others } = found(header, rows(...rest));
    const all = { user, item, ...others };
    expect('user' in expected || 'item' in expected ? all : others).toMatchObject(expected);
    const keys = Object.keys(expected).filter((key) => key !== 'user' && key !== 'item');
    expect(
      Object.keys(others).filter((key) => !['title', 'event'].includes(key) || keys.includes(key)),
    ).toEqual(keys);
  });

  test('without a known name is evident, and not sure', () => {
    const table = [
      ['u0', 'w1', '1'],
      ['u0', 'w2', '2'],
      ['u1', 'w1', '3'],
      ['u1', 'w3', '4'],
      ['u2', 'w2', '5'],
    ];
    const item = guess('user_id,widget_id,row_id', table).find(({ role }) => role === 'item')!;
    expect([item.columns, item.sure]).toEqual([[1], false]);
    expect(item.why).toMatch(/No name is known.*3 distinct values in 5 rows/);
  });

  test('that is almost empty is no user', () => {
    const table = Array.from({ length: 20 }, (_, at) => ['NA', `s${at % 4}`, `i${at % 5}`]);
    expect(found('userId,sessionId,itemId', table).user).toBe('sessionId');
  });

  test('without a header is guessed by its cells', () => {
    const table = rows('3', '881250949');
    const roles = guess('#1,#2,#3,#4', table);
    expect(roles.map(({ role, columns, sure }) => [role, columns[0], sure])).toEqual([
      ['user', 0, false],
      ['item', 1, false],
      ['time', 3, false],
      ['rating', 2, false],
    ]);
  });

  test('has one role', () => {
    const taken = guess(
      'user,item,time,title,categories,event,conversion,rating,quantity',
      rows('1', 'a', 'b', 'view', '1', '5', '2'),
    );
    const all = taken.flatMap(({ columns }) => columns);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toHaveLength(9);
  });
});
