import { useEffect, useRef } from 'preact/hooks';
import type { ImportPreview } from '../../../data/preview';
import { useSession } from '../../state/context';
import type { Draft } from '../../state/imports';
import { pickFiles } from '../files';
import { said } from './corrections';
import { Counts, History, Problems } from './facts';
import { Meaning } from './meaning';
import { Tables } from './tables';
import '../../styles/tables.css';
import '../../styles/preview.css';

/** What was made of a person's files, to be corrected, used or discarded. */
export function PreviewPanel() {
  const { draft } = useSession().data;
  const panel = useRef<HTMLElement>(null);
  const found = draft.value?.found ?? null;
  const isThere = found !== null;
  useEffect(() => {
    if (!isThere) return;
    // Read without doubt: Enter is enough. Else the doubts come first.
    const target = panel.current?.querySelector<HTMLElement>('[data-first]');
    panel.current?.scrollIntoView({ block: 'nearest' });
    target?.focus({ preventScroll: true });
  }, [isThere]);
  if (draft.value === null) return null;
  return (
    <section class="preview" ref={panel} aria-labelledby="preview-title">
      {found === null ? (
        <Unread draft={draft.value} />
      ) : (
        <Found preview={found.preview} sha256={found.summary.sha256} draft={draft.value} />
      )}
      <Actions draft={draft.value} isSure={found !== null && found.preview.doubts.length === 0} />
    </section>
  );
}

/** Before the files could be read, and where they cannot be: with what was understood of them, to be corrected. */
function Unread({ draft }: { draft: Draft }) {
  const { outcome } = useSession().data;
  const isRefused = outcome.value !== null && 'problem' in outcome.value;
  const { seen } = draft;
  return (
    <>
      <h3 id="preview-title">
        {isRefused || seen !== null ? 'These files are not understood yet' : 'Reading your files'}
      </h3>
      <p class="faint">{named(draft.files)}</p>
      <Problem />
      {seen !== null && (
        <>
          <Progress />
          <div class="preview-found">
            <Meaning seen={seen} mapping={said(draft.map)} map={draft.map} />
            <details open>
              <summary>The first rows</summary>
              <Tables seen={seen} leaveOut={leaving(draft)} />
            </details>
            <Problems problems={seen.problems} />
          </div>
        </>
      )}
    </>
  );
}

/** How a file is left out of several that were picked, by its name; null of those that were not picked by themselves. */
function leaving({ files }: Draft): (name: string) => File[] | null {
  return (name) => {
    const rest = files.filter((file) => file.name !== name);
    return rest.length === files.length - 1 && rest.length > 0 ? rest : null;
  };
}

function named(files: readonly File[]): string {
  const names = files.slice(0, 4).map(({ name }) => name);
  if (files.length > names.length) names.push(`${files.length - names.length} more`);
  return names.join(', ');
}

function Found({ preview, sha256, draft }: { preview: ImportPreview; sha256: string; draft: Draft }) {
  const isReading = useSession().data.importing.value !== null;
  const isSure = preview.doubts.length === 0;
  /** What a correction settles does not close under the hand that corrects. */
  const isOpen = useRef(!isSure).current;
  const mapping = said(draft.map);
  return (
    <>
      <h3 id="preview-title" data-first={isSure ? undefined : true} tabindex={isSure ? undefined : -1}>
        {isSure ? 'Your files, as they were read' : 'Please look at how your files were read'}
      </h3>
      <p class="faint">
        Taken for {preview.layout}: {preview.tables.map(({ file }) => file).join(', ')}.
      </p>
      {!isSure && (
        <ul class="preview-doubts">
          {preview.doubts.map((doubt) => (
            <li key={doubt}>{doubt}</li>
          ))}
        </ul>
      )}
      <Problem />
      <Progress />
      <div class="preview-found" data-stale={!draft.isRead} aria-busy={isReading}>
        <OfTheLink sha256={sha256} map={draft.map} />
        <Counts counts={preview.counts} />
        {preview.choices.length > 0 && (
          <details open={isOpen}>
            <summary>What each column is read as</summary>
            <Meaning seen={preview} mapping={mapping} map={draft.map} />
          </details>
        )}
        <details open={isOpen}>
          <summary>The first rows</summary>
          <Tables seen={preview} />
        </details>
        <Problems problems={preview.problems} />
        <History history={preview.history} />
      </div>
    </>
  );
}

/** What is wrong with the last reading. */
function Problem() {
  const outcome = useSession().data.outcome.value;
  return (
    <div role="alert">
      {outcome !== null && 'problem' in outcome && <p class="problem">{outcome.problem}</p>}
    </div>
  );
}

function Progress() {
  const progress = useSession().data.importing.value;
  return (
    <div class="preview-progress" role="status">
      {progress !== null && (
        <>
          <span>{progress.message}</span>
          <progress max="1" value={progress.fraction} aria-label="Reading again" />
        </>
      )}
    </div>
  );
}

/** Whether these are the data that an opened link was made on. */
function OfTheLink({ sha256, map }: { sha256: string; map: string }) {
  const session = useSession();
  const { data } = session.config.value;
  const wanted = session.linked.value;
  if (wanted === '' || data.sha256 !== wanted) return null;
  if (sha256 === wanted) return <p class="preview-link same">These are the files of the link.</p>;
  return (
    <p class="preview-link">
      {map === data.map
        ? 'These are other files than the link’s: its result cannot be expected.'
        : 'Read this way they are not the data of the link: its result cannot be expected.'}
    </p>
  );
}

function Actions({ draft, isSure }: { draft: Draft; isSure: boolean }) {
  const session = useSession();
  const isReading = session.data.importing.value !== null;
  const isFailed = !draft.isRead && !isReading;
  /** @param next where a person goes on when the preview is gone */
  const leave = async (action: () => Promise<void>, next: string) => {
    await action();
    if (session.data.draft.value === null) document.querySelector<HTMLElement>(next)?.focus();
  };
  return (
    <div class="preview-actions">
      {draft.found !== null && (
        <button
          type="button"
          class="primary"
          data-action="use"
          data-first={isSure || undefined}
          aria-disabled={!draft.isRead || isReading}
          onClick={() => void leave(session.data.keepImport, 'input[name=data]:checked')}
        >
          Use these data
        </button>
      )}
      {draft.found !== null && isFailed && (
        <button
          type="button"
          data-action="undo"
          onClick={() => void session.data.readAgain(draft.found?.summary.map ?? '')}
        >
          Undo the change
        </button>
      )}
      {draft.found === null && isFailed && (
        <button type="button" onClick={pickFiles}>
          Pick other files
        </button>
      )}
      {draft.found === null && isFailed && draft.map !== '' && (
        <button type="button" data-action="guess" onClick={() => void session.data.readAgain('')}>
          Guess all columns again
        </button>
      )}
      <button
        type="button"
        data-action="discard"
        disabled={isReading && draft.isRead}
        onClick={() => void leave(session.data.dropImport, '[data-action=pick]')}
      >
        {isReading && !draft.isRead ? 'Stop reading' : 'Discard'}
      </button>
    </div>
  );
}
