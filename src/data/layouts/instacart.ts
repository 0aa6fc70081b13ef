/** Instacart's baskets: orders.csv says whose an order is and the how-maniest, order_products__*.csv what was in it. */
import { IdColumn } from '../columns/ids';
import { countDropped, type Dropped } from '../files/reading';
import type { SourceFile } from '../files/sources';
import { baseName } from '../files/sources';
import type { Table } from '../files/table';
import type { ItemsPart, LayoutKind, Opened } from './layout';
import { columnNamed, columnNeeded, columnsOf, fileNamed } from './named';

export const instacart: LayoutKind = {
  name: 'Instacart',
  files:
    'orders.csv, order_products__prior.csv, products.csv, and aisles.csv and departments.csv where they are there',
  async recognise(opened) {
    const { files, open } = opened;
    const orders = fileNamed(files, 'orders.csv');
    const products = fileNamed(files, 'products.csv');
    const baskets = files.filter((file) => /^order_products__(prior|train)\.csv$/.test(baseName(file)));
    if (orders === null || products === null || baskets.length === 0) return null;
    const [orderTable, catalogue] = [await open(orders), await open(products)];
    const basketTables = (await Promise.all(baskets.map((file) => open(file)))).filter(
      (table) => table !== null,
    );
    if (orderTable === null || catalogue === null || basketTables.length < baskets.length) return null;
    const aisles = fileNamed(files, 'aisles.csv');
    const departments = fileNamed(files, 'departments.csv');
    const read: (SourceFile | null)[] = [orders, products, ...baskets, aisles, departments];
    return {
      name: 'Instacart',
      id: 'instacart',
      log: {
        table: basketsOf(orderTable, basketTables),
        guesses: [],
        roles: { user: [0], item: [1], time: [2] },
      },
      items: await productsPart(opened, catalogue, { aisles, departments }),
      profiles: null,
      interaction: 'purchase',
      item: 'product',
      notes: [
        'Instacart: the number of a user’s order stands for its time; products of one basket have one time.',
      ],
      notRead: files
        .filter((file) => !read.includes(file))
        .map(({ name }) => ({ file: name, reason: 'is no part of what is read of Instacart' })),
    };
  },
};

/** A row for each product of each basket: user, product, number of the order. */
function basketsOf(orders: Table, baskets: readonly Table[]): Table {
  const [order, user, number] = [
    columnNeeded(orders, 'order', 'orderid'),
    columnNeeded(orders, 'user', 'userid'),
    columnNeeded(orders, 'number of the order', 'ordernumber'),
  ];
  const [first] = baskets;
  const ids = new IdColumn('item');
  const keyOf = (cell: string) => ids.clean(cell) ?? '';
  const found = baskets.map((basket) => ({
    basket,
    id: columnNeeded(basket, 'order', 'orderid'),
    product: columnNeeded(basket, 'product', 'productid'),
  }));
  const known = new Map(orders.head.map((cells) => [keyOf(cells[order]), cells]));
  return {
    ...first,
    file: baskets.map(({ file }) => file).join(', '),
    columns: ['user_id', 'product_id', 'order_number'],
    types: [null, null, null],
    // Products of baskets whose order is among the first ones too; of others the user is not known yet.
    head: found.flatMap(({ basket, id, product }) =>
      basket.head.map((cells) => {
        const own = known.get(keyOf(cells[id]));
        return [own?.[user] ?? '', cells[product], own?.[number] ?? ''];
      }),
    ),
    get dropped() {
      const dropped = new Map<string, Dropped>();
      for (const basket of baskets)
        for (const [kind, lost] of basket.dropped) countDropped(dropped, kind, lost);
      return dropped;
    },
    async rows(onRow, onProgress = () => {}) {
      const whose = new Map<string, readonly [string, string]>();
      await orders.rows(
        (cells) => whose.set(keyOf(cells[order]), [cells[user], cells[number]]),
        (fraction) => onProgress(fraction * 0.2),
      );
      for (const [index, { basket, id, product }] of found.entries()) {
        await basket.rows(
          (cells, row) => {
            const [userId, time] = whose.get(keyOf(cells[id])) ?? ['', ''];
            onRow([userId, cells[product], time], row);
          },
          (fraction) => onProgress(0.2 + (0.8 * (index + fraction)) / baskets.length),
        );
      }
    },
  };
}

async function productsPart(
  { open }: Opened,
  table: Table,
  { aisles, departments }: { aisles: SourceFile | null; departments: SourceFile | null },
): Promise<ItemsPart> {
  const title = columnNeeded(table, 'title', 'productname');
  const aisle = columnNamed(table, 'aisleid');
  const department = columnNamed(table, 'departmentid');
  const [aisleNames, departmentNames] = [
    await namesIn(aisles && (await open(aisles)), 'aisleid', 'aisle'),
    await namesIn(departments && (await open(departments)), 'departmentid', 'department'),
  ];
  const ids = new IdColumn('item');
  const named = (names: ReadonlyMap<string, string>, cells: readonly string[], index: number) =>
    index < 0 ? '' : (names.get(ids.clean(cells[index]) ?? '') ?? '');
  return {
    table,
    key: columnNeeded(table, 'product', 'productid'),
    columns: [title, ...columnsOf(aisle), ...columnsOf(department)],
    guesses: [],
    raw: (cells) => ({
      title: cells[title],
      hints: [],
      categories: [named(departmentNames, cells, department), named(aisleNames, cells, aisle)],
    }),
  };
}

async function namesIn(table: Table | null, key: string, name: string): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  if (table === null) return names;
  const [id, text] = [columnNeeded(table, 'number', key), columnNeeded(table, 'name', name)];
  const ids = new IdColumn('item');
  await table.rows((cells) => names.set(ids.clean(cells[id]) ?? '', cells[text]));
  return names;
}
