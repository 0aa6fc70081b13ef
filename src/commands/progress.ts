/** Progress of a run as lines of text: one when a stage ends, and now and then one while it lasts. */
import type { Compiling } from '../gpu/device';
import type { Divergence, DivergenceChoice } from '../run/divergence';
import type { RunEvent, StageName } from '../run/report';

/** Seconds between two lines of one stage. */
const INTERVAL = 10;

export interface StageProgress {
  name: StageName;
  status: 'waiting' | 'running' | 'done';
  step: number;
  steps: number;
  secondsLeft: number | null;
  seconds: number | null;
}

/** What was said last of a stage, and when, in seconds. */
interface StageLine {
  status: StageProgress['status'];
  at: number;
  step: number;
  started: number;
}

export class ProgressLines {
  readonly #say: (line: string) => void;
  readonly #clock: () => number;
  readonly #last = new Map<StageName, StageLine>();
  readonly #told = new Set<string>();
  /** When something was said of compiling last. */
  #compiledAt: number | null = null;

  /** @param clock seconds */
  constructor(say: (line: string) => void, clock: () => number = () => performance.now() / 1000) {
    this.#say = say;
    this.#clock = clock;
  }

  /** Takes a stage's present state; prints when there is news. */
  stage({ name, status, step, steps, secondsLeft, seconds }: StageProgress): void {
    if (status === 'waiting') return;
    const now = this.#clock();
    const last = this.#last.get(name) ?? { status: 'waiting', at: now, step: 0, started: now };
    const quiet = now - last.at < INTERVAL || step === last.step;
    if (status === 'done' ? last.status === 'done' : quiet) {
      if (last.status === 'waiting') this.#last.set(name, { ...last, status });
      return;
    }
    this.#last.set(name, { status, at: now, step, started: last.started });
    const label = `  ${name.padEnd(10)}`;
    if (status === 'done') this.#say(`${label}done in ${(seconds ?? now - last.started).toFixed(1)} s`);
    else
      this.#say(
        `${label}${step}/${steps}${secondsLeft === null ? '' : `, ${Math.ceil(secondsLeft)} s left`}`,
      );
  }

  /** Prints now and then how far compiling is, where it lasts. */
  compiling(now: Compiling | null): void {
    const at = this.#clock();
    if (now === null || now.built === now.asked) this.#compiledAt = null;
    else if (this.#compiledAt === null) this.#compiledAt = at;
    else if (at - this.#compiledAt >= INTERVAL) {
      this.#compiledAt = at;
      this.#say(`  compiling kernels ${now.built} of ${now.asked}`);
    }
  }

  /** Prints each notice once. */
  notice(level: 'info' | 'warning' | 'error', message: string): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.#say(`  ${level}: ${message}`);
  }

  /** Prints that training ran away, and what is done about it. */
  divergence({ sentence }: Divergence, choice: DivergenceChoice): void {
    const done = { 'go-on': 'It goes on.', 'go-back': 'It goes back.', stop: 'It stops.' };
    this.#say(`  warning: ${sentence} ${done[choice]}`);
  }

  /** For a run in this process: turns its events into the same lines. */
  event(event: RunEvent): void {
    if (event.type === 'divergence' && event.decided !== null)
      this.divergence(event.found, event.decided.choice);
    if (event.type === 'compiling') this.compiling(event);
    if (event.type === 'notice') this.notice(event.level, event.message);
    if (event.type === 'progress') this.stage({ ...event, status: 'running', seconds: null });
    if (event.type === 'stage')
      this.stage({
        name: event.name,
        status: event.status === 'finished' ? 'done' : 'running',
        step: 0,
        steps: event.steps,
        secondsLeft: null,
        seconds: null,
      });
  }
}
