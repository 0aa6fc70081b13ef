/**
 * An importer that reads nothing: it shows a plausible log of a shop, and heeds what a person says about its columns.
 * Files called `sure…` are read without doubt, files called `bad…` only when they are told which column is the item.
 */
import type { Role } from '../../src/data/columns/roles';
import { type Mapping, parseMapping } from '../../src/data/mapping';
import type { ImportPreview, PreviewChoice, SeenFiles } from '../../src/data/preview';
import type { ImporterApi, ImportSummary, StoredThing } from '../../src/worker/protocol';

declare global {
  /** Mappings that files were read with, in order. */
  var fakeReadings: string[] | undefined;
}

const COLUMNS = [
  'event_time',
  'event_type',
  'product_id',
  'category_id',
  'category_code',
  'brand',
  'price',
  'user_id',
  'user_session',
];

const ROWS = [
  ['03/04/2020 00:00:11', 'view', '44600062', '2103807459595387724', 'electronics.smartphone', 'shiseido'],
  ['03/04/2020 00:00:14', 'view', '3900821', '2053013552326770905', 'appliances.environment.heater', 'aqua'],
  ['03/04/2020 00:01:02', 'cart', '3900821', '2053013552326770905', 'appliances.environment.heater', 'aqua'],
  ['03/04/2020 00:03:57', 'purchase', '3900821', '2053013552326770905', 'appliances.environment.heater', ''],
  ['04/04/2020 09:12:00', 'view', '17200506', '2053013559792632471', 'furniture.living_room.sofa', ''],
].map((cells, row) => [
  ...cells,
  ['35.79', '33.20', '543.10'][row % 3],
  `5413129${row % 3}`,
  `72d76fde-${row}`,
]);

const GUESSES: { role: Role; columns: string[]; sure: boolean; why: string }[] = [
  { role: 'user', columns: ['user_id'], sure: true, why: 'Its name says so.' },
  { role: 'item', columns: ['product_id'], sure: true, why: 'Its name says so.' },
  { role: 'time', columns: ['event_time'], sure: false, why: 'Dates whose order no row tells.' },
  {
    role: 'title',
    columns: [],
    sure: true,
    why: 'No column is a title, so words of the categories are used.',
  },
  {
    role: 'categories',
    columns: ['category_code'],
    sure: false,
    why: 'Levels with dots between them. category_id would do too.',
  },
  { role: 'event', columns: ['event_type'], sure: true, why: 'view, cart and purchase are events.' },
  { role: 'conversion', columns: [], sure: true, why: 'The event tells it.' },
  { role: 'rating', columns: [], sure: true, why: 'No column is one.' },
  { role: 'quantity', columns: [], sure: true, why: 'No column is one.' },
];

function choices({ roles }: Mapping, isSure: boolean): PreviewChoice[] {
  return GUESSES.map((guess) => {
    const columns = roles[guess.role];
    if (columns === undefined) return { ...guess, options: COLUMNS, sure: guess.sure || isSure };
    return { role: guess.role, columns, options: COLUMNS, sure: true, why: 'You chose it.' };
  });
}

