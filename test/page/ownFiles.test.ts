/**
 * A person's own files on the built page, from the drop to the colleague who opens the link: read by its real worker, looked at,
 * corrected by hand, kept, trained on through every stage, shared. Firefox trains most of them where there is one, since its
 * software adapter is the faster by far, and the link is opened in the other browser.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { type BrowserName, type BrowserPage, openBrowser } from '../../src/browsers/browser';
import { findFirefox } from '../../src/browsers/firefox';
import { trainHere } from '../../src/commands/trainPage';
import { formatLink, parseLink } from '../../src/run/link';
import type { Report } from '../../src/run/report';
import { shortRun } from './shortRun';

const MINUTES = 60_000;
/** What the page does at once may wait for other work on the machine. */
const SOON = { timeout: 20_000, interval: 50 };
const config = shortRun({
  seed: 3,
  'warmup.steps': 8,
  'rupr.prompts': 24,
  'orft.scorer_steps': 3,
  'sft.steps': 6,
  'ranker.steps': 10,
  'popo.steps': 2,
  'ranking.users': 12,
});

let chromium: BrowserPage;
/** Another Chromium, with a storage of its own, where there is no Firefox. */
let other: BrowserPage;

beforeAll(async () => {
  const second: BrowserName = findFirefox() === null ? 'chromium' : 'firefox';
  [chromium, other] = await Promise.all([openBrowser('chromium'), openBrowser(second)]);
}, MINUTES);

afterAll(async () => {
  await chromium?.close();
  await other?.close();
});

const DAY = 86_400;
const BEGIN = 1_577_836_800;
const USERS = 60;
const STEPS = 12;
const ITEMS = 24;

/** Users who go round the catalogue, each from a start and with a stride of their own. */
function rows(row: (user: number, item: number, step: number) => string, users = USERS): string[] {
  return Array.from({ length: users * STEPS }, (_, index) => {
    const [user, step] = [Math.floor(index / STEPS), index % STEPS];
    return row(user, (user * 5 + step * (1 + (user % 3))) % ITEMS, step);
  });
}

const items = (row: (item: number) => string) => Array.from({ length: ITEMS }, (_, item) => row(item));

type Files = Record<string, string | Uint8Array>;

function written(files: Files): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'taiji-own-'));
  return Object.entries(files).map(([name, content]) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  });
}

const onPage = (page: BrowserPage) =>
  page.evaluate(
    () => ({
      preview: globalThis.taiji?.preview() ?? null,
      outcome: globalThis.taiji?.imported() ?? null,
      isRead: document.querySelector('.preview-found[data-stale=false][aria-busy=false]') !== null,
    }),
    null,
  );
type Preview = NonNullable<Awaited<ReturnType<typeof onPage>>['preview']>;

/** The preview once the last reading has ended and it is as wanted. */
function previewOf(page: BrowserPage, isWanted: (preview: Preview) => boolean = () => true) {
  return vi.waitFor(
    async () => {
      const { preview, outcome, isRead } = await onPage(page);
      expect(outcome).toBeNull();
      expect(isRead && preview !== null && isWanted(preview)).toBe(true);
      return preview!;
    },
    { timeout: MINUTES, interval: 50 },
  );
}

/** Chooses in a menu, types into a field or ticks a box, as a person does. */
function correct(page: BrowserPage, selector: string, value: string | null): Promise<void> {
  return page.evaluate(
    ([where, to]) => {
      const field = document.querySelector<HTMLInputElement | HTMLSelectElement>(where!);
      if (field === null) throw new Error(`There is no ${where}.`);
      if (to === null) return field.click();
      field.value = to;
      field.dispatchEvent(new Event('change', { bubbles: true }));
    },
    [selector, value],
  );
}

function text(page: BrowserPage, selector: string): Promise<string> {
  return page.evaluate((where) => document.querySelector(where)?.textContent ?? '', selector);
}

async function open(page: BrowserPage, link: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(link);
  await vi.waitFor(async () => expect(await text(page, '[data-action=train]')).not.toBe(''), {
    timeout: MINUTES,
    interval: 50,
  });
}

const columnsOf = ({ choices }: Preview) =>
  Object.fromEntries(
    choices
      .filter(({ columns }) => columns.length > 0)
      .map(({ role, columns }) => [role, columns.join(' + ')]),
  );

interface OwnFiles {
  /** @param users how many people are in them: others make other files */
  files(this: void, users?: number): Files;
  /** What is guessed, and what is not read of the log. */
  columns: Record<string, string>;
  unread: string[];
  /** Rows and conversions as guessed. */
  conversions: number;
  /** What a person corrects, and what it makes of the files. */
  correct: [selector: string, value: string | null][];
  map: string;
  corrected: { conversions: number; rule: string };
  /** Of a title in the log. */
  title: RegExp;
}

