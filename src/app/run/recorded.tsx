/** What is said of a recorded run while it is on show, and the way through its steps. */
import { useEffect, useRef } from 'preact/hooks';
import { RECORDINGS } from '../../run/recordings';
import { useSession } from '../state/context';
import type { Watched } from '../state/watching';
import { deviceWords } from '../words/deviceWords';
import { differences } from '../words/differences';
import { duration } from '../words/format';
import { language } from '../words/language';
import '../styles/recorded.css';

/** Above the panels: that this is a recording and of what; and a bar that stays in sight, with the step that they show. */
export function RecordedRun() {
  const { watched } = useSession();
  const shown = watched.value;
  if (shown === null) return null;
  return (
    <>
      <About shown={shown} />
      <Transport key={shown.about.link} shown={shown} />
    </>
  );
}

function About({ shown: { about, events, config } }: { shown: Watched }) {
  const session = useSession();
  const { preset, version, seed } = config;
  const differs = differences({ ...config, seed: 1 }).map(({ words }) => words);
  return (
    <section class="recorded" aria-labelledby="recorded-title">
      <div class="section-head">
        <h2 id="recorded-title">A recorded run</h2>
        <p>This device trains nothing now. What the panels show was computed on another one.</p>
      </div>
      <dl class="recorded-facts">
        <div>
          <dt>Settings</dt>
          <dd>
            The preset {preset} of version {version}, seed {seed}
            {differs.length > 0 && `, but: ${differs.join('; ')}`}
          </dd>
        </div>
        <div>
          <dt>Device</dt>
          <dd>{deviceWords(about.device)}</dd>
        </div>
        <div>
          <dt>Trained</dt>
          <dd>
            {dayWords(about.day)}, in {duration(about.seconds)}, by version {about.app} of this app
          </dd>
        </div>
      </dl>
      <p class="recorded-actions">
        <a
          href={about.link}
          data-action="train-recorded"
          onClick={(event) => {
            // Also where the address has that link already.
            event.preventDefault();
            session.openLink(about.link);
          }}
        >
          Train it yourself
        </a>
        <span class="faint">
          This link fills in the form; once you have trained it, the page says whether yours came out the
          same.
        </span>
        {session.starterOf(config) !== null && (
          <button
            type="button"
            data-action="ask-recorded"
            disabled={session.isFetching.value}
            onClick={() => void session.keepStarter(config, events).then(() => goToAsk())}
          >
            {session.isFetching.value
              ? 'Loading its model'
              : RECORDINGS[0].aligned === undefined
                ? 'Ask its fine-tuned model'
                : 'Ask its models'}
          </button>
        )}
        <button type="button" data-action="close-recording" onClick={session.closeRecording}>
          Close the recording
        </button>
      </p>
    </section>
  );
}

/** Frames to wait for a panel whose code comes late. */
const PATIENCE = 600;

/** To where a model is asked, once that is there. */
function goToAsk(frames = PATIENCE): void {
  const button = document.querySelector<HTMLElement>('[data-action=ask-open]');
  if (button === null && frames > 0) {
    requestAnimationFrame(() => goToAsk(frames - 1));
    return;
  }
  button?.closest('section')?.scrollIntoView();
  button?.focus({ preventScroll: true });
}

function Transport({ shown }: { shown: Watched }) {
  const { steps, at, isPlaying, moveTo, play, pause } = shown;
  const button = useRef<HTMLButtonElement>(null);
  // The button that was pressed is gone. Not the slider: while it plays, a screen reader would read out every step of it.
  useEffect(() => {
    button.current?.focus({ preventScroll: true });
    button.current?.parentElement?.scrollIntoView({ block: 'nearest' });
  }, []);
  const words = placeWords(at.value, steps);
  return (
    <fieldset class="transport" aria-label="Steps of the recording">
      <button
        ref={button}
        type="button"
        data-action={isPlaying.value ? 'recording-pause' : 'recording-play'}
        onClick={isPlaying.value ? pause : play}
      >
        {isPlaying.value ? 'Pause' : at.value === steps ? 'Play again' : 'Play'}
      </button>
      <input
        type="range"
        data-recording="step"
        min={0}
        max={steps}
        value={at.value}
        aria-label="Steps of alignment that have been taken in the recording"
        aria-valuetext={words}
        onInput={(event) => {
          pause();
          moveTo(event.currentTarget.valueAsNumber);
        }}
      />
      <span class="transport-at">
        <b>Recording</b> {words}
      </span>
    </fieldset>
  );
}

function placeWords(at: number, steps: number): string {
  if (at === 0) return 'before alignment';
  return at === steps ? `at its end, ${steps} steps` : `${at} of ${steps} steps taken`;
}

/** Such as `26 November 2026`, of `2026-11-26`, as the page's language writes it. */
function dayWords(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  return date.toLocaleDateString(language.value === 'zh' ? 'zh-CN' : 'en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  });
}
