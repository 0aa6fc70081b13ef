/** Goes through a recording: the view of the run is told its events up to a step, by the code that a run under way is told by. */
import { type ReadonlySignal, signal } from '@preact/signals';
import type { RunConfig } from '../../run/config';
import { chaptersOf, type Recording, unpackRecording } from '../../run/recording';
import type { FileBeside } from '../../run/recordings';
import type { RunEvent } from '../../run/report';
import { fetchBeside } from './fetchBeside';
import type { RunView } from './runView';
import { settingsOf } from './settings';

/** A recording on show. */
export interface Watched {
  about: Omit<Recording, 'events'>;
  events: readonly RunEvent[];
  /** What it was made with, as the form has it. */
  config: RunConfig;
  /** Of alignment. */
  steps: number;
  /** How many of them have been taken where it stands; all of them: its end. */
  at: ReadonlySignal<number>;
  isPlaying: ReadonlySignal<boolean>;
  /** From its beginning, or where motion is not wanted at its end. */
  begin(): void;
  moveTo(at: number): void;
  /** Goes on by itself, from its beginning where it has come to its end. */
  play(): void;
  pause(): void;
}

/** Milliseconds between two steps while it plays. */
const PACE = 300;
/** Where motion is not wanted: few changes, each of many steps. */
const CALM_PACE = 3000;
const CALM_STRETCHES = 10;

/** @throws an Error with one sentence where it cannot be had, or shown */
export async function fetchRecording(entry: FileBeside): Promise<Recording> {
  return unpackRecording(await fetchBeside(entry));
}

function isMotionUnwanted(): boolean {
  return typeof matchMedia === 'function' && matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** @param isCalm whether motion is not wanted; left out, the browser says */
export async function watching(
  { events, ...about }: Recording,
  view: Pick<RunView, 'receive' | 'retell'>,
  isCalm = isMotionUnwanted(),
): Promise<Watched> {
  const { settings } = await settingsOf({ config: about.config, popo: { rewardNames: about.rewardNames } });
  const chapters = chaptersOf(events);
  const steps = chapters.length - 1;
  // How far alignment has come is told as it was then; how long it will take is not, since nothing is under way.
  const told = chapters.map((chapter, step): RunEvent[] =>
    step === 0
      ? chapter
      : chapter.flatMap((event): RunEvent[] =>
          event.type === 'popo'
            ? [event, { type: 'progress', name: 'popo', step, steps, secondsLeft: null }]
            : [event],
        ),
  );
  const at = signal(0);
  const isPlaying = signal(false);
  let timer: ReturnType<typeof setInterval> | undefined;

  function moveTo(wanted: number): void {
    at.value = Math.min(steps, Math.max(0, Math.round(wanted)));
    view.retell(told.slice(0, at.value + 1).flat());
  }

  function goOn(): void {
    const from = at.value;
    at.value = Math.min(steps, from + (isCalm ? Math.ceil(steps / CALM_STRETCHES) : 1));
    for (const event of told.slice(from + 1, at.value + 1).flat()) view.receive(event);
    if (at.value === steps) pause();
  }

  function play(): void {
    if (isPlaying.value) return;
    if (at.value === steps) moveTo(0);
    isPlaying.value = true;
    timer = setInterval(goOn, isCalm ? CALM_PACE : PACE);
  }

  function pause(): void {
    isPlaying.value = false;
    clearInterval(timer);
  }

  function begin(): void {
    moveTo(isCalm ? steps : 0);
    if (!isCalm) play();
  }

  return { about, events, config: settings, steps, at, isPlaying, moveTo, play, pause, begin };
}
