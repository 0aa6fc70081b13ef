import { type FieldEdit, isBy, type RunChange } from './changes';
import { ConfigError } from './config';

/**
 * Pause, resume, step and stop, as a person presses them, and the wish to be kept, turned into the gate that a run awaits at its step boundaries.
 * It knows nothing of checkpoints: the run saves one when it finds itself about to wait.
 */
export class Controls {
  #state: 'running' | 'paused' | 'stopped' = 'running';
  /** Boundaries that may still be passed while paused. */
  #steps = 0;
  #wake: (() => void)[] = [];
  #waiting = 0;
  #onRest: (() => void)[] = [];
  #isKeepWanted = false;
  #onStop: (() => void)[] = [];
  #take: ((edits: readonly FieldEdit[]) => void) | null = null;
  /** Where it is to rest, once it comes there; null where nobody said so. */
  #goal: { at: Pick<RunChange, 'stage' | 'step'>; done(): void } | null = null;

  /** Takes effect at the next boundary. */
  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
    this.#steps = 0;
    // Whoever rests elsewhere decides anew where to rest next.
    this.#goal?.done();
    this.#goal = null;
  }

  /** Takes effect at the boundary before that step, or at the next one where the run is past it. Resolves then, or once it is paused before. */
  pauseAt(at: Pick<RunChange, 'stage' | 'step'>): Promise<void> {
    this.#goal?.done();
    return new Promise((done) => {
      this.#goal = { at, done };
    });
  }

  /** To be told at every boundary which step is next. */
  come(next: Pick<RunChange, 'stage' | 'step'>): void {
    if (this.#goal !== null && isBy(this.#goal.at, next)) this.pause();
  }

  resume(): void {
    if (this.#state === 'paused') this.#state = 'running';
    this.#notify();
  }

  /** One step, then paused again (also when it was running). */
  step(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'paused';
    this.#steps = 1;
    this.#notify();
  }

  /** For good: a stopped run is continued by a new one that resumes from its checkpoint. */
  stop(): void {
    this.#state = 'stopped';
    for (const resolve of this.#onStop.splice(0)) resolve();
    this.#notify();
  }

  /** Asks for a checkpoint at the next boundary, where the run does not rest: the tab may be about to go. */
  keep(): void {
    this.#isKeepWanted = true;
  }

  /** Whether a checkpoint was asked for since the last call. */
  takeKeep(): boolean {
    const isWanted = this.#isKeepWanted;
    this.#isKeepWanted = false;
    return isWanted;
  }

  /** Of a stage that can be changed while it goes on; null when it ends. */
  onChange(take: ((edits: readonly FieldEdit[]) => void) | null): void {
    this.#take = take;
  }

  /**
   * Changes fields of the run that is on, from the next step on.
   * @throws {ConfigError} where they cannot be changed now, or not to that
   */
  change(edits: readonly FieldEdit[]): void {
    if (this.#take === null) throw new ConfigError('no stage is under way whose settings can change.');
    this.#take(edits);
  }

  get stopped(): boolean {
    return this.#state === 'stopped';
  }

  /** What the next boundary will find: whether `pass` would wait. */
  get resting(): boolean {
    return this.#state === 'paused' && this.#steps === 0;
  }

  /** Resolves when the run rests at a boundary: at once if it does already. */
  async rested(): Promise<void> {
    if (this.#waiting === 0 || !this.resting)
      await new Promise<void>((resolve) => this.#onRest.push(resolve));
  }

  /** Rests until an answer comes, which is `stopped` when the run is stopped first. */
  async restFor<T>(answer: Promise<T>, stopped: T): Promise<T> {
    if (this.stopped) return stopped;
    const stop = new Promise<T>((resolve) => this.#onStop.push(() => resolve(stopped)));
    this.#waiting++;
    for (const resolve of this.#onRest.splice(0)) resolve();
    try {
      return await Promise.race([answer, stop]);
    } finally {
      this.#waiting--;
    }
  }

  /** Resolves at once while running, later when paused. */
  async pass(): Promise<'go' | 'stop'> {
    while (this.resting) {
      this.#waiting++;
      for (const resolve of this.#onRest.splice(0)) resolve();
      await new Promise<void>((resolve) => this.#wake.push(resolve));
      this.#waiting--;
    }
    if (this.#state === 'paused') this.#steps--;
    return this.#state === 'stopped' ? 'stop' : 'go';
  }

  #notify(): void {
    for (const resolve of this.#wake.splice(0)) resolve();
  }
}
