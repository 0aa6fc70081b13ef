/**
 * What of a row counts as a conversion. The first of these that the file has decides: a flag that says so; an event such as
 * a purchase; a rating high enough for its scale; a quantity of two or more, or an item taken before. Without any of them
 * every interaction counts. Returns (negative quantities) are no behaviours, and each undoes the conversion before it.
 */
import { eventMeaning, ratingMeaning, readFlag } from './columns/conversions';
import { isNone } from './columns/none';
import { NumberColumn } from './columns/numbers';
import { groupRows, type InteractionLog } from './interactions';
import type { LogPart } from './layouts/layout';
import type { Mapping } from './mapping';
import type { PreviewEvent } from './preview';

/** Why a row cannot be used. */
export interface Unusable {
  problem: string;
  cell: string;
}

/** What is known of conversions when every row was read. */
export interface ConversionRule {
  /** @param value of the log's row; NaN: nothing is said, or it was undone */
  converts(value: number, isRepeat: boolean): boolean;
  /** In words, to stand after "if". */
  words: string;
  /** Whether a row with that value is a behaviour, or a return that `undo` still needs. */
  isRead(value: number): boolean;
  /** Rows that are no behaviours, in words and by number. */
  neither: readonly { kind: string; rows: number }[];
  remarks: readonly string[];
  threshold: { value: number; words: string } | null;
  events: readonly PreviewEvent[] | null;
}

/** Reads the cells that decide, row by row. */
export interface RuleReader {
  /** A number for the log, or why the row cannot be used. */
  read(cells: readonly string[], row: number): number | Unusable;
  /** Decides, and puts final values into the log. */
  finish(log: InteractionLog): ConversionRule;
}

/** The value of a return in the log. */
const RETURN = Number.NEGATIVE_INFINITY;
const PLAIN: Pick<ConversionRule, 'isRead' | 'neither' | 'remarks' | 'threshold' | 'events'> = {
  isRead: () => true,
  neither: [],
  remarks: [],
  threshold: null,
  events: null,
};

export function conversionRuleOf({ roles }: LogPart, mapping: Mapping): RuleReader {
  const [quantity] = roles.quantity ?? [];
  const at = (role: 'conversion' | 'event' | 'rating') => roles[role]?.[0];
  const [flag, event, rating] = [at('conversion'), at('event'), at('rating')];
  if (flag !== undefined) {
    const flags = flagReader(flag);
    if (event === undefined) return returning(flags, quantity);
    return returning(both(eventReader(event, mapping.purchases, eventOf), flags), quantity);
  }
  if (event !== undefined) return returning(eventReader(event, mapping.purchases), quantity);
  if (rating !== undefined) return returning(ratingReader(rating, mapping.threshold), quantity);
  return quantity !== undefined ? quantityReader(quantity) : everyReader;
}

const everyReader: RuleReader = {
  read: () => 0,
  finish: () => ({
    ...PLAIN,
    converts: (value) => !Number.isNaN(value),
    words: 'it happened at all: the file says no more, so CTCVR equals the click rate',
  }),
};

function flagReader(column: number): RuleReader {
  return {
    read(cells) {
      const flag = readFlag(cells[column]);
      if (flag === null)
        return { problem: 'no conversion that can be read (yes or no)', cell: cells[column] };
      return flag ? 1 : 0;
    },
    finish: () => ({ ...PLAIN, converts: (value) => value > 0, words: 'its conversion column says so' }),
  };
}

/** @param indexOf the index of the event in a value of the log */
function eventReader(
  column: number,
  purchases: readonly string[] | undefined,
  indexOf: (value: number) => number = (value) => value,
): RuleReader {
  const values: string[] = [];
  const indices = new Map<string, number>();
  return {
    read(cells) {
      const value = cells[column];
      let index = indices.get(value);
      if (index === undefined) {
        index = values.length;
        indices.set(value, index);
        values.push(value);
      }
      return index;
    },
    finish(log) {
      // Of what is held now: rows that were read before may be of users who are not sampled.
      const rows = new Array<number>(values.length).fill(0);
      for (let row = 0; row < log.length; row++)
        if (log.value[row] !== RETURN) rows[indexOf(log.value[row])]++;
      const meaning = eventMeaning(new Map(values.map((value, index) => [value, rows[index]])), purchases);
      const kinds = values.map((value) => meaning.kind(value));
      return {
        ...PLAIN,
        isRead: (value) => value === RETURN || kinds[value] !== 'none',
        converts: (value) => kinds[value] === 'conversion',
        words: meaning.words,
        neither: values
          .map((value, index) => ({ kind: `the event “${value}” is no behaviour`, rows: rows[index] }))
          .filter((_, index) => kinds[index] === 'none'),
        remarks: meaning.remarks,
        events: values.map((value, index) => ({
          value,
          rows: rows[index],
          meaning: kinds[index] === 'none' ? 'neither' : (kinds[index] as 'behaviour' | 'conversion'),
        })),
      };
    },
  };
}

