/** All that this page keeps in the browser, as the person looks after it: what there is, how large, and what goes when it goes. */
import type { RunHeader } from '../run/checkpoint';
import type { RunConfig } from '../run/config';
import { Checkpoints } from '../store/checkpoints';
import { deleteRun, RUN_COLLECTIONS, runOfRecord } from '../store/runRecords';
import { deleteSentenceFiles, sentenceFileBytes } from '../store/sentenceCache';
import { sizeOf } from '../store/size';
import type { CollectionName, Store } from '../store/store';
import type { CotsSummary, ImportSummary, StoredKind, StoredThing } from './protocol';
import { heldRuns, holdingRun, type Locks } from './runLock';

interface StoredItem {
  collection: CollectionName;
  id: string;
  header: unknown;
  bytes: number;
  writtenAt: number | null;
}

/** Data sets and sets of reasoning that a run reads. */
type Needs = Pick<RunConfig, 'data' | 'rupr'>;

/** Everything, the newest first within its kind. */
export async function listStored(store: Store, locks: Locks | undefined): Promise<StoredThing[]> {
  const held = await heldRuns(locks);
  const headers = new Map(
    (await new Checkpoints<RunHeader>(store).list()).map(({ id, header }) => [id, header]),
  );
  // A run that has only begun has not said what it reads: any of it may be that.
  const isUnknown = [...held].some((id) => !headers.has(id));
  const needed = (reads: (config: Needs) => boolean) => {
    const of = [...headers].filter(([, { config, finished }]) => !finished && reads(config));
    return { isInUse: isUnknown || of.some(([id]) => held.has(id)), neededBy: of.length };
  };
  const free = { isInUse: false, neededBy: 0 };
  const things: StoredThing[] = [];
  const joined = (kind: StoredKind, name: string, own: StoredItem[]) => {
    if (own.length > 0)
      things.push({
        kind,
        id: '',
        name,
        ...free,
        bytes: total(own),
        writtenAt: newest(own),
        records: own.length,
      });
  };

  const runs = new Map<string, StoredItem[]>();
  for (const collection of RUN_COLLECTIONS)
    for (const item of await listed(store, collection)) {
      const id = runOfRecord(item.id);
      runs.set(id, [...(runs.get(id) ?? []), item]);
    }
  for (const [id, own] of runs) {
    const header = headers.get(id) ?? (own[0].header as RunHeader);
    things.push({
      kind: header.finished ? 'finished' : 'unfinished',
      id,
      name: nameOf(header, headers.has(id)),
      bytes: total(own),
      writtenAt: newest(own) ?? header.savedAt ?? null,
      records: own.length,
      isInUse: held.has(id),
      neededBy: 0,
    });
  }
  for (const item of await listed(store, 'datasets')) {
    const { id, users, items } = item.header as ImportSummary;
    const about = needed(({ data }) => data.source === 'import' && data.sha256 === item.id);
    things.push({ kind: 'datasets', name: `${id}: ${users} users, ${items} items`, ...own(item), ...about });
  }
  for (const item of await listed(store, 'cots')) {
    const { name, cots } = item.header as CotsSummary;
    const about = needed(({ rupr }) => rupr.cots_sha256 === item.id);
    things.push({ kind: 'cots', name: `${name}: ${cots} chains of thought`, ...own(item), ...about });
  }
  joined('answers', 'What endpoints answered', await listed(store, 'answers'));
  joined('cells', 'Trained cells of studies', await listed(store, 'cells'));
  const bytes = await sentenceFileBytes();
  if (bytes > 0)
    things.push({
      kind: 'encoder',
      id: '',
      name: 'Universal Sentence Encoder',
      ...free,
      bytes,
      writtenAt: null,
      records: 1,
    });
  return things.sort((a, b) => (b.writtenAt ?? 0) - (a.writtenAt ?? 0));
}

/**
 * Deletes what was listed, but nothing that is in use by now.
 * @returns how many things were left since they are in use
 */
export async function deleteStored(
  store: Store,
  locks: Locks | undefined,
  things: readonly Pick<StoredThing, 'kind' | 'id'>[],
): Promise<number> {
  const now = await listStored(store, locks);
  let left = 0;
  for (const { kind, id } of things) {
    const there = now.find((thing) => thing.kind === kind && thing.id === id);
    if (there === undefined) continue;
    if (there.isInUse) left++;
    else if (kind === 'unfinished' || kind === 'finished') {
      // Between the list and now a tab may have taken it up.
      const isDone = await holdingRun(locks, id, () => deleteRun(store, id)).then(
        () => true,
        async (error: unknown) => {
          if ((await heldRuns(locks)).has(id)) return false;
          throw error;
        },
      );
      if (!isDone) left++;
    } else if (kind === 'encoder') await deleteSentenceFiles();
    else if (id !== '') await store.delete(kind, id);
    else for (const record of await store.list(kind)) await store.delete(kind, record.id);
  }
  return left;
}

async function listed(store: Store, collection: CollectionName): Promise<StoredItem[]> {
  const items: StoredItem[] = [];
  for (const { id, header, bytes, writtenAt = null } of await store.list(collection)) {
    // What was not noted is measured.
    const size = bytes ?? sizeOf((await store.get(collection, id).catch(() => null))?.parts ?? null);
    items.push({ collection, id, header, bytes: size, writtenAt });
  }
  return items;
}

/** Records of older versions of the app may lack what newer ones have. */
function nameOf({ config, stage, step, finished }: Partial<RunHeader>, hasModel: boolean): string {
  const name = `${config?.preset ?? 'a run'}, seed ${config?.seed ?? 'unknown'}, ${config?.popo?.weighting ?? 'unknown'}`;
  if (!hasModel) return `${name}: the report`;
  return finished ? `${name}: model and report` : `${name}: at step ${step} of ${stage}`;
}

function own({ id, bytes, writtenAt }: StoredItem) {
  return { id, bytes, writtenAt, records: 1 };
}

function total(items: readonly StoredItem[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0);
}

function newest(items: readonly StoredItem[]): number | null {
  const times = items.flatMap(({ writtenAt }) => writtenAt ?? []);
  return times.length === 0 ? null : Math.max(...times);
}
