import { useEffect } from 'preact/hooks';
import type { ImportSummary } from '../../worker/protocol';
import { DeleteButton } from '../parts/deleteButton';
import { late } from '../parts/late';
import { useSession } from '../state/context';
import { count } from '../words/format';
import { pickFiles } from './files';

const Preview = late('The preview', async () => (await import('./preview/panel')).PreviewPanel);

/** Which data: one of the embedded worlds, or files of the visitor's, read in a worker and never uploaded. */
export function DataPicker() {
  const session = useSession();
  const { data } = session.config.value;
  useEffect(() => {
    void session.data.listImports();
  }, [session]);
  const isMissing =
    data.source === 'import' && session.data.imports.value.every(({ sha256 }) => sha256 !== data.sha256);
  return (
    <div class="group data">
      <h2>
        Data{' '}
        <small>
          {session.config.value.rupr.teacher === 'openai'
            ? 'the teacher you name sees a part of it'
            : 'stays on this device'}
        </small>
      </h2>
      <div class="tiles" role="radiogroup" aria-label="Data">
        <Tile
          name="Devices and occasions"
          does="Reasoning joins two facts, and treats may sell better than needs: the default"
          checked={data.source === 'world' && data.world === 'compatibility'}
          choose={() => session.chooseWorld('compatibility')}
        />
        <Tile
          name="Marketplace"
          does="Meaning and taste conflict in part; presets of version 1"
          checked={data.source === 'world' && data.world === 'tradeoff'}
          choose={() => session.chooseWorld('tradeoff')}
        />
        <Tile
          name="Hackable marketplace"
          does="Popular items pay the ID reward whatever was needed"
          checked={data.source === 'world' && data.world === 'hackable'}
          choose={() => session.chooseWorld('hackable')}
        />
        {session.data.imports.value.map((summary) => (
          <Tile
            key={summary.sha256}
            name={summary.id}
            does={`${count(summary.users)} users, ${count(summary.items)} items, ${count(summary.interactions)} interactions`}
            checked={data.source === 'import' && data.sha256 === summary.sha256}
            choose={() => session.chooseImport(summary.sha256, summary.map)}
            remove={() => void session.data.deleteImport(summary.sha256)}
          />
        ))}
        <Drop />
      </div>
      {session.data.draft.value !== null ? (
        <Preview />
      ) : (
        <>
          <ImportFacts
            summary={session.data.imports.value.find(({ sha256 }) => sha256 === data.sha256) ?? null}
          />
          {isMissing && (
            <p class="problem">
              This link was made on a data set that is not on this device (SHA-256 {data.sha256.slice(0, 12)}
              …). Add the same files, or choose a marketplace.
              {data.map !== '' && ' They will be read the way the link says.'}
            </p>
          )}
        </>
      )}
    </div>
  );
}

function Tile(props: { name: string; does: string; checked: boolean; choose(): void; remove?(): void }) {
  return (
    <div class="tile-wrap">
      <label class="tile">
        <input type="radio" name="data" checked={props.checked} onChange={props.choose} />
        <span>
          <b>{props.name}</b>
          <small>{props.does}</small>
        </span>
      </label>
      {props.remove && (
        <DeleteButton
          class="plain tile-remove"
          label="×"
          name={`Delete ${props.name}`}
          question={`Delete ${props.name}?`}
          remove={props.remove}
        />
      )}
    </div>
  );
}

/** Opens the file dialog, and says how far reading is. */
function Drop() {
  const { importing, draft } = useSession().data;
  const isReading = importing.value !== null;
  // Files that are read again have their progress beside what was made of them.
  const progress = draft.value?.found ? null : importing.value;
  return (
    <button type="button" class="tile drop" data-action="pick" disabled={isReading} onClick={pickFiles}>
      {progress === null ? (
        <span>
          <b>Your own files</b>
          <small>
            Drop them anywhere on the page, or pick them here: a table of who took what and when, as CSV, JSON
            lines or Parquet, or a folder or zip of such tables
          </small>
        </span>
      ) : (
        <span>
          <b>{progress.message}</b>
          <progress max="1" value={progress.fraction} aria-label="Import" />
        </span>
      )}
    </button>
  );
}

function ImportFacts({ summary }: { summary: ImportSummary | null }) {
  const session = useSession();
  const outcome = session.data.outcome.value;
  const problem = outcome !== null && 'problem' in outcome ? outcome.problem : null;
  return (
    <div aria-live="polite">
      {problem !== null && <p class="problem">{problem}</p>}
      {summary !== null && (
        <div class="import-facts">
          <p>
            {count(summary.examples[0])} examples to train on, {count(summary.examples[1])} to validate,{' '}
            {count(summary.examples[2])} to test.
          </p>
          {summary.notes.length > 0 && (
            <details>
              <summary>What was made of the files, and what is a proxy</summary>
              {summary.notes.map((note) => (
                <p key={note}>{note}</p>
              ))}
            </details>
          )}
          {summary.problems.length > 0 && (
            <details>
              <summary>
                {summary.problems.length === 1 ? 'One problem' : `${summary.problems.length} problems`} in the
                files
              </summary>
              <ul>
                {summary.problems.map((line) => (
                  <li key={line}>{line}</li>
                ))}
              </ul>
            </details>
          )}
        </div>
      )}
    </div>
  );
}
