/**
 * Checkpoints: a header that says where a run stands, and pools of weights and moments, byte for byte. Of each run the two
 * newest are kept, so that one which is damaged has another before it. Every byte is under a SHA-256 and is checked when it
 * is read.
 */
import { sha256 } from '../numeric/hash';
import { type Store, StoreError } from './store';

export interface Checkpoint<Header> {
  id: string;
  /** Plain data that JSON can carry; listed without reading the pools. */
  header: Header;
  /** Named pools, e.g. `parameters`, `moment1`, `moment2`. */
  pools: Record<string, ArrayBuffer>;
}

/** Which of a run's two checkpoints. */
export type CheckpointGeneration = 'newest' | 'earlier';

export interface ListedCheckpoint<Header> {
  id: string;
  header: Header;
  /** Of the one before it; null where there is none. */
  earlier: Header | null;
}

/** What stands in the store beside the caller's header. Records of older versions of the app have the latter alone. */
interface Sealed<Header> {
  caller: Header;
  /** Rises with every checkpoint of the run. */
  generation: number;
  isFinal: boolean;
  /** SHA-256 of each pool. */
  pools: Record<string, string>;
  /** SHA-256 of all the above. */
  seal: string;
}

/** A checkpoint as it is listed, with the key of its record. */
interface Found<Header> {
  key: string;
  header: Header;
  sealed: Sealed<Header> | null;
}

/** Ends the key of a run's second record. */
const SECOND = ' (2)';

/** The checkpoints of a store. Methods reject with StoreError only; a failed `save` leaves the old checkpoints. */
export class Checkpoints<Header> {
  /** @param collection `points`: those that a run may be forked from later, each of which stands alone (undoPoints.ts) */
  constructor(
    readonly store: Store,
    readonly collection: 'checkpoints' | 'points' = 'checkpoints',
  ) {}

  /**
   * Writes a checkpoint beside the run's newest one, all of it or nothing. It takes the place of the one before that.
   * @param isFinal of a run that is finished: it stands alone, and nothing that is not final replaces it
   * @param isAgain what the newest one holds, with a word more: it takes that one's place, and the one before stays
   * @returns whether there was a checkpoint of the run before
   */
  async save({ id, header, pools }: Checkpoint<Header>, isFinal = false, isAgain = false): Promise<boolean> {
    const [newest, earlier] = await this.#generations(id);
    if (newest?.sealed?.isFinal && !isFinal)
      throw new StoreError('failed', 'This run is finished and kept already; what goes on here is not kept.');
    const digests: Record<string, string> = {};
    for (const [name, pool] of Object.entries(pools)) digests[name] = await sha256(new Uint8Array(pool));
    const generation = newest === undefined ? 1 : generationOf(newest) + 1;
    const sealed = { caller: header, generation, isFinal, pools: digests };
    const other = newest?.key === id ? id + SECOND : id;
    const key = isAgain && newest !== undefined ? newest.key : other;
    const seal = await sealOf(sealed);
    await this.store.put(this.collection, { id: key, header: { ...sealed, seal }, parts: pools });
    if (isFinal)
      for (const old of [newest, earlier]) {
        // The run is kept either way, and an older one beside it is passed over.
        if (old && old.key !== key) await this.#remove(old.key).catch(() => undefined);
      }
    return newest !== undefined;
  }

  /** SHA-256 of each pool of the checkpoints that are kept of this run, the newest first. */
  async digests(id: string): Promise<Record<string, string>[]> {
    return (await this.#generations(id)).map(({ sealed }) => sealed?.pools ?? {});
  }

  /** Of the newest checkpoint of this run, without reading any pool; null where there is none. */
  async header(id: string): Promise<Header | null> {
    const [newest] = await this.#generations(id);
    return newest?.header ?? null;
  }

  /** Of each run the newest, in the order of ids, without reading any pool. */
  async list(): Promise<ListedCheckpoint<Header>[]> {
    const runs = await this.#runs();
    return [...runs].map(([id, [newest, earlier]]) => ({
      id,
      header: newest.header,
      earlier: earlier?.header ?? null,
    }));
  }

  /**
   * A checkpoint of this run, or null if there is none.
   * @throws {StoreError} `damaged` when it is not what was written
   */
  async load(id: string, generation: CheckpointGeneration = 'newest'): Promise<Checkpoint<Header> | null> {
    const [newest, earlier] = await this.#generations(id);
    const found = generation === 'newest' ? newest : earlier;
    const record = found && (await this.store.get(this.collection, found.key));
    if (!record) return null;
    const pools = record.parts as Record<string, ArrayBuffer>;
    if (found.sealed !== null) await check(found.sealed, pools);
    return { id, header: found.header, pools };
  }

  /** Deletes all that is kept of this run. */
  async delete(id: string): Promise<void> {
    await this.#remove(id);
    await this.#remove(id + SECOND);
  }

  #remove(key: string): Promise<void> {
    return this.store.delete(this.collection, key);
  }

  async #generations(id: string): Promise<Found<Header>[]> {
    return (await this.#runs()).get(id) ?? [];
  }

  /** What is kept, by run, the newest first. */
  async #runs(): Promise<Map<string, Found<Header>[]>> {
    const runs = new Map<string, Found<Header>[]>();
    for (const { id: key, header } of await this.store.list(this.collection)) {
      const sealed = isSealed<Header>(header) ? header : null;
      const id = runOfKey(key);
      const own = { key, header: sealed?.caller ?? (header as Header), sealed };
      runs.set(
        id,
        [...(runs.get(id) ?? []), own].sort((a, b) => generationOf(b) - generationOf(a)),
      );
    }
    return runs;
  }
}

/** The run, or the point, that a record of the collection is of. */
function runOfKey(key: string): string {
  return key.endsWith(SECOND) ? key.slice(0, -SECOND.length) : key;
}

function generationOf({ sealed }: Pick<Found<unknown>, 'sealed'>): number {
  return sealed?.generation ?? 0;
}

function isSealed<Header>(header: unknown): header is Sealed<Header> {
  return typeof header === 'object' && header !== null && 'seal' in header && 'caller' in header;
}

/** Of plain data, whose keys keep their order in the store. */
function sealOf<Header>({
  caller,
  generation,
  isFinal,
  pools,
}: Omit<Sealed<Header>, 'seal'>): Promise<string> {
  const names = Object.keys(pools).sort();
  return sha256(JSON.stringify([caller, generation, isFinal, names.map((name) => [name, pools[name]])]));
}

async function check<Header>(sealed: Sealed<Header>, pools: Record<string, ArrayBuffer>): Promise<void> {
  if ((await sealOf(sealed)) !== sealed.seal) throw damaged('its header');
  for (const name of new Set([...Object.keys(sealed.pools), ...Object.keys(pools)])) {
    const pool = pools[name];
    const isWhole =
      pool instanceof ArrayBuffer && (await sha256(new Uint8Array(pool))) === sealed.pools[name];
    if (!isWhole) throw damaged(`its part “${name}”`);
  }
}

function damaged(what: string): StoreError {
  return new StoreError('damaged', `This checkpoint is damaged: ${what} is not what was written.`);
}
