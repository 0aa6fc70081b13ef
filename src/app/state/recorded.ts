/** *Watch a recorded run*: every panel is told what a run once told. Nothing is trained, and nothing is kept. */
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import type { RunConfig } from '../../run/config';
import { RECORDINGS } from '../../run/recordings';
import type { NoticeLevel } from '../../run/report';
import { sentence } from '../words/sentence';
import type { RunView } from './runView';
import type { Watched } from './watching';

interface RecordedTools {
  /** Nothing is on show yet. */
  isCold: ReadonlySignal<boolean>;
  view: Pick<RunView, 'receive' | 'retell'>;
  /** Nothing is trained and no study is on. */
  isFree(): boolean;
  /** Puts a run of that config on show, in the place of what was. */
  show(config: RunConfig): void;
  /** Takes it off again. */
  leave(): void;
  say(level: NoticeLevel, message: string): void;
}

export function createRecorded({ isCold, view, isFree, show, leave, say }: RecordedTools) {
  const watched = signal<Watched | null>(null);
  const isOffered = computed(() => RECORDINGS.length > 0 && isCold.value);
  /** Its file is under way. */
  const isFetching = signal(false);

  /** Fetches the recording and shows it: from its beginning, or where motion is not wanted its end. */
  async function watch(): Promise<void> {
    if (isFetching.value || !isFree()) return;
    isFetching.value = true;
    let isBegun = false;
    try {
      const { fetchRecording, watching } = await import('./watching');
      const made = await watching(await fetchRecording(RECORDINGS[0]), view);
      // Meanwhile the person may have begun something else.
      if (!isFree()) return;
      isBegun = true;
      batch(() => {
        show(made.config);
        watched.value = made;
        made.begin();
      });
    } catch (error) {
      // Nothing of it stays without the words that it is a recording.
      if (isBegun) leave();
      say('error', `There is no recording to watch: ${sentence(error)}`);
    } finally {
      isFetching.value = false;
    }
  }

  /** Lets go of it; what the panels were told is for whoever calls to clear. */
  function close(): void {
    watched.value?.pause();
    watched.value = null;
  }

  return { watched, isOffered, isFetching, watch, close };
}
