/**
 * Numbers as people write them. Whether a comma is the decimal mark is decided by the whole column, since 1,234 alone
 * can be read both ways.
 */
import { counted, verb } from '../words';
import { isNone } from './none';

/** Codes from here on stand for cells that can be read both ways. No number of a data file is as large. */
const AMBIGUOUS = 2 ** 52;
/** Cells named for each kind of problem. */
const NAMED = 5;

export interface BadCells {
  /** What is wrong, in words that are the same for every such cell. */
  kind: string;
  count: number;
  /** The first of them. */
  rows: { row: number; cell: string }[];
}

export interface ReadNumbers {
  /** The number that a code from `add` stands for; NaN where there is none. */
  value(code: number): number;
  /** "numbers with a decimal comma" */
  words: string;
  bad: BadCells[];
  /** Cells that say there is no number. */
  missing: number;
  remarks: string[];
}

const PLAIN = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const EITHER = /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/;
const COMMA_GROUPS = /^[+-]?[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}(?:\.\d*)?$/;
const POINT_GROUPS = /^[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?$/;
const COMMA_DECIMAL = /^[+-]?\d*,\d+$/;
/** Currency signs and codes, per cent, spaces between thousands and the Swiss apostrophe. */
const ORNAMENT =
  /[\p{Sc}%\s'’_]|\b(?:usd|eur|gbp|chf|jpy|cny|rmb|inr|rub|brl|pln|czk|sek|nok|dkk|kr|zł|aud|cad|mxn|try|krw)\b\.?|^r(?=\$)/giu;

/** One column of numbers: `add` every cell, keep the codes, `finish`, and read the codes. */
export class NumberColumn {
  #commas = 0;
  #points = 0;
  #missing = 0;
  #unreadable = 0;
  readonly #bad: { row: number; cell: string }[] = [];
  readonly #cells: string[] = [];
  readonly #codes = new Map<string, number>();

  /**
   * A code, to be read when the column is known: mostly the number itself. NaN where the cell holds none.
   * @param row to name it by if it cannot be read
   */
  add(cell: string, row: number): number {
    const trimmed = cell.trim();
    if (isNone(trimmed)) {
      this.#missing++;
      return Number.NaN;
    }
    const text = PLAIN.test(trimmed) ? trimmed : plainText(trimmed);
    if (EITHER.test(text)) return this.#ambiguous(text);
    const value = this.#clear(text);
    if (Number.isFinite(value) && Math.abs(value) < AMBIGUOUS) return value;
    this.#unreadable++;
    if (this.#bad.length < NAMED) this.#bad.push({ row, cell });
    return Number.NaN;
  }

  /** A number that can be read in one way only; it tells how the others are to be read. */
  #clear(text: string): number {
    if (PLAIN.test(text)) {
      if (text.includes('.')) this.#points++;
      return Number(text);
    }
    if (COMMA_GROUPS.test(text)) {
      this.#points++;
      return Number(text.replaceAll(',', ''));
    }
    if (POINT_GROUPS.test(text) || COMMA_DECIMAL.test(text)) {
      this.#commas++;
      return Number(text.replaceAll('.', '').replace(',', '.'));
    }
    return Number.NaN;
  }

  #ambiguous(text: string): number {
    let code = this.#codes.get(text);
    if (code === undefined) {
      code = AMBIGUOUS + this.#cells.length;
      this.#codes.set(text, code);
      this.#cells.push(text);
    }
    return code;
  }

  finish(): ReadNumbers {
    const isComma = this.#commas > this.#points;
    const isOpen = this.#commas === 0 && this.#points === 0 && this.#cells.some((cell) => cell.includes(','));
    const grouping = isComma ? '.' : ',';
    const values = this.#cells.map((cell) => Number(cell.replaceAll(grouping, '').replace(',', '.')));
    const remarks: string[] = [];
    if (this.#commas > 0 && this.#points > 0) {
      const fewer = Math.min(this.#commas, this.#points);
      remarks.push(
        `Decimal commas and decimal points are mixed: ${counted(fewer, 'cell')} ${verb(fewer, 'is', 'are')} written unlike the others, each is read by its own form.`,
      );
    }
    if (isOpen) {
      remarks.push(
        `Commas before three digits (${this.#cells.find((cell) => cell.includes(','))}) are taken for thousands: no row tells.`,
      );
    }
    return {
      value: (code) => (code >= AMBIGUOUS ? values[code - AMBIGUOUS] : code),
      words: isComma ? 'numbers with a decimal comma' : 'numbers',
      bad:
        this.#unreadable === 0
          ? []
          : [{ kind: 'no number that can be read', count: this.#unreadable, rows: this.#bad }],
      missing: this.#missing,
      remarks,
    };
  }
}

/** Without currency and spaces; (5) and 5- as -5. */
function plainText(cell: string): string {
  const text = cell.replace(ORNAMENT, '').replace(/[−–]/g, '-');
  const negative = /^\((.*)\)$/.exec(text) ?? /^(.*\d)-$/.exec(text);
  return negative ? `-${negative[1]}` : text;
}
