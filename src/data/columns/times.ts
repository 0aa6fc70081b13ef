/**
 * Times as data files write them, read by the whole column: the unit of its numbers, the order of day and month, and
 * what cannot be a time beside the others.
 */
import { counted, verb } from '../words';
import { isNone } from './none';
import { FORM, packedText, parseCell, unpackDate, unpackOffset } from './timeForms';
import { NumberUnits } from './timeUnits';

export type DateOrder = 'dmy' | 'mdy';

export interface BadTimes {
  /** What is wrong, in words that are the same for every such row. */
  kind: string;
  count: number;
  /** The first of them. */
  rows: { row: number; cell: string }[];
}

export interface ReadTimes {
  /**
   * By entry: milliseconds since 1970 UTC, with a fraction where the file is finer; the file's own numbers where they
   * are ranks; NaN where there is no time.
   */
  times: Float64Array;
  /** "dates, day first" */
  words: string;
  /** Of dates in numbers; null where there are none. */
  order: DateOrder | null;
  /** Whether no row tells that order, and no person has. */
  isAmbiguous: boolean;
  bad: BadTimes[];
  remarks: string[];
}

const CHUNK = 1 << 16;
/** Cells named for each kind of problem. */
const NAMED = 5;
const DAY = 86_400_000;
const YEAR = 365.25 * DAY;
/** Entries that the middle of the times is reckoned from. */
const SAMPLED = 100_001;
/** A time is far from the others when it lies this much outside their middle half, or 20 times as wide as that. */
const FAR = 50 * YEAR;
/** Excel counts days from here. */
const EXCEL_EPOCH = Date.UTC(1899, 11, 30);

const KINDS: readonly string[] = [
  'no time is given',
  'no time that can be read',
  'a date that does not exist',
  'a time of day without a date',
];
const OTHER_FORM = 'a time in another form than the others';
const OTHER_ORDER = 'a date in which day and month stand the other way round than in the others';
const ZERO = 'a time of 0 (1 January 1970) among later ones, which stands for none';
const FAR_OFF = 'a time far from all others';

/** Entries of which 13 bytes are kept each: the value, its form and its row. */
interface Chunk {
  values: Float64Array;
  forms: Uint8Array;
  rows: Uint32Array;
}

/** How the whole column is to be read. */
interface Reading {
  order: DateOrder;
  /** Milliseconds of a number; NaN where numbers are no times here. */
  number(value: number): number;
  /** Milliseconds that a number beside a date stands for. */
  offset(value: number): number;
  isRank: boolean;
  numberKind: string;
}

/** One column of times: `add` every cell, then `finish`. */
export class TimeColumn {
  readonly #chosen: DateOrder | undefined;
  #chunks: Chunk[] = [];
  #length = 0;
  readonly #examples = new Map<number, { row: number; cell: string }[]>();
  readonly #bad = new Map<string, BadTimes>();
  #zoned = 0;
  #zoneless = 0;

  /** @param order of day and month, where a person has chosen it */
  constructor(order?: DateOrder) {
    this.#chosen = order;
  }

  /** The next entry. Cells of two columns, a date and a time of day, come joined by a space. */
  add(cell: string, row: number): void {
    const text = cell.trim();
    const isMissing = isNone(text);
    const parsed = isMissing ? null : parseCell(text);
    const form = parsed?.form ?? FORM.missing;
    if (form < FORM.number) this.#remember(form, row, cell);
    if (parsed?.hasClock && (form === FORM.instant || form === FORM.numeric)) {
      if (parsed.hasZone) this.#zoned++;
      else this.#zoneless++;
    }
    this.#push(parsed?.value ?? Number.NaN, form, row);
  }