/** Trains on the page, gives its link to a colleague in another browser, and holds both against what was given. */
async function goThrough(own: OwnFiles, page: BrowserPage, colleague: BrowserPage): Promise<Report> {
  const paths = written(own.files());
  await open(page, inject('pageUrl') + formatLink(config, null, null));
  await page.upload('input[data-files=data]', paths);
  const first = await previewOf(page);
  expect(columnsOf(first)).toEqual(own.columns);
  expect(first.tables[0].unread).toEqual(own.unread);
  expect(first.counts).toMatchObject({
    rows: USERS * STEPS,
    users: USERS,
    items: ITEMS,
    conversions: own.conversions,
  });
  for (const [selector, value] of own.correct) {
    await correct(page, selector, value);
    await previewOf(page);
  }
  const { conversions, rule } = own.corrected;
  const again = await previewOf(page, ({ counts }) => counts.conversion.includes(rule));
  expect(again.counts.conversions).toBe(conversions);
  expect(again.history.behaviours[0].title).toMatch(own.title);
  await page.click('[data-action=use]');
  await vi.waitFor(async () => expect((await onPage(page)).preview).toBeNull(), SOON);
  await page.click('[data-action=train]');
  await vi.waitFor(
    async () => {
      const errors = () => globalThis.taiji!.notices().filter(({ level }) => level === 'error');
      expect(await page.evaluate(errors, null)).toEqual([]);
      expect(await page.evaluate(() => globalThis.taiji!.status(), null)).toBe('done');
    },
    { timeout: 12 * MINUTES, interval: 200 },
  );
  const { report, link } = await page.evaluate(
    () => ({ report: globalThis.taiji!.report()!, link: globalThis.taiji!.link() }),
    null,
  );
  const { sha256 } = report.dataset;
  expect(report.config.data).toMatchObject({ source: 'import', sha256, map: own.map });
  expect(report.dataset).toMatchObject({ users: USERS, items: ITEMS, interactions: USERS * STEPS });
  expect(report.dataset.notes.join(' ')).toContain(rule);
  expect(report.stages.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'tokenizer',
      'ranker',
      'encoder',
      'warmup',
      'rupr',
      'orft',
      'sft',
      'popo',
      'ranking',
    ]),
  );
  expect(report.table.map(({ stage, users }) => [stage, users])).toEqual([
    ['warmup', config.evaluate.users],
    ['sft', config.evaluate.users],
    ['popo', config.evaluate.users],
  ]);
  expect(report.samples.length).toBeGreaterThan(0);
  for (const { target } of report.samples) expect(target).toMatch(own.title);
  const shown = () =>
    [...document.querySelector('.table-section')!.querySelectorAll('tbody th')].map(
      (cell) => cell.textContent,
    );
  expect(await page.evaluate(shown, null)).toHaveLength(1 + report.table.length);
  expect(await text(page, '.table-section .section-head p')).toMatch(
    `${config.evaluate.users} behaviours it never saw`,
  );

  expect(link).toContain(`&data.map=${own.map}`);
  await open(colleague, link);
  await vi.waitFor(
    async () =>
      expect(await text(colleague, '.data > .problem')).toMatch(
        /not on this device.*Add the same files.*read the way the link says/s,
      ),
    SOON,
  );
  await colleague.upload('input[data-files=data]', written(own.files(USERS - 1)));
  await previewOf(colleague);
  expect(await text(colleague, '.preview-link')).toMatch(/^These are other files than the link’s/);
  await colleague.upload('input[data-files=data]', paths);
  await previewOf(colleague, ({ counts }) => counts.users === USERS);
  expect(await text(colleague, '.preview-link')).toBe('These are the files of the link.');
  await colleague.click('[data-action=use]');
  await vi.waitFor(async () => {
    expect((await onPage(colleague)).preview).toBeNull();
    expect(await text(colleague, '.data > .problem')).toBe('');
  }, SOON);
  // What the link promised still stands for them.
  const wanted = await colleague.evaluate(() => globalThis.taiji!.config(), null);
  expect(wanted).toEqual(report.config);
  expect([...page.errors, ...colleague.errors]).toEqual([]);
  return report;
}

const EVENTS = ['view', 'cart', 'view', 'purchase'];
const ALL = USERS * STEPS;

