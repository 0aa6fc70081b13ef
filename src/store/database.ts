/**
 * Typed blobs in IndexedDB; knows nothing of the run. A record is a small header, listed without touching the rest, and
 * named parts. Header and parts are written in one transaction: a write that fails leaves what was there before.
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { memoryStore } from './memory';
import { sizeOf } from './size';
import {
  type CollectionName,
  type ListedRecord,
  type Parts,
  type Store,
  type StoreAction,
  type StoredRecord,
  StoreError,
  storeSentence,
  toStoreError,
} from './store';

/** Buffers are split into pieces of at most this many bytes: browsers limit one stored value (about 128 MiB). */
const PIECE_BYTES = 32 * 1024 * 1024;
/** `indexedDB.open` is known never to answer, after a browser's update or a crashed profile. */
const OPEN_TIMEOUT_MS = 10_000;

type PieceKey = [collection: CollectionName, id: string, part: string, index: number];

interface Schema extends DBSchema {
  headers: {
    key: [CollectionName, string];
    /** `pieces` counts the pieces of each part; 0 for a part that is no ArrayBuffer and is stored as it is. */
    value: { collection: CollectionName; pieces: Record<string, number> } & ListedRecord;
  };
  pieces: { key: PieceKey; value: unknown };
}

/**
 * Opens the page's database. Never rejects: where there is no usable IndexedDB, `store` is a memory store and `problem`
 * says why in one sentence.
 * @param name of the database; tests use their own
 * @param onClosed somebody else closed the connection, as happens when the browser or a person deletes what is kept
 */
export async function openStore(
  name = 'taiji-lab',
  onClosed: () => void = () => {},
): Promise<{ store: Store; problem: StoreError | null }> {
  const store = new IndexedStore(name, onClosed);
  try {
    await store.connect();
    return { store, problem: null };
  } catch (error) {
    return { store: memoryStore(), problem: toStoreError(error, 'open') };
  }
}

class IndexedStore implements Store {
  readonly persistent = true;
  #connection: Promise<IDBPDatabase<Schema>> | null = null;

  constructor(
    readonly name: string,
    readonly onClosed: () => void,
  ) {}

  /** The connection; opened again after the browser or another tab closed it. */
  connect(): Promise<IDBPDatabase<Schema>> {
    if (!this.#connection) {
      const forget = () => {
        if (this.#connection === opening) this.#connection = null;
      };
      const opening = open(this.name, () => {
        forget();
        this.onClosed();
      });
      opening.catch(forget);
      this.#connection = opening;
    }
    return this.#connection;
  }

  put(collection: CollectionName, { id, header, parts }: StoredRecord): Promise<void> {
    return this.#write('write', (headers, pieces, requests) => {
      requests.push(pieces.delete(pieceRange(collection, id)));
      const counts: Record<string, number> = {};
      for (const [part, value] of Object.entries(parts)) {
        const split = value instanceof ArrayBuffer ? splitBuffer(value) : [value];
        counts[part] = value instanceof ArrayBuffer ? split.length : 0;
        split.forEach((piece, index) => {
          requests.push(pieces.put(piece, [collection, id, part, index]));
        });
      }
      const [bytes, writtenAt] = [sizeOf(parts), Date.now()];
      requests.push(headers.put({ collection, id, header, pieces: counts, bytes, writtenAt }));
    });
  }

  async list(collection: CollectionName): Promise<ListedRecord[]> {
    try {
      const transaction = readOnly(await this.connect());
      const range = IDBKeyRange.bound([collection], [collection, []]);
      const found = await transaction.objectStore('headers').getAll(range);
      return found.map(({ id, header, bytes, writtenAt }) => ({ id, header, bytes, writtenAt }));
    } catch (error) {
      throw toStoreError(error, 'read');
    }
  }

  async get(collection: CollectionName, id: string): Promise<StoredRecord | null> {
    try {
      const transaction = readOnly(await this.connect());
      const found = await transaction.objectStore('headers').get([collection, id]);
      if (!found) return null;
      const parts: Parts = {};
      for (const [part, count] of Object.entries(found.pieces)) {
        const read: unknown[] = [];
        for (let index = 0; index < Math.max(1, count); index++) {
          const cursor = await transaction.objectStore('pieces').openCursor([collection, id, part, index]);
          if (!cursor) throw damaged(id, part);
          read.push(cursor.value);
        }
        parts[part] = count === 0 ? read[0] : joinBuffers(read as ArrayBuffer[]);
      }
      return { id, header: found.header, parts };
    } catch (error) {
      throw toStoreError(error, 'read');
    }
  }

  delete(collection: CollectionName, id: string): Promise<void> {
    return this.#write('delete', (headers, pieces, requests) => {
      // One by one: where the second fails at once, the first is waited for all the same.
      requests.push(headers.delete([collection, id]));
      requests.push(pieces.delete(pieceRange(collection, id)));
    });
  }

  /** One read-write transaction; `queue` adds every request it makes to `requests`, and none of it lasts if any fails. */
  async #write(
    action: StoreAction,
    queue: (
      headers: Pick<HeaderStore, 'put' | 'delete'>,
      pieces: Pick<PieceStore, 'put' | 'delete'>,
      requests: Promise<unknown>[],
    ) => void,
  ): Promise<void> {
    try {
      const database = await this.connect();
      const transaction = database.transaction(['headers', 'pieces'], 'readwrite', { durability: 'strict' });
      const requests: Promise<unknown>[] = [transaction.done];
      try {
        queue(transaction.objectStore('headers'), transaction.objectStore('pieces'), requests);
      } catch (error) {
        try {
          transaction.abort();
        } catch {
          // It was aborted before.
        }
        await Promise.allSettled(requests);
        throw error;
      }
      // Settle all, so that no rejection goes unhandled; `done` carries the reason (a quota is known only at commit).
      await Promise.allSettled(requests);
      await transaction.done;
    } catch (error) {
      throw toStoreError(error, action);
    }
  }

  close(): void {
    const closing = this.#connection;
    this.#connection = null;
    closing?.then(
      (database) => database.close(),
      () => undefined,
    );
  }
}

