/**
 * How long a stage will still take, from when its units were done. First units compile, some wait for held-out users, and a machine
 * gets slower: so it goes by the newest ordinary pieces, and counts pauses apart.
 */

interface Piece {
  /** Units done at its end, and in it. */
  at: number;
  units: number;
  /** Of each unit. */
  seconds: number;
}

/** Shorter ones are joined: results of several steps may arrive together. */
const SHORTEST = 0.2;
/** The newest pieces that count. */
const WINDOW = 32;
/** Times the median beyond which a piece has waited for something else. */
const PAUSED = 3;

export class TimeLeft {
  #total = Number.NaN;
  #last: { done: number; seconds: number };
  #pieces: Piece[] = [];
  #pauses: Piece[] = [];

  /** @param from units that are done when the clock begins */
  constructor(from: number) {
    this.#last = { done: from, seconds: 0 };
  }

  /**
   * To be told in order. Another total is another kind of unit, as when held-out users are asked after the last step.
   * @param seconds on a clock that rests when the run does
   * @returns seconds; null while too little is known
   */
  after(done: number, total: number, seconds: number): number | null {
    if (done === total) return 0;
    if (Number.isNaN(this.#total)) this.#total = total;
    if (total !== this.#total || done < this.#last.done) {
      this.#total = total;
      this.#last = { done, seconds };
      this.#pieces = [];
      this.#pauses = [];
      return null;
    }
    const units = done - this.#last.done;
    const taken = seconds - this.#last.seconds;
    if (units > 0 && taken >= SHORTEST) {
      this.#take({ at: done, units, seconds: taken / units });
      this.#last = { done, seconds };
    }
    return this.#eachUnit((each) =>
      Math.max(0, each * (total - this.#last.done) - (seconds - this.#last.seconds)),
    );
  }

  #take(piece: Piece): void {
    const before = this.#newest();
    if (before.length >= 2 && piece.seconds > PAUSED * median(before)) this.#pauses.push(piece);
    this.#pieces.push(piece);
  }

  /** The first piece compiles. */
  #newest(): readonly Piece[] {
    return this.#pieces.slice(Math.max(1, this.#pieces.length - WINDOW));
  }

  #eachUnit(tell: (seconds: number) => number): number | null {
    const newest = this.#newest();
    if (newest.length < 2) return null;
    const usual = median(newest);
    const ordinary = newest.filter((piece) => piece.seconds <= PAUSED * usual);
    const units = ordinary.reduce((sum, piece) => sum + piece.units, 0);
    const each = ordinary.reduce((sum, piece) => sum + piece.units * piece.seconds, 0) / units;
    // One pause may have been the only one; from two on there is a period.
    const pauses = this.#pauses.filter((piece) => piece.seconds > PAUSED * usual);
    if (pauses.length < 2) return tell(each);
    const period = (pauses[pauses.length - 1].at - pauses[0].at) / (pauses.length - 1);
    const excess = pauses.map((piece) => (piece.seconds - each) * piece.units).sort((a, b) => a - b);
    return tell(each + excess[(excess.length - 1) >> 1] / period);
  }
}

/** Of the seconds of a unit, each piece once; the lower of two. */
function median(pieces: readonly Piece[]): number {
  const sorted = pieces.map(({ seconds }) => seconds).sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1];
}
