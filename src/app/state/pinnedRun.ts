/** A finished run as charts and tables draw it beside another. Loaded when somebody pins one. */
import type { RunConfig } from '../../run/config';
import type { Report } from '../../run/report';
import type { SavedRun, TrainerApi } from '../../worker/protocol';
import { runName } from '../words/runNames';
import type { RunColumns } from './columns';
import { createRunView } from './runView';
import { settingsOf } from './settings';

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

/** @throws Error where no report of it is kept */
export async function pinnedRun(saved: SavedRun, trainer: Pick<TrainerApi, 'openRun'>): Promise<PinnedRun> {
  const opened = await trainer.openRun(saved.id, false);
  if (opened === null) throw new Error('it kept no report, so train it again.');
  const { report, events } = opened;
  const { settings } = await settingsOf(report);
  // A view of its own takes its events in, a few milliseconds at a time, so that the page stays smooth.
  const view = createRunView(
    (callback) => setTimeout(callback, 0),
    () => performance.now(),
    () => settings.popo.rewards,
    () => {},
  );
  for (const event of events) view.receive(event);
  await view.drained();
  return {
    id: saved.id,
    label: runName(saved),
    columns: view.copy(),
    config: settings,
    // Every rollout of every step is most of a report, and nothing compares it.
    report: { ...report, popo: { ...report.popo, steps: [] }, samples: [] },
  };
}
