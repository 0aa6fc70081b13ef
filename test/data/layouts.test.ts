/** Data sets as they are published, made small: users, items, titles, levels, order and conversions, each right. */
import { gzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { type Imported, importDataset, type SourceFile } from '../../src/data/importDataset';
import { file } from './sources';

const SIZE = 6;
const ITEMS = [0, 1, 2, 3, 4, 5];

/** A row for each user and step: everybody meets every item, from another one on. */
function rotation(row: (user: number, item: number, step: number) => string): string[] {
  return Array.from({ length: SIZE * SIZE }, (_, index) => {
    const [user, step] = [Math.floor(index / SIZE), index % SIZE];
    return row(user, (user + step) % SIZE, step);
  });
}

/** Files list newest first, so that the order can only come from times. */
const lines = (header: string, rows: string[]) => [header, ...rows.reverse()].join('\n');
const gz = (path: string, text: string) =>
  file(path, gzipSync(new TextEncoder().encode(text)) as Uint8Array<ArrayBuffer>);
const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

interface Expected {
  ids: (item: number) => string;
  titles: (item: number) => string;
  levels: (item: number) => string[];
  conversions: number;
  layout: string;
}

function expectRotation({ dataset, preview, problems }: Imported, right: Expected): void {
  expect(preview.layout).toBe(right.layout);
  expect(dataset.items).toEqual(
    ITEMS.map((item) => ({ id: right.ids(item), title: right.titles(item), categories: right.levels(item) })),
  );
  expect(dataset.users.map(({ history }) => [...history])).toEqual(
    ITEMS.map((user) => ITEMS.map((step) => (user + step) % SIZE)),
  );
  expect(preview.counts).toMatchObject({
    rows: 36,
    interactions: 36,
    users: SIZE,
    items: SIZE,
    duplicates: 0,
    ties: 0,
    conversions: right.conversions,
  });
  expect(preview.problems.filter(({ rows }) => rows > 0)).toEqual([]);
  expect(problems.join(' ')).not.toMatch(/not listed|cannot be read/);
}

const named = (kind: string) => (item: number) => `${kind} ${'abcdef'[item]}`;
const day = (step: number) => `2019-03-0${step + 1}`;
const pair = (item: number) => (item % 2 === 0 ? 'even' : 'odd');

const SETS: Record<string, { files: () => SourceFile[]; right: Expected }> = {
  'MovieLens 100K: u.data, and u.item in Latin-1': {
    files: () => [
      file(
        'ml-100k/u.data',
        rotation((user, item, step) => [user + 1, item + 1, (item % 5) + 1, 881_250_949 + step].join('\t'))
          .reverse()
          .join('\n'),
      ),
      file(
        'ml-100k/u.item',
        latin1(
          ITEMS.map((item) => {
            const flags = Array.from({ length: 19 }, (_, at) => (at === 1 + (item % 2) || at === 16 ? 1 : 0));
            return [
              item + 1,
              `Misérable ${'ABCDEF'[item]}, Le (199${item})`,
              '01-Jan-1995',
              '',
              'http://x',
              ...flags,
            ].join('|');
          }).join('\n'),
        ),
      ),
      file('ml-100k/README', 'SUMMARY'),
    ],
    right: {
      layout: 'MovieLens',
      ids: (item) => String(item + 1),
      titles: (item) => `le misérable ${'abcdef'[item]}`,
      levels: (item) => [item % 2 === 0 ? 'action' : 'adventure', 'thriller', 'thriller'],
      // Ratings 4 and 5, of items 3 and 4, by everybody.
      conversions: 12,
    },
  },
  'MovieLens 1M: .dat': {
    files: () => [
      file(
        'ml-1m/ratings.dat',
        rotation((user, item, step) =>
          [user + 1, item + 1, item === 2 ? 4 : 3, 978_300_760 + step].join('::'),
        )
          .reverse()
          .join('\n'),
      ),
      file(
        'ml-1m/movies.dat',
        latin1(ITEMS.map((item) => `${item + 1}::Café: ${'ABCDEF'[item]} (2000)::Drama|War`).join('\r\n')),
      ),
      file('ml-1m/users.dat', '1::F::1::10::48067\n'),
    ],
    right: {
      layout: 'MovieLens',
      ids: (item) => String(item + 1),
      titles: named('café'),
      levels: () => ['drama', 'war', 'war'],
      conversions: 6,
    },
  },
  'RecBole: .inter, .item and .user with types': {
    files: () => [
      file(
        'x/x.inter',
        lines(
          'user_id:token\titem_id:token\trating:float\ttimestamp:float',
          rotation(
            (user, item, step) => `${user}\ti${item}\t${item % 2 === 0 ? 5 : 1}.0\t${978_300_760 + step}.0`,
          ),
        ),
      ),
      file(
        'x/x.item',
        lines(
          'item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq',
          ITEMS.map((item) => `i${item}\tFilm ${'ABCDEF'[item]}\t1995\tDrama ${pair(item)}`),
        ),
      ),
      file('x/x.user', 'user_id:token\tage:token\tgender:token\n0\t25\tM\n1\t30\tF\n'),
    ],
    right: {
      layout: 'a table of interactions',
      ids: (item) => `i${item}`,
      titles: named('film'),
      levels: (item) => ['drama', pair(item), pair(item)],
      conversions: 18,
    },
  },
  'H&M: transactions_train, articles, customers': {
    files: () => [
      file(
        'hm/transactions_train.csv',
        lines(
          't_dat,customer_id,article_id,price,sales_channel_id',
          rotation((user, item, step) => `${day(step)},00a${user}f,010877501${item},0.0${step}1,2`),
        ),
      ),
      file(
        'hm/articles.csv',
        lines(
          'article_id,product_code,prod_name,product_type_no,product_type_name,product_group_name,department_name,index_group_name,detail_desc',
          ITEMS.map(
            (item) =>
              `010877501${item},0108775,Strap top ${'ABCDEF'[item]},253,Vest ${pair(item)},Garment Upper,Jersey,Ladieswear,Jersey top`,
          ),
        ),
      ),
      file(
        'hm/customers.csv',
        'customer_id,FN,Active,club_member_status,age,postal_code\n00a0f,,,ACTIVE,49,52043\n',
      ),
    ],
    right: {
      layout: 'a table of interactions',
      ids: (item) => `010877501${item}`,
      titles: named('strap top'),
      levels: (item) => ['ladieswear', 'garment upper', `vest ${pair(item)}`],
      conversions: 36,
    },
  },
  'Amazon 2023: reviews and meta as JSON lines in .gz': {
    files: () => [
      gz(
        'Beauty.jsonl.gz',
        rotation((user, item, step) =>
          JSON.stringify({
            rating: item < 3 ? 5 : 2,
            title: `Headline ${user} ${step}`,
            text: 'Such a lovely scent',
            images: [],
            asin: `V${user}${item}`,
            parent_asin: `P${item}`,
            user_id: `AG${user}`,
            timestamp: 1_588_687_728_923 + step,
            helpful_vote: 0,
            verified_purchase: true,
          }),
        )
          .reverse()
          .join('\n'),
      ),
      gz(
        'meta_Beauty.jsonl.gz',
        ITEMS.map((item) =>
          JSON.stringify({
            main_category: 'All Beauty',
            title: `Hair spray ${'ABCDEF'[item]}`,
            average_rating: 4.8,
            rating_number: 10,
            features: [],
            description: [],
            price: null,
            images: [{ thumb: 'x' }],
            store: 'Howard',
            categories: ['Beauty', 'Hair', `Kind ${pair(item)}`],
            details: { 'Package Dimensions': '7 inches' },
            parent_asin: `P${item}`,
            bought_together: null,
          }),
        ).join('\n'),
      ),
    ],
    right: {
      layout: 'a table of interactions',
      ids: (item) => `P${item}`,
      titles: named('hair spray'),
      levels: (item) => ['beauty', 'hair', `kind ${pair(item)}`],
      conversions: 18,
    },
  },
  'Amazon 2018: reviewerID, asin, unixReviewTime, meta with a list of categories': {
    files: () => [
      gz(
        'Luxury_5.json.gz',
        rotation((user, item, step) =>
          JSON.stringify({
            overall: item === 0 ? 5 : 3,
            verified: true,
            reviewTime: '01 5, 2018',
            reviewerID: `A${user}`,
            asin: `B00${item}`,
            reviewerName: `Jane ${user}`,
            reviewText: 'Good',
            summary: `Five stars ${step}`,
            unixReviewTime: 1_515_110_400 + 86_400 * step,
          }),
        )
          .reverse()
          .join('\n'),
      ),
      gz(
        'meta_Luxury.json.gz',
        ITEMS.map((item) =>
          JSON.stringify({
            category: ['Luxury', 'Skin Care', pair(item)],
            description: ['x'],
            title: `Cream ${'ABCDEF'[item]}`,
            brand: 'Acme',
            rank: '1 in',
            price: '$5',
            asin: `B00${item}`,
          }),
        ).join('\n'),
      ),
    ],
    right: {
      layout: 'a table of interactions',
      ids: (item) => `B00${item}`,
      titles: named('cream'),
      levels: (item) => ['luxury', 'skin care', pair(item)],
      conversions: 6,
    },
  },
  'RetailRocket: events.csv': {
    files: () => [
      file(
        'events.csv',
        lines(
          'timestamp,visitorid,event,itemid,transactionid',
          rotation(
            (user, item, step) =>
              `${1_433_221_332_117 + step},25759${user},${step === 5 ? 'transaction' : step === 4 ? 'addtocart' : 'view'},35568${item},${step === 5 ? 4000 + user : ''}`,
          ),
        ),
      ),
    ],
    right: {
      layout: 'a table of interactions',
      ids: (item) => `35568${item}`,
      titles: (item) => `item 35568${item}`,
      levels: () => ['unknown', 'unknown', 'unknown'],
      conversions: 6,
    },
  },
  'a shop: transactions.csv and products.csv': {
    files: () => [
      file(
        'shop/transactions.csv',
        lines(
          'transaction_id;customer_id;product_id;quantity;order_date',
          rotation(
            (user, item, step) =>
              `T${user}${step};C${user};SKU-${item};${item === 1 ? 2 : 1};${13 + step}.03.2021 10:00`,
          ),
        ),
      ),
      file(
        'shop/products.csv',
        lines(
          'product_id;product_name;category_path;price',
          ITEMS.map((item) => `SKU-${item};Lamp ${'ABCDEF'[item]};Home > Light > ${pair(item)};9,99`),
        ),
      ),
    ],
    right: {
      layout: 'a table of interactions',
      ids: (item) => `SKU-${item}`,
      titles: named('lamp'),
      levels: (item) => ['home', 'light', pair(item)],
      conversions: 6,
    },
  },
};

describe('is read as it is published', () => {
  test.each(Object.entries(SETS))('%s', async (_, { files, right }) => {
    const given = files();
    expectRotation(await importDataset(given), right);
    expectRotation(await importDataset([...given].reverse()), right);
  });
});

test('Goodbooks: ratings.csv has no times, so its rows are the order, which is said; books.csv names by book_id', async () => {
  const ratings = [
    'user_id,book_id,rating',
    ...rotation((user, item) => `${user + 1},${item + 1},${item === 5 ? 5 : 3}`),
  ];
  const books = [
    'book_id,goodreads_book_id,best_book_id,work_id,books_count,isbn,authors,original_publication_year,original_title,title,language_code,average_rating',
    ...ITEMS.map(
      (item) =>
        `${item + 1},${2767052 + item},${2767052 + item},${item},272,43902348${item},"Suzanne Collins, Ann Lee",2008.0,Orig ${item},"The Games ${'ABCDEF'[item]} (Games, #1)",eng,4.34`,
    ),
  ];
  const { dataset, preview } = await importDataset([
    file('ratings.csv', ratings.join('\n')),
    file('books.csv', books.join('\n')),
  ]);
  expect(dataset.items.map(({ id, title }) => [id, title])).toEqual(
    ITEMS.map((item) => [String(item + 1), `the games ${'abcdef'[item]} games 1`]),
  );
  expect(dataset.users.map(({ history }) => [...history])).toEqual(
    ITEMS.map((user) => ITEMS.map((step) => (user + step) % SIZE)),
  );
  expect(preview.counts).toMatchObject({ rows: 36, interactions: 36, conversions: 6 });
  expect(dataset.notes.join(' ')).toMatch(/The file has no times/);
});

test('MIND: the history once, then what was clicked; what was only shown is not read', async () => {
  const news = ITEMS.map((item) =>
    [`N${item}0`, 'sports', pair(item), `Golf "${'ABCDEF'[item]}" today`, 'x', 'https://x', '[]', '[]'].join(
      '\t',
    ),
  );
  const visits = ITEMS.flatMap((user) => {
    const at = (step: number) => `N${(user + step) % SIZE}0`;
    return [
      [
        `${user}1`,
        `U${user}`,
        '11/13/2019 8:00:00 AM',
        [at(3), at(2), at(1)].join(' '),
        `${at(0)}-0 ${at(4)}-1 ${at(5)}-0`,
      ].join('\t'),
      [
        `${user}2`,
        `U${user}`,
        '11/14/2019 8:00:00 AM',
        [at(3), at(2), at(1)].join(' '),
        `${at(0)}-1 ${at(5)}-0`,
      ].join('\t'),
    ];
  });
  const files = [
    file('MIND/behaviors.tsv', visits.join('\n')),
    file('MIND/news.tsv', news.join('\n')),
    file('MIND/entity_embedding.vec', 'x'),
  ];
  const { dataset, preview } = await importDataset(files);
  expect(preview.layout).toBe('MIND');
  expect(dataset.items.map(({ id, title, categories }) => [id, title, ...categories])).toEqual(
    ITEMS.map((item) => [`N${item}0`, `golf ${'abcdef'[item]} today`, 'sports', pair(item), pair(item)]),
  );
  expect(dataset.users.map(({ history }) => [...history])).toEqual(
    ITEMS.map((user) => [3, 2, 1, 4, 0].map((step) => (user + step) % SIZE)),
  );
  expect(preview.counts).toMatchObject({ interactions: 30, users: 6, items: 6, conversions: 30 });
  expect(preview.notRead.map(({ file: name }) => name)).toEqual(['entity_embedding.vec']);
});

test('Instacart: orders in their number, baskets in their order, aisles under departments, repeats convert', async () => {
  const orders = [
    'order_id,user_id,eval_set,order_number,order_dow,order_hour_of_day,days_since_prior_order',
  ];
  const prior = ['order_id,product_id,add_to_cart_order,reordered'];
  for (const user of ITEMS) {
    // Orders carry ids that run against their numbers.
    for (const number of [1, 2, 3])
      orders.push(`${user * 10 + 9 - number},${user + 1},prior,${number},2,08,${number * 3}.0`);
    orders.push(`${user * 10 + 9},${user + 1},test,4,2,08,30.0`);
    const basket = (number: number, products: number[]) =>
      products.forEach((product, at) => {
        prior.push(`${user * 10 + 9 - number},${1 + ((user + product) % SIZE)},${at + 1},0`);
      });
    basket(3, [5, 0]);
    basket(2, [3, 2, 4]);
    basket(1, [1, 0]);
  }
  const files = [
    file('instacart/orders.csv', orders.join('\n')),
    file('instacart/order_products__prior.csv', prior.join('\n')),
    file(
      'instacart/products.csv',
      [
        'product_id,product_name,aisle_id,department_id',
        ...ITEMS.map((item) => `${item + 1},"Tea, ${'ABCDEF'[item]}",${1 + (item % 2)},7`),
      ].join('\n'),
    ),
    file('instacart/aisles.csv', 'aisle_id,aisle\n1,even\n2,odd\n'),
    file('instacart/departments.csv', 'department_id,department\n7,beverages\n'),
  ];
  const { dataset, preview } = await importDataset(files);
  expect(preview.layout).toBe('Instacart');
  expect(dataset.items.map(({ id, title, categories }) => [id, title, ...categories])).toEqual(
    ITEMS.map((item) => [String(item + 1), `tea ${'abcdef'[item]}`, 'beverages', pair(item), pair(item)]),
  );
  expect(dataset.users.map(({ history }) => [...history])).toEqual(
    ITEMS.map((user) => [1, 0, 3, 2, 4, 5, 0].map((step) => (user + step) % SIZE)),
  );
  expect(preview.counts).toMatchObject({ rows: 42, interactions: 42, users: 6, items: 6 });
  expect(preview.counts.ties).toBeCloseTo(4 / 6, 10);
  expect(preview.notRead).toEqual([]);
  expect(preview.tables[0].rows.slice(0, 2)).toEqual([
    ['1', '6', '3'],
    ['1', '1', '3'],
  ]);
  // Ids are those of the other layouts: 16, 16.0 and " 16" are one, in every file.
  const floats = prior.map((line) => line.replace(/^(\d+),(\d+)/, ' $1.0,$2.0'));
  const again = await importDataset([
    files[0],
    file('order_products__prior.csv', floats.join('\n')),
    ...files.slice(2),
  ]);
  expect(again.dataset.sha256).toBe(dataset.sha256);
});
