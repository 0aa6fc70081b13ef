/** Files of the same kinds as the collected cases, thought up to be read wrongly: each was, once. */
import { expect, test } from 'vitest';
import { ImportError, importDataset } from '../../src/data/importDataset';
import { file } from './sources';

type Row = (user: number, item: number, step: number) => string;

/** Eight users with eight things each, in a rotating order. */
function rotation(row: Row): string[] {
  return Array.from({ length: 64 }, (_, index) =>
    row(index >> 3, ((index >> 3) + (index & 7)) % 8, index & 7),
  );
}

const table = (header: string, row: Row) => [header, ...rotation(row)].join('\n');
const second = (step: number) => 1_262_304_000 + 86_400 * step;

interface Right {
  /** Columns by role. */
  read?: Record<string, string>;
  title?: string;
  conversions?: number;
  says?: RegExp;
}

const READ: readonly [name: string, text: string, Right][] = [
  [
    'Spanish names',
    table(
      'id_cliente;id_producto;fecha_compra;nombre_producto;valoracion',
      (user, item, step) => `${user};${item};${13 + step}/01/2010;Cosa ${item};${step % 2 ? '4,5' : '3'}`,
    ),
    {
      read: { title: 'nombre_producto', time: 'fecha_compra', rating: 'valoracion' },
      title: 'cosa 0',
      conversions: 32,
    },
  ],
  [
    'Chinese names',
    table(
      '用户编号,商品编号,下单时间,商品标题,商品类别,购买数量',
      (user, item, step) =>
        `${user},${item},2010-01-0${1 + step} 10:00:00,连衣裙 ${item},女装,${1 + (step % 2)}`,
    ),
    {
      read: { user: '用户编号', time: '下单时间', quantity: '购买数量' },
      title: '连衣裙 0',
      conversions: 32,
    },
  ],
  [
    'Italian names',
    table(
      'id_cliente;prodotto;data_acquisto;descrizione',
      (user, item, step) => `c${user};p${item};${13 + step}/01/2010;Cosa ${item}`,
    ),
    { read: { time: 'data_acquisto' }, title: 'cosa 0' },
  ],
  [
    'Spanish events',
    table(
      'id_usuario,producto,fecha,evento',
      (user, item, step) =>
        `u${user},i${item},2010-01-0${1 + step},${['vista', 'carrito', 'compra'][step % 3]}`,
    ),
    { read: { event: 'evento' }, conversions: 16 },
  ],
  [
    'units behind names',
    table(
      'user_id,item_id,timestamp (s),title,rating (1-5)',
      (user, item, step) => `u${user},i${item},${second(step)},Thing ${item},${1 + (step % 5)}`,
    ),
    { read: { time: 'timestamp (s)', rating: 'rating (1-5)' }, conversions: 16 },
  ],
  [
    'empty columns around',
    table(
      ',user,,item,time,title,,',
      (user, item, step) => `,u${user},,i${item},${second(step)},Thing ${item},,`,
    ),
    { read: { user: 'user', item: 'item', time: 'time' }, title: 'thing 0' },
  ],
  [
    'the customer before the order',
    table(
      'Order Number,Order Date,Customer User ID,SKU,Item Name',
      (user, item, step) =>
        `${1000 + user * 8 + step},2010-01-0${1 + step} 10:00,${user + 1},S${item},Thing ${item}`,
    ),
    { read: { user: 'Customer User ID' }, title: 'thing 0' },
  ],
  [
    'objects inside of JSON lines',
    rotation((user, item, step) =>
      JSON.stringify({
        user: { id: `u${user}`, name: `N${user}` },
        item: { id: `i${item}`, title: `Thing ${item}` },
        ts: second(step),
      }),
    ).join('\n'),
    { read: { user: 'user.id', item: 'item.id', title: 'item.title' }, title: 'thing 0' },
  ],
  [
    'ratings that are no numbers, which is told',
    table(
      'user,item,time,rating',
      (user, item, step) => `u${user},i${item},${second(step)},${1 + (step % 5)}/5`,
    ),
    { read: { rating: '' }, says: /No rating is read\. “rating” has a rating’s name.*“1\/5”/ },
  ],
  [
    'weeks, which are no times here, as is told',
    table('user,item,time', (user, item, step) => `u${user},i${item},2010-W0${1 + step}-1`),
    { read: { time: '' }, says: /No time is read\..*“2010-W01-1”/ },
  ],
];

