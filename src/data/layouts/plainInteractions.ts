/** One table of interactions: a user, an item, and whatever else its columns say. */
import type { ImportedTables, ItemDescription } from '../assemble';
import { parseTime } from '../columns/times';
import { phrase } from '../columns/titles';
import type { Problems } from '../files/sources';
import { type ColumnNames, findColumn, readHeader, readTable } from '../files/table';
import { InteractionLog } from '../interactions';

/** Names by which each column is known, without regard to case, spaces and punctuation. */
const USER: ColumnNames = [
  ...['user', 'userid', 'uid', 'customer', 'customerid', 'household', 'householdid'],
  ...['visitorid', 'reviewerid', 'sessionid'],
];
const ITEM: ColumnNames = [
  ...['item', 'itemid', 'iid', 'product', 'productid', 'sku', 'stockcode', 'articleid'],
  ...['asin', 'parentasin', 'movieid', 'bookid'],
];
const OPTIONAL = {
  time: [
    'time',
    'timestamp',
    'datetime',
    'date',
    'eventtime',
    'createdat',
    'transactiontimestamp',
    'invoicedate',
  ],
  title: ['title', 'itemtitle', 'producttitle', 'name', 'itemname', 'productname', 'description'],
  categories: ['categories', 'category', 'genres', 'genre', 'categorypath', 'breadcrumb'],
  l1: ['l1', 'categoryl1', 'category1', 'level1', 'department'],
  l2: ['l2', 'categoryl2', 'category2', 'level2', 'productcategory', 'subcategory'],
  l3: ['l3', 'categoryl3', 'category3', 'level3', 'producttype', 'subsubcategory'],
  conversion: ['conversion', 'converted', 'purchased'],
  rating: ['rating', 'stars', 'score', 'overall'],
  quantity: ['quantity', 'qty'],
} satisfies Record<string, ColumnNames>;
const MAX_ID = 128;

/** Whether a header is that of an interactions table, and whether its items have titles. */
export function recogniseInteractions(header: readonly string[]): { isTable: boolean; hasTitles: boolean } {
  const isTable = findColumn(header, USER) >= 0 && findColumn(header, ITEM) >= 0;
  return { isTable, hasTitles: isTable && findColumn(header, OPTIONAL.title) >= 0 };
}

/** The rating from which on an interaction is taken for a conversion: 4 of 5, the same share of a longer scale. */
export function conversionThreshold(maximum: number): number {
  return maximum <= 5 ? 4 : 0.8 * maximum;
}

/**
 * What stands for a conversion, by the first of these columns that is there: a flag, a rating (4 of 5 or more), a
 * quantity (2 or more, or bought before); else every interaction does.
 */
function conversionRule(header: readonly string[]) {
  const has = (names: ColumnNames) => findColumn(header, names) >= 0;
  if (has(OPTIONAL.conversion)) return 'conversion';
  if (has(OPTIONAL.rating)) return 'rating';
  return has(OPTIONAL.quantity) ? 'quantity' : null;
}

/**
 * @param file its name, which names the data set
 * @throws ImportError when there is no column for users or for items
 */
export function readPlainInteractions(
  file: string,
  bytes: Uint8Array,
  problems: Problems,
  onProgress: (fraction: number) => void,
): ImportedTables {
  const header = readHeader(bytes);
  const rule = conversionRule(header);
  const hasTime = findColumn(header, OPTIONAL.time) >= 0;
  const log = new InteractionLog();
  const items = new Map<string, ItemDescription>();
  let maximum = 0;
  const present = readTable(
    { file, bytes, problems },
    { required: { user: USER, item: ITEM }, optional: OPTIONAL },
    (cells, row) => {
      const { user, item, time } = cells;
      // Without times, rows are taken to be in order.
      const when = hasTime ? parseTime(time) : row;
      const value = rule === null ? 0 : parseValue(rule, cells[rule]);
      if (user.length > MAX_ID || item.length > MAX_ID) {
        problems.add(file, row, `an id longer than ${MAX_ID} characters`, user.length > MAX_ID ? user : item);
      } else if (Number.isNaN(when)) {
        problems.add(file, row, 'no time that can be read (ISO 8601, or a number)', time);
      } else if (rule !== null && !Number.isFinite(value)) {
        problems.add(file, row, `no ${rule} that is a number`, cells[rule]);
      } else {
        maximum = Math.max(maximum, value);
        const known = items.get(item);
        if (!known) items.set(item, description(cells));
        else if (known.title === '' || known.categories.length === 0) merge(known, description(cells));
        log.add(user, item, when, value);
      }
    },
    onProgress,
  );
  const threshold = conversionThreshold(maximum);
  return {
    id: phrase([file.replace(/\.[^.]*$/, '')], 4).replaceAll(' ', '-') || 'interactions',
    log,
    describe: (id) => {
      const { title, hints, categories } = items.get(id)!;
      return { title: title === '' ? `item ${id}` : title, hints, categories };
    },
    profile: () => '',
    interaction: 'interaction',
    converts: (value, isRepeat) => {
      if (rule === 'rating') return value >= threshold;
      if (rule === 'quantity') return value >= 2 || isRepeat;
      return rule === null || value > 0;
    },
    conversion: {
      conversion: 'its conversion column says so',
      rating: `the rating is ${threshold} or more`,
      quantity: 'the quantity is 2 or more, or the user had taken the item before',
      none: 'it happened at all: the file says no more, so CTCVR equals the click rate',
    }[rule ?? 'none'],
    notes: [
      ...(hasTime ? [] : ['The file has no times: the order of its rows is taken for the order in time.']),
      ...(present.has('title')
        ? []
        : [
            'The file has no titles: items are named by their ids, which a language model learns little from.',
          ]),
      ...((['categories', 'l1', 'l2', 'l3'] as const).some((name) => present.has(name))
        ? []
        : ['The file has no categories: all items are in one, so the Category accuracies say nothing.']),
    ],
  };
}

function description(cells: Record<'title' | 'categories' | 'l1' | 'l2' | 'l3', string>): ItemDescription {
  const { title, categories, l1, l2, l3 } = cells;
  const levels = [l1, l2, l3].filter((level) => level !== '');
  return { title, hints: [], categories: levels.length > 0 ? levels : splitCategories(categories) };
}

/** "a > b > c", "a|b|c" or "a;b;c". */
function splitCategories(text: string): string[] {
  const separator = ['|', '>', ';'].find((mark) => text.includes(mark));
  const levels = separator ? text.slice(0, 1000).split(separator) : [text];
  return levels.map((level) => level.trim()).filter((level) => level !== '');
}

/** Later rows of an item fill in what its first one left empty. */
function merge(known: ItemDescription, found: ItemDescription): void {
  if (known.title === '') known.title = found.title;
  if (known.categories.length === 0) known.categories = found.categories;
}

/** An empty quantity is 1; an empty rating or flag is none. NaN where nothing can be read. */
function parseValue(rule: 'conversion' | 'rating' | 'quantity', text: string): number {
  if (text === '') return rule === 'quantity' ? 1 : 0;
  if (rule === 'conversion' && /^(true|yes|y|t)$/i.test(text)) return 1;
  if (rule === 'conversion' && /^(false|no|n|f)$/i.test(text)) return 0;
  return Number(text);
}
