/** Judges that go on beside the stage under way: begun when their turn comes, awaited where a stage needs them, and kept meanwhile. */
import { JUDGES_HERE, type Judges } from './judgeLine';
import type { JudgeName, JudgeResult, JudgeTask, Judging } from './judging';
import type { RunState } from './runState';

/** Seconds between two looks at whether the run is to rest or to stop, while judges are waited for. */
const LOOK_SECONDS = 0.1;

export class Beside {
  readonly #state: RunState;
  readonly #open: (() => Judges) | null;
  #judges: Judges | null = null;
  readonly #under = new Map<JudgeName, { judging: Judging; over: Promise<void> }>();
  #failure: { error: unknown } | null = null;
  #isEnded = false;

  /** @param open a worker of their own; null where judges are trained in this thread */
  constructor(state: RunState, open: (() => Judges) | null) {
    this.#state = state;
    this.#open = open;
  }

  /** Whether judges take no time of the run's, and need not be waited for. */
  get isApart(): boolean {
    return this.#judges?.isApart ?? this.#open !== null;
  }

  /**
   * Begins a judge, or goes on with what is kept of it.
   * @param take what comes of it
   */
  begin(
    name: JudgeName,
    task: JudgeTask,
    onProgress: (done: number, total: number) => void,
    take: (result: JudgeResult) => Promise<void>,
  ): void {
    const state = this.#state;
    const isUnderWay = state.stage === name;
    const kept = state.beside?.[name] ?? (isUnderWay ? state.work : { parts: {} });
    state.beside = { ...state.beside, [name]: kept };
    this.#judges ??= this.#started();
    const judging = this.#judges.begin(name, task, kept, onProgress);
    const over = judging.done
      .then(async (result) => {
        if (this.#isEnded) return;
        const { [name]: _done, ...others } = state.beside ?? {};
        if (Object.keys(others).length > 0) state.beside = others;
        else delete state.beside;
        await take(result);
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#under.delete(name));
    this.#under.set(name, { judging, over });
  }

  #started(): Judges {
    try {
      return this.#open?.() ?? JUDGES_HERE;
    } catch {
      // No worker may be started here.
      return JUDGES_HERE;
    }
  }

  /** @throws what a judge threw: the run cannot do without it */
  check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Waits for all of them, or for a moment; whether all are done. */
  async wait(): Promise<boolean> {
    const over = Promise.all([...this.#under.values()].map((each) => each.over));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const moment = new Promise((resolve) => {
      timer = setTimeout(resolve, LOOK_SECONDS * 1000);
    });
    await Promise.race([over, moment]);
    clearTimeout(timer);
    this.check();
    return this.#under.size === 0;
  }

  /** Brings what stands in the state up to date with what is under way. */
  async read(): Promise<void> {
    const state = this.#state;
    for (const [name, { judging }] of this.#under) {
      const standing = await judging.standing();
      if (standing !== null && state.beside?.[name] !== undefined)
        state.beside = { ...state.beside, [name]: standing };
    }
  }

  /** Gives up what is not done. */
  end(): void {
    this.#isEnded = true;
    this.#judges?.end();
  }
}
