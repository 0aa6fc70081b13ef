import { useSignal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import { rateInterval } from '../../numeric/rate';
import { STAGE_NAMES, type StageName } from '../../run/stageNames';
import type { RunResult, SavedRun } from '../../worker/protocol';
import { DeleteButton } from '../parts/deleteButton';
import { useSession } from '../state/context';
import { download } from '../state/download';
import type { Room } from '../state/keptRuns';
import type { Session } from '../state/session';
import { createStorage } from '../state/storage';
import { ago, bytes } from '../words/format';
import { nameInWords, runName } from '../words/runNames';
import { inSentence } from '../words/runWords';
import { NoteEditor } from './noteEditor';
import { StoragePanel } from './storage';

/** What comes of it is shown at the top of the page, far above the list, and so is why nothing came of it. */
function atTop(asked: Promise<void>): void {
  void asked;
  scrollTo({ top: 0 });
}

/** What is kept on this device: runs to take up again, to look at or to carry elsewhere, and whatever else there is. */
export function SavedRuns() {
  const session = useSession();
  const storage = useMemo(() => createStorage(session, download), [session]);
  const isOpen = useSignal(false);
  /** The run whose note is being written. */
  const noted = useSignal<string | null>(null);
  const isPinned = ({ id }: SavedRun) => session.pinned.value.some((run) => run.id === id);
  const file = useRef<HTMLInputElement>(null);
  const runs = [...session.savedRuns.value].sort((a, b) => b.savedAt - a.savedAt);
  const busy = session.busy.value;
  const runIsOn = ['running', 'paused'].includes(session.status.value);
  /** Whether it cannot be taken up now; the one on show is there already. */
  const isBarred = (run: SavedRun) =>
    !session.isFree.value || run.isElsewhere || (busy && run.id === session.runId.value);
  const isOnShow = ({ id }: SavedRun) => runIsOn && id === session.runId.value;
  const wait = session.isFree.value ? null : waitWords(session);
  return (
    <section class="saved" aria-labelledby="saved-title">
      <div class="section-head">
        <h2 id="saved-title">Kept on this device</h2>
        {session.room.value !== null && <p>{takes(session.room.value)}</p>}
      </div>
      {wait !== null && (
        <p class="faint" id="saved-wait">
          {wait}
        </p>
      )}
      <ul>
        {runs.map((run) => (
          <li key={run.id}>
            <span class="saved-about">
              <b translate={run.note?.name ? false : undefined}>{runName(run)}</b>
              {run.note?.name ? <small class="faint">{nameInWords(run)}</small> : null}
              <span class="faint">
                {standing(run)}, {ago(run.savedAt, Date.now())}
                {run.bytes !== undefined && `, ${bytes(run.bytes)}`}
                {run.result !== undefined && <Result of={run.result} />}
              </span>
              {run.note?.text ? (
                <span class="saved-note" translate={false}>
                  {run.note.text}
                </span>
              ) : null}
            </span>
            <span class="saved-actions">
              {run.finished ? (
                <button type="button" disabled={isBarred(run)} onClick={() => atTop(session.openReport(run))}>
                  Open
                </button>
              ) : (
                waysOn(run).map(({ label, action, choice }) => (
                  <button
                    key={action}
                    type="button"
                    data-action={action}
                    disabled={isBarred(run)}
                    onClick={() => atTop(session.takeUp(run, 'newest', choice))}
                  >
                    {label}
                  </button>
                ))
              )}
              {run.finished && (
                <button
                  type="button"
                  data-action="pin-run"
                  aria-pressed={isPinned(run)}
                  onClick={() => void session.pin(run)}
                >
                  {isPinned(run) ? 'Unpin' : 'Pin'}
                </button>
              )}
              {hasAlignment(run) && (
                <button
                  type="button"
                  data-action="fork-run"
                  title="A second line of this run, from the beginning of alignment"
                  disabled={!session.isFree.value || run.isElsewhere}
                  onClick={() => atTop(session.fork('popo', run.id))}
                >
                  Fork
                </button>
              )}
              <button
                type="button"
                data-action="duplicate-run"
                title="Fills the form with this run’s settings, for you to change"
                disabled={wait !== null}
                aria-describedby={wait === null ? undefined : 'saved-wait'}
                onClick={() => atTop(session.duplicate(run))}
              >
                Duplicate with changes
              </button>
              <button
                type="button"
                class="plain"
                data-action="note-run"
                aria-expanded={noted.value === run.id}
                onClick={() => {
                  noted.value = noted.value === run.id ? null : run.id;
                }}
              >
                Name, notes
              </button>
              {run.earlier !== null && session.refused.value.has(run.id) && (
                <button
                  type="button"
                  data-action="resume-earlier"
                  disabled={isBarred(run)}
                  onClick={() => atTop(session.takeUp(run, 'earlier'))}
                >
                  Resume at step {run.earlier.step} of {inSentence(run.earlier.stage, run.config)}
                </button>
              )}
              <button
                type="button"
                class="plain"
                data-action="save-run"
                title="run.zip: another browser takes it in, and npm run export reads it"
                disabled={storage.working.value !== null}
                onClick={() => void storage.saveRun(run.id)}
              >
                Save to a file
              </button>
              <DeleteButton
                class="plain"
                refusal={refusalOf(run, isOnShow(run))}
                label="Delete"
                name={`Delete the run ${runName(run)}`}
                question="Delete this run?"
                remove={() => void session.deleteRun(run.id)}
              />
            </span>
            {noted.value === run.id && (
              <NoteEditor
                run={run}
                close={() => {
                  noted.value = null;
                }}
              />
            )}
          </li>
        ))}
      </ul>
      <div class="saved-foot">
        <button type="button" data-action="add-run" onClick={() => file.current?.click()}>
          Add a run from a file
        </button>
        <button
          type="button"
          data-action="storage"
          aria-expanded={isOpen.value}
          aria-controls="storage"
          onClick={() => {
            isOpen.value = !isOpen.value;
          }}
        >
          {isOpen.value ? 'Hide what is kept' : 'Everything that is kept'}
        </button>
        <input
          ref={file}
          type="file"
          accept=".zip"
          hidden
          data-files="run"
          aria-label="A run’s file"
          onChange={(event) => {
            const [chosen] = event.currentTarget.files ?? [];
            event.currentTarget.value = '';
            if (chosen !== undefined) void session.importRun(chosen);
          }}
        />
      </div>
      {storage.problem.value !== null && (
        <p class="problem" role="alert">
          {storage.problem.value}
        </p>
      )}
      {isOpen.value && <StoragePanel storage={storage} />}
    </section>
  );
}

function takes({ used, quota, isPersistent }: Room): string {
  const fate = isPersistent
    ? 'It stays until you delete it.'
    : 'The browser may delete it when the disk is full.';
  return `With your data, ${bytes(used)} of the ${bytes(quota)} that the browser allows. ${fate}`;
}

/** Why nothing else can be taken on show now. */
function waitWords({ studies, divergence }: Session): string {
  const barred = 'no other can be opened, resumed, forked or duplicated';
  if (studies.busy.value) return `While a study trains, ${barred}.`;
  if (divergence.value !== null) return `Until it is decided how this run goes on, ${barred}.`;
  return `While a run trains, ${barred}: pause it first.`;
}

/** Why a run cannot be deleted now; null where it can be. */
function refusalOf({ isElsewhere }: SavedRun, isOnShow: boolean): string | null {
  if (isElsewhere) return 'Another tab trains this run: stop it there first.';
  return isOnShow ? 'This run is on: press Reset first.' : null;
}

/** One that was stopped because it ran away is not simply resumed; from what is no number there is nothing to go on from. */
function waysOn({ stopped }: SavedRun): { label: string; action: string; choice?: 'go-back' | 'go-on' }[] {
  if (stopped === undefined) return [{ label: 'Resume', action: 'resume-run' }];
  const back = { label: 'Go back', action: 'go-back-run', choice: 'go-back' } as const;
  const on = { label: 'Go on', action: 'go-on-run', choice: 'go-on' } as const;
  return stopped.kind === 'not-finite' ? [back] : [back, on];
}

function standing({ finished, isElsewhere, step, stage, stopped, config }: SavedRun): string {
  const at = `at step ${step} of ${inSentence(stage, config)}`;
  if (isElsewhere) return `being trained in another tab, kept ${at}`;
  if (stopped !== undefined) return `stopped ${at}, because it may be running away`;
  return finished ? 'finished' : at;
}

/** Whether it has come to alignment, where a fork begins. */
function hasAlignment({ stage, finished }: SavedRun): boolean {
  return finished || STAGE_NAMES.indexOf(stage as StageName) >= STAGE_NAMES.indexOf('popo');
}

function Result({ of: { l3, ctcvr, ctcvrInterval, users } }: { of: RunResult }) {
  const rate = (value: number) => value.toFixed(3).replace(/^0/, '');
  const range = ({ low, high }: { low: number; high: number }) => `${rate(low)}–${rate(high)}`;
  return (
    <span>
      ; L3 {rate(l3)} ({range(rateInterval(l3, users))}), CTCVR {rate(ctcvr)} (
      {range(ctcvrInterval ?? rateInterval(ctcvr, users))})
    </span>
  );
}