test.each(READ)('%s', async (_, text, right) => {
  const { dataset, preview } = await importDataset([file('log.csv', text)]);
  expect([preview.counts.rows, preview.counts.interactions]).toEqual([64, 64]);
  for (const [user, { history }] of dataset.users.entries())
    expect([...history]).toEqual(Array.from({ length: 8 }, (__, step) => (user + step) % 8));
  for (const [role, column] of Object.entries(right.read ?? {}))
    expect([role, preview.choices.find((each) => each.role === role)?.columns.join()]).toEqual([
      role,
      column,
    ]);
  if (right.title !== undefined) expect(dataset.items[0].title).toBe(right.title);
  if (right.conversions !== undefined) expect(preview.counts.conversions).toBe(right.conversions);
  if (right.says !== undefined) expect(preview.doubts.join(' ')).toMatch(right.says);
});

test.each<[string, unknown, RegExp]>([
  [
    'rows under a key',
    { meta: { n: 64 }, data: rotation((user) => `u${user}`) },
    /one JSON object around all of its rows/,
  ],
  [
    'columns, as pandas has them',
    { user: { 0: 'a', 1: 'b', 2: 'c', 3: 'd' }, item: {} },
    /one JSON object around all of its rows/,
  ],
  [
    'lists',
    [
      ['user', 'item'],
      ['a', 'b'],
    ],
    /lists in a list, without keys/,
  ],
])('JSON of another shape is refused by what it is: %s', async (_, content, why) => {
  const refused = await importDataset([file('log.json', JSON.stringify(content))]).catch(
    (error: Error) => error,
  );
  expect(refused).toBeInstanceOf(ImportError);
  expect((refused as Error).message).toMatch(why);
});

/** Names without digits: no column has a form. */
const LETTERS = 'abcdefghklmnopqr';
const lettered = () =>
  rotation((user, item) => `${LETTERS[user]},${LETTERS[8 + item]},Thing ${LETTERS[8 + item]}`);

test('a stray quote that closes lines later swallows no row, though no column has a form', async () => {
  const rows = lettered();
  rows[10] = rows[10].replace('Thing', '"Thing');
  rows[14] += '"';
  const { preview, problems } = await importDataset([
    file('log.csv', ['user,item,title', ...rows].join('\n')),
  ]);
  expect([preview.counts.rows, preview.counts.interactions]).toEqual([64, 64]);
  expect(problems.join(' ')).toMatch(/row 12: stray quotes/);
});

test.each(['fine.\nVery good, and cheap, too', 'a, b, c\nd, e, f\ng, h, i'])(
  'a cell of several lines stays one, whatever commas it has: %j',
  async (text) => {
    const rows = lettered().map((row, index) => (index % 9 === 0 ? row.replace(/[^,]*$/, `"${text}"`) : row));
    const { preview, problems } = await importDataset([
      file('log.csv', ['user,item,review', ...rows].join('\n')),
    ]);
    expect([preview.counts.rows, preview.counts.interactions]).toEqual([64, 64]);
    expect(problems.join(' ')).not.toMatch(/stray|cells than/);
  },
);

test('lines of a cell between two words are no rows, since the first of them is no whole row', async () => {
  const rows = rotation((user, item) => `${LETTERS[user]},fine and good,${LETTERS[8 + item]}`).map(
    (row, index) => (index % 9 === 0 ? row.replace('fine and good', '"fine\nso,so"') : row),
  );
  const { preview, problems } = await importDataset([
    file('log.csv', ['user,review,item', ...rows].join('\n')),
  ]);
  expect([preview.counts.rows, preview.counts.interactions]).toEqual([64, 64]);
  expect(problems.join(' ')).not.toMatch(/stray|cells than/);
});
