/** Going over to another kept run: a fork that has just been made, or one that is taken up where it stopped. */
import { batch, type ReadonlySignal, type Signal } from '@preact/signals';
import type { ChangePlace, ForkPoint } from '../../run/forkPoints';
import type { NoticeLevel } from '../../run/report';
import type { CheckpointGeneration } from '../../store/checkpoints';
import type { ResumeFrom, SavedRun, TrainerApi } from '../../worker/protocol';
import { sentence } from '../words/sentence';
import type { Pending, Status } from './status';

interface Tools {
  status: Signal<Status>;
  pending: Signal<Pending | null>;
  busy: ReadonlySignal<boolean>;
  /** Nothing is on show that cannot be put away. */
  isFree: ReadonlySignal<boolean>;
  /** Whether what rests on show is kept as it stands, and the run that is to follow is there. */
  isKept(next: string | null): Promise<boolean>;
  /** A number that is another once another run begins, or the worker has died. */
  turn(): number;
  trainer(): Pick<TrainerApi, 'fork' | 'pauseAt'>;
  find(id: string): Promise<SavedRun | undefined>;
  start(saved: SavedRun, generation?: CheckpointGeneration, choice?: ResumeFrom['choice']): Promise<void>;
  pause(): Promise<void>;
  reset(): Promise<void>;
  say(level: NoticeLevel, message: string): void;
}

export function createTakingUp(tools: Tools) {
  const { status, pending, busy, isFree, isKept, turn, trainer, find, start, pause, reset, say } = tools;
  /** A second press would make a second fork. */
  let isForking = false;

  /**
   * Rests, and goes on with a second line of the run, which rests too: the first one is kept as it is.
   * @param of a kept run; left out, the run on show
   */
  async function fork(from: ForkPoint, of?: string): Promise<void> {
    if (isForking) return;
    isForking = true;
    try {
      if (status.value === 'running') await pause();
      if (status.value === 'running' || pending.value !== null) return;
      const { id } = await trainer().fork(from, of);
      const made = await find(id);
      // Before the run on show is put away.
      if (made === undefined) throw new Error('the browser did not keep it');
      if (!(await putAway(id))) return;
      void start(made);
      // The second line may be forked again while it comes to where it rests.
      isForking = false;
      const comesBefore = typeof from !== 'string' && made.step < from.step;
      await (comesBefore ? goOnTo(from) : pause());
    } catch (error) {
      say('error', `The run was not forked: ${sentence(error)}`);
    } finally {
      isForking = false;
    }
  }

  /** Takes the steps of a second line that the first one has taken already, and rests where they part. */
  async function goOnTo(change: ChangePlace): Promise<void> {
    say(
      'info',
      'Where the run stood just before that change is not kept any more, so the second line begins earlier. It takes the steps up to there again, under the changes before it, and rests.',
    );
    const began = turn();
    await trainer().pauseAt(change);
    if (began !== turn() || status.value !== 'running') return;
    batch(() => {
      pending.value = null;
      status.value = 'paused';
    });
  }

  /** Takes up a kept run as `start` does. One that rests on show is put away first, kept as it stands. */
  async function takeUp(
    saved: SavedRun,
    generation: CheckpointGeneration = 'newest',
    choice?: ResumeFrom['choice'],
  ): Promise<void> {
    if (await isCleared(saved.id)) await start(saved, generation, choice);
  }

  /**
   * Whether the worker is free, and what rested on show has been put away for it.
   * @param next the kept run that is to follow; null where none is
   */
  async function isCleared(next: string | null): Promise<boolean> {
    return isFree.value && (!busy.value || (await putAway(next)));
  }

  /** Clears the page. Where what rests on show is not kept as it stands, says so and leaves it there. */
  async function putAway(next: string | null): Promise<boolean> {
    if (status.value === 'paused') {
      const began = turn();
      pending.value = 'stopping';
      const may = await isKept(next);
      if (began !== turn()) return false;
      pending.value = null;
      if (!may) return false;
    }
    await reset();
    return true;
  }

  return { fork, takeUp, isCleared };
}
