/** What an opened link, or a run that was duplicated, changes while it goes on: told before it is trained. */
import { AllChanges } from '../parts/allChanges';
import { useSession } from '../state/context';
import { changesInWords } from '../words/differences';

/** Changes that are told outside a disclosure. */
const FIRST = 4;

export function ChangesNotice() {
  const session = useSession();
  const told = changesInWords(session.changes.value, session.config.value);
  return (
    <div class="notice info" data-notice="changes">
      <div>
        What is set changes on the way.
        {told.slice(0, FIRST).map((sentence, index) => (
          <span key={`${index} ${sentence}`}> {sentence}</span>
        ))}
        <AllChanges sentences={told} told={FIRST} />
      </div>
    </div>
  );
}
