/** Other runs that charts draw behind the one on show: what an opened link has, the run before, and those that are pinned. */
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { NoticeLevel } from '../../run/report';
import type { SavedRun, TrainerApi } from '../../worker/protocol';
import { sentence } from '../words/sentence';
import type { RunColumns } from './columns';
import type { OtherRun, PinnedRun } from './pinnedRun';

interface BehindTools {
  linked: ReadonlySignal<{ found: { columns: RunColumns } | null } | null>;
  /** The id of the run on show. */
  shown: ReadonlySignal<string | null>;
  trainer(): TrainerApi;
  say(level: NoticeLevel, message: string): void;
  /** Keeps that a run is pinned, or is not any more. */
  keep(saved: SavedRun, pinned: boolean): Promise<void>;
}

export function createBehind({ linked, shown, trainer, say, keep }: BehindTools) {
  /** The run that was on show before. */
  const before = signal<OtherRun | null>(null);
  const pinned = signal<readonly PinnedRun[]>([]);
  const behind = computed((): readonly OtherRun[] => {
    const theirs = linked.value?.found;
    const told = theirs ? [{ id: 'link', label: 'as the link has it', columns: theirs.columns }] : [];
    const pins = pinned.value.filter(({ id }) => id !== shown.value);
    const isThere = (id: string) => id === shown.value || pins.some((pin) => pin.id === id);
    const last = before.value !== null && !isThere(before.value.id) ? [before.value] : [];
    return [...told, ...last, ...pins];
  });

  function unpin(id: string): void {
    pinned.value = pinned.value.filter((run) => run.id !== id);
  }

  /** Keeps a finished run beside whatever is on show, or lets go of it. */
  async function pin(saved: SavedRun): Promise<void> {
    const isPinned = pinned.value.some(({ id }) => id === saved.id);
    if (isPinned) unpin(saved.id);
    else if (!(await show(saved))) return;
    await keep(saved, !isPinned);
  }

  async function show(saved: SavedRun): Promise<boolean> {
    try {
      const { pinnedRun } = await import('./pinnedRun');
      const made = await pinnedRun(saved, trainer());
      unpin(saved.id);
      pinned.value = [...pinned.value, made];
      return true;
    } catch (error) {
      say('error', `The run was not pinned: ${sentence(error)}`);
      return false;
    }
  }

  /** Those that were pinned when the page was left. */
  async function restore(runs: readonly SavedRun[]): Promise<void> {
    for (const saved of runs) if (saved.note?.pinned) await show(saved);
  }

  return { before, pinned, behind, pin, unpin, restore };
}
