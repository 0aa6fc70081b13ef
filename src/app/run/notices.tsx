import { late } from '../parts/late';
import { useSession } from '../state/context';
import { inFieldWords } from '../words/fieldWords';
import { inSentence } from '../words/runWords';

/** Only those who choose another teacher need it. */
const TeacherNotice = late('The notice', async () => (await import('./teacherNotice')).TeacherNotice);

/** Most links change nothing on the way, and what changed for whom a result came stands with that. */
const ChangesNotice = late('The notice', async () => (await import('./changesNotice')).ChangesNotice);

/** Few runs run away. */
const DivergenceNotice = late(
  'The question',
  async () => (await import('./divergenceNotice')).DivergenceNotice,
);

/** What a person must know: each one clear sentence or two, dismissible; errors interrupt a screen reader. */
export function Notices() {
  const session = useSession();
  const verdict = session.verdict.value;
  const expected = session.expected.value;
  const newest = session.left.value;
  const status = session.status.value;
  const free = status === 'idle' || status === 'error';
  // What was fetched to be played with goes on by itself.
  const isAsked = !session.resumeDismissed.value && !session.isFetching.value;
  const offer = free && newest !== null && isAsked;
  return (
    <div class="notices" aria-live="polite">
      {verdict !== null && (
        <div class={`notice verdict ${verdict.verdict}`} role="status">
          {verdict.sentence}
        </div>
      )}
      {verdict === null && expected !== null && session.theirs.value === null && !session.busy.value && (
        <div class="notice info">
          <span>
            This link came with the fingerprint of a run. Press <b>Train</b> to run it here; afterwards the
            page says whether the result is identical, close, or different. Changing a setting drops the
            comparison.
          </span>
        </div>
      )}
      {(session.divergence.value !== null || (offer && newest.stopped)) && <DivergenceNotice />}
      {session.config.value.rupr.teacher !== 'attributes' && <TeacherNotice />}
      {free && session.changes.value.length > 0 && session.theirs.value === null && <ChangesNotice />}
      {offer && !newest.stopped && (
        <div class="notice info">
          <span>
            A run of <b>{newest.config.preset}</b> (seed {newest.config.seed}) was left at step {newest.step}{' '}
            of {inSentence(newest.stage, newest.config)}.
          </span>
          <span class="notice-actions">
            <button type="button" onClick={() => void session.start(newest)}>
              Resume it
            </button>
            <button
              type="button"
              class="plain"
              onClick={() => {
                session.resumeDismissed.value = true;
              }}
            >
              Not now
            </button>
          </span>
        </div>
      )}
      {session.notices.value.map((notice) => (
        <div
          key={notice.id}
          class={`notice ${notice.level}`}
          role={notice.level === 'error' ? 'alert' : undefined}
        >
          <span>{inFieldWords(notice.message)}</span>
          <button type="button" class="plain" aria-label="Dismiss" onClick={() => session.dismiss(notice.id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
