import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { interactionCount, targetItem } from '../../src/data/dataset';
import { blobFile } from '../../src/data/files/blobFile';
import { wholeBytes } from '../../src/data/files/sources';
import { ImportError, importDataset, type SourceFile } from '../../src/data/importDataset';
import { file, interactionsCsv } from './sources';

const MOVIES = [
  'movieId,title,genres',
  '1,"Matrix, The (1999)",Action|Sci-Fi|Thriller|War',
  '2,Heat (1995),Crime',
  '3,Heat (1986),(no genres listed)',
  '4,"Old ""Quoted"" Film",Drama|Comedy',
].join('\n');

function ratings(users: number): string {
  const rows = ['userId,movieId,rating,timestamp'];
  for (let user = 1; user <= users; user++) {
    for (const movie of [1, 2, 3, 4, 5]) rows.push(`${user},${movie},${movie},${1000 * user + movie}`);
  }
  return rows.join('\n');
}

function completeJourney(households: number): SourceFile[] {
  const transactions = ['household_id,basket_id,product_id,quantity,week,transaction_timestamp'];
  for (let household = 1; household <= households; household++) {
    for (let day = 1; day <= 6; day++) {
      const product = 100 + ((household + day) % 3);
      transactions.push(
        `${household},b${day},${product},${day === 2 ? 2 : 1},${day},2017-01-0${day}T10:00:00Z`,
      );
    }
  }
  return [
    file('cj/transactions.csv', transactions.join('\n')),
    file(
      'cj/products.csv',
      'product_id,manufacturer_id,department,brand,product_category,product_type,package_size\n' +
        '100,7,GROCERY,National,FRZN ICE,ICE - CRUSHED/CUBED,22 LB\n' +
        '101,8,GROCERY,National,FRZN ICE,ICE - CRUSHED/CUBED,22 LB\n' +
        '102,9,PASTRY,Private,,,\n',
    ),
    file(
      'cj/demographics.csv',
      'household_id,age,income,home_ownership,marital_status,household_comp\n1,65+,35-49K,Homeowner,Married,2 Adults No Kids\n2,,,,,\n',
    ),
  ];
}

describe('Complete Journey', () => {
  test('titles, categories, profiles and the conversion proxy', async () => {
    const { dataset, problems } = await importDataset(completeJourney(6));
    expect(problems).toEqual([]);
    expect(dataset.id).toBe('completejourney');
    expect(dataset.items).toEqual([
      {
        id: '100',
        title: 'ice crushed cubed 22 lb national maker 7',
        categories: ['grocery', 'frzn ice', 'ice crushed'],
      },
      {
        id: '101',
        title: 'ice crushed cubed 22 lb national maker 8',
        categories: ['grocery', 'frzn ice', 'ice crushed'],
      },
      { id: '102', title: 'pastry private', categories: ['pastry', 'pastry', 'pastry'] },
    ]);
    expect(dataset.users[0].profile).toBe('age 65+ income 35-49k homeowner married 2 adults no kids');
    expect(dataset.users[1].profile).toBe('');
    const { impressions } = dataset;
    const clicked = [...impressions.click.keys()].filter((row) => impressions.click[row] === 1);
    // Days 2, 3, 4 (positions 1, 2, 3) are training targets: two were bought on day 2, and day 4 repeats day 1.
    expect(
      clicked.slice(0, 3).map((row) => [impressions.historyLength[row], impressions.conversion[row]]),
    ).toEqual([
      [1, 1],
      [2, 0],
      [3, 1],
    ]);
    expect(dataset.notes.join(' ')).toMatch(/proxies.*two or more were taken/);
  });

  test('a product without an entry is named by its number, with file and row', async () => {
    const [transactions, , demographics] = completeJourney(6);
    const products = file('cj/products.csv', 'product_id,department\n100,GROCERY\n101,GROCERY\n');
    const { dataset, problems } = await importDataset([demographics, products, transactions]);
    expect(dataset.items[2].title).toBe('product 102');
    expect(problems[0]).toMatch(
      /^transactions\.csv: 1 of 3 items \(product 102\) is not listed in products\.csv; its id names it$/,
    );
  });
});

