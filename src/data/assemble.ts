/**
 * From interactions and a catalogue to a data set: k-core, time order, leave-one-out, impressions by a proxy, facts.
 * Nothing that validation or test ask for is used in impressions or facts.
 */

import { phrase, shortNames, threeLevels, uniqueTitles } from './columns/titles';
import type { Dataset, Impressions } from './dataset';
import { ImportError } from './files/sources';
import { identify, type Splits } from './hash';
import { sampleImpressions } from './impressions';
import { type InteractionLog, kCore } from './interactions';
import { categoriesTell, reckonNeeds } from './needs';
import { successors } from './successors';
import { byId, type TimeOrder } from './timeOrder';
import { counted } from './words';

export interface ImportOptions {
  /** Users and items with fewer interactions are dropped, repeatedly. */
  kCore: number;
  /** Items sampled as impressions without a click, beside each training interaction. */
  negatives: number;
  /** More training examples than this are thinned evenly, and a note says so. Infinity keeps all. */
  maxTrainExamples: number;
  /** Words of a title before what tells equal ones apart; the rest is cut. */
  maxTitleWords: number;
  /** Words of a category's name, or more where that many do not tell it from another of its level. */
  categoryWords: number;
  /** What an archive may unpack to. */
  maxUnpackedBytes: number;
  /** More interactions than this are not held: users are sampled as the file is read, and a note says so. */
  maxInteractions: number;
  /** What a person said about the columns (`mapping.ts`). */
  map: string;
}

export const DEFAULT_IMPORT_OPTIONS: Readonly<ImportOptions> = Object.freeze({
  kCore: 5,
  negatives: 3,
  maxTrainExamples: 1_000_000,
  maxTitleWords: 8,
  categoryWords: 2,
  maxUnpackedBytes: 2 ** 32,
  maxInteractions: 3_000_000,
  map: '',
});

/** What a catalogue says of an item, as the files have it. */
export interface ItemDescription {
  title: string;
  /** Added in turn where titles are equal. */
  hints: string[];
  /** Widest first; any number. */
  categories: string[];
}

/** What was read under a layout. */
export interface ImportedTables {
  id: string;
  /** Without copies of rows, and every time known. */
  log: InteractionLog;
  order: TimeOrder;
  /** False where rows stand in the order of the file because it has no times. */
  hasTimes: boolean;
  describe(itemId: string): ItemDescription;
  /** In words; '' where nothing is known. */
  profile(userId: string): string;
  /** What an interaction is, in a word: "purchase". */
  interaction: string;
  /** The proxy for a conversion: the row's value, and whether the user had interacted with the item before. */
  converts(value: number, isRepeat: boolean): boolean;
  /** Why rows were dropped, the worst first, for a refusal; '' where none was. */
  mainReason: string;
  /** That rule in words, to stand in a sentence. */
  conversion: string;
  notes: string[];
}

/** Of fewer users or items than this a person is told; fewer than two are no data set. */
export const FEW = 50;

/**
 * @param onProgress gets a fraction in [0, 1]
 * @throws ImportError when nothing is left after filtering, or one user or one item
 */
