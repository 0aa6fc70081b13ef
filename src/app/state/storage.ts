/** What the person does with all that is kept: looks, takes a run in from a file, saves one to a file, deletes. */
import { signal } from '@preact/signals';
import type { StoredKind, StoredThing } from '../../worker/protocol';
import { sentence } from '../words/sentence';
import type { Session } from './session';

export type Storage = ReturnType<typeof createStorage>;

/** @param save hands a file to the person */
export function createStorage(
  session: Session,
  save: (name: string, bytes: Uint8Array<ArrayBuffer>) => void,
) {
  /** Null until they have been looked up. */
  const things = signal<StoredThing[] | null>(null);
  const problem = signal<string | null>(null);
  /** Words for what takes long; null when nothing does. */
  const working = signal<string | null>(null);

  const importer = () =>
    session.importer((message) => {
      problem.value = `The import worker stopped unexpectedly (${message}): try again.`;
    });

  async function attempt<T>(words: string, what: string, action: () => Promise<T>): Promise<T | null> {
    working.value = words;
    problem.value = null;
    try {
      return await action();
    } catch (error) {
      problem.value = `${what}: ${sentence(error)}`;
      return null;
    } finally {
      working.value = null;
    }
  }

  async function look(): Promise<void> {
    const found = await attempt('Looking', 'What is kept could not be listed', () => importer().listStored());
    if (found !== null) things.value = found.map(guarded);
  }

  /** A study holds no lock, and what this tab trains on it may not have said yet. */
  function guarded(thing: StoredThing): StoredThing {
    if (!session.busy.value) return thing;
    const { data, rupr } = session.shownConfig.value;
    const isRead =
      (thing.kind === 'datasets' && data.source === 'import' && data.sha256 === thing.id) ||
      (thing.kind === 'cots' && rupr.cots_sha256 === thing.id) ||
      (thing.kind === 'cells' && session.studies.busy.value) ||
      thing.kind === 'encoder';
    return { ...thing, isInUse: thing.isInUse || isRead };
  }

  /** Deletes those that no run uses. */
  async function remove(wanted: readonly StoredThing[]): Promise<void> {
    const free = wanted.map(guarded).filter(({ isInUse }) => !isInUse);
    const left = await attempt('Deleting', 'Not everything could be deleted', () =>
      importer().deleteStored(free.map(({ kind, id }) => ({ kind, id }))),
    );
    if (left !== null && left > 0)
      problem.value = `${left === 1 ? 'One thing was' : `${left} things were`} left, since a run uses ${left === 1 ? 'it' : 'them'} by now.`;
    const kinds = new Set<StoredKind>(free.map(({ kind }) => kind));
    const said = problem.value;
    if (kinds.has('datasets')) {
      await session.data.listImports();
      session.forgetMissing();
    }
    if (kinds.has('cots')) await session.cots.listCots();
    await session.refreshRuns();
    await look();
    problem.value = said;
  }

  /** run.zip of a kept run. */
  async function saveRun(id: string): Promise<void> {
    const file = await attempt('Writing the file', 'The run could not be saved to a file', () =>
      session.trainer().exportRun(id),
    );
    if (file !== null) save(file.name, file.bytes);
  }

  return { things, problem, working, look, remove, saveRun };
}
