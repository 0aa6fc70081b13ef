/** What was changed in the run on show while it went on, each with the way back to before it. */
import type { RunChange } from '../../run/changes';
import { AllChanges } from '../parts/allChanges';
import { useSession } from '../state/context';
import { changesInWords } from '../words/differences';

/** Most of them that are told at a time; the link has all of them. */
const TOLD = 3;

export function OwnChanges({ changes }: { changes: readonly RunChange[] }) {
  const session = useSession();
  const sentences = changesInWords(changes, session.shownConfig.value);
  const first = Math.max(0, changes.length - TOLD);
  const undo = (at: number) => <Undo change={changes[at]} />;
  return (
    <>
      <ul class="own-changes plot-note" aria-live="polite">
        {sentences.slice(first).map((sentence, at) => (
          <li key={`${first + at} ${sentence}`}>
            <span>{sentence}</span> {undo(first + at)}
          </li>
        ))}
      </ul>
      <AllChanges sentences={sentences} told={TOLD} beside={undo} />
    </>
  );
}

function Undo({ change: { stage, step, field } }: { change: RunChange }) {
  const session = useSession();
  const { status, view, runId, changed } = session;
  const isOwn = runId.value !== null && ['running', 'paused', 'done'].includes(status.value);
  const at = view.changes.value.findIndex(
    (one) => one.stage === stage && one.step === step && one.field === field,
  );
  // What is yet to come can be left to come.
  if (!isOwn || at >= changed.value) return null;
  return (
    <button
      type="button"
      class="inline"
      data-action="undo"
      title="Goes on with a second line from just before this change, without it and what was changed after it. This one is kept."
      onClick={() => void session.fork({ stage, step, field }, runId.value ?? undefined)}
    >
      Undo
    </button>
  );
}
