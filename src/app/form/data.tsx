import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ImportSummary } from '../../worker/protocol';
import { DeleteButton } from '../parts/deleteButton';
import { useSession } from '../state/context';
import { count } from '../words/format';
import { takeDrops } from './drop';

/** Which data: one of the two embedded worlds, or files of the visitor's, read in a worker and never uploaded. */
export function DataPicker({ open }: { open: boolean }) {
  const session = useSession();
  const { data } = session.config.value;
  const needed = open || data.source === 'import';
  useEffect(() => {
    if (needed) void session.data.listImports();
  }, [session, needed]);
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
          name="Marketplace"
          does="Meaning and taste conflict in part: the default"
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
            choose={() => session.chooseImport(summary.sha256)}
            remove={() => void session.data.deleteImport(summary.sha256)}
          />
        ))}
        <Drop />
      </div>
      <ImportFacts
        summary={session.data.imports.value.find(({ sha256 }) => sha256 === data.sha256) ?? null}
      />
      {data.source === 'import' &&
        session.data.imports.value.every(({ sha256 }) => sha256 !== data.sha256) && (
          <p class="problem">
            This link was made on a data set that is not on this device (SHA-256 {data.sha256.slice(0, 12)}…).
            Add the same files, or choose a marketplace.
          </p>
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

function Drop() {
  const session = useSession();
  const over = useSignal(false);
  const progress = session.data.importing.value;
  useEffect(() => {
    return takeDrops(
      (files) => void session.takeFiles(files),
      (hovering) => {
        over.value = hovering;
      },
    );
  }, [session, over]);
  return (
    <label class={`tile drop ${over.value ? 'over' : ''}`}>
      <input
        type="file"
        data-files="data"
        multiple
        class="hidden"
        accept=".csv,.zip,.dat,.gz,.tsv,.txt"
        disabled={progress !== null}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = '';
          void session.data.importFiles(files);
        }}
      />
      {progress === null ? (
        <span>
          <b>Your own files</b>
          <small>
            Drop anywhere, or pick: Complete Journey, MovieLens, or a CSV of user, item, time, title,
            categories
          </small>
        </span>
      ) : (
        <span>
          <b>{progress.message}</b>
          <progress max="1" value={progress.fraction} aria-label="Import" />
        </span>
      )}
    </label>
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
