/**
 * How much a GPU is given at once. Desktop drivers end a command that runs for seconds (Windows after two), and while one runs nothing
 * else is drawn. So a list of dispatches that is known to take long is submitted in several parts. Results do not depend on it.
 */

/** Milliseconds that a part should take: a fourth of the second that none may, since dispatches differ. */
const PART = 250;
/** Dispatches of a part as long as nothing is known of a list. */
const UNKNOWN = 16;

export class Pace {
  /** Milliseconds per dispatch of a list, when it ran last. */
  readonly #known = new WeakMap<object, number>();
  /** When what was timed last was done. */
  #lastDone = Number.NEGATIVE_INFINITY;

  /** Into how many parts to cut so many dispatches of a list. */
  parts(list: object, dispatches: number): number {
    const each = this.#known.get(list);
    const most = each === undefined ? UNKNOWN : Math.max(1, Math.floor(PART / each));
    return Math.max(1, Math.ceil(dispatches / most));
  }

  /** So many dispatches of a list took so many milliseconds. */
  learn(list: object, dispatches: number, ms: number): void {
    if (dispatches > 0) this.#known.set(list, Math.max(ms, Number.EPSILON) / dispatches);
  }

  /**
   * Milliseconds that the GPU took for what was submitted at one time and done at another: what waited for work that was timed before it
   * took those since that was done. To be told of each in order.
   */
  took(submitted: number, done: number): number {
    const ms = done - Math.max(submitted, this.#lastDone);
    this.#lastDone = done;
    return ms;
  }
}