export async function assemble(
  tables: ImportedTables,
  options: ImportOptions,
  onProgress: (fraction: number) => void,
): Promise<Assembled> {
  const { log, order } = tables;
  const kept = kCore(log, options.kCore);
  onProgress(0.1);
  const itemOrder = keptIds(log.itemIds, log.item, kept);
  const userOrder = keptIds(log.userIds, log.user, kept);
  if (userOrder.length === 0) throw nothingLeft(tables, options);
  if (itemOrder.length < 2 || userOrder.length < 2) {
    const what = itemOrder.length < 2 ? 'One item is no catalogue' : 'One user is no audience';
    throw new ImportError(
      `${what} to train on: ${counted(itemOrder.length, 'item')} and ${counted(userOrder.length, 'user')} are left of ` +
        `${counted(log.length, 'interaction')} after dropping users and items with fewer than ${options.kCore}.`,
    );
  }
  const itemIndex = inverse(itemOrder, log.itemIds.length);
  const histories: Int32Array[] = [];
  const rowsOf: Int32Array[] = [];
  const conversions: Uint8Array[] = [];
  let tiedTargets = 0;
  for (const user of userOrder) {
    const rows = order.rows
      .subarray(order.offsets[user], order.offsets[user + 1])
      .filter((row) => kept[row] === 1);
    rowsOf.push(rows);
    const [before, last] = rows.slice(-2);
    if (rows.length > 1 && tables.hasTimes && log.time[before] === log.time[last]) tiedTargets++;
    const history = rows.map((row) => itemIndex[log.item[row]]);
    const seen = new Set<number>();
    conversions.push(
      Uint8Array.from(rows, (row, position) => {
        const isRepeat = seen.has(history[position]);
        seen.add(history[position]);
        return tables.converts(log.value[row], isRepeat) ? 1 : 0;
      }),
    );
    histories.push(history);
  }
  onProgress(0.4);

  const { splits, notes: splitNotes } = leaveOneOut(histories, options.maxTrainExamples);
  const items = describeItems(tables, itemOrder, options);
  const shownAt = (examples: Splits['train']) =>
    sampleImpressions({ histories, conversions, items: items.length }, examples, options.negatives);
  const impressions = shownAt(splits.train);
  onProgress(0.8);
  const interactions = histories.reduce((total, history) => total + history.length, 0);
  const users = userOrder.map((user, index) => ({
    id: `u${index}`,
    profile: tables.profile(log.userIds[user]),
    history: histories[index],
  }));
  const needs = categoriesTell(items)
    ? items.map(({ categories }) => categories[2])
    : reckonNeeds({ items, users, splits }).map(({ label }) => label);
  const dataset = await identify({
    id: tables.id,
    items,
    users,
    impressions,
    heldOutImpressions: shownAt([...splits.validation, ...splits.test]),
    splits,
    facts: facts(items, histories, splits, needs),
    notes: [
      ...tables.notes,
      `${options.kCore}-core: ${interactions} of ${counted(log.length, 'interaction')}, ${userOrder.length} of ${counted(log.userIds.length, 'user')} and ` +
        `${itemOrder.length} of ${counted(log.itemIds.length, 'item')} are kept. Users are named u0, u1, … in the order of their ids.`,
      'Leave-one-out in time: each user’s last interaction is the test target, the one before it the validation target, ' +
        'earlier ones are training targets. So all three splits have the same users.',
      ...splitNotes,
      ...(categoriesTell(items)
        ? []
        : [
            'One category holds more than half of the items, so the built-in teacher reasons in words of their titles.',
          ]),
      ...tiesNotes(tables, tiedTargets / userOrder.length),
      proxyNote(tables, impressions, options.negatives),
    ],
    map: options.map,
  });
  return { dataset, rowsOf, conversions };
}

/** A data set, and which rows of the log each user's history came from. */
export interface Assembled {
  dataset: Dataset;
  rowsOf: readonly Int32Array[];
  /** By user, by position: 1 where the behaviour counts as a conversion. */
  conversions: readonly Uint8Array[];
}

/** The main reason stands first: "more interactions are needed" helps nobody whose dates were not understood. */
function nothingLeft({ log, mainReason }: ImportedTables, { kCore: least }: ImportOptions): ImportError {
  const left =
    `Nothing is left of ${counted(log.length, 'interaction')} of ${counted(log.userIds.length, 'user')} after dropping users and items with ` +
    `fewer than ${least}`;
  // Where rows were dropped before anything was counted, their reason is all there is to say.
  if (log.length === 0 && mainReason !== '') return new ImportError(`${mainReason}. Nothing is left.`);
  return new ImportError(
    mainReason === ''
      ? `${left}: more interactions per user and item are needed.`
      : `${mainReason}. ${left}.`,
  );
}

/** How much of the order in time is the file's to say, and what was done where it does not say it. */
function tiesNotes({ order, hasTimes }: ImportedTables, tiedTargets: number): string[] {
  if (!hasTimes || order.ties === 0) return [];
  const how = order.isShuffled
    ? 'the file lists those by ascending item id, which says nothing, so they are put in a seeded shuffle'
    : 'those stay in the order of the file’s rows';
  const targets =
    tiedTargets > 0
      ? ` Of ${percent(tiedTargets)} of users the test target has the same time as the behaviour before it.`
      : '';
  return [
    `Ties: ${percent(order.ties)} of a user’s neighbouring interactions have one time; ${how}.${targets}`,
  ];
}

