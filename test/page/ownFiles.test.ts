/** A person's own files on the built page: read by its real worker, looked at, corrected, kept in IndexedDB, shared. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { type BrowserPage, openBrowser } from '../../src/browsers/browser';

let page: BrowserPage;

beforeAll(async () => {
  page = await openBrowser('chromium');
  await page.goto(inject('pageUrl'));
}, 60_000);

afterAll(() => page?.close());

const DAY = 86_400;
const BEGIN = 1_577_836_800;

/** Ten users of ten things, each beginning with another. */
function rows(row: (user: number, item: number, step: number) => string): string[] {
  return Array.from({ length: 100 }, (_, index) => {
    const [user, step] = [Math.floor(index / 10), index % 10];
    return row(user, (user + step) % 10, step);
  });
}

function written(files: Record<string, string | Uint8Array>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'taiji-own-'));
  return Object.entries(files).map(([name, content]) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  });
}

/** Gives the files to the page, and waits for what it makes of them. */
async function read(paths: string[]) {
  await page.upload('input[data-files=data]', paths);
  return previewOf(() => true);
}

/** The preview once it is as wanted. */
async function previewOf(isWanted: (preview: NonNullable<Preview>) => boolean) {
  return vi.waitFor(
    async () => {
      const { preview, outcome } = await page.evaluate(
        () => ({ preview: globalThis.taiji!.preview(), outcome: globalThis.taiji!.imported() }),
        null,
      );
      expect(outcome).toBeNull();
      expect(preview !== null && isWanted(preview)).toBe(true);
      return preview!;
    },
    { timeout: 30_000, interval: 100 },
  );
}
type Preview = ReturnType<NonNullable<typeof globalThis.taiji>['preview']>;

/** Chooses in the menu of a role, as a person does. */
function choose(role: string, column: string): Promise<void> {
  return vi.waitFor(
    () =>
      page.evaluate(
        ([of, value]) => {
          const menu = document.querySelector<HTMLSelectElement>(`select[data-role="${of}"]`);
          if (menu === null) throw new Error(`There is no menu of the ${of}.`);
          menu.value = value;
          menu.dispatchEvent(new Event('change', { bubbles: true }));
        },
        [role, column],
      ),
    { timeout: 10_000, interval: 100 },
  );
}

const columnsOf = ({ choices }: NonNullable<Preview>) =>
  Object.fromEntries(
    choices
      .filter(({ columns }) => columns.length > 0)
      .map(({ role, columns }) => [role, columns.join(' + ')]),
  );

test('a log of events: what converts is known, and can be changed', async () => {
  const lines = rows((user, item, step) => {
    const time = new Date((BEGIN + step * DAY) * 1000).toISOString().slice(0, 19).replace('T', ' ');
    return `${time} UTC,${step % 2 ? 'view' : 'purchase'},${item},1,electronics.kind${item % 3},acme,9.9,${user},s`;
  });
  const header =
    'event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session';
  const preview = await read(written({ '2019-Oct.csv': [header, ...lines].join('\n') }));
  expect(columnsOf(preview)).toEqual({
    user: 'user_id',
    item: 'product_id',
    time: 'event_time',
    categories: 'category_code',
    event: 'event_type',
  });
  expect(preview.tables[0].unread).toEqual(['category_id', 'brand', 'price', 'user_session']);
  expect(preview.counts).toMatchObject({ rows: 100, users: 10, items: 10, conversions: 50 });
  await choose('title', 'brand');
  const titled = await previewOf((next) => columnsOf(next).title === 'brand');
  expect(titled.history.behaviours[0].title).toMatch(/^acme/);
  await page.evaluate(() => globalThis.taiji!.dropImport(), null);
}, 60_000);