function preview(file: string, mapping: Mapping): ImportPreview {
  const isSure = file.startsWith('sure');
  const chosen = choices(mapping, isSure);
  const read = new Set(chosen.flatMap(({ columns }) => columns));
  const purchases = mapping.purchases ?? ['purchase'];
  const meaning = (value: string) => (purchases.includes(value) ? 'conversion' : 'behaviour');
  const order = mapping.dates ?? 'dmy';
  const isAmbiguous = !isSure && mapping.dates === undefined;
  return {
    layout: 'a log of events',
    tables: [
      {
        file,
        kind: 'interactions',
        columns: COLUMNS,
        roles: COLUMNS.map((column) => chosen.find(({ columns }) => columns.includes(column))?.role ?? null),
        rows: ROWS,
        unread: COLUMNS.filter((column) => !read.has(column)),
      },
    ],
    notRead: [{ file: 'readme.pdf', reason: 'a PDF holds no table.' }],
    choices: chosen,
    dates: {
      order,
      isAmbiguous,
      words: isAmbiguous
        ? 'No row has a day above 12, so 03/04/2020 is read as 3 April 2020.'
        : `Read as ${order === 'dmy' ? 'day/month/year' : 'month/day/year'}.`,
    },
    threshold: null,
    events: [
      { value: 'view', rows: 104_812, meaning: meaning('view') },
      { value: 'cart', rows: 3412, meaning: meaning('cart') },
      { value: 'purchase', rows: 1726, meaning: meaning('purchase') },
      { value: 'remove_from_cart', rows: 611, meaning: 'neither' },
    ],
    counts: {
      rows: 110_561,
      interactions: 109_646,
      notUsed: [
        { reason: 'the event is “remove_from_cart”', rows: 611, example: '' },
        { reason: 'an exact copy of an earlier row', rows: 304, example: '' },
      ],
      users: 22_410,
      items: 9871,
      clicks: 109_646,
      conversions: purchases.includes('cart') ? 5138 : 1726,
      conversion: `the event is ${purchases.join(' or ')}`,
      duplicates: 304,
      ties: 0.041,
      kept: { interactions: 61_220, users: 4102, items: 3377 },
    },
    problems: [
      {
        file,
        kind: 'no time that can be read',
        rows: 42,
        examples: [`${file} row 812: event_time is "0000-00-00"`, `${file} row 9113: event_time is ""`],
      },
      {
        file,
        kind: 'a stray quote, read without quotes',
        rows: 3,
        examples: [`${file} row 77: brand is ""Weird Al" Yankovic"`],
      },
    ],
    history: {
      user: '54131290',
      behaviours: [
        { time: '2020-04-03 00:00:11', title: 'smartphone 44600062', isConversion: false },
        { time: '2020-04-03 00:01:02', title: 'heater 3900821', isConversion: false },
        { time: '2020-04-03 00:03:57', title: 'heater 3900821', isConversion: true },
      ],
    },
    doubts: isAmbiguous
      ? [
          'Dates like 03/04/2020 are read day first, and no row tells whether that is right.',
          'Categories are read from category_code, and category_id would do too.',
        ]
      : [],
  };
}

/** What is left of it where no column is known to be the item. */
function unsettled(file: string, mapping: Mapping): SeenFiles {
  const { tables, notRead, choices, dates, problems } = preview(file, mapping);
  return {
    tables: tables.map((table) => ({
      ...table,
      kind: 'other',
      roles: table.roles.map((role) => (role === 'item' ? null : role)),
      unread: [],
    })),
    notRead,
    choices: choices.map((choice) =>
      choice.role === 'item' && mapping.roles.item === undefined
        ? { ...choice, columns: [], sure: false, why: 'No column is known to be one: choose it.' }
        : choice,
    ),
    dates,
    threshold: null,
    events: null,
    problems,
  };
}

/** Another mapping is another data set. */
export function fakeSha(map: string): string {
  const digits = [...map].map((letter) => letter.charCodeAt(0).toString(16)).join('');
  return map === '' ? 'c'.repeat(64) : digits.padStart(64, '0').slice(-64);
}

function summaryOf({ counts, problems }: ImportPreview, map: string): ImportSummary {
  return {
    sha256: fakeSha(map),
    id: 'shop',
    ...counts.kept,
    examples: [52_000, 4102, 4102],
    notes: [counts.conversion],
    problems: problems.flatMap(({ examples }) => examples),
    map,
  };
}

function refusal(file: string, { roles }: Mapping): string | null {
  if (file.startsWith('bad') && roles.item === undefined)
    return `${file} has no column that names items: it has sku, customer and day. Say which it is, as in item=sku.`;
  if (roles.item?.includes('price')) return `${file}: price is no item, because 98 % of its cells differ.`;
  return null;
}