const SETS = {
  'a log of events as REES46 has them': {
    files: (users?: number) => ({
      '2019-Oct.csv': [
        'event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session',
        ...rows((user, item, step) => {
          const time = new Date((BEGIN + step * DAY) * 1000).toISOString().slice(0, 19).replace('T', ' ');
          const kind = `electronics.sort${item % 6}.type${item % 12}`;
          return `${time} UTC,${EVENTS[step % 4]},${item},1,${kind},acme${item},9.9,${user},s`;
        }, users),
      ].join('\n'),
    }),
    columns: {
      user: 'user_id',
      item: 'product_id',
      time: 'event_time',
      categories: 'category_code',
      event: 'event_type',
    },
    unread: ['category_id', 'brand', 'price', 'user_session'],
    conversions: ALL / 4,
    correct: [
      ['select[data-role=title]', 'brand'],
      ['.preview-field input[value=cart]', null],
    ],
    map: 'title=brand,purchases=purchase+cart',
    corrected: { conversions: ALL / 2, rule: 'the event is “cart” or “purchase”' },
    title: /^acme\d/,
  },
  shop: {
    files: (users?: number) => ({
      // Always on the second, so no row tells that the day comes first, and days seem to lie closer than months.
      'orders.csv': [
        'customer_id;sku;order_date;article_name;quantity;price',
        ...rows((user, item, step) => {
          const month = String(step + 1).padStart(2, '0');
          return `${user};SKU-${item};02/${month}/2021 10:00;Lampe Nr ${item};${1 + (step % 2)};${item},5`;
        }, users),
      ].join('\n'),
    }),
    columns: {
      user: 'customer_id',
      item: 'sku',
      time: 'order_date',
      title: 'article_name',
      quantity: 'quantity',
    },
    unread: ['price'],
    conversions: 400,
    correct: [
      ['input[name=preview-dates]:not(:checked)', null],
      ['select[data-role=quantity]', ''],
    ],
    map: 'quantity=none,dates=dmy',
    corrected: { conversions: ALL, rule: 'it happened at all' },
    title: /^lampe nr \d/,
  },
  recbole: {
    files: (users?: number) => ({
      'shop.inter': [
        'user_id:token\titem_id:token\trating:float\ttimestamp:float',
        ...rows((user, item, step) => `${user}\t${item}\t${1 + (step % 4)}\t${BEGIN + step}`, users),
      ].join('\n'),
      'shop.item': [
        'item_id:token\ttitle:token_seq\tgenre:token_seq',
        ...items((item) => `${item}\tFilm ${item}\tDrama War`),
      ].join('\n'),
    }),
    columns: {
      user: 'user_id',
      item: 'item_id',
      time: 'timestamp',
      title: 'title',
      categories: 'genre',
      rating: 'rating',
    },
    unread: [],
    conversions: ALL / 4,
    correct: [['.preview-field input[type=number]', '2']],
    map: 'threshold=2',
    corrected: { conversions: (ALL * 3) / 4, rule: 'the rating is 2 or more' },
    title: /^film \d/,
  },
  'Amazon’s reviews of 2023, and what they are of': {
    files: (users?: number) => ({
      'All_Beauty.jsonl.gz': gzipSync(
        rows(
          (user, item, step) =>
            JSON.stringify({
              rating: 5 - (step % 2) * 3,
              title: 'Nice',
              asin: `V${item}`,
              parent_asin: `B${item}`,
              user_id: `A${user}`,
              timestamp: (BEGIN + step) * 1000,
            }),
          users,
        ).join('\n'),
      ),
      'meta_All_Beauty.jsonl.gz': gzipSync(
        items((item) =>
          JSON.stringify({
            main_category: 'All Beauty',
            title: `Cream ${item}`,
            parent_asin: `B${item}`,
            categories: ['Beauty', 'Skin', `Care ${item % 3}`],
          }),
        ).join('\n'),
      ),
    }),
    columns: {
      user: 'user_id',
      item: 'parent_asin',
      time: 'timestamp',
      title: 'title',
      categories: 'categories',
      rating: 'rating',
    },
    unread: ['title', 'asin'],
    conversions: ALL / 2,
    correct: [['select[data-role=rating]', '']],
    map: 'rating=none',
    corrected: { conversions: ALL, rule: 'it happened at all' },
    title: /^cream \d/,
  },
} satisfies Record<string, OwnFiles>;

const { shop, recbole, ...rest } = SETS;

// One in Chromium, whose link Firefox opens; the others the other way about.
test(
  'a shop’s CSV with European dates',
  async () => void (await goThrough(shop, chromium, other)),
  15 * MINUTES,
);

test.each(Object.entries(rest))(
  '%s',
  async (_, own) => void (await goThrough(own, other, chromium)),
  15 * MINUTES,
);

test(
  'a folder of RecBole’s, and a program that gets the link and the files gets the same bits',
  async () => {
    const report = await goThrough(recbole, other, chromium);
    const lines: string[] = [];
    const task = { ...parseLink(report.link), data: written(recbole.files()) };
    const again = await trainHere(other, inject('pageUrl'), task, (line) => lines.push(line));
    expect(again.report.config).toEqual(report.config);
    expect(again.verdict?.verdict).toBe('identical');
    expect(lines.join('\n')).toMatch(/60 users, 24 items, 720 interactions/);
  },
  15 * MINUTES,
);
