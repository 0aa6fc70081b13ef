/**
 * The Complete Journey (84.51°): a year of grocery purchases of some thousand households, as the R package
 * `completejourney` has it, one CSV per table.
 */
import type { ImportedTables, ItemDescription } from '../assemble';
import { parseTime } from '../columns/times';
import { phrase } from '../columns/titles';
import type { Problems } from '../files/sources';
import { readTable } from '../files/table';
import { InteractionLog } from '../interactions';

/** Needs `transactions` and `products`; `demographics` gives profiles where it is there. */
export interface CompleteJourneyFiles {
  transactions: Uint8Array;
  products: Uint8Array;
  demographics: Uint8Array | null;
}

/** Of a title: its size and brand must find room too. */
const MAX_TYPE_WORDS = 3;

/** @throws ImportError when a table lacks a column that is needed */
export function readCompleteJourney(
  files: CompleteJourneyFiles,
  problems: Problems,
  onProgress: (fraction: number) => void,
): ImportedTables {
  const products = new Map<string, ItemDescription>();
  readTable(
    { file: 'products.csv', bytes: files.products, problems },
    {
      required: { product: ['productid'] },
      optional: {
        department: ['department'],
        category: ['productcategory'],
        type: ['producttype'],
        brand: ['brand'],
        size: ['packagesize'],
        maker: ['manufacturerid'],
      },
    },
    ({ product, department, category, type, brand, size, maker }) => {
      products.set(product, {
        title: [phrase([type || category || department], MAX_TYPE_WORDS), size, brand].join(' '),
        hints: maker ? [`maker ${maker}`] : [],
        categories: [department, category, type],
      });
    },
    (fraction) => onProgress(fraction * 0.4),
  );
  const profiles = files.demographics
    ? readProfiles(files.demographics, problems)
    : new Map<string, string>();
  const log = new InteractionLog();
  readTable(
    { file: 'transactions.csv', bytes: files.transactions, problems },
    {
      required: {
        household: ['householdid'],
        product: ['productid'],
        time: ['transactiontimestamp', 'timestamp', 'day', 'week'],
      },
      optional: { quantity: ['quantity'] },
    },
    ({ household, product, time, quantity }, row) => {
      const when = parseTime(time);
      const amount = quantity === '' ? 1 : Number(quantity);
      if (Number.isNaN(when)) {
        problems.add('transactions.csv', row, 'no time that can be read', time);
      } else if (!(amount >= 0)) {
        problems.add('transactions.csv', row, 'no quantity of 0 or more', quantity);
      } else {
        if (!products.has(product)) {
          problems.add(
            'transactions.csv',
            row,
            'a product that products.csv does not list; its number names it',
            product,
          );
        }
        log.add(household, product, when, amount);
      }
    },
    (fraction) => onProgress(0.4 + fraction * 0.6),
  );
  return {
    id: 'completejourney',
    log,
    describe: (id) => products.get(id) ?? { title: `product ${id}`, hints: [], categories: [] },
    profile: (id) => profiles.get(id) ?? '',
    interaction: 'purchase',
    converts: (quantity, isRepeat) => quantity >= 2 || isRepeat,
    conversion: 'two or more were bought, or the household had bought it before',
    notes: [
      'The Complete Journey by 84.51°: purchases only. Titles are composed from product type, package size and brand ' +
        '(then maker, then a number, where equal); categories are department, category and type.',
    ],
  };
}

/** "age 45-54 income 50-74k homeowner married 2 adults no kids" by household. */
function readProfiles(bytes: Uint8Array, problems: Problems): Map<string, string> {
  const profiles = new Map<string, string>();
  readTable(
    { file: 'demographics.csv', bytes, problems },
    {
      required: { household: ['householdid'] },
      optional: {
        age: ['age'],
        income: ['income'],
        home: ['homeownership'],
        marital: ['maritalstatus'],
        composition: ['householdcomp'],
      },
    },
    ({ household, age, income, home, marital, composition }) => {
      const parts = [age && `age ${age}`, income && `income ${income}`, home, marital, composition];
      profiles.set(household, phrase(parts, 16));
    },
  );
  return profiles;
}