/** One of each kind, as they might be after a week. */
function stored(): StoredThing[] {
  const free = { isInUse: false, neededBy: 0, records: 1 };
  const ago = (hours: number) => Date.now() - hours * 3_600_000;
  return [
    {
      ...free,
      kind: 'unfinished',
      id: 'a',
      name: 'small, seed 1, popo: at step 62 of popo',
      bytes: 7_412_883,
      writtenAt: ago(0.1),
    },
    {
      ...free,
      kind: 'finished',
      id: 'b',
      name: 'small, seed 7, popo: model and report',
      bytes: 9_120_441,
      writtenAt: ago(25),
    },
    {
      ...free,
      kind: 'datasets',
      id: 'c'.repeat(64),
      name: 'shop: 4102 users, 3377 items',
      bytes: 2_300_512,
      writtenAt: ago(50),
      neededBy: 1,
    },
    {
      ...free,
      kind: 'datasets',
      id: 'e'.repeat(64),
      name: 'ratings: 610 users, 9724 items',
      bytes: 1_100_003,
      writtenAt: null,
    },
    {
      ...free,
      kind: 'cots',
      id: 'd'.repeat(64),
      name: 'cots.jsonl: 900 chains of thought',
      bytes: 140_002,
      writtenAt: ago(60),
    },
    {
      ...free,
      kind: 'answers',
      id: '',
      name: 'What endpoints answered',
      bytes: 44_100,
      writtenAt: ago(61),
      records: 12,
    },
    {
      ...free,
      kind: 'cells',
      id: '',
      name: 'Trained cells of studies',
      bytes: 310_220,
      writtenAt: ago(90),
      records: 6,
    },
    {
      ...free,
      kind: 'encoder',
      id: '',
      name: 'Universal Sentence Encoder',
      bytes: 28_204_711,
      writtenAt: null,
    },
  ];
}

/**
 * @param hasCots whether a set of CoTs, and something of every other kind, is kept already
 * @param deleted ids of runs that are gone
 */
export function fakeImporter(hasCots: boolean, deleted: Set<string>): ImporterApi {
  let things = hasCots ? stored() : [];
  let last: ImportSummary | null = null;
  let kept: ImportSummary[] = [];
  let seen: SeenFiles | null = null;
  return {
    async readFiles(files, map, onProgress) {
      globalThis.fakeReadings = [...(globalThis.fakeReadings ?? []), map];
      const mapping = parseMapping(map);
      const [{ name }] = files;
      for (let k = 0; k < 10; k++) {
        onProgress(`Reading ${name}`, k / 10);
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      const refused = refusal(name, mapping);
      seen = refused === null ? null : unsettled(name, mapping);
      if (refused !== null) throw new Error(refused);
      const made = preview(name, mapping);
      last = summaryOf(made, map);
      return { summary: last, preview: made };
    },
    async seenOfRefused() {
      return seen;
    },
    async keepImport() {
      if (last === null) throw new Error('Nothing was read.');
      kept = [last, ...kept.filter(({ sha256 }) => sha256 !== last?.sha256)];
      return last;
    },
    async dropImport() {
      last = null;
    },
    async listImports() {
      return kept;
    },
    async deleteImport(gone) {
      kept = kept.filter(({ sha256 }) => sha256 !== gone);
    },
    async importCots(file) {
      if (file.name.startsWith('bad'))
        throw new Error(`${file.name}, line 3: cot is missing, empty or not a text.`);
      return { sha256: 'd'.repeat(64), name: file.name, cots: 900, prompts: 300 };
    },
    async listCots() {
      return hasCots ? [{ sha256: 'd'.repeat(64), name: 'cots.jsonl', cots: 900, prompts: 300 }] : [];
    },
    async deleteCots() {},
    async countAnswers() {
      return 240;
    },
    async forgetAnswers() {},
    async listStored() {
      return things.filter(({ id }) => !deleted.has(id));
    },
    async deleteStored(wanted) {
      for (const { kind, id } of wanted) {
        things = things.filter((thing) => thing.kind !== kind || thing.id !== id);
        deleted.add(id === '' ? kind : id);
      }
      return 0;
    },
  };
}
