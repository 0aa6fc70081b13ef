/**
 * The Complete Journey (84.51°): a year of grocery purchases of some thousand households, as the R package
 * `completejourney` has it, one CSV per table.
 */
import { phrase } from '../columns/titles';
import type { Table } from '../files/table';
import type { ItemsPart, LayoutKind, ProfilesPart } from './layout';
import { cellAt, columnNamed, columnNeeded, columnsOf, fileNamed } from './named';

/** Of a title: its size and brand must find room too. */
const MAX_TYPE_WORDS = 3;

export const completeJourney: LayoutKind = {
  name: 'Complete Journey',
  files: 'transactions.csv, products.csv, and demographics.csv where it is there',
  async recognise({ files, open }) {
    const names = ['transactions.csv', 'products.csv', 'demographics.csv'];
    const [transactions, products, demographics] = names.map((name) => fileNamed(files, name));
    if (transactions === null || products === null) return null;
    const log = await open(transactions);
    const catalogue = await open(products);
    // Many a shop calls its files so; a household is this one's.
    if (log === null || catalogue === null || columnNamed(log, 'householdid') < 0) return null;
    const people = demographics && (await open(demographics));
    return {
      name: 'Complete Journey',
      id: 'completejourney',
      log: {
        table: log,
        guesses: [],
        roles: {
          user: [columnNeeded(log, 'household', 'householdid')],
          item: [columnNeeded(log, 'product', 'productid')],
          time: [columnNeeded(log, 'time', 'transactiontimestamp', 'timestamp', 'day', 'week')],
          quantity: columnsOf(columnNamed(log, 'quantity')),
        },
      },
      items: productsPart(catalogue),
      profiles: people && profilesPart(people),
      interaction: 'purchase',
      item: 'product',
      notes: [
        'The Complete Journey by 84.51°: purchases only. Titles are composed from product type, package size and brand ' +
          '(then maker, then a number, where equal); categories are department, category and type.',
      ],
      notRead: files
        .filter((file) => file !== transactions && file !== products && file !== demographics)
        .map(({ name }) => ({ file: name, reason: 'is no part of what is read of the Complete Journey' })),
    };
  },
};

function productsPart(table: Table): ItemsPart {
  const [department, category, type, brand, size, maker] = [
    ...['department', 'productcategory', 'producttype', 'brand', 'packagesize', 'manufacturerid'],
  ].map((name) => columnNamed(table, name));
  return {
    table,
    key: columnNeeded(table, 'product', 'productid'),
    columns: [department, category, type, brand, size, maker].filter((index) => index >= 0),
    guesses: [],
    raw(cells) {
      const levels = [department, category, type].map((index) => cellAt(cells, index));
      const kind = levels[2] || levels[1] || levels[0];
      return {
        title: [phrase([kind], MAX_TYPE_WORDS), cellAt(cells, size), cellAt(cells, brand)].join(' '),
        hints: cellAt(cells, maker) ? [`maker ${cellAt(cells, maker)}`] : [],
        categories: levels,
      };
    },
  };
}

/** "age 45-54 income 50-74k homeowner married 2 adults no kids" by household. */
function profilesPart(table: Table): ProfilesPart {
  const [age, income, home, marital, composition] = [
    ...['age', 'income', 'homeownership', 'maritalstatus', 'householdcomp'],
  ].map((name) => columnNamed(table, name));
  return {
    table,
    key: columnNeeded(table, 'household', 'householdid'),
    columns: [age, income, home, marital, composition].filter((index) => index >= 0),
    profile(cells) {
      const named = (name: string, index: number) =>
        cellAt(cells, index) && `${name} ${cellAt(cells, index)}`;
      return phrase(
        [
          named('age', age),
          named('income', income),
          ...[home, marital, composition].map((index) => cellAt(cells, index)),
        ],
        16,
      );
    },
  };
}