  /** Drops the entries whose mask is 0; a user who is not sampled. */
  keep(mask: Uint8Array): void {
    const [chunks, length] = [this.#chunks, this.#length];
    this.#chunks = [];
    this.#length = 0;
    for (let index = 0; index < length; index++) {
      const [chunk, at] = [chunks[Math.floor(index / CHUNK)], index % CHUNK];
      if (mask[index] !== 0) this.#push(chunk.values[at], chunk.forms[at], chunk.rows[at]);
    }
  }

  finish(): ReadTimes {
    const counts = this.#countForms();
    const order = this.#findOrder();
    const units = this.#numberUnits(counts);
    const reading: Reading = {
      ...this.#numbers(counts, units),
      order: order.order,
      offset: this.#offsets(),
    };
    const times = this.#convert(reading);
    if (!reading.isRank) this.#dropFar(times);
    return {
      times,
      words: this.#words(counts, reading, units),
      order: counts[FORM.numeric] > 0 ? order.order : null,
      isAmbiguous: counts[FORM.numeric] > 0 && order.isOpen && this.#chosen === undefined,
      bad: [...this.#bad.values()],
      remarks: this.#remarks(counts, reading, units),
    };
  }

  #push(value: number, form: number, row: number): void {
    const at = this.#length % CHUNK;
    if (at === 0) {
      this.#chunks.push({
        values: new Float64Array(CHUNK),
        forms: new Uint8Array(CHUNK),
        rows: new Uint32Array(CHUNK),
      });
    }
    const chunk = this.#chunks[this.#chunks.length - 1];
    chunk.values[at] = value;
    chunk.forms[at] = form;
    chunk.rows[at] = row;
    this.#length++;
  }

  #remember(form: number, row: number, cell: string): void {
    const known = this.#examples.get(form);
    if (!known) this.#examples.set(form, [{ row, cell }]);
    else if (known.length < NAMED) known.push({ row, cell });
  }

  #each(visit: (value: number, form: number, index: number) => void): void {
    for (let index = 0; index < this.#length; index++) {
      const { values, forms } = this.#chunks[Math.floor(index / CHUNK)];
      visit(values[index % CHUNK], forms[index % CHUNK], index);
    }
  }

  #countForms(): number[] {
    const counts = new Array<number>(8).fill(0);
    this.#each((_, form) => counts[form]++);
    return counts;
  }

  /** By the rows that can be read in one order only; else the order in which the dates lie closer together. */
  #findOrder(): { order: DateOrder; isOpen: boolean } {
    const only = { dmy: 0, mdy: 0 };
    const [dmy, mdy] = [new Span(), new Span()];
    this.#each((value, form) => {
      if (form !== FORM.numeric) return;
      const [day, month] = [unpackDate(value, 'dmy'), unpackDate(value, 'mdy')];
      if (Number.isNaN(month)) only.dmy++;
      else if (Number.isNaN(day)) only.mdy++;
      dmy.add(day);
      mdy.add(month);
    });
    const isOpen = only.dmy === only.mdy;
    const closer = dmy.width() <= mdy.width() ? 'dmy' : 'mdy';
    const told = only.dmy > only.mdy ? 'dmy' : 'mdy';
    return { order: this.#chosen ?? (isOpen ? closer : told), isOpen };
  }

  #numberUnits(counts: readonly number[]): NumberUnits {
    const dates = counts[FORM.instant] + counts[FORM.numeric] + counts[FORM.offset];
    const units = new NumberUnits(dates > 0);
    if (counts[FORM.number] > 0) {
      this.#each((value, form) => {
        if (form === FORM.number) units.add(value);
      });
    }
    return units;
  }

  /** How numbers are read: as the unit says; not at all where most rows are dates and the numbers are none. */
  #numbers(counts: readonly number[], units: NumberUnits): Pick<Reading, 'number' | 'isRank' | 'numberKind'> {
    const dates = counts[FORM.instant] + counts[FORM.numeric] + counts[FORM.offset];
    const unit = units.unit();
    const isRank = unit === 'rank' && counts[FORM.number] > dates;
    const numberKind = OTHER_FORM;
    if (unit === 'rank') return { number: (value) => (isRank ? value : Number.NaN), isRank, numberKind };
    if (unit === 'excel') {
      const isAlone = counts[FORM.number] > dates;
      const read = (value: number) => (isAlone ? EXCEL_EPOCH + Math.round(value * DAY) : Number.NaN);
      return { number: read, isRank: false, numberKind };
    }
    return { number: (value) => units.milliseconds(value), isRank: false, numberKind };
  }

  /** What a bare number beside a date is: hours where none is above 23, a clock (1015) where all are one, else ms. */
  #offsets(): (value: number) => number {
    let [isHours, isClock, isLong] = [true, true, false];
    this.#each((value, form) => {
      if (form !== FORM.offset) return;
      const { offset } = unpackOffset(value);
      isHours &&= offset <= 23;
      isLong ||= offset > 2359;
    });
    this.#each((value, form) => {
      if (form !== FORM.offset || !isClock) return;
      const { offset } = unpackOffset(value);
      const minutes = isLong ? Math.floor(offset / 100) : offset;
      isClock = minutes % 100 < 60 && minutes < 2400 && (!isLong || offset % 100 < 60);
    });
    if (isHours) return (value) => value * 3_600_000;
    if (!isClock) return (value) => value;
    return (value) => {
      const [minutes, second] = isLong ? [Math.floor(value / 100), value % 100] : [value, 0];
      return (Math.floor(minutes / 100) * 3600 + (minutes % 100) * 60 + second) * 1000;
    };
  }

  #convert(reading: Reading): Float64Array {
    const times = new Float64Array(this.#length);
    this.#each((value, form, index) => {
      times[index] = this.#time(value, form, reading);
      if (!Number.isNaN(times[index])) return;
      if (form < FORM.number) this.#count(KINDS[form], form, index);
      else
        this.#count(form === FORM.number ? reading.numberKind : this.#dateKind(value, reading), form, index);
    });
    return times;
  }

  #time(value: number, form: number, reading: Reading): number {
    if (form === FORM.number) return reading.number(value);
    if (reading.isRank) return Number.NaN;
    if (form === FORM.instant) return value;
    if (form === FORM.numeric) return unpackDate(value, reading.order);
    if (form !== FORM.offset) return Number.NaN;
    const { day, offset } = unpackOffset(value);
    return day + reading.offset(offset);
  }

  #dateKind(value: number, { isRank, order }: Reading): string {
    if (isRank) return OTHER_FORM;
    const other = unpackDate(value, order === 'dmy' ? 'mdy' : 'dmy');
    return Number.isNaN(other) ? KINDS[FORM.impossible] : OTHER_ORDER;
  }

  /** Of a kind that is known only now, the cell is written anew, in this page's form. */
  #count(kind: string, form: number, index: number): void {
    let entry = this.#bad.get(kind);
    if (!entry) {
      const rows = form < FORM.number && kind === KINDS[form] ? (this.#examples.get(form) ?? []) : [];
      entry = { kind, count: 0, rows: [...rows] };
      this.#bad.set(kind, entry);
    }
    entry.count++;
    const isKnown = form < FORM.number && kind === KINDS[form];
    if (isKnown || entry.rows.length >= NAMED) return;
    const { values, rows } = this.#chunks[Math.floor(index / CHUNK)];
    entry.rows.push({ row: rows[index % CHUNK], cell: written(values[index % CHUNK], form) });
  }

  /** Times of 0 among later ones, and times far outside the others' middle half, are none. */
  #dropFar(times: Float64Array): void {
    const sample = sampled(times);
    if (sample.length < 4) return;
    const [low, high] = [
      sample[Math.floor(sample.length / 4)],
      sample[Math.ceil((3 * sample.length) / 4) - 1],
    ];
    const margin = Math.max(FAR, 20 * (high - low));
    this.#each((_, form, index) => {
      const time = times[index];
      if (Number.isNaN(time)) return;
      const isZero = Math.abs(time) <= DAY && low > 3 * YEAR;
      if (!isZero && time >= low - margin && time <= high + margin) return;
      times[index] = Number.NaN;
      this.#count(isZero ? ZERO : FAR_OFF, form, index);
    });
  }

  #words(counts: readonly number[], reading: Reading, units: NumberUnits): string {
    const dates = counts[FORM.instant] + counts[FORM.offset] + counts[FORM.numeric];
    if (dates + counts[FORM.number] === 0) return 'no times';
    if (counts[FORM.number] > dates) return reading.isRank ? 'numbers, in their own order' : units.words();
    const zone = this.#zoned > 0 && this.#zoneless === 0 ? '' : ', taken as UTC';
    if (counts[FORM.numeric] === 0) return `dates, year first or month by name${zone}`;
    return `dates, ${reading.order === 'dmy' ? 'day first' : 'month first'}${zone}`;
  }

  #remarks(counts: readonly number[], reading: Reading, units: NumberUnits): string[] {
    const remarks: string[] = [];
    const dates = counts[FORM.instant] + counts[FORM.offset] + counts[FORM.numeric];
    if (dates > 0 && counts[FORM.number] > 0) {
      remarks.push(
        `Times are written in two forms: ${dates} as dates and ${counts[FORM.number]} as numbers` +
          `${reading.isRank || units.unit() === 'rank' ? '; those of the rarer form are not read.' : ', which are converted.'}`,
      );
    }
    if (counts[FORM.numeric] > 0 && counts[FORM.instant] > 0) {
      remarks.push(
        `Dates are written in two forms: ${counts[FORM.numeric]} in numbers with ${reading.order === 'dmy' ? 'the day' : 'the month'} first, ` +
          `${counts[FORM.instant]} with the year first or the month by name.`,
      );
    }
    if (this.#zoned > 0 && this.#zoneless > 0) {
      remarks.push(
        `${counted(this.#zoneless, 'time')} ${verb(this.#zoneless, 'has', 'have')} no zone and ${this.#zoned} ${verb(this.#zoned, 'has', 'have')} one: those without are taken as UTC.`,
      );
    }
    const mixed = reading.isRank ? '' : units.mixed();
    if (mixed !== '') remarks.push(mixed);
    return remarks;
  }
}

