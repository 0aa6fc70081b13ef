/**
 * One cell's time, as far as the cell alone tells it. Whether 3/4/2017 is in March and whether 1262304000 counts
 * seconds is for the whole column to say (times.ts).
 */

/** What a cell holds; the value's meaning follows. */
export const FORM = {
  /** No time is given: the cell is empty or says so. */
  missing: 0,
  unreadable: 1,
  /** Written as a date, but there is none such: 30 February, month 13. */
  impossible: 2,
  /** A time of day and no date. */
  dateless: 3,
  /** A number: an epoch in any unit, a rank, 20191001. */
  number: 4,
  /** Milliseconds since 1970, UTC. */
  instant: 5,
  /** A date of which the first two numbers may be day and month or month and day: see `packDate`. */
  numeric: 6,
  /** A date and a whole number beside it: see `packOffset`. */
  offset: 7,
} as const;

export interface ParsedTime {
  form: number;
  /** Without meaning where the form holds no time. */
  value: number;
  /** Whether a zone is given; without one it is UTC. */
  hasZone: boolean;
  /** Whether a time of day is given. */
  hasClock: boolean;
}

const DAY = 86_400_000;
/** Added to a time of day less its zone, so that it is positive. */
const CLOCK_SHIFT = DAY;
const CLOCK_RANGE = 2 ** 28;

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const GROUPED = /^\d{1,3}(?:,\d{3})+$/;
const COMMA = /^\d+,\d+$/;
const ISO_START = /^(\d{4})([-/.])(\d{1,2})(?:\2(\d{1,2}))?(?!\d)/;
const COMPACT_START = /^(\d{4})(\d{2})(\d{2})(?=[T ])/;
const HAN_START = /^(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]?/;
const NUMERIC_START = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)/;
/** Amazon's reviewTime, "08 28, 2012". */
const MONTH_FIRST = /^(\d{1,2}) (\d{1,2}), (\d{4})$/;
const CLOCK =
  /^(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,:](\d{1,9}))?)?\s*(?:([ap])\.?\s?m\.?)?\s*([a-z+-][a-z\d:+-]*)?$/i;
/** 1015 or 101500 behind T, as ISO 8601 allows. */
const BASIC_CLOCK = /^T(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d{1,9}))?)?()\s*([a-z+-][a-z\d:+-]*)?$/i;
const HOUR_CLOCK = /^(\d{1,2})()()()\s*([ap])\.?\s?m\.?()$/i;
const ZONE = /^(?:utc|gmt)?([+-])(\d{1,2})(?::?(\d{2}))?$/i;
/** Minutes east of UTC. Names that two places use are left out, but for those that mail and logs use. */
const ZONES: Readonly<Record<string, number>> = {
  ...{ z: 0, utc: 0, gmt: 0, ut: 0, wet: 0, west: 60, cet: 60, cest: 120, mez: 60, mesz: 120, bst: 60 },
  ...{ eet: 120, eest: 180, msk: 180, jst: 540, kst: 540 },
  ...{ est: -300, edt: -240, cst: -360, cdt: -300, mst: -420, mdt: -360, pst: -480, pdt: -420 },
};
const MONTHS: Readonly<Record<string, number>> = {
  ...{ jan: 1, feb: 2, mar: 3, apr: 4, may: 5, jun: 6, jul: 7, aug: 8, sep: 9, oct: 10, nov: 11, dec: 12 },
  ...{ mär: 3, mai: 5, okt: 10, dez: 12, sept: 9 },
};
const FULL_MONTH =
  /^(?:january|february|march|april|june|july|august|september|october|november|december|januar|februar|märz|juni|juli|oktober|dezember)$/;
const WEEKDAY =
  /^(?:mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday|s|r|rs)?\.?,?\s+(?=\S)|^(?:mo|di|mi|do|fr|sa|so)\.?,\s+/i;

/** @param cell trimmed, and not one that says there is nothing */
export function parseCell(cell: string): ParsedTime {
  if (NUMBER.test(cell)) return numberTime(Number(cell));
  if (GROUPED.test(cell)) return numberTime(Number(cell.replaceAll(',', '')));
  if (COMMA.test(cell)) return numberTime(Number(cell.replace(',', '.')));
  if (cell.length > 100) return nothing(FORM.unreadable);
  const text = cell.replace(/\s*(?:\[[^\]]*\]|\([^)]*\))$/, '').replace(/\s+/g, ' ');
  const iso = ISO_START.exec(text) ?? HAN_START.exec(text) ?? COMPACT_START.exec(text);
  if (iso) return yearFirst(iso, text.slice(iso[0].length));
  const numeric = NUMERIC_START.exec(text);
  if (numeric) return numericDate(numeric, text.slice(numeric[0].length));
  const american = MONTH_FIRST.exec(text);
  if (american) {
    const [month, day, year] = american.slice(1).map(Number);
    return dated(utcDay(year, month, day), '');
  }
  if (clockTime(text) !== null) return nothing(FORM.dateless);
  return namedMonth(text.replace(WEEKDAY, ''));
}