test('a shop’s CSV with European dates, by a link that asks its reader for the same files', async () => {
  // No day is above 12, so no row tells that the day comes first.
  const lines = rows((user, item, step) =>
    `${user};SKU-${item};0${step}/02/2021 10:00;${item},5`.replace(';00/', ';10/'),
  );
  const paths = written({ 'orders.csv': ['customer_id;sku;order_date;price', ...lines].join('\n') });
  const first = await read(paths);
  expect(columnsOf(first)).toEqual({ user: 'customer_id', item: 'sku', time: 'order_date' });
  expect(first.dates?.isAmbiguous).toBe(true);
  const other = first.dates!.order === 'dmy' ? 'mdy' : 'dmy';
  const words = other === 'dmy' ? 'Day first' : 'Month first';
  await page.click(`label:has-text("${words}") > input[name=preview-dates]`);
  const again = await previewOf(({ dates }) => dates?.order === other);
  expect(again.dates?.isAmbiguous).toBe(false);
  await page.evaluate(() => globalThis.taiji!.keepImport(), null);
  const kept = await page.evaluate(
    () => ({ link: globalThis.taiji!.link(), config: globalThis.taiji!.config() }),
    null,
  );
  expect(kept.config.data).toMatchObject({ source: 'import', map: `dates=${other}` });
  expect(kept.link).toContain(`&data.map=dates=${other}`);
  const reader = await openBrowser('chromium');
  try {
    await reader.goto(kept.link);
    await reader.upload('input[data-files=data]', paths);
    await vi.waitFor(
      async () =>
        expect(await reader.evaluate(() => document.body.textContent, null)).toContain(
          'These are the files of the link.',
        ),
      { timeout: 30_000, interval: 100 },
    );
    expect(reader.errors).toEqual([]);
  } finally {
    await reader.close();
  }
}, 90_000);

test('a folder of RecBole’s, and reviews of Amazon’s with what they are of', async () => {
  const recbole = await read(
    written({
      'shop.inter': [
        'user_id:token\titem_id:token\trating:float\ttimestamp:float',
        ...rows((u, i, s) => `${u}\t${i}\t${1 + (s % 5)}\t${BEGIN + s}`),
      ].join('\n'),
      'shop.item': [
        'item_id:token\ttitle:token_seq\tgenre:token_seq',
        ...Array.from({ length: 10 }, (_, i) => `${i}\tFilm ${i}\tDrama War`),
      ].join('\n'),
    }),
  );
  expect(recbole.tables.map(({ kind }) => kind)).toEqual(['interactions', 'items']);
  expect(columnsOf(recbole)).toMatchObject({ title: 'title', categories: 'genre', rating: 'rating' });
  expect(recbole.history.behaviours[0].title).toMatch(/^film \d$/);
  await page.evaluate(() => globalThis.taiji!.dropImport(), null);

  const review = (user: number, item: number, step: number) =>
    JSON.stringify({
      rating: 5 - (step % 2),
      title: 'Nice',
      asin: `V${item}`,
      parent_asin: `B${item}`,
      user_id: `A${user}`,
      timestamp: (BEGIN + step) * 1000,
    });
  const meta = Array.from({ length: 10 }, (_, i) =>
    JSON.stringify({
      main_category: 'All Beauty',
      title: `Cream ${i}`,
      parent_asin: `B${i}`,
      categories: ['Beauty', 'Skin', `Care ${i % 3}`],
    }),
  );
  const amazon = await read(
    written({
      'All_Beauty.jsonl.gz': gzipSync(rows(review).join('\n')),
      'meta_All_Beauty.jsonl.gz': gzipSync(meta.join('\n')),
    }),
  );
  expect(columnsOf(amazon)).toMatchObject({
    item: 'parent_asin',
    time: 'timestamp',
    title: 'title',
    categories: 'categories',
  });
  expect(amazon.counts).toMatchObject({ users: 10, items: 10, interactions: 100 });
  expect(amazon.history.behaviours[0].title).toMatch(/^cream \d$/);
  expect(page.errors).toEqual([]);
}, 90_000);