/** The least and the greatest of what is added. */
class Span {
  #least = Number.POSITIVE_INFINITY;
  #greatest = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    if (value < this.#least) this.#least = value;
    if (value > this.#greatest) this.#greatest = value;
  }

  width(): number {
    return this.#greatest - this.#least;
  }
}

/** Times in order, evenly taken; those of 1970's first day and missing ones left out. */
function sampled(times: Float64Array): Float64Array {
  const step = Math.max(1, Math.floor(times.length / SAMPLED));
  const sample: number[] = [];
  for (let index = 0; index < times.length; index += step) {
    if (Math.abs(times[index]) > DAY) sample.push(times[index]);
  }
  return Float64Array.from(sample).sort();
}

function written(value: number, form: number): string {
  if (form === FORM.number) return String(value);
  if (form === FORM.instant) return iso(value);
  return form === FORM.numeric ? packedText(value) : iso(unpackOffset(value).day);
}

function iso(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime())
    ? String(time)
    : date.toISOString().replace(/T00:00:00\.000Z$|\.000Z$/, '');
}

/**
 * One cell by itself: a number as itself, a date as milliseconds since 1970 UTC; NaN for anything else, such as
 * 3/4/2017, which two countries read differently. For layouts whose times are known to be of one form.
 */
export function parseTime(text: string): number {
  if (isNone(text)) return Number.NaN;
  const { form, value } = parseCell(text);
  return form === FORM.number || form === FORM.instant ? value : Number.NaN;
}
