/** What the numbers of a time column count: seconds, milliseconds, days of a spreadsheet, 20191001, or nothing but an order. */
import { utcDay } from './timeForms';

/** Smaller numbers are ranks. 1e8 seconds are in March 1973. */
const LEAST_EPOCH = 1e8;

/** By magnitude: each from `least` to a thousand times that, which is 1973 to 5138 in all of them. */
const EPOCH_UNITS = [
  { name: 'seconds', least: LEAST_EPOCH, milliseconds: 1000 },
  { name: 'milliseconds', least: 1e11, milliseconds: 1 },
  { name: 'microseconds', least: 1e14, milliseconds: 1e-3 },
  { name: 'nanoseconds', least: 1e17, milliseconds: 1e-6 },
] as const;

/** 1954 to 2064 as Excel counts days. */
const EXCEL = [20_000, 60_000] as const;

type Unit = 'rank' | 'excel' | 'digits' | 'epoch';

/** Counts the numbers of a column by their magnitude, and says how each is to be read. */
export class NumberUnits {
  readonly #byUnit = new Float64Array(EPOCH_UNITS.length);
  #small = 0;
  #smallDigits = 0;
  #largeDigits = 0;
  #excel = 0;
  #total = 0;
  readonly #isBesideDates: boolean;

  /** @param isBesideDates whether the column has dates too: then a few epochs are enough to be read as such */
  constructor(isBesideDates: boolean) {
    this.#isBesideDates = isBesideDates;
  }

  /** A 0 tells nothing. */
  add(value: number): void {
    if (value === 0) return;
    this.#total++;
    const unit = unitOf(value);
    if (unit < 0) this.#small++;
    else this.#byUnit[unit]++;
    if (value >= EXCEL[0] && value <= EXCEL[1]) this.#excel++;
    if (!Number.isNaN(digitsTime(value))) {
      if (unit < 0) this.#smallDigits++;
      else this.#largeDigits++;
    }
  }

  /**
   * `excel`: all numbers (but 0) lie between 20,000 and 60,000. `digits`: 95 in 100 or more are dates written as
   * digits, 20191001 or 20191001101500. `epoch`: most are large enough. Else `rank`.
   */
  unit(): Unit {
    if (this.#total === 0) return 'rank';
    if (this.#excel === this.#total) return 'excel';
    if (this.#smallDigits + this.#largeDigits >= 0.95 * this.#total) return 'digits';
    const isEpoch = this.#small * (this.#isBesideDates ? 1 : 2) < this.#total;
    return isEpoch ? 'epoch' : 'rank';
  }

  /** Of one number, where the unit is `digits` or `epoch`; NaN where it is no time beside the others. */
  milliseconds(value: number): number {
    if (this.unit() === 'digits') return digitsTime(value);
    if (value === 0) return 0;
    const unit = unitOf(value);
    return unit < 0 ? Number.NaN : value * EPOCH_UNITS[unit].milliseconds;
  }

  words(): string {
    const unit = this.unit();
    if (unit === 'excel') return 'days as a spreadsheet counts them';
    if (unit === 'digits') return 'dates in digits, year first, taken as UTC';
    return `${EPOCH_UNITS[this.#main()].name} since 1970`;
  }

  /** A sentence where numbers are in several units; '' where they are not. */
  mixed(): string {
    if (this.unit() !== 'epoch') return '';
    const others = EPOCH_UNITS.map(({ name }, index) => ({ name, count: this.#byUnit[index], index })).filter(
      ({ count, index }) => count > 0 && index !== this.#main(),
    );
    if (others.length === 0) return '';
    const list = others.map(({ name, count }) => `${count} in ${name}`).join(', ');
    return `Times are in several units: most in ${EPOCH_UNITS[this.#main()].name}, ${list}. Each is read by its size.`;
  }

  #main(): number {
    return this.#byUnit.indexOf(this.#byUnit.reduce((most, count) => Math.max(most, count), 0));
  }
}

/** An index of `EPOCH_UNITS`; -1 for what is too small. */
function unitOf(value: number): number {
  const size = Math.abs(value);
  return EPOCH_UNITS.findLastIndex(({ least }) => size >= least);
}

/** A century's share in 20191001, 201910011015 and 20191001101500. */
const DIGIT_SCALES = [1e6, 1e10, 1e12];

/** 20191001, 201910011015 and 20191001101500, from 1900 to 2100, as milliseconds since 1970; NaN for others. */
function digitsTime(value: number): number {
  if (!DIGIT_SCALES.some((scale) => value >= 19 * scale && value < 21.1 * scale)) return Number.NaN;
  if (!Number.isInteger(value)) return Number.NaN;
  const text = String(value);
  const part = (start: number, end: number) => Number(text.slice(start, end) || 0);
  const [year, hour, minute, second] = [part(0, 4), part(8, 10), part(10, 12), part(12, 14)];
  if (year < 1900 || year > 2100 || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  return utcDay(year, part(4, 6), part(6, 8)) + ((hour * 60 + minute) * 60 + second) * 1000;
}
