/** Tables and archives as people have them, real ones made small and small ones after public bug reports: each with its right value. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Dataset, interactionCount } from '../../src/data/dataset';
import { ImportError, importDataset, type SourceFile } from '../../src/data/importDataset';
import type { ImportPreview } from '../../src/data/preview';
import { file } from './sources';

interface Case {
  name: string;
  file: string | string[];
  /** In words, by whoever collected it. */
  expect: string;
}

interface Right {
  users?: number;
  items?: number;
  interactions?: number;
  /** Of the first item. */
  title?: string;
  levels?: string[];
  /** Of the first user, as indices of items; left out: the rotation that most of these files hold. */
  history?: number[] | 'another';
  conversions?: number;
  duplicates?: number;
  ties?: number;
  threshold?: number;
  /** Columns by role. */
  read?: Record<string, string>;
  /** Somewhere in problems, doubts, notes or reasons for files that were not read. */
  says?: RegExp;
}

const cases = readFileSync('test/data/cases/cases.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

/** Eight users with eight things each, in a rotating order: what "the same" means. */
const THINGS: Right = { title: 'thing 0 deluxe', levels: ['home', 'kind 0', 'sort 0'] };
const UNTITLED: Right = {
  title: 'item i0',
  levels: ['unknown', 'unknown', 'unknown'],
  says: /no titles.*no categories/,
};

const RIGHT: Record<string, Right | RegExp> = {
  'enc-latin1-title': { title: 'café 0', says: /Windows-1252/ },
  'enc-bom': THINGS,
  'enc-nul-late': { ...THINGS, says: /row 66: a zero byte/ },
  'enc-utf16le-nobom': { ...THINGS, says: /UTF-16/ },
  'enc-utf8-one-latin1-byte': { title: '春季 连衣裙 0', says: /row 66: a letter that cannot be read.*caf/ },
  'enc-gbk': { title: '连衣裙 i0', says: /GBK/ },
  'dialect-tsv-quote-starts': { users: 12, interactions: 96, title: 'weird al in 3-d', says: /stray quotes/ },
  'dialect-trailing-comma': THINGS,
  'dialect-unquoted-comma-title': {
    items: 7,
    interactions: 56,
    title: 'thing 1',
    history: [0, 1, 2, 3, 4, 5, 6],
    says: /row 2: more cells than the header has.*Matrix, The/,
  },
  'dialect-backslash-quote': { users: 12, interactions: 96, title: '12 vinyl red' },
  'dialect-csv-bad-inner-quote': {
    users: 12,
    interactions: 96,
    title: 'great cats',
    says: /row 2: stray quotes/,
  },
  'dialect-semicolon': THINGS,
  'dialect-preamble': { ...THINGS, says: /not read: “# exported/ },
  'dialect-pipe': THINGS,
  'dialect-crlf-quoted-last': THINGS,
  'dialect-trailing-comma-rows-only': THINGS,
  'dialect-mixed-newlines': THINGS,
  'dialect-space-after-comma': THINGS,
  'dialect-sep-line': THINGS,
  'dialect-R-rownames': { ...THINGS, says: /one cell more than the header/ },
  'num-decimal-comma': { ...THINGS, conversions: 32, threshold: 4, says: /from 3 to 4\.5/ },
  'time-excel-serial': THINGS,
  'time-iso-z': THINGS,
  'time-ms': THINGS,
  'time-sci': THINGS,
  'time-iso-space-utc': THINGS,
  'time-rfc-foursquare': THINGS,
  'time-pg-short-offset': THINGS,
  'time-mixed-iso-epoch': { ...THINGS, says: /two forms: 32 as dates and 32 as numbers/ },
  'time-two-columns': { ...UNTITLED, read: { time: 'date + time' } },
  'time-eventdate-diginetica': /32 of 64 rows were dropped: no user, as in row 3 \(“NA”\)/,
  'time-future': {
    ...THINGS,
    interactions: 56,
    history: [0, 1, 3, 4, 5, 6, 7],
    says: /row 4: a time far from all/,
  },
  'time-ymd-slashes': THINGS,
  'time-feb30': {
    ...THINGS,
    interactions: 56,
    history: [1, 2, 3, 4, 5, 6, 7],
    says: /row 2: a date that does not exist \(“2009-02-30”\)/,
  },
  'time-ties': {
    title: 'thing 0',
    levels: ['x', 'y', 'y'],
    ties: 1,
    says: /Ties: 100 %.*order of the file’s rows/,
  },
  'time-zero-epoch': {
    ...THINGS,
    interactions: 56,
    history: [0, 1, 2, 3, 4, 5, 6],
    says: /row 9: a time of 0/,
  },
  'time-column-names-h&m': { ...UNTITLED, read: { time: 't_dat', item: 'article_id', user: 'customer_id' } },
  'id-nan-user': {
    ...THINGS,
    interactions: 48,
    history: [2, 3, 4, 5, 6, 7],
    says: /row 2: no user \(“NaN”\)/,
  },
  'id-case-space': THINGS,
  'id-leading-zero': THINGS,
  'id-excel-sci': { ...THINGS, items: 5, history: [0, 0, 0, 0, 1, 2, 3, 4], says: /shortened item ids/ },
  'id-float-suffix-mixed': { ...THINGS, says: /both are taken for the same user/ },
  'one-user-one-item': /One item is no catalogue/,
  'all-singletons': /Nothing is left of 60 interactions of 60 users/,
  'cat-comma': { levels: ['home', 'kitchen', 'pans 0'] },
  'cat-python-nested': { levels: ['books', 'fiction', 'kind 0'] },
  'cat-amp-entity': { levels: ['toys games', 'toys games', 'toys games'] },
  'cat-dots': { levels: ['electronics', 'audio', 'headphone0'] },
  'cat-python-list': { levels: ['clothing shoes', 'women', 'dresses 0'] },
  'cat-conflict': { levels: ['new', 'b', 'b'], says: /8 of 8 items have more than one category/ },
  'cat-empty-list': { levels: ['unknown', 'unknown', 'unknown'] },
  'cat-many-deep': { levels: ['level 0', 'level 1', 'level 2'] },
  'title-zwnj-persian': { title: 'کتاب‌های 0' },
  'title-is-user-name': { ...UNTITLED, read: { title: '' } },
  'title-entities': { title: "tom jerry's fun 0" },
  'title-changes': { title: 'old name 0', says: /8 of 8 items have more than one title/ },
  'title-typographic-apostrophe': { title: "women's shoe 0" },
  'title-very-long': { title: 'long '.repeat(8).trim() },
  'shape-ml-1m-dat': { title: 'film 0', levels: ['drama', 'war', 'war'], says: /MovieLens by GroupLens/ },
  'shape-instacart': /Nothing is left of 1 interaction of 1 user/,
  'shape-recbole-inter': UNTITLED,
  'shape-recbole-inter-txt': { ...UNTITLED, read: { user: 'user_id', rating: 'rating', time: 'timestamp' } },
  'shape-mind-behaviors': /Nothing is left of 64 interactions of 64 users/,
  'shape-xlsx': /Excel workbook \(\.xlsx\).*save it as CSV/,
  'shape-parquet': /damaged Parquet.*CSV/,
  'shape-own-ratings-csv': { title: 'item 1', levels: ['a', 'b', 'b'] },
  'shape-online-retail-returns': {
    title: 'white lamp 0',
    interactions: 56,
    history: 'another',
    says: /8 rows are returns/,
  },
  'shape-amazon2023-reviews': {
    users: 32,
    interactions: 256,
    title: 'item b000',
    read: { item: 'parent_asin', title: '' },
  },
  'shape-jsonl': UNTITLED,
  'shape-online-retail-full': {
    title: 'white lamp 0',
    interactions: 56,
    history: 'another',
    read: { time: 'InvoiceDate', user: 'CustomerID', item: 'StockCode' },
    says: /month is taken to/,
  },
  'shape-items-table-beside': { title: 'lamp 0', levels: ['home', 'light', 'light'] },
  'shape-rees46': {
    levels: ['electronics', 'smartphone', 'smartphone'],
    conversions: 32,
    read: { categories: 'category_code', event: 'event_type' },
  },
  'shape-own-transactions-products': { title: 'lamp 0', levels: ['home', 'light', 'light'] },
  'shape-kaggle-ml20m': { title: 'film 0', levels: ['drama', 'war', 'war'], says: /tag\.csv.*no part/ },
  'shape-ml-100k-udata': {
    title: 'item 0',
    read: { user: '#1', item: '#2', rating: '#3', time: '#4' },
    says: /no header/,
  },
  ...Object.fromEntries(
    ['track_id', 'video_id', 'object_id', 'product_code', 'recipe_id', 'isbn', 'game_id', 'anime_id'].map(
      (item) => [`itemcol-${item}`, { ...UNTITLED, read: { item, user: 'user_id' } }],
    ),
  ),
  ...Object.fromEntries(
    ['person_id', 'client_id', 'account_id', 'member_id', 'shopper_id'].map((user) => [
      `usercol-${user}`,
      { ...UNTITLED, read: { user, item: 'item_id' } },
    ]),
  ),
  ...Object.fromEntries(
    [
      ...[
        'time_ms',
        'datetime_utc',
        'visit_date',
        'transaction_date',
        'event_timestamp',
        'ts',
        'action_time',
      ],
      ...['unixtime', 't_dat', 'purchase_date', 'click_time'],
    ].map((time) => [`timecol-${time}`, { ...UNTITLED, read: { time } }]),
  ),
  'conv-is_click-label': /32 of 64 rows were dropped: the event “0” is no behaviour/,
  'conv-column-text': { ...UNTITLED, conversions: 32, read: { conversion: 'purchased' } },
  'conv-score-100': { ...THINGS, conversions: 32, threshold: 80 },
  'conv-implicit-rating-1': { ...UNTITLED, conversions: 64, says: /All ratings are 1/ },
  'conv-rating-0-1': { ...UNTITLED, conversions: 32, threshold: 1 },
  'conv-rating-anime': { ...UNTITLED, conversions: 40, threshold: 8, says: /-1 \(8 rows\).*not rated/ },
  'zip-trailing': THINGS,
  'zip-zip-inside': /archive inside an archive/,
  'zip-zip64': /zip64/,
  // Asked to be refused by 0.5.0; .gz is read now, in an archive as well.
  'zip-gz-inside': THINGS,
  'zip-cut': /not a readable zip/,
  'zip-two-copies': /choose one/,
  'zip-nested': THINGS,
  'zip-latin-name': THINGS,
  'zip-renamed': THINGS,
  'zip-stored': THINGS,
  'zip-encrypted': /encrypted/,
  'zip-with-readme': { ...THINGS, says: /README\.txt is no table/ },
  'zip-zip64-entry': THINGS,
  'zip-big-neighbour': { ...THINGS, says: /a_scores\.csv has no columns that are known/ },
  'zip-flip-silent': /damaged.*CRC-32/,
  'zip-sfx': THINGS,
  'folder-many': { ...THINGS, says: /t24\.csv has no columns that are known/ },
  'quotes-csv-8000-rows': {
    users: 400,
    items: 60,
    interactions: 8000,
    history: 'another',
    says: /stray quotes/,
  },
  'quotes-tsv-8000-rows': {
    users: 400,
    items: 60,
    interactions: 8000,
    history: 'another',
    says: /stray quotes/,
  },
  'ml-dup-movie-row': { title: 'film 0', says: /movies\.csv: 1 row lists an item that an earlier row lists/ },
  'ml-float-ids': { title: 'film 0', levels: ['drama', 'war', 'war'] },
  'ml-year-range': { title: 'death note' },
  'desc-text-column': { ...UNTITLED, read: { title: '' } },
  'dup-rows-exact': { ...THINGS, duplicates: 64, says: /64 rows are exact copies/ },
  'consecutive-repeats': {
    ...THINGS,
    interactions: 128,
    history: [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7],
  },
  'kuairec-duplicate-records': { ...UNTITLED, duplicates: 128, says: /128 rows are exact copies/ },
  'ties-ascending-id': {
    title: 'film 0',
    ties: 1,
    history: 'another',
    says: /ascending item id.*seeded shuffle/,
  },
  'items-over-125k': { users: 20, items: 130_000, interactions: 650_000, history: 'another' },
};

/** Those that are too large to be kept are made here. */
const GENERATED: Record<string, () => SourceFile> = {
  'title-very-long': () => {
    const rows = rotation((user, item, time) => `u${user},i${item},${time},${'long '.repeat(5000)}${item},x`);
    return file('log.csv', ['user,item,time,title,categories', ...rows].join('\n'));
  },
  'quotes-csv-8000-rows': () => quotes(','),
  'quotes-tsv-8000-rows': () => quotes('\t'),
  'items-over-125k': () => {
    const rows = ['user,item,time'];
    // Five users an item, as many as it needs; a quarter of the items a user, so that unseen ones are soon drawn.
    for (let user = 0; user < 20; user++)
      for (let item = user % 4; item < 130_000; item += 4)
        rows.push(`u${user},i${item},${1_262_304_000 + item}`);
    return file('log.csv', rows.join('\n'));
  },
};

function rotation(row: (user: number, item: number, time: number) => string): string[] {
  return Array.from({ length: 64 }, (_, index) => {
    const [user, step] = [index >> 3, index & 7];
    return row(user, (user + step) % 8, 1_262_304_000 + 86_400 * step);
  });
}

/** 400 users of 60 items, 20 rows each; some titles begin with a quote that means nothing. */
function quotes(mark: string): SourceFile {
  const rows = [['user', 'item', 'time', 'title', 'categories'].join(mark)];
  for (let user = 0; user < 400; user++) {
    for (let step = 0; step < 20; step++) {
      const item = (user * 7 + step * 3) % 60;
      const title = item % 4 === 0 ? `"Weird Al" Yankovic ${item}` : `Band ${item}`;
      rows.push([`u${user}`, `i${item}`, 1_262_304_000 + step, title, 'music'].join(mark));
    }
  }
  return file(mark === ',' ? 'log.csv' : 'log.tsv', rows.join('\n'));
}

function filesOf({ name, file: names }: Case): SourceFile[] {
  if (name in GENERATED) return [GENERATED[name]()];
  const isFolder = Array.isArray(names);
  return [names].flat().map((path) => {
    const bytes = new Uint8Array(readFileSync(`test/data/cases/${path}`));
    return file(isFolder ? path.slice(path.indexOf('__') + 2) : path, bytes);
  });
}

test('every case has its right value', () => {
  expect(cases).toHaveLength(133);
  expect(Object.keys(RIGHT).sort()).toEqual(cases.map(({ name }) => name).sort());
});

describe('reads, or refuses with the reason', () => {
  test.each(cases.map((each) => [each.name, each.expect, each] as const))('%s: %s', async (name, _, each) => {
    const right = RIGHT[name];
    if (right instanceof RegExp) {
      const refused = await importDataset(filesOf(each)).then(
        () => expect.unreachable(),
        (error: Error) => error,
      );
      expect(refused).toBeInstanceOf(ImportError);
      expect(refused.message).toMatch(right);
      expect(refused.message).toMatch(/\.$/);
      return;
    }
    const { dataset, preview, problems } = await importDataset(filesOf(each));
    expect(shapeOf(dataset)).toEqual([right.users ?? 8, right.items ?? 8, right.interactions ?? 64]);
    if (right.history !== 'another')
      expect([...dataset.users[0].history]).toEqual(right.history ?? [0, 1, 2, 3, 4, 5, 6, 7]);
    if (right.history === undefined) expectRotation(dataset);
    if (right.title !== undefined) expect(dataset.items[0].title).toBe(right.title);
    if (right.levels !== undefined) expect(dataset.items[0].categories).toEqual(right.levels);
    expectCounts(preview, right);
    const told = [...problems, ...preview.doubts, ...dataset.notes];
    const notRead = preview.notRead.map(({ file: name, reason }) => `${name} ${reason}`);
    if (right.says !== undefined) expect([...told, ...notRead].join(' ')).toMatch(right.says);
  });
});

function shapeOf(dataset: Dataset): number[] {
  return [dataset.users.length, dataset.items.length, interactionCount(dataset)];
}

/** Every user starts at another item and goes on from there. */
function expectRotation({ users, items }: Dataset): void {
  // More users stand in the order of their ids as texts.
  if (users.length > 8 || items.length < 8) return;
  for (const [user, { history }] of users.entries())
    if (history.length === 8)
      expect([...history]).toEqual(Array.from(history, (__, step) => (user + step) % 8));
}

function expectCounts({ counts, choices, threshold }: ImportPreview, right: Right): void {
  expect(counts.duplicates).toBe(right.duplicates ?? 0);
  expect(counts.ties).toBe(right.ties ?? 0);
  if (right.conversions !== undefined) expect(counts.conversions).toBe(right.conversions);
  if (right.threshold !== undefined) expect(threshold?.value).toBe(right.threshold);
  for (const [role, column] of Object.entries(right.read ?? {})) {
    const choice = choices.find((each) => each.role === role);
    expect([role, choice?.columns.join(' + ')]).toEqual([role, column]);
  }
}