describe('MovieLens', () => {
  test('titles, genres and the rating proxy; the zip gives the same data set as the folder', async () => {
    const folder = [
      file('ml/ratings.csv', ratings(6)),
      file('ml/movies.csv', MOVIES),
      file('ml/tags.csv', 'x'),
    ];
    const { dataset, problems } = await importDataset(folder);
    expect(dataset.items.map(({ title, categories }) => [title, ...categories])).toEqual([
      ['the matrix', 'action', 'sci-fi', 'thriller'],
      ['heat 1995', 'crime', 'crime', 'crime'],
      ['heat 1986', 'unknown', 'unknown', 'unknown'],
      ['old quoted film', 'drama', 'comedy', 'comedy'],
      ['movie 5', 'unknown', 'unknown', 'unknown'],
    ]);
    expect(problems[0]).toMatch(/ratings\.csv: 1 of 5 items \(movie 5\) is not listed in movies\.csv/);
    // Five positions: training asks for 1 and 2 (movies 2 and 3), none of which has a rating of 4.
    expect(dataset.splits.train).toHaveLength(12);
    expect(dataset.impressions.conversion.some((converted) => converted === 1)).toBe(false);

    const entries = {
      'ml/ratings.csv': ratings(6),
      'ml/movies.csv': MOVIES,
      '__MACOSX/ml/._ratings.csv': 'junk',
    };
    const encoded = Object.fromEntries(
      Object.entries(entries).map(([path, text]) => [path, new TextEncoder().encode(text)]),
    );
    const zipped = await importDataset([file('ml.zip', zipSync(encoded))]);
    expect(zipped.dataset.sha256).toBe(dataset.sha256);
  });
});

describe('plain interactions', () => {
  test('become a data set by time, whatever the order of rows', async () => {
    const csv = interactionsCsv(6, 8);
    const { dataset, problems } = await importDataset([file('My Shop.csv', csv)]);
    expect(problems).toEqual([]);
    expect(dataset.id).toBe('my-shop');
    expect(dataset.users.map(({ id }) => id)).toEqual(['u0', 'u1', 'u2', 'u3', 'u4', 'u5']);
    expect(dataset.items[0]).toEqual({
      id: 'i0',
      title: 'thing 0 deluxe',
      categories: ['home', 'kind 0', 'sort 0'],
    });
    expect([...dataset.users[0].history]).toEqual([1, 2, 3, 4, 5, 6, 7, 0]);
    const [header, ...rows] = csv.split('\n');
    const { dataset: shuffled } = await importDataset([
      file('b.tsv', [header, ...rows.reverse()].join('\n').replaceAll(',', '\t')),
    ]);
    expect(shuffled.sha256).toBe(dataset.sha256);
  });

  test('three category columns, a rating column, and no times', async () => {
    const rows = [['Customer ID', 'Product', 'Name', 'Department', 'L2', 'rating'].join(';')];
    for (let user = 0; user < 5; user++) {
      for (let item = 0; item < 6; item++) rows.push(`${user};${item};Name ${item};Garden;Tools;${item * 2}`);
    }
    const { dataset } = await importDataset([file('log.csv', rows.join('\n'))]);
    expect(dataset.items[0].categories).toEqual(['garden', 'tools', 'tools']);
    expect([...dataset.users[0].history]).toEqual([0, 1, 2, 3, 4, 5]);
    expect(dataset.notes.join(' ')).toMatch(/no times/);
    // Of a scale to 10, 8 is like 4 of 5; training asks for ratings 2, 4 and 6.
    expect(dataset.notes.join(' ')).toMatch(/rating is 8 or more, where ratings go from 0 to 10 \(0 %\)/);
  });

  test('bad rows are dropped with file and row', async () => {
    const csv = `${interactionsCsv(6, 8)}\nu1,i0,someday,Thing 0 deluxe,home > kind 0 > sort 0\nu1,,5,Thing,home\nu2,i1\n`;
    const { dataset, problems } = await importDataset([file('log.csv', csv)]);
    expect(interactionCount(dataset)).toBe(48);
    expect(problems).toEqual([
      'log.csv row 51: no item',
      'log.csv row 52: fewer cells than the header has; those that are missing are taken for empty (“u2,i1”)',
      'log.csv row 50: no time that can be read (“someday”)',
      'log.csv row 52: no time is given (“”)',
    ]);
  });
});