/** Milliseconds of a day's beginning, UTC; NaN where the calendar has no such day. */
export function utcDay(year: number, month: number, day: number): number {
  if (month < 1 || month > 12 || day < 1 || day > 31) return Number.NaN;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 ? date.getTime() : Number.NaN;
}

/** Two numbers up to 31, a year and a time of day (ms, less its zone) in one number below 2^53. */
function packDate(first: number, second: number, year: number, clock: number): number {
  return ((year * 32 + first) * 32 + second) * CLOCK_RANGE + Math.floor(clock) + CLOCK_SHIFT;
}

/** The date of a packed one as it was written. */
export function packedText(packed: number): string {
  const date = Math.floor(packed / CLOCK_RANGE);
  return `${Math.floor(date / 32) % 32}/${date % 32}/${Math.floor(date / 1024)}`;
}

/** Milliseconds since 1970 of a packed date; NaN where that order gives no day. */
export function unpackDate(packed: number, order: 'dmy' | 'mdy'): number {
  const clock = (packed % CLOCK_RANGE) - CLOCK_SHIFT;
  const date = Math.floor(packed / CLOCK_RANGE);
  const [second, first, year] = [date % 32, Math.floor(date / 32) % 32, Math.floor(date / 1024)];
  return (order === 'dmy' ? utcDay(year, second, first) : utcDay(year, first, second)) + clock;
}

const OFFSET_RANGE = 2 ** 31;

/** The day and the number that `parseCell` found beside it. */
export function unpackOffset(packed: number): { day: number; offset: number } {
  const day = Math.floor(packed / OFFSET_RANGE);
  return { day: day * DAY, offset: packed - day * OFFSET_RANGE };
}

function numberTime(value: number): ParsedTime {
  const form = Number.isFinite(value) ? FORM.number : FORM.unreadable;
  return { form, value, hasZone: false, hasClock: true };
}

function nothing(form: number): ParsedTime {
  return { form, value: Number.NaN, hasZone: false, hasClock: false };
}

function yearFirst(match: RegExpExecArray, rest: string): ParsedTime {
  const [year, month, day] = match.length === 5 ? [match[1], match[3], match[4] ?? 1] : match.slice(1, 4);
  return dated(utcDay(Number(year), Number(month), Number(day)), rest);
}

function numericDate([, a, , b, y]: RegExpExecArray, rest: string): ParsedTime {
  const [first, second] = [Number(a), Number(b)];
  // 19-10-01: a number above 31 can only be a year.
  if (first > 31 && y.length === 2) return dated(utcDay(fullYear(a), second, Number(y)), rest);
  const year = fullYear(y);
  if (Number.isNaN(utcDay(year, first, second)) && Number.isNaN(utcDay(year, second, first))) {
    return nothing(FORM.impossible);
  }
  const parsed = dated(0, rest);
  if (parsed.form === FORM.offset) return nothing(FORM.unreadable);
  if (parsed.form !== FORM.instant) return parsed;
  return { ...parsed, form: FORM.numeric, value: packDate(first, second, year, parsed.value) };
}

/** 00 to 69 are 2000 to 2069, 70 to 99 are 1970 to 1999. */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length > 2) return year;
  return year < 70 ? 2000 + year : 1900 + year;
}

/** A day and what is written behind it: nothing, a time of day, or a whole number from a column of its own. */
function dated(day: number, rest: string): ParsedTime {
  // A date column that was exported as a midnight, joined with a time column.
  const behind = rest.replace(/^[T ,]+0?0:00(?::00)?(?:\.0+)?(?=\s+\S*\d)/, '');
  if (Number.isNaN(day)) return nothing(FORM.impossible);
  if (behind.trim() === '') return { form: FORM.instant, value: day, hasZone: false, hasClock: false };
  const number = /^ (\d{1,9})$/.exec(behind);
  if (number) {
    const value = (day / DAY) * OFFSET_RANGE + Number(number[1]);
    return { form: FORM.offset, value, hasZone: false, hasClock: true };
  }
  const clock = clockTime(behind);
  if (clock === null) return nothing(FORM.unreadable);
  if (Number.isNaN(clock.value)) return nothing(FORM.impossible);
  return { form: FORM.instant, value: day + clock.value, hasZone: clock.hasZone, hasClock: true };
}

