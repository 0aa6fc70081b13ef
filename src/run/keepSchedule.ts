/** When a run is kept while a stage is under way: often enough that little work is at risk, seldom enough to cost little. */

/** Seconds of work that a tab may lose at most, whatever keeping costs. */
const MOST_AT_RISK = 60;
/** Of the time, as long as no more work is at risk: what keeping may take. */
const SHARE = 0.02;
/** Seconds between two checkpoints, however little they cost. */
const LEAST = 5;

/** All times in seconds of one clock. */
export class KeepSchedule {
  #kept: number;
  #asked: number;
  /** Of the newest checkpoint. */
  #cost = 0;

  constructor(now: number) {
    this.#kept = now;
    this.#asked = now;
  }

  /** To be asked at every step boundary: whether this is one at which to keep the run. */
  isDue(now: number): boolean {
    // The next boundary is likely to be as far away as this one was from the last.
    const gap = now - this.#asked;
    this.#asked = now;
    const atRisk = now - this.#kept;
    return atRisk >= Math.max(LEAST, this.#cost / SHARE) || atRisk + gap + this.#cost > MOST_AT_RISK;
  }

  /** A checkpoint of the work up to `from` was written by `until`. */
  kept(from: number, until: number): void {
    this.#kept = from;
    this.#cost = until - from;
  }
}
