/** Other runs that charts draw behind the one on show: what an opened link has, the run before, and those that are pinned. */
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { RunConfig } from '../../run/config';
import type { Report } from '../../run/report';
import type { RunColumns } from './columns';

export interface OtherRun {
  /** Of a run; `link` for what an opened link has. */
  id: string;
  /** In words, for a legend. */
  label: string;
  columns: RunColumns;
}

/** A finished run that stays beside whatever is on show. */
export interface PinnedRun extends OtherRun {
  config: RunConfig;
  report: Report;
}

/** @param shown the id of the run on show */
export function createBehind(
  linked: ReadonlySignal<{ found: { columns: RunColumns } | null } | null>,
  shown: ReadonlySignal<string | null>,
) {
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
  return { before, pinned, behind };
}
