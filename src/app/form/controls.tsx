import { useEffect, useRef } from 'preact/hooks';
import { RULES, ruleOf, type Weighting } from '../../popo/rules';
import { wordsOf } from '../../run/fields/paths';
import { PRESET_NAMES, type PresetName } from '../../run/presets';
import { isSized } from '../../run/sizing';
import { ConfigField, LabelOf } from '../parts/fields';
import { useKeptFocus } from '../parts/keptFocus';
import { late, whenIdle } from '../parts/late';
import { Share } from '../parts/share';
import { useSession } from '../state/context';
import { Device } from './device';
import { FilesInput } from './files';

const SizedToData = late('What auto chose', async () => (await import('./sized')).SizedToData);
const Settings = late('The settings', async () => (await import('./settings')).Settings);
const Times = late(
  'How long a run takes',
  async () => (await import('./times')).TimesWords,
  () => null,
);
const Budget = late('The budget', async () => (await import('./budget')).BudgetWords);

const PRESET_WORDS: Record<PresetName, string> = {
  tiny: 'Tiny · any device',
  small: 'Small · 0.1 M parameters',
  base: 'Base · 0.6 M parameters',
  medium: 'Medium · 6 M parameters',
  large: 'Large · 25 M parameters',
};

/** What is chosen in the place of a preset for a run whose size follows the data. */
const AUTO = 'auto';

/** Train, and the few choices most people make; the rest waits behind More. */
export function Controls() {
  const session = useSession();
  const more = session.settingsOpen;
  /** What was open once stays as it is behind Less. */
  const opened = useRef(false);
  opened.current ||= more.value;
  useEffect(() => whenIdle(Settings.preload), []);
  const config = session.config.value;
  const locked = session.busy.value;
  const imported = session.imported.value;
  const isSizedToData = imported !== null && isSized(config, imported, session.sizedDevice.value);
  return (
    <section class="controls" aria-label="Set up and steer the run">
      <div class="controls-row">
        <Steering />
        <fieldset class="setup" disabled={locked}>
          <legend class="hidden">Set-up</legend>
          <label class="field">
            <LabelOf {...wordsOf('preset')} />
            <select
              value={isSizedToData ? AUTO : session.isLooking.value ? '' : config.preset}
              onChange={({ currentTarget: { value } }) =>
                value === AUTO ? void session.size() : session.choosePreset(value as PresetName)
              }
            >
              {session.isLooking.value && (
                <option value="" hidden>
                  What suits this device…
                </option>
              )}
              {imported !== null && (
                <option value={AUTO}>
                  {isSizedToData
                    ? `Auto · ${config.preset}, sized to your data`
                    : 'Auto · sized to your data'}
                </option>
              )}
              {PRESET_NAMES.map((name) => (
                <option key={name} value={name}>
                  {PRESET_WORDS[name]}
                </option>
              ))}
            </select>
          </label>
          <ConfigField path="seed" class="seed" />
          <label class="field">
            <LabelOf {...wordsOf('popo.weighting')} />
            <select
              value={config.popo.weighting}
              title={ruleOf(config.popo.weighting).words}
              onChange={({ currentTarget: { value } }) =>
                session.edit((draft) => {
                  draft.popo.weighting = value as Weighting;
                })
              }
            >
              {RULES.map(({ name, label, words }) => (
                <option key={name} value={name} title={words}>
                  {label}
                </option>
              ))}
            </select>
          </label>
        </fieldset>
        <div class="controls-end">
          <button
            type="button"
            class="plain more"
            aria-expanded={more.value}
            aria-controls="more"
            onClick={() => {
              more.value = !more.value;
            }}
          >
            {more.value ? 'Less' : 'More'}
          </button>
          <Share />
        </div>
      </div>
      <Device />
      {isSizedToData && <SizedToData />}
      <RecordingFirst />
      <Budget />
      <Times />
      {session.pending.value === 'stopping' && (
        <p class="device" role="status">
          Stopping: what the device was given last is being finished.
        </p>
      )}
      <fieldset id="more" class="more-panel" disabled={locked} hidden={!more.value}>
        <legend class="hidden">More settings</legend>
        <FilesInput />
        {opened.current && <Settings />}
      </fieldset>
    </section>
  );
}

