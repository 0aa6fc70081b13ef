import { useEffect, useRef } from 'preact/hooks';
import { areKeysOn, SHORTCUTS } from './shortcuts';
import '../styles/shortcuts.css';

/** All keys, over the page, and whether they work: single letters get in the way of who speaks to the computer. */
export function ShortcutSheet({ close }: { close(): void }) {
  const sheet = useRef<HTMLDialogElement>(null);
  useEffect(() => sheet.current?.showModal(), []);
  return (
    <dialog ref={sheet} class="shortcuts" aria-labelledby="shortcuts-title" onClose={close}>
      <h2 id="shortcuts-title">Keys</h2>
      <dl>
        {[...SHORTCUTS, { key: '?', words: 'This list' }].map(({ key, words }) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>←</kbd> <kbd>→</kbd>
          </dt>
          <dd>
            On a chart: from step to step. Page Up and Page Down go by ten, Home and End to the ends. Enter
            tells what was changed at a step, and can undo it.
          </dd>
        </div>
      </dl>
      <form method="dialog">
        <label>
          <input
            type="checkbox"
            checked={areKeysOn.value}
            onChange={(event) => {
              areKeysOn.value = event.currentTarget.checked;
            }}
          />{' '}
          Use these keys
        </label>
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
