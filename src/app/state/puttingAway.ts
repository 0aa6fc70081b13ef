/** Whether the page may go over from what is on show to a kept run, without anything being lost. */
import { computed, type ReadonlySignal } from '@preact/signals';
import type { NoticeLevel } from '../../run/report';
import type { SavedRun } from '../../worker/protocol';
import type { RunView } from './runView';

interface Tools {
  busy: ReadonlySignal<boolean>;
  /** The run on show is paused, and nothing that was asked of a person or the worker is still to be answered. */
  rests: ReadonlySignal<boolean>;
  /** Of the run on show. */
  runId: ReadonlySignal<string | null>;
  view: Pick<RunView, 'checkpoint' | 'changes' | 'drained'>;
  kept: { runs: ReadonlySignal<readonly SavedRun[]>; refresh(): Promise<void> };
  say(level: NoticeLevel, message: string): void;
}

/** Looks at the list, and milliseconds between two: what is changed at rest is written a moment later. */
const LOOKS = 10;
const BETWEEN = 100;

export function createPuttingAway({ busy, rests, runId, view, kept, say }: Tools) {
  /** Nothing is on show that cannot be put away: nothing trains, or what was trained rests. */
  const isFree = computed(() => !busy.value || rests.value);

  /**
   * Whether what rests on show is kept as it stands, and the run that is to follow is there. Says so where not.
   * @param next its id; null where none is to follow
   */
  async function isKept(next: string | null): Promise<boolean> {
    for (let look = 0; !(await isOwnKept()); look++) {
      if (look === LOOKS - 1) {
        say(
          'error',
          'The run on show is not kept as it stands, so it was not put away: let it go on until it is.',
        );
        return false;
      }
      await new Promise((resolve) => setTimeout(resolve, BETWEEN));
    }
    if (next === null) return true;
    const found = kept.runs.value.find(({ id }) => id === next);
    if (found !== undefined && !found.isElsewhere) return true;
    say('error', 'That run was deleted or is being trained in another tab, so it was not taken up.');
    return false;
  }

  /** Where its last checkpoint was not written, an older one is in the list, or none. */
  async function isOwnKept(): Promise<boolean> {
    await view.drained();
    await kept.refresh();
    const told = view.checkpoint.value;
    const found = kept.runs.value.find(({ id }) => id === runId.value);
    if (told === null || found === undefined) return false;
    const isThere = found.stage === told.stage && found.step === told.step;
    return isThere && JSON.stringify(found.changes ?? []) === JSON.stringify(view.changes.value);
  }

  return { isFree, isKept };
}
