/** *Play with POPO*: alignment begins at once, from a run that lies beside the page, trained up to there. */
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { RunChange } from '../../run/changes';
import type { RunConfig } from '../../run/config';
import { formatLink, parseLink } from '../../run/link';
import { defaultConfig, presetConfig } from '../../run/presets';
import type { RecordedEnd } from '../../run/recordedEnd';
import { RECORDINGS } from '../../run/recordings';
import type { NoticeLevel, RunEvent } from '../../run/report';
import { STARTERS, type Starter } from '../../run/starters';
import type { ImportedRun, SavedRun } from '../../worker/protocol';
import { sentence } from '../words/sentence';

interface PlayTools {
  config: ReadonlySignal<RunConfig>;
  changes: ReadonlySignal<readonly RunChange[]>;
  /** Nothing is on show yet. */
  isCold: ReadonlySignal<boolean>;
  importRun(file: File, end: RecordedEnd | null): Promise<ImportedRun>;
  /** The run of that id among those that are kept, looked up anew. */
  find(id: string): Promise<SavedRun | undefined>;
  start(run: SavedRun): void;
  say(level: NoticeLevel, message: string): void;
}

/** Links of forms that ask for the starter's run, or for nothing in particular. */
function welcomes({ link }: Starter): string[] {
  const own = parseLink(link).config;
  const plain = presetConfig(own);
  return [own, plain, { ...plain, seed: own.seed }, defaultConfig()].map((config) =>
    formatLink(config, null, null),
  );
}

export function createPlay({ config, changes, isCold, importRun, find, start, say }: PlayTools) {
  const known = STARTERS.map((starter) => ({ starter, links: welcomes(starter) }));
  /** The starter of a run that may have been made with other kernels; null where there is none. */
  const starterOf = (run: RunConfig) => {
    const link = formatLink({ ...run, kernels: defaultConfig().kernels }, null, null);
    return known.find(({ links }) => links.includes(link))?.starter ?? null;
  };
  /** What can be played with as the form stands; null where that is another run. */
  const starter = computed(() => {
    if (!isCold.value) return null;
    const link = formatLink(config.value, null, null, changes.value);
    return known.find(({ links }) => links.includes(link))?.starter ?? null;
  });
  /** Its file is under way. */
  const isFetching = signal(false);

  /** Takes the file in among the kept runs. @throws an Error where the browser does not keep it */
  async function take(chosen: Starter, end: RecordedEnd | null = null): Promise<SavedRun> {
    const { fetchBeside } = await import('./fetchBeside');
    const { id } = await importRun(new File([await fetchBeside(chosen)], 'run.zip'), end);
    const run = await find(id);
    if (run === undefined) throw new Error('The browser did not keep it, which it must to go on from it.');
    return run;
  }

  /** Keeps a recorded run to be asked: as it stood after its alignment where those weights lie beside the page, else before that. */
  async function keep(of: RunConfig, events: readonly RunEvent[]): Promise<void> {
    const chosen = starterOf(of);
    if (chosen === null || isFetching.value) return;
    isFetching.value = true;
    try {
      const [{ aligned }] = RECORDINGS;
      const { fetchBeside } = await import('./fetchBeside');
      await take(chosen, aligned === undefined ? null : { aligned: await fetchBeside(aligned), events });
    } catch (error) {
      say('error', `There is no model to ask: ${sentence(error)}`);
    } finally {
      isFetching.value = false;
    }
  }

  /** Takes the file in among the kept runs, and goes on with it. */
  async function play(): Promise<void> {
    const chosen = starter.value;
    if (chosen === null || isFetching.value) return;
    isFetching.value = true;
    try {
      const run = await take(chosen);
      // Meanwhile the person may have begun something else, or asked for another run.
      if (starter.value !== chosen) return;
      start(run);
      say(
        'info',
        `Everything before alignment was trained on ${chosen.device}, by this app; from here on this device trains.`,
      );
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      say('error', `There is nothing to play with: ${reason} Train from nothing instead.`);
    } finally {
      isFetching.value = false;
    }
  }

  return { starter, isFetching, play, starterOf, keep };
}
