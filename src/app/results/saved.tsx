import type { SavedRun } from '../../worker/protocol';
import { DeleteButton } from '../parts/deleteButton';
import { useSession } from '../state/context';
import type { Room } from '../state/keptRuns';
import { ago, bytes } from '../words/format';

/** Runs kept on this device: take one up again, look at one that ended, or delete it. */
export function SavedRuns() {
  const session = useSession();
  const runs = [...session.savedRuns.value].sort((a, b) => b.savedAt - a.savedAt);
  if (runs.length === 0) return null;
  const busy = session.busy.value;
  return (
    <section class="saved" aria-labelledby="saved-title">
      <div class="section-head">
        <h2 id="saved-title">Kept on this device</h2>
        {session.room.value !== null && <p>{takes(session.room.value)}</p>}
      </div>
      <ul>
        {runs.map((run) => (
          <li key={run.id}>
            <span>
              <b>{run.config.preset}</b>, seed {run.config.seed}, {run.config.popo.weighting}
            </span>
            <span class="faint">
              {standing(run)}, {ago(run.savedAt, Date.now())}
            </span>
            <span class="saved-actions">
              {run.finished ? (
                <button type="button" disabled={busy} onClick={() => void session.openReport(run)}>
                  Open
                </button>
              ) : (
                <button
                  type="button"
                  data-action="resume-run"
                  disabled={busy || run.isElsewhere}
                  onClick={() => void session.start(run)}
                >
                  Resume
                </button>
              )}
              {run.earlier !== null && session.refused.value.has(run.id) && (
                <button
                  type="button"
                  data-action="resume-earlier"
                  disabled={busy || run.isElsewhere}
                  onClick={() => void session.start(run, 'earlier')}
                >
                  Resume at step {run.earlier.step} of {run.earlier.stage}
                </button>
              )}
              <DeleteButton
                class="plain"
                disabled={busy || run.isElsewhere}
                label="Delete"
                name={`Delete the run of ${run.config.preset}, seed ${run.config.seed}`}
                question="Delete this run?"
                remove={() => void session.deleteRun(run.id)}
              />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function takes({ used, quota, isPersistent }: Room): string {
  const fate = isPersistent
    ? 'It stays until you delete it.'
    : 'The browser may delete it when the disk is full.';
  return `With your data, ${bytes(used)} of the ${bytes(quota)} that the browser allows. ${fate}`;
}

function standing({ finished, isElsewhere, step, stage }: SavedRun): string {
  if (isElsewhere) return `being trained in another tab, kept at step ${step} of ${stage}`;
  return finished ? 'finished' : `at step ${step} of ${stage}`;
}
