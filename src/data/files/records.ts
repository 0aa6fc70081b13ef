/** Splits delimited text, which comes in pieces, into records. Work is linear in the text; lines without end are passed over. */
import { type QuotedRecord, type RowShape, readQuoted, type Separators } from './quotes';

/** A longer line is passed over. Characters. */
const MAX_LINE = 1024 * 1024;

export interface RecordEvents {
  /**
   * @param row counts records from 1, blank ones too
   * @param isCut whether the file ends without a line end behind it
   * @returns false to stop
   */
  onRecord(cells: string[], row: number, isCut: boolean): boolean | undefined;
  /** The record is read all the same. */
  onProblem(row: number, kind: string, found: string): void;
  /** There is no record. */
  onLost(row: number, kind: string, found: string): void;
}

export class RecordSplitter {
  readonly #by: Separators & RowShape;
  readonly #events: RecordEvents;
  #rest = '';
  #row = 0;
  #isSkipping = false;
  #isStopped = false;

  constructor(by: Separators & RowShape, events: RecordEvents) {
    this.#by = by;
    this.#events = events;
  }

  /** @returns whether more is wanted */
  push(piece: string): boolean {
    if (!this.#isStopped) this.#split(this.#rest + piece, false);
    return !this.#isStopped;
  }

  /** Nothing follows. */
  end(): void {
    if (!this.#isStopped && this.#rest !== '') this.#split(this.#rest, true);
  }

  #split(text: string, isLast: boolean): void {
    const { newline, delimiter } = this.#by;
    let at = this.#isSkipping ? this.#skip(text) : 0;
    let quote = text.indexOf('"', at);
    while (at < text.length && !this.#isStopped) {
      const end = text.indexOf(newline, at);
      if (end < 0 && !isLast && (quote < 0 || text.length - at > MAX_LINE)) break;
      const stop = end < 0 ? text.length : end;
      if (stop - at > MAX_LINE) {
        this.#tooLong(text.slice(at, at + 100));
        at = stop + 1;
        continue;
      }
      if (quote >= 0 && quote < at) quote = text.indexOf('"', at);
      if (quote >= 0 && quote < stop) {
        // A record whose line has not ended may go on in quotes or not; both need the line's end.
        const record = end < 0 && !isLast ? null : readQuoted(text, at, this.#by, isLast);
        if (!record) break;
        this.#quoted(record, text, at, isLast);
        at = record.next;
        continue;
      }
      if (end < 0 && !isLast) break;
      const lineStop = newline === '\n' && stop > at && text.charCodeAt(stop - 1) === 13 ? stop - 1 : stop;
      this.#tell(text.slice(at, lineStop).split(delimiter), end < 0);
      at = stop + 1;
    }
    this.#rest = text.slice(Math.min(at, text.length));
    if (this.#rest.length > MAX_LINE && !isLast) {
      this.#tooLong(this.#rest.slice(0, 100));
      this.#rest = '';
      this.#isSkipping = true;
    }
  }

  #quoted(record: QuotedRecord, text: string, at: number, isLast: boolean): void {
    if (record.problem)
      this.#events.onProblem(this.#row + 1, record.problem, text.slice(at, Math.min(record.next, at + 100)));
    this.#tell(record.cells, isLast && record.next > text.length);
  }

  #tell(cells: string[], isCut: boolean): void {
    this.#row++;
    if (this.#events.onRecord(cells, this.#row, isCut) === false) this.#isStopped = true;
  }

  #tooLong(found: string): void {
    this.#row++;
    this.#events.onLost(this.#row, `a line longer than ${MAX_LINE} characters; it is not read`, found);
  }

  /** Where the next line starts after one that is passed over. */
  #skip(text: string): number {
    const end = text.indexOf(this.#by.newline);
    this.#isSkipping = end < 0;
    return end < 0 ? text.length : end + 1;
  }
}
