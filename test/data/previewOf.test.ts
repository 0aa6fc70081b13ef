/** Doubts: each is told once, and none that was decided. */
import { expect, it } from 'vitest';
import { importDataset } from '../../src/data/importDataset';
import { file } from './sources';

/** 60 users of 60 things each read in turn; `row` says what stands in it. */
function log(header: string, row: (user: number, item: number, step: number) => string) {
  const rows = Array.from({ length: 60 * 12 }, (_, index) => {
    const [user, step] = [Math.floor(index / 12), index % 12];
    return row(user, (user + step) % 60, step);
  });
  return file('log.csv', [header, ...rows].join('\n'));
}

async function preview(given: ReturnType<typeof log>, options: Parameters<typeof importDataset>[2] = {}) {
  return (await importDataset([given], undefined, options)).preview;
}

const TIME = (step: number) => 1_600_000_000 + step;
const KINDS = (item: number) => `kind ${item % 3}`;

it('says of rows that are no behaviours what they are, and not also that they are not used', async () => {
  const events = ['view', 'remove_from_cart', 'view', 'purchase'];
  const header = 'user,item,ts,category,event';
  const some = await preview(log(header, (u, i, s) => `${u},${i},${TIME(s)},${KINDS(i)},${events[s % 4]}`));
  const said = '180 rows are no behaviours and are left out: the event is “remove_from_cart”.';
  expect(some.doubts).toEqual([said]);
  expect(some.problems.map(({ kind }) => kind)).not.toContain(said);
  const more = await preview(
    log(header, (u, i, s) => `${u},${i},${s === 0 ? 'soon' : TIME(s)},${KINDS(i)},${events[s % 4]}`),
  );
  expect(more.doubts).toEqual([
    '60 of 720 rows are not used for other reasons: the list of dropped rows says why.',
    said,
  ]);
  expect(more.problems.map(({ rows }) => rows)).toContain(60);
});

it('asks whether the day or the month comes first once, and not when it was said', async () => {
  const shop = log('user,item,order_date,category', (u, i, s) => `${u},${i},02/${s + 1}/2021,${KINDS(i)}`);
  const open = await preview(shop);
  expect(open.doubts).toEqual([
    'No date tells whether the day or the month comes first; the month is taken to.',
  ]);
  expect(open.dates).toMatchObject({ isAmbiguous: true });
  expect(open.choices.find(({ role }) => role === 'time')).toMatchObject({ sure: true });
  expect((await preview(shop, { map: 'dates=dmy' })).doubts).toEqual([]);
});

it('says that users were sampled, and not that rows of others are not used', async () => {
  const { doubts, counts } = await preview(
    log('user,item,ts,category', (u, i, s) => `${u},${i},${TIME(s)},${KINDS(i)}`),
    { maxInteractions: 650, kCore: 1 },
  );
  expect(counts.interactions).toBeLessThan(650);
  expect(doubts[0]).toMatch(/a sample of 1 in 2 users was drawn .*; \d+ of 720 rows are of others\.$/);
  expect(doubts.join(' ')).not.toContain('are not used');
});
