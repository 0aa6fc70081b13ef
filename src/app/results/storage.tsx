import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { RULES } from '../../popo/rules';
import type { StoredKind, StoredThing } from '../../worker/protocol';
import { useSession } from '../state/context';
import type { Storage } from '../state/storage';
import { inFieldWords } from '../words/fieldWords';
import { ago, bytes, count } from '../words/format';
import '../styles/storage.css';

/** Of each kind: how one is called, several, and what is lost with it. */
const KINDS: Record<StoredKind, { title: string; one: string; many: string; loss: string }> = {
  unfinished: {
    title: 'Runs that are not finished',
    one: 'run that is not finished',
    many: 'runs that are not finished',
    loss: 'Their training would have to begin again from their links.',
  },
  finished: {
    title: 'Finished runs',
    one: 'finished run with its model',
    many: 'finished runs with their models',
    loss: 'A run’s link trains it again.',
  },
  datasets: {
    title: 'Your data',
    one: 'data set',
    many: 'data sets',
    loss: 'Your own files stay where they are.',
  },
  cots: { title: 'Reasoning', one: 'set of reasoning', many: 'sets of reasoning', loss: '' },
  answers: {
    title: 'Answers of endpoints',
    one: 'endpoint’s answers',
    many: 'endpoints’ answers',
    loss: 'A teacher would be asked again.',
  },
  cells: {
    title: 'Studies',
    one: 'study’s cells',
    many: 'studies’ cells',
    loss: 'A study would begin again.',
  },
  encoder: {
    title: 'Downloads',
    one: 'download',
    many: 'downloads',
    loss: 'They are fetched again when they are needed.',
  },
};

/** A run is called by its rule, as `tiny, seed 7, popo: at step 3 of sft`. */
function nameInWords({ name }: Pick<StoredThing, 'name'>): string {
  const rule = RULES.find((each) => name.includes(`, ${each.name}:`));
  return inFieldWords(rule === undefined ? name : name.replace(`, ${rule.name}:`, `, ${rule.label}:`));
}

/** What somebody is asked before it is deleted, and where the question stands. */
interface Question {
  key: string;
  things: readonly StoredThing[];
}

/** Everything that the browser keeps for this page, by kind: how large, how old, and how it goes. */
export function StoragePanel({ storage }: { storage: Storage }) {
  const session = useSession();
  const asked = useSignal<Question | null>(null);
  const runs = session.savedRuns.value;
  const busy = session.busy.value;
  useEffect(() => {
    // The list of runs is told anew whenever something is kept or deleted, in whichever tab.
    if (runs !== null) void storage.look();
  }, [storage, runs, busy]);
  const things = storage.things.value;
  if (things === null) return <p class="faint">Looking…</p>;
  const ask = (key: string, wanted: readonly StoredThing[]) => {
    asked.value = { key, things: wanted };
  };
  const question = (key: string) =>
    asked.value?.key === key && (
      <Asked
        question={asked.value}
        done={(isYes) => {
          const { things } = asked.value as Question;
          asked.value = null;
          if (isYes) void storage.remove(things);
        }}
      />
    );
  const kinds = (Object.keys(KINDS) as StoredKind[]).filter((kind) =>
    things.some((thing) => thing.kind === kind),
  );
  const isWorking = storage.working.value !== null;
  return (
    <div class="storage" id="storage" aria-busy={isWorking}>
      {kinds.length === 0 && <p class="faint">Nothing is kept.</p>}
      {kinds.map((kind) => {
        const own = things.filter((thing) => thing.kind === kind);
        return (
          <section key={kind} aria-labelledby={`storage-${kind}`}>
            <div class="storage-head">
              <h3 id={`storage-${kind}`}>{KINDS[kind].title}</h3>
              {own.length > 1 && <span class="storage-size">{bytes(total(own))}</span>}
              {own.length > 1 && (
                <button
                  type="button"
                  class="plain"
                  disabled={isWorking || own.every(({ isInUse }) => isInUse)}
                  aria-label={`Delete all ${own.length}: ${KINDS[kind].title}`}
                  onClick={() => ask(kind, own)}
                >
                  Delete all {own.length}
                </button>
              )}
            </div>
            {question(kind)}
            <ul>
              {own.map((thing) => (
                <li key={thing.id} data-kind={kind}>
                  <span class="storage-name">{nameInWords(thing)}</span>
                  <span class="faint">{thing.isInUse ? 'in use by a run that is on' : dated(thing)}</span>
                  <span class="storage-size" title={`${count(thing.bytes)} bytes`}>
                    {bytes(thing.bytes)}
                  </span>
                  <button
                    type="button"
                    class="plain"
                    disabled={isWorking || thing.isInUse}
                    aria-label={`Delete ${nameInWords(thing)}`}
                    onClick={() => ask(`${kind} ${thing.id}`, [thing])}
                  >
                    Delete
                  </button>
                  {question(`${kind} ${thing.id}`)}
                </li>
              ))}
            </ul>
          </section>
        );
      })}
      {things.length > 0 && (
        <div class="storage-head">
          <h3>All of it</h3>
          <span class="storage-size">{bytes(total(things))}</span>
          <button
            type="button"
            class="plain"
            data-action="delete-everything"
            disabled={isWorking}
            onClick={() => ask('everything', things)}
          >
            Delete everything
          </button>
        </div>
      )}
      {question('everything')}
    </div>
  );
}