interface HeaderStore {
  put(value: Schema['headers']['value']): Promise<unknown>;
  delete(key: Schema['headers']['key']): Promise<unknown>;
}

interface PieceStore {
  put(value: unknown, key: PieceKey): Promise<unknown>;
  delete(range: IDBKeyRange): Promise<unknown>;
}

/** A transaction whose requests alone are awaited: an abort reaches those, and after them it matters to nobody. */
function readOnly(database: IDBPDatabase<Schema>) {
  const transaction = database.transaction(['headers', 'pieces'], 'readonly');
  transaction.done.catch(() => undefined);
  return transaction;
}

/** Opens or makes the database; `onClosed` tells when the connection went for a reason other than `close()`. */
function open(name: string, onClosed: () => void): Promise<IDBPDatabase<Schema>> {
  return new Promise((resolve, reject) => {
    if (typeof indexedDB === 'undefined' || indexedDB === null) {
      throw new StoreError('unavailable', storeSentence('unavailable', 'open'));
    }
    let failed = false;
    const fail = (error: unknown) => {
      failed = true;
      clearTimeout(timer);
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new StoreError('unavailable', storeSentence('unavailable', 'open', 'it does not answer'))),
      OPEN_TIMEOUT_MS,
    );
    openDB<Schema>(name, 1, {
      upgrade(database) {
        database.createObjectStore('headers', { keyPath: ['collection', 'id'] });
        database.createObjectStore('pieces');
      },
      blocked: () => fail(new StoreError('blocked', storeSentence('blocked', 'open'))),
      // Another tab wants a newer version, or to delete the database: let it, and open again at the next use.
      blocking: (_current, _wanted, event) => {
        (event.target as IDBDatabase).close();
        onClosed();
      },
      terminated: onClosed,
    }).then((database) => {
      clearTimeout(timer);
      if (failed) database.close();
      else resolve(database);
    }, fail);
  });
}

/** Keys of all pieces of a record: an array sorts after every string. */
function pieceRange(collection: CollectionName, id: string): IDBKeyRange {
  return IDBKeyRange.bound([collection, id], [collection, id, []]);
}

function splitBuffer(buffer: ArrayBuffer): ArrayBuffer[] {
  if (buffer.byteLength <= PIECE_BYTES) return [buffer];
  const pieces: ArrayBuffer[] = [];
  for (let start = 0; start < buffer.byteLength; start += PIECE_BYTES) {
    pieces.push(buffer.slice(start, start + PIECE_BYTES));
  }
  return pieces;
}

function joinBuffers(pieces: ArrayBuffer[]): ArrayBuffer {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(pieces.reduce((total, piece) => total + piece.byteLength, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(new Uint8Array(piece), offset);
    offset += piece.byteLength;
  }
  return whole.buffer;
}

function damaged(id: string, part: string): StoreError {
  return new StoreError(
    'damaged',
    `The stored record ${id} has lost its part “${part}”: delete it and run again.`,
  );
}