/** Where training is slow, to look on is what stands out. */
function standsOut({ isRecordingOffered, isSlow }: ReturnType<typeof useSession>): boolean {
  return isRecordingOffered.value && isSlow.value;
}

function Steering() {
  const session = useSession();
  const status = session.status.value;
  const pending = session.pending.value;
  const isTooLarge = session.tooLarge.value !== null;
  const starter = session.starter.value;
  const first = standsOut(session) ? null : starter === null ? 'train' : 'play';
  const place = useRef<HTMLDivElement>(null);
  useKeptFocus(place, status);
  // The second press of a double click falls on whatever has come to stand there. Steps are taken as often as they are pressed.
  const once = (event: MouseEvent) => {
    const isStep = session.busy.value && (event.target as Element).closest('[data-action=step]') !== null;
    if (event.detail > 1 && !isStep) event.stopPropagation();
  };
  return (
    <div class="steering" ref={place} onClickCapture={once}>
      {status === 'running' ? (
        <button
          type="button"
          class="primary"
          data-action="pause"
          disabled={pending !== null && pending !== 'starting'}
          onClick={() => void session.pause()}
        >
          <Icon path="M5 3h3v10H5zM10 3h3v10h-3z" />
          {pending === 'pausing' ? 'Pausing' : 'Pause'}
        </button>
      ) : status === 'paused' ? (
        <button type="button" class="primary" data-action="resume" onClick={() => void session.resume()}>
          <Icon path="M5 2.5v11l9-5.5z" />
          Resume
        </button>
      ) : (
        <>
          {starter !== null && (
            <button
              type="button"
              class={first === 'play' ? 'primary' : ''}
              data-action="play"
              title="The tiny model, trained already up to alignment; alignment begins at once"
              aria-disabled={session.isFetching.value}
              onClick={() => void session.play()}
            >
              <Icon path="M5 2.5v11l9-5.5z" />
              {session.isFetching.value ? 'Fetching' : 'Play with POPO'}
            </button>
          )}
          <button
            type="button"
            class={first === 'train' ? 'primary' : ''}
            data-action="train"
            disabled={session.studies.busy.value || isTooLarge}
            onClick={() => void session.start()}
          >
            {starter === null && <Icon path="M5 2.5v11l9-5.5z" />}
            {starter === null ? 'Train' : 'Train from nothing'}
          </button>
        </>
      )}
      <button
        type="button"
        data-action="step"
        title="One training step, then pause"
        disabled={pending !== null || session.studies.busy.value || (!session.busy.value && isTooLarge)}
        onClick={() => void session.step()}
      >
        Step
      </button>
      <button
        type="button"
        data-action="reset"
        disabled={status === 'idle' && session.view.table.value.length === 0}
        onClick={() => void session.reset()}
      >
        {pending === 'stopping' ? 'Stopping' : 'Reset'}
      </button>
    </div>
  );
}

/** Below the others, since the device is known a moment after the page is there, and a button that moves is missed. */
function RecordingFirst() {
  const session = useSession();
  if (!standsOut(session)) return null;
  return (
    <button
      type="button"
      class="primary"
      data-action="watch"
      title="A run that another device trained, step by step, with every panel; nothing is trained here"
      aria-disabled={session.isFetchingRecording.value}
      onClick={() => void session.watch()}
    >
      <Icon path="M5 2.5v11l9-5.5z" />
      {session.isFetchingRecording.value ? 'Fetching' : 'Watch a recorded run'}
    </button>
  );
}

function Icon({ path }: { path: string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
