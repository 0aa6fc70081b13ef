/** What a person opens: the report of a kept run, its settings, a link, or files from anywhere. Nothing here trains. */
import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { RunChange } from '../../run/changes';
import { parseConfig, type RunConfig } from '../../run/config';
import { type ParsedLink, parseLink } from '../../run/link';
import type { Fingerprint, NoticeLevel, Report } from '../../run/report';
import type { SavedRun, TrainerApi } from '../../worker/protocol';
import { sentence } from '../words/sentence';
import type { RunView } from './runView';
import { settingsOf } from './settings';
import type { Status } from './status';

interface Tools {
  status: Signal<Status>;
  busy: ReadonlySignal<boolean>;
  /** Of the run on show. */
  runConfig: Signal<RunConfig | null>;
  runId: Signal<string | null>;
  report: ReadonlySignal<Report | null>;
  view: Pick<RunView, 'receive'>;
  /** The fingerprint that an opened link promised, and what it says came out. */
  expected: Signal<Fingerprint | null>;
  theirs: { open(opened: ParsedLink): Promise<void>; close(): void };
  settingsOpen: Signal<boolean>;
  trainer(): Pick<TrainerApi, 'openRun'>;
  adopt(wanted: RunConfig, told?: readonly RunChange[]): void;
  /** Whether the worker is free, and what rested on show has been put away for the run with this id, or for none. */
  isCleared(next: string | null): Promise<boolean>;
  clear(): void;
  show(report: Report): void;
  readFiles(files: File[]): Promise<void>;
  importCots(files: File[]): Promise<void>;
  importRun(file: File): Promise<void>;
  say(level: NoticeLevel, message: string): void;
}

export function createOpening(tools: Tools) {
  const { status, busy, runConfig, runId, report, view, expected, theirs, settingsOpen } = tools;
  const { trainer, adopt, isCleared, clear, show, say } = tools;
  /** SHA-256 of the visitor's data that the opened link was made on. */
  const linked = signal('');

  /** Shows the report of a finished run again; also one of an older version, whose settings the form cannot take. */
  async function openReport(saved: SavedRun): Promise<void> {
    if (!(await isCleared(saved.id))) return;
    try {
      const opened = await trainer().openRun(saved.id);
      if (opened === null) {
        say('warning', 'That run kept no report; delete it, or train it again.');
        return;
      }
      const { report: found, events } = opened;
      const { settings, problem } = await settingsOf(found);
      batch(() => {
        clear();
        if (problem === null) adopt(settings, found.changes);
        else
          say(
            'warning',
            `This run was made by another version of the app, so its results are shown but its settings are not in the form: ${problem}`,
          );
        runConfig.value = settings;
        runId.value = saved.id;
        expected.value = null;
        theirs.close();
        for (const event of events) view.receive(event);
        show(found);
        status.value = 'done';
      });
    } catch (error) {
      if (report.value === null) status.value = 'idle';
      say('error', `The report could not be opened: ${sentence(error)}`);
    }
  }

  /** Fills the form with what a kept run was made with, to be changed. Starts nothing; what is on show stays, save a run that rests. */
  async function duplicate(saved: SavedRun): Promise<void> {
    try {
      const settings = parseConfig(saved.config);
      if (!(await isCleared(null))) return;
      batch(() => {
        adopt(settings, saved.changes);
        expected.value = null;
        theirs.close();
        settingsOpen.value = true;
      });
    } catch (error) {
      say(
        'error',
        `The form cannot take this run’s settings, which another version of the app wrote: ${sentence(error)}`,
      );
    }
  }

  /** Fills the form from a link. Starts nothing. */
  function openLink(hash: string): void {
    if (busy.value) {
      say('info', 'A run is on, so the link was not opened. Reset first, then open it again.');
      return;
    }
    const opened = parseLink(hash);
    batch(() => {
      clear();
      status.value = 'idle';
      adopt(opened.config, opened.changes);
      expected.value = opened.expected;
      void theirs.open(opened);
      linked.value = opened.config.data.sha256;
      // Whoever has not these data here is asked for them there.
      if (linked.value !== '') settingsOpen.value = true;
      if (opened.problem !== null) say('warning', opened.problem);
    });
  }

  /** Files from anywhere, such as a drop: reasoning is told by its first line, all others are data. */
  async function takeFiles(files: File[]): Promise<void> {
    if (busy.value) return;
    settingsOpen.value = true;
    const { sortFiles } = await import('./takenFiles');
    const { runs: runFiles, reasoning, data: rows } = await sortFiles(files);
    await Promise.all([tools.readFiles(rows), tools.importCots(reasoning), ...runFiles.map(tools.importRun)]);
  }

  return { linked, openReport, duplicate, openLink, takeFiles };
}
