import { useSignal } from '@preact/signals';
import type { SavedRun } from '../../worker/protocol';
import { useSession } from '../state/context';
import { nameInWords } from '../words/runNames';

/** What a person calls a kept run and notes about it. */
export function NoteEditor({ run, close }: { run: SavedRun; close(): void }) {
  const session = useSession();
  const name = useSignal(run.note?.name ?? '');
  const text = useSignal(run.note?.text ?? '');
  return (
    <form
      class="note-editor"
      onSubmit={(event) => {
        event.preventDefault();
        close();
        void session.noteRun(run.id, { ...run.note, name: name.value, text: text.value });
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      <label>
        Name
        <input
          value={name.value}
          maxLength={120}
          placeholder={nameInWords(run)}
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
      </label>
      <label>
        Notes
        <textarea
          rows={3}
          maxLength={4000}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
      </label>
      <span class="saved-actions">
        <button type="submit">Keep</button>
        <button type="button" class="plain" onClick={close}>
          Cancel
        </button>
      </span>
    </form>
  );
}
