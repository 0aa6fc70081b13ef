/** What is shown of files that were refused: enough to correct what was wrong. */
import { expect, it } from 'vitest';
import { importDataset } from '../../src/data/importDataset';
import type { PreviewChoice, SeenFiles } from '../../src/data/preview';
import { RefusedFiles } from '../../src/data/seenFiles';
import { file } from './sources';

const table = (name: string, header: string, row: (user: number, item: number, step: number) => string) =>
  file(
    name,
    [
      header,
      ...Array.from({ length: 100 }, (_, index) => {
        const [user, step] = [Math.floor(index / 10), index % 10];
        return row(user, (user + step) % 10, step);
      }),
    ].join('\n'),
  );

async function refused(files: Parameters<typeof importDataset>[0], map = '') {
  const error = await importDataset(files, undefined, { map }).then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(RefusedFiles);
  return error as RefusedFiles;
}

const choice = (seen: SeenFiles | null, role: string): PreviewChoice =>
  seen!.choices.find((each) => each.role === role)!;

const nameless = table('zeug.csv', 'wer,sku,wann', (u, i, s) => `k-${u}x,SKU-${i},2020-01-${10 + s}`);

it('offers every column for the one that is not known, and guesses the rest', async () => {
  const { message, seen } = await refused([nameless]);
  expect(message).toMatch(/^zeug\.csv has no column for the user/);
  expect(choice(seen, 'user')).toMatchObject({
    columns: [],
    options: ['wer', 'sku', 'wann'],
    sure: false,
    why: 'No column is known to be one: choose it.',
  });
  expect(choice(seen, 'item')).toMatchObject({ columns: ['sku'], sure: true });
  expect(choice(seen, 'rating')).toMatchObject({ columns: [], sure: true });
  const [shown] = seen!.tables;
  expect(shown).toMatchObject({ file: 'zeug.csv', kind: 'other', unread: [] });
  expect(shown.roles.slice(0, 2)).toEqual([null, 'item']);
  expect(shown.rows[0]).toEqual(['k-0x', 'SKU-0', '2020-01-10']);
});

it('reads them when that one is chosen, and takes the other guess with it', async () => {
  const { preview } = await importDataset([nameless], undefined, { map: 'user=wer' });
  expect(preview.counts).toMatchObject({ rows: 100, users: 10, items: 10 });
  const other = table('log.csv', 'user_id,was', (u, i) => `${u},t${i}`);
  expect(choice((await refused([other])).seen, 'item').columns).toEqual([]);
  const named = await importDataset([other], undefined, { map: 'item=was' });
  expect(named.preview.counts).toMatchObject({ users: 10, items: 10 });
});

it('keeps what was said, also where it is wrong', async () => {
  const { message, seen } = await refused([nameless], 'user=kunde,time=wann');
  expect(message).toMatch(/^zeug\.csv has no column “kunde” to read the user from/);
  expect(choice(seen, 'user')).toMatchObject({
    columns: [],
    sure: false,
    why: 'No file has a column “kunde”.',
  });
  expect(choice(seen, 'time')).toMatchObject({ columns: ['wann'], sure: true, why: 'You said so.' });
  expect(seen!.tables[0].roles).toEqual([null, 'item', 'time']);
  expect(choice((await refused([nameless], 'user')).seen, 'item').columns).toEqual(['sku']);
});

it('carries dates and events where every row was dropped', async () => {
  const log = table('log.csv', 'user,item,day,event', (u, i, s) => `${u},${i},${13 + s}/02/2020,view`);
  const { message, seen } = await refused([log], 'dates=mdy');
  expect(message).toMatch(/100 of 100 rows were dropped: .*in column day/);
  expect(seen!.dates).toMatchObject({ order: 'mdy', isAmbiguous: false });
  expect(seen!.events).toEqual([expect.objectContaining({ value: 'view' })]);
  expect(seen!.problems[0]).toMatchObject({ file: 'log.csv', rows: 100 });
  expect(seen!.tables[0]).toMatchObject({ kind: 'interactions', roles: ['user', 'item', 'time', 'event'] });
  expect(choice(seen, 'time').options).toEqual(['user', 'item', 'day', 'event']);
});

it('shows each of several logs, and every column of them', async () => {
  const files = [
    table('a.csv', 'user,item,rating', (u, i) => `${u},${i},3`),
    table('b.csv', 'user,item,ts', (u, i, s) => `${u},${i},${1_600_000_000 + s}`),
  ];
  const { message, seen } = await refused(files);
  expect(message).toMatch(/a\.csv, b\.csv are each a table of interactions: choose one\./);
  expect(seen!.tables.map(({ file, kind }) => [file, kind])).toEqual([
    ['a.csv', 'interactions'],
    ['b.csv', 'interactions'],
  ]);
  expect(choice(seen, 'user').options).toEqual(['user', 'item', 'rating', 'ts']);
  expect(await importDataset(files, undefined, { map: 'user=user,time=ts' }).catch(String)).toMatch(
    /choose one/,
  );
});

it('offers the columns of a known layout that came alone', async () => {
  const ratings = table(
    'ratings.csv',
    'userId,movieId,rating,timestamp',
    (u, i, s) => `${u},${i},4,${1e9 + s}`,
  );
  const { message, seen } = await refused([ratings]);
  expect(message).toMatch(/movies\.csv/);
  expect(choice(seen, 'user').columns).toEqual(['userId']);
});

it('calls a column that has an earlier one’s name by its number', async () => {
  const twice = table('log.csv', 'user,item,name,name', (u, i, s) => `${u},${i},plain ${i % 2},${s}`);
  const { preview } = await importDataset([twice], undefined, { map: 'title=#4' });
  expect(preview.tables[0]).toMatchObject({
    columns: ['user', 'item', 'name', '#4'],
    roles: ['user', 'item', null, 'title'],
    unread: ['name'],
  });
  expect(choice(preview, 'title')).toMatchObject({
    columns: ['#4'],
    options: ['user', 'item', 'name', '#4'],
  });
});

it('gives each of two columns of one name what it is read as in its own table', async () => {
  const log = table('log.csv', 'user,item,title', (u, i) => `${u},${i},seen ${i}`);
  const items = file(
    'items.csv',
    ['item,title', ...Array.from({ length: 10 }, (_, i) => `${i},thing ${i}`)].join('\n'),
  );
  const { preview } = await importDataset([log, items]);
  expect(preview.tables.map(({ columns, roles, unread }) => ({ columns, roles, unread }))).toEqual([
    { columns: ['user', 'item', 'title'], roles: ['user', 'item', null], unread: ['title'] },
    { columns: ['item', 'title'], roles: ['item', 'title'], unread: [] },
  ]);
});

it('has nothing to show of what is no table', async () => {
  expect((await refused([file('a.pdf', '%PDF-1.4 ...')])).seen).toBeNull();
});