/** Milliseconds since midnight, less the zone; NaN for 25:00; null where it is no time of day. */
function clockTime(text: string): { value: number; hasZone: boolean } | null {
  const bare = text.replace(/^[ ,:-]*(?:at |um )?/, '').trim();
  const match = BASIC_CLOCK.exec(bare) ?? CLOCK.exec(bare.replace(/^T ?/i, '')) ?? HOUR_CLOCK.exec(bare);
  if (!match) return null;
  const zone = match[6] ? zoneOffset(match[6]) : 0;
  if (zone === null) return null;
  const [minute, second] = [Number(match[2] ?? 0), Number(match[3] ?? 0)];
  const hour = match[5]
    ? (Number(match[1]) % 12) + (match[5].toLowerCase() === 'p' ? 12 : 0)
    : Number(match[1]);
  const isImpossible = hour > 24 || minute > 59 || second > 60 || (hour === 24 && minute + second > 0);
  const isTwelve = !match[5] || (Number(match[1]) >= 1 && Number(match[1]) <= 12);
  const fraction = match[4] ? Number(`0.${match[4]}`) * 1000 : 0;
  const value = ((hour * 60 + minute) * 60 + second) * 1000 + fraction - zone * 60_000;
  return { value: isImpossible || !isTwelve ? Number.NaN : value, hasZone: Boolean(match[6]) };
}

/** Minutes east of UTC; null where the zone is unknown. */
function zoneOffset(zone: string): number | null {
  const named = ZONES[zone.toLowerCase()];
  if (named !== undefined) return named;
  const match = ZONE.exec(zone);
  if (!match) return null;
  const [hours, minutes] = [Number(match[2]), Number(match[3] ?? 0)];
  if (hours > 15 || minutes > 59) return null;
  return (match[1] === '-' ? -1 : 1) * (hours * 60 + minutes);
}

/** Aug 28, 2012 · 28 August 2012 10:15 · 28-Aug-12 · Apr 03 18:00:09 +0000 2012 */
function namedMonth(text: string): ParsedTime {
  const spaced = text.replace(
    /^(\d{1,2})[-/. ]+(?:de )?(\p{L}+)[-/., ]+(?:de )?(\d{4}|\d{2})(?!\d|:)/u,
    '$1 $2 $3 ',
  );
  const clockInside =
    /^(\p{L}+)\.? (\d{1,2}),? (\d{1,2}:\d{2}(?::\d{2})?(?: ?[+-]\d{2}:?\d{2}| [A-Z]{1,4})?) (\d{4})$/u.exec(
      spaced,
    );
  if (clockInside) {
    const [, month, day, clock, year] = clockInside;
    return wordDate({ year, month, day }, ` ${clock}`);
  }
  const dayFirst = /^(\d{1,2})(?:st|nd|rd|th)?\.? (\p{L}+)\.?,? (\d{4}|\d{2})(?!\d|:)/iu.exec(spaced);
  if (dayFirst) {
    const [found, day, month, year] = dayFirst;
    return wordDate({ year, month, day }, spaced.slice(found.length));
  }
  const monthFirst = /^(\p{L}+)\.?[ -](\d{1,2})(?:st|nd|rd|th)?(?:,? |-)(\d{4})(?!\d|:)/iu.exec(spaced);
  if (monthFirst) {
    const [found, month, day, year] = monthFirst;
    return wordDate({ year, month, day }, spaced.slice(found.length));
  }
  const yearMonth = /^(\d{4})[-/ ](\p{L}+)[-/ ](\d{1,2})(?!\d|:)/u.exec(spaced);
  if (!yearMonth) return nothing(FORM.unreadable);
  const [found, year, month, day] = yearMonth;
  return wordDate({ year, month, day }, spaced.slice(found.length));
}

function wordDate(date: { year: string; month: string; day: string }, rest: string): ParsedTime {
  const name = date.month.toLowerCase();
  const month = MONTHS[name] ?? (FULL_MONTH.test(name) ? MONTHS[name.slice(0, 3)] : undefined);
  if (month === undefined) return nothing(FORM.unreadable);
  return dated(utcDay(fullYear(date.year), month, Number(date.day)), rest);
}

/** A time of day alone, or a whole number that may be one. */
export const CLOCK_CELL =
  /^(?:\d{1,2}[:.h]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?(?:\s*[ap]\.?m\.?)?|\d{1,2}\s*[ap]\.?m\.?|\d{1,9})$/i;