function percent(share: number): string {
  const value = 100 * share;
  return `${value > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

function proxyNote(
  { interaction, conversion }: ImportedTables,
  impressions: Impressions,
  negatives: number,
): string {
  const clicks = impressions.click.reduce((total, click) => total + click, 0);
  const conversions = impressions.conversion.reduce((total, converted) => total + converted, 0);
  const share = clicks === 0 ? 0 : Math.round((100 * conversions) / clicks);
  return (
    `Impressions, clicks and conversions are proxies, since the data has none. Each training ${interaction} counts as an ` +
    `impression with a click; as a conversion too if ${conversion} (${share} %). Beside each, ${negatives} items that the ` +
    'user has not met in training, drawn by popularity to the power 3/4, count as impressions without a click. ' +
    'CTCVR is therefore the ranker’s view of these proxies, not of a market.'
  );
}

/** Indices of ids that occur in kept rows, in the order of the ids: whole numbers by value, then other ids by code units. */
function keptIds(ids: readonly string[], column: Int32Array, kept: Uint8Array): number[] {
  const isKept = new Uint8Array(ids.length);
  for (let row = 0; row < kept.length; row++) if (kept[row] === 1) isKept[column[row]] = 1;
  const order: number[] = [];
  for (let index = 0; index < ids.length; index++) if (isKept[index] === 1) order.push(index);
  return order.sort(byId(ids));
}

function inverse(order: readonly number[], length: number): Int32Array {
  const positions = new Int32Array(length).fill(-1);
  order.forEach((index, position) => {
    positions[index] = position;
  });
  return positions;
}

/** Last position: test. Second to last: validation. Earlier ones: training. Position 0 has no history and is never asked. */
function leaveOneOut(histories: Int32Array[], maxTrainExamples: number): { splits: Splits; notes: string[] } {
  const splits: Splits = { train: [], validation: [], test: [] };
  const available = histories.reduce((total, { length }) => total + Math.max(0, length - 3), 0);
  const wanted = Math.min(available, Math.max(0, Math.floor(maxTrainExamples)));
  let index = 0;
  histories.forEach(({ length }, user) => {
    for (let position = 1; position < length - 2; position++) {
      // Evenly thinned: `wanted` of the `available`, the same ones each time.
      const before = Math.floor((index * wanted) / available);
      if (Math.floor((++index * wanted) / available) > before) splits.train.push({ user, position });
    }
    if (length >= 3) splits.validation.push({ user, position: length - 2 });
    if (length >= 2) splits.test.push({ user, position: length - 1 });
  });
  const notes =
    wanted < available
      ? [`Of ${available} training examples ${wanted} are used, taken evenly; histories are whole.`]
      : [];
  return { splits, notes };
}

function describeItems(
  tables: ImportedTables,
  order: readonly number[],
  { maxTitleWords, categoryWords }: ImportOptions,
): Dataset['items'] {
  const described = order.map((index) => {
    const id = tables.log.itemIds[index];
    const { title, hints, categories } = tables.describe(id);
    return {
      id,
      title: phrase([title], maxTitleWords) || phrase(['item', id], 2),
      hints: hints.map((hint) => phrase([hint], 2)),
      // What tells long ones apart may stand behind the words that are kept.
      ...(hints.length === 0 && { text: title }),
      categories: threeLevels(categories),
    };
  });
  const titles = uniqueTitles(described);
  const names = [0, 1, 2].map((level) =>
    shortNames(new Set(described.map(({ categories }) => categories[level])), categoryWords),
  );
  return described.map(({ id, categories: [first, second, third] }, index) => ({
    id,
    title: titles[index],
    categories: [names[0].get(first)!, names[1].get(second)!, names[2].get(third)!],
  }));
}

/** "need A : title" for every item, and "after A need B" for the need that most notably follows each. */
function facts(
  items: Dataset['items'],
  histories: Int32Array[],
  splits: Splits,
  needs: readonly string[],
): string[] {
  const names = [...new Set(needs)].sort();
  const index = new Map(names.map((name, at) => [name, at]));
  const leaf = Int32Array.from(needs, (need) => index.get(need)!);
  const following = successors(histories, splits, leaf, names.length);
  return [
    ...items.map((item, at) => `need ${needs[at]} : ${item.title}`),
    ...names.flatMap((name, at) => (following[at] < 0 ? [] : [`after ${name} need ${names[following[at]]}`])),
  ];
}
