/** The line to a worker in which judges are trained beside a run: what goes over it, and both of its ends. */
import { beginJudge, type JudgeName, type JudgeResult, type JudgeTask, type Judging } from './judging';
import type { KeptPart } from './workbench';

type ToJudges =
  | { type: 'begin'; name: JudgeName; task: JudgeTask; kept: KeptPart }
  | { type: 'read'; name: JudgeName };

type FromJudges =
  | { type: 'progress'; name: JudgeName; done: number; total: number }
  | { type: 'standing'; name: JudgeName; kept: KeptPart | null }
  | { type: 'done'; name: JudgeName; result: JudgeResult }
  | { type: 'failed'; name: JudgeName; message: string };

/** A worker, of a browser or of Node. */
export interface JudgeLine {
  post(message: unknown): void;
  /** @param onCrash the worker could not be loaded, or broke down */
  listen(onMessage: (message: unknown) => void, onCrash: () => void): void;
  end(): void;
}

/** Who trains judges beside a run. */
export interface Judges {
  /** Whether they take no time of this thread. */
  readonly isApart: boolean;
  begin(
    name: JudgeName,
    task: JudgeTask,
    kept: KeptPart,
    onProgress: (done: number, total: number) => void,
  ): Judging;
  /** What is not done is given up: nobody hears of it any more. */
  end(): void;
}

/** In this thread, for want of another. */
export const JUDGES_HERE: Judges = { isApart: false, begin: beginJudge, end() {} };

interface Pending {
  /** To be begun here instead. */
  begin(): Judging;
  /** Once it is. */
  here: Judging | null;
  onProgress(done: number, total: number): void;
  settle(result: Promise<JudgeResult>): void;
  reads: ((kept: KeptPart | null) => void)[];
}

/** What can be posted of a task: functions cannot, and a judge calls none. */
function postable(task: JudgeTask): JudgeTask {
  const { dataset } = task;
  const { oracle: _oracle, slices: _slices, newcomers: _newcomers, lore, ...rest } = dataset;
  const plain = { ...rest, facts: [], notes: [], ...(lore && { lore: { needs: lore.needs } }) };
  return { ...task, dataset: plain as unknown as JudgeTask['dataset'] };
}

/** The run's end of the line. Where the worker breaks down, what it was at is begun again in this thread. */
export function judgesThrough(line: JudgeLine): Judges {
  const pending = new Map<JudgeName, Pending>();
  const answer = (name: JudgeName, kept: KeptPart | null) => {
    for (const tell of pending.get(name)?.reads.splice(0) ?? []) tell(kept);
  };
  const settle = (name: JudgeName, result: Promise<JudgeResult>) => {
    answer(name, null);
    pending.get(name)?.settle(result);
    pending.delete(name);
  };
  let isBroken = false;
  line.listen(
    (told) => {
      const message = told as FromJudges;
      const { name } = message;
      if (message.type === 'progress') pending.get(name)?.onProgress(message.done, message.total);
      else if (message.type === 'standing') answer(name, message.kept);
      else if (message.type === 'done') settle(name, Promise.resolve(message.result));
      else settle(name, Promise.reject(new Error(message.message)));
    },
    () => {
      isBroken = true;
      for (const [name, each] of pending) {
        each.here = each.begin();
        settle(name, each.here.done);
      }
    },
  );
  return {
    get isApart() {
      return !isBroken;
    },
    begin(name, task, kept, onProgress) {
      if (isBroken) return beginJudge(name, task, kept, onProgress);
      const begin = () => beginJudge(name, task, kept, onProgress);
      const own: Pending = { begin, here: null, onProgress, settle: () => {}, reads: [] };
      const done = new Promise<JudgeResult>((resolve) => {
        own.settle = resolve;
      });
      pending.set(name, own);
      line.post({ type: 'begin', name, task: postable(task), kept } satisfies ToJudges);
      return {
        done,
        async standing() {
          if (own.here !== null) return own.here.standing();
          if (pending.get(name) !== own) return null;
          line.post({ type: 'read', name } satisfies ToJudges);
          return new Promise((resolve) => void own.reads.push(resolve));
        },
      };
    },
    end() {
      line.end();
      for (const name of [...pending.keys()]) answer(name, null);
      pending.clear();
    },
  };
}

const PROGRESS_MS = 100;

/** The worker's end: judges one after another, in the order in which they come. */
export function serveJudges(
  post: (message: unknown) => void,
  listen: (take: (message: unknown) => void) => void,
) {
  const say = (message: FromJudges) => post(message);
  const waiting = new Map<JudgeName, KeptPart>();
  let under: { name: JudgeName; judging: Judging } | null = null;
  let last: Promise<void> = Promise.resolve();

  const train = async ({ name, task, kept }: Extract<ToJudges, { type: 'begin' }>) => {
    waiting.delete(name);
    let told = Number.NEGATIVE_INFINITY;
    const judging = beginJudge(name, task, kept, (done, total) => {
      if (performance.now() - told < PROGRESS_MS) return;
      told = performance.now();
      say({ type: 'progress', name, done, total });
    });
    under = { name, judging };
    try {
      say({ type: 'done', name, result: await judging.done });
    } catch (error) {
      say({ type: 'failed', name, message: error instanceof Error ? error.message : String(error) });
    }
    under = null;
  };

  listen((told) => {
    const message = told as ToJudges;
    const { name } = message;
    if (message.type === 'begin') {
      waiting.set(name, message.kept);
      last = last.then(() => train(message));
    } else if (under?.name === name)
      void under.judging.standing().then((kept) => say({ type: 'standing', name, kept }));
    else say({ type: 'standing', name, kept: waiting.get(name) ?? null });
  });
}
