/** Ids as data files write them: text, but for the marks that a spreadsheet or pandas leaves on whole numbers. */
import { counted, verb } from '../words';
import { isNone } from './none';

/** As many shortened ids are told apart; more are only said to be more. */
const MAX_SHORTENED = 10_000;
/** Excel shortens whole numbers from twelve digits on. Below, R and pandas write them like that without loss. */
const SHORTENED_EXPONENT = 11;

const WHOLE = /^[+-]?\d+$/;
const FLOAT = /^([+-]?\d+)\.0+$/;
const SCIENTIFIC = /^(\d)(?:\.(\d+))?e\+(\d{2,3})$/i;
/** What a spreadsheet writes to keep a number text. */
const FORMULA = /^="(.*)"$/;

/** One column of ids, cell by cell; it remembers what it mended. */
export class IdColumn {
  readonly #role: 'user' | 'item';
  #whole = 0;
  #float = 0;
  #shortenedCells = 0;
  readonly #shortened = new Set<string>();

  constructor(role: 'user' | 'item') {
    this.#role = role;
  }

  /**
   * The id that a cell holds: trimmed, case and leading zeros kept, `100.0` as `100`, `1e+05` as `100000`. null where
   * the cell says that there is none (empty, NaN, NULL, None, NA, N/A, nil, \N, undefined).
   */
  clean(cell: string): string | null {
    let id = cell.trim();
    if (isNone(id)) return null;
    const first = id.charCodeAt(0);
    if (first === 61) id = FORMULA.exec(id)?.[1].trim() ?? id;
    if (isNone(id)) return null;
    const isNumeric = (first >= 48 && first <= 57) || first === 45 || first === 43 || first === 61;
    return isNumeric ? this.#number(id) : id;
  }

  #number(id: string): string {
    if (WHOLE.test(id)) {
      this.#whole++;
      return id;
    }
    const float = FLOAT.exec(id);
    if (float) {
      this.#float++;
      return float[1];
    }
    const scientific = SCIENTIFIC.exec(id);
    return scientific ? this.#written(id, scientific) : id;
  }

  /** A whole number in scientific notation, written out where no digit of it is lost. */
  #written(id: string, [, first, rest = '', exponentText]: RegExpExecArray): string {
    const exponent = Number(exponentText);
    const isWhole = rest.slice(exponent).replaceAll('0', '') === '';
    const isComplete = rest.length >= exponent || exponent < SHORTENED_EXPONENT;
    if (isWhole && isComplete) {
      this.#whole++;
      return first + rest.slice(0, exponent).padEnd(exponent, '0');
    }
    this.#shortenedCells++;
    if (this.#shortened.size < MAX_SHORTENED) this.#shortened.add(id.toUpperCase());
    return id.toUpperCase();
  }

  /** What a person must know of this column, in sentences. */
  remarks(): string[] {
    const remarks: string[] = [];
    if (this.#float > 0 && this.#whole > 0) {
      remarks.push(
        `Some ${this.#role} ids are written as 100 and others as 100.0 (${counted(this.#float, 'cell')}): both are taken for the same ${this.#role}.`,
      );
    }
    if (this.#shortenedCells > 0) {
      const { size } = this.#shortened;
      const distinct = size < MAX_SHORTENED ? `${size}` : `at least ${size}`;
      remarks.push(
        `A spreadsheet shortened ${this.#role} ids (${[...this.#shortened].slice(0, 3).join(', ')}): ${counted(this.#shortenedCells, 'cell')} ` +
          `${verb(this.#shortenedCells, 'holds', 'hold')} ${distinct} distinct ${verb(size, 'one', 'ones')}, each of which may stand for several. Export the column as text.`,
      );
    }
    return remarks;
  }
}