function eventOf(value: number): number {
  return Number.isFinite(value) ? value >> 1 : value;
}

/** Events say which rows are behaviours, and flags which of those are conversions. A value is 2 · event + flag. */
function both(events: RuleReader, flags: RuleReader): RuleReader {
  return {
    read(cells, row) {
      const flag = flags.read(cells, row);
      if (typeof flag !== 'number') return flag;
      const event = events.read(cells, row);
      return typeof event === 'number' ? 2 * event + flag : event;
    },
    finish(log) {
      const rule = events.finish(log);
      return {
        ...rule,
        isRead: (value) => rule.isRead(eventOf(value)),
        converts: (value) => (value & 1) === 1,
        words: 'its conversion column says so',
        // Which events are conversions is not for the event to say here.
        events: null,
        remarks: rule.remarks.filter((remark) => !remark.startsWith('No event is a purchase')),
      };
    },
  };
}

function ratingReader(column: number, threshold?: number): RuleReader {
  const numbers = new NumberColumn();
  return {
    read(cells, row) {
      const code = numbers.add(cells[column], row);
      return Number.isNaN(code) && !isNone(cells[column].trim())
        ? { problem: 'no rating that is a number', cell: cells[column] }
        : code;
    },
    finish(log) {
      const read = settle(log, numbers);
      const counts = new Map<number, number>();
      for (const value of log.value.subarray(0, log.length)) counts.set(value, (counts.get(value) ?? 0) + 1);
      const meaning = ratingMeaning(counts, threshold);
      return {
        ...PLAIN,
        converts: (value) => meaning.converts(value),
        words: meaning.words,
        remarks: [...read.remarks, ...meaning.remarks],
        threshold: { value: meaning.threshold, words: meaning.words },
      };
    },
  };
}

function quantityReader(column: number): RuleReader {
  const numbers = new NumberColumn();
  return {
    read(cells, row) {
      if (isNone(cells[column].trim())) return 1;
      const code = numbers.add(cells[column], row);
      return Number.isNaN(code) ? { problem: 'no quantity that is a number', cell: cells[column] } : code;
    },
    finish(log) {
      const read = settle(log, numbers);
      for (let row = 0; row < log.length; row++) if (log.value[row] < 0) log.value[row] = RETURN;
      return {
        ...PLAIN,
        converts: (value, isRepeat) => value >= 2 || (isRepeat && !Number.isNaN(value)),
        words: 'two or more were taken, or the user had taken the item before',
        remarks: read.remarks,
      };
    },
  };
}

/** Where something else decides, a negative quantity is a return all the same. */
function returning(reader: RuleReader, quantity: number | undefined): RuleReader {
  if (quantity === undefined) return reader;
  return {
    ...reader,
    read: (cells, row) => (/^[-−(]\s*\d/.test(cells[quantity]) ? RETURN : reader.read(cells, row)),
  };
}

/** Puts numbers in the place of their codes. */
function settle(log: InteractionLog, numbers: NumberColumn): ReturnType<NumberColumn['finish']> {
  const read = numbers.finish();
  for (let row = 0; row < log.length; row++)
    if (Number.isFinite(log.value[row])) log.value[row] = read.value(log.value[row]);
  return read;
}

/**
 * Takes returns out of the log, and with each the last conversion of the same user and item before it.
 * @returns how many returns there were
 */
export function undoReturns(log: InteractionLog, { converts }: Pick<ConversionRule, 'converts'>): number {
  const mask = new Uint8Array(log.length).fill(1);
  let returns = 0;
  for (let row = 0; row < log.length; row++) {
    if (log.value[row] !== RETURN) continue;
    mask[row] = 0;
    returns++;
  }
  if (returns === 0) return 0;
  const { offsets, rows } = groupRows(log.user, log.length, log.userIds.length);
  for (let user = 0; user < log.userIds.length; user++) {
    const own = rows.subarray(offsets[user], offsets[user + 1]);
    if (own.every((row) => mask[row] === 1)) continue;
    const taken = new Map<number, number[]>();
    for (const row of own.slice().sort((a, b) => log.time[a] - log.time[b] || a - b)) {
      const before = taken.get(log.item[row]) ?? [];
      taken.set(log.item[row], before);
      if (mask[row] === 1) before.push(row);
      else {
        const at = before.findLastIndex((earlier, place) => converts(log.value[earlier], place > 0));
        const [undone] = before.splice(at, 1);
        if (undone !== undefined) log.value[undone] = Number.NaN;
      }
    }
  }
  log.keep(mask);
  return returns;
}