describe('every data set', () => {
  test('asks in time: train, then validation, then test; nothing held out is learnt from', async () => {
    const { dataset } = await importDataset([file('log.csv', interactionsCsv(9, 7, 9))], undefined, {
      kCore: 2,
    });
    const { train, validation, test: held } = dataset.splits;
    expect([train.length, validation.length, held.length]).toEqual([9 * 4, 9, 9]);
    const ids = [...train, ...validation, ...held].map(({ sampleId }) => sampleId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => id.startsWith(dataset.sha256.slice(0, 12)))).toBe(true);
    expect(train.every(({ position }) => position >= 1 && position <= 4)).toBe(true);
    // Seven behaviours each: the first five are training's, then one for validation and one for the test.
    const visible = 5;
    expect([...validation.map(({ position }) => position)]).toEqual(Array(9).fill(5));
    expect([...held.map(({ position }) => position)]).toEqual(Array(9).fill(6));
    const { impressions } = dataset;
    expect(impressions.user.length).toBe(train.length * 4);
    impressions.user.forEach((user, row) => {
      const { history } = dataset.users[user];
      expect(impressions.historyLength[row]).toBeLessThan(visible);
      const seen = history.subarray(0, visible).includes(impressions.item[row]);
      expect(seen).toBe(impressions.click[row] === 1);
      expect(impressions.conversion[row]).toBeLessThanOrEqual(impressions.click[row]);
    });
  });

  test('has facts from training transitions only', async () => {
    // In training everybody goes tea → milk → tea …; only the held-out two are tea → soap, for every user.
    const rows = ['user,item,time,title,l1,l2,l3'];
    const name = { a: 'tea', b: 'milk', c: 'soap' };
    for (let user = 0; user < 8; user++) {
      [...'ababababac'].forEach((item, time) => {
        rows.push(`${user},${item},${time},Nice ${name[item as 'a']},x,x,${name[item as 'a']}`);
      });
    }
    const { dataset } = await importDataset([file('log.csv', rows.join('\n'))]);
    expect(dataset.items[targetItem(dataset, dataset.splits.test[0])].title).toBe('nice soap');
    expect(dataset.facts).toEqual([
      'need tea : nice tea',
      'need milk : nice milk',
      'need soap : nice soap',
      'after milk need tea',
      'after tea need milk',
    ]);
  });

  test('where no category tells, has facts in words of the titles, from training alone, and says so', async () => {
    // Oak things follow each other, and so do tin things; colours go with both.
    const rows = ['user,item,time,title'];
    const titles = ['Oak', 'Tin'].flatMap((kind) =>
      ['Red', 'Blue', 'Grey'].map((colour) => `${colour} ${kind}`),
    );
    for (let user = 0; user < 12; user++) {
      for (let time = 0; time < 10; time++) {
        const item = 3 * (user % 2) + ((user * 5 + time * time + (time >> 1)) % 3);
        rows.push(`${user},${item},${time},${titles[item]}`);
      }
    }
    const { dataset } = await importDataset([file('log.csv', rows.join('\n'))]);
    expect(dataset.notes.join(' ')).toMatch(/no categories.*reasons in words of their titles/);
    expect(dataset.facts.slice(0, 6)).toEqual(
      dataset.items.map(({ title }) => `need ${title.split(' ')[1]} : ${title}`),
    );
    const { dataset: told } = await importDataset([file('b.csv', interactionsCsv(8, 8))]);
    expect(told.notes.join(' ')).not.toMatch(/words of their titles/);
  });

  test('thins training examples evenly when told to, and says so', async () => {
    const { dataset } = await importDataset([file('log.csv', interactionsCsv(10, 13))], undefined, {
      maxTrainExamples: 25,
    });
    expect(dataset.splits.train).toHaveLength(25);
    expect(new Set(dataset.splits.train.map(({ user }) => user)).size).toBe(10);
    expect(dataset.notes.join(' ')).toMatch(/Of 100 training examples 25 are used/);
    expect(dataset.users.every(({ history }) => history.length === 13)).toBe(true);
  });

  test('can be sent to another worker and is the same each time', async () => {
    const files = [file('log.csv', interactionsCsv(6, 8))];
    const [first, second] = [await importDataset(files), await importDataset(files)];
    expect(structuredClone(first.dataset)).toEqual(second.dataset);
    expect(first.dataset.sha256).toMatch(/^[0-9a-f]{64}$/);
    const other = await importDataset([file('log.csv', interactionsCsv(6, 8).replaceAll('deluxe', 'plain'))]);
    expect(other.dataset.sha256).not.toBe(first.dataset.sha256);
  });

  test('reports progress from 0 to 1', async () => {
    const fractions: number[] = [];
    await importDataset([file('log.csv', interactionsCsv(6, 8))], (_, fraction) => fractions.push(fraction));
    expect(fractions[0]).toBe(0);
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  });
});