function Asked({ question: { things }, done }: { question: Question; done(isYes: boolean): void }) {
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => keep.current?.focus(), []);
  return (
    <div
      class="storage-asked"
      role="alertdialog"
      aria-label="Delete?"
      onKeyDown={(event) => {
        if (event.key === 'Escape') done(false);
      }}
    >
      <p>{lossWords(things)}</p>
      <button type="button" data-action="confirm-delete" onClick={() => done(true)}>
        Delete
      </button>
      <button type="button" class="plain" ref={keep} onClick={() => done(false)}>
        Keep
      </button>
    </div>
  );
}

/** What goes, as a person should know it before it does. */
export function lossWords(things: readonly StoredThing[]): string {
  const free = things.filter(({ isInUse }) => !isInUse);
  const kinds = (Object.keys(KINDS) as StoredKind[]).filter((kind) =>
    free.some((thing) => thing.kind === kind),
  );
  const parts = kinds.map((kind) => {
    const number = free.filter((thing) => thing.kind === kind).length;
    return `${number} ${number === 1 ? KINDS[kind].one : KINDS[kind].many}`;
  });
  const [only] = free;
  const what =
    free.length === 1 ? `“${nameInWords(only)}”` : parts.join(', ').replace(/, ([^,]*)$/, ' and $1');
  const losses = kinds.length === 1 ? [KINDS[kinds[0]].loss] : ['This cannot be undone.'];
  // Where the runs go too, nobody needs it any more.
  const needed = free.reduce((most, { neededBy }) => Math.max(most, neededBy), 0);
  const it = free.length === 1 ? 'it' : 'one of them';
  if (needed > 0 && !kinds.includes('unfinished'))
    losses.push(
      needed === 1
        ? `A run that is not finished needs ${it} to go on.`
        : `${needed} runs that are not finished need ${it} to go on.`,
    );
  const left = things.length - free.length;
  if (left > 0) losses.push(`What a run is using now stays.`);
  return [`Delete ${what}, ${bytes(total(free))}?`, ...losses].filter((part) => part !== '').join(' ');
}

/** How long ago, and from a day on the date. */
function dated({ writtenAt }: StoredThing): string {
  if (writtenAt === null) return 'date not noted';
  const now = Date.now();
  return now - writtenAt < 86_400_000 ? ago(writtenAt, now) : new Date(writtenAt).toISOString().slice(0, 10);
}

function total(things: readonly StoredThing[]): number {
  return things.reduce((sum, thing) => sum + thing.bytes, 0);
}