describe('what cannot be imported', () => {
  const refused = (files: SourceFile[]) =>
    importDataset(files).then(
      () => expect.unreachable(),
      (error: Error) => {
        expect(error).toBeInstanceOf(ImportError);
        expect(error.message).toMatch(/\.$/);
        return error.message;
      },
    );
  const csv = interactionsCsv(6, 8);

  test.each<[string, SourceFile[], RegExp]>([
    [
      'no files',
      [],
      /no files.*a row for each interaction.*CSV, JSON lines or Parquet.*Complete Journey, MovieLens/,
    ],
    ['unknown files', [file('a.pdf', 'x'), file('b.png', 'y')], /^a\.pdf, b\.png: none of what is read/],
    ['a table of something else', [file('a.csv', 'x,y\n1,2\n')], /a\.csv has no column for the user/],
    ['tables of something else', [file('a.csv', 'x,y\n1,2\n'), file('b.csv', 'z\n')], /none of what is read/],
    ['two tables', [file('a.csv', csv), file('b.csv', csv)], /a\.csv, b\.csv are each a table.*choose one/],
    [
      'two folders',
      [...completeJourney(5), file('x/products.csv', 'product_id\n')],
      /2 files called products\.csv/,
    ],
    ['half a MovieLens', [file('ratings.csv', ratings(6))], /ratings\.csv came without movies\.csv/],
    [
      'too few interactions',
      [file('a.csv', interactionsCsv(2, 3))],
      /Nothing is left of 6 interactions of 2 users/,
    ],
    ['a header only', [file('a.csv', 'user,item\n')], /Nothing is left of 0/],
    ['an empty file', [file('a.csv', '')], /a\.csv is empty/],
    ['a zip that is none', [file('a.zip', 'PK nonsense')], /a\.zip is not a readable zip/],
    [
      'a zip of something else',
      [
        file(
          'a.zip',
          zipSync({ 'x.csv': new TextEncoder().encode('a,b\n'), 'y.csv': new TextEncoder().encode('a\n') }),
        ),
      ],
      /a\.zip does not hold/,
    ],
    [
      'two empty zips',
      [file('a.zip', zipSync({})), file('b.zip', zipSync({}))],
      /a\.zip, b\.zip: none of what/,
    ],
    [
      'a picture called CSV',
      [file('a.csv', Uint8Array.of(0x89, 0x50, 0, 1, 2, 0))],
      /a\.csv: none of what is read/,
    ],
  ])('%s', async (_, files, expected) => {
    expect(await refused(files)).toMatch(expected);
  });

  test('the main reason stands first, with row, cell, column and what to do', async () => {
    const european = csv.replace(
      /,(\d{4}),/g,
      (_, time) => `,${String(20 + (Number(time) % 8)).padStart(2, '0')}/12/2019,`,
    );
    const log = file('log.csv', european.replace('time', 'order_date'));
    const { dataset } = await importDataset([log]);
    expect([...dataset.users[0].history]).toEqual([1, 2, 3, 4, 5, 6, 7, 0]);
    const wrong = await importDataset([log], undefined, { map: 'dates=mdy' }).then(
      () => expect.unreachable(),
      (error: Error) => error.message,
    );
    expect(wrong).toMatch(
      /^log\.csv: 48 of 48 rows were dropped: .*, in column order_date \(a mapping can name another, or say dates=dmy.*as in row 2 \(“20\/12\/2019”\)\. Nothing is left/,
    );
  });

  test('a file that cannot be read is named', async () => {
    const blob = new Blob([csv]);
    blob.slice = () =>
      Object.assign(new Blob(), { arrayBuffer: () => Promise.reject(new Error('it was moved')) });
    const gone = blobFile(blob, 'log.csv');
    expect(await refused([gone])).toMatch(/log\.csv cannot be read \(it was moved\)/);
  });

  test('an archive may not unpack to more than allowed', async () => {
    const long = `user,item,time\n${'u1,i1,1\n'.repeat(400_000)}`;
    const bomb = zipSync({ 'log.csv': new TextEncoder().encode(long) });
    await expect(
      importDataset([file('a.zip', bomb)], undefined, { maxUnpackedBytes: 1_000_000 }),
    ).rejects.toThrow(/log\.csv in a\.zip unpacks to more than is allowed/);
  });

  test('any change to any file ends in a data set or in a sentence', async () => {
    const originals = [
      completeJourney(6),
      [file('ratings.csv', ratings(6)), file('movies.csv', MOVIES)],
      [file('log.csv', csv)],
    ];
    const texts = await Promise.all(
      originals.map((files) =>
        Promise.all(files.map(async (each) => [each.name, await wholeBytes(each, 1e6)] as const)),
      ),
    );
    const edit = fc.record({
      which: fc.nat(2),
      at: fc.nat(2000),
      length: fc.nat(60),
      insert: fc.uint8Array({ maxLength: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(texts.length - 1),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        async (set, edits) => {
          const changed = texts[set].map(([name, bytes], index) => {
            let content = Array.from(bytes);
            for (const { which, at, length, insert } of edits) {
              if (which % texts[set].length === index)
                content = [...content.slice(0, at), ...insert, ...content.slice(at + length)];
            }
            return file(name, Uint8Array.from(content));
          });
          try {
            const { dataset } = await importDataset(changed);
            expect(new Set(dataset.items.map(({ title }) => title)).size).toBe(dataset.items.length);
            expect(dataset.users.every(({ history }) => history.length >= 5)).toBe(true);
          } catch (error) {
            if (!(error instanceof ImportError)) throw error;
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
