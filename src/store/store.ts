/** What storage offers the run, and how it fails. Served by IndexedDB (database.ts) or by memory (memory.ts). */

export type StoreProblem =
  /** IndexedDB is missing, switched off, or forbidden here. */
  | 'unavailable'
  /** Another tab holds the database in a way that keeps this one out. */
  | 'blocked'
  /** The database was made by a newer version of the page. */
  | 'version'
  /** The browser's storage quota is used up. */
  | 'quota'
  /** A record lacks a part it was written with. */
  | 'damaged'
  | 'failed';

/** What went wrong with storage: `problem` for programs, `message` as one sentence a person can act on. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  constructor(
    readonly problem: StoreProblem,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Which kind of record; each has its own file (checkpoints.ts, undoPoints.ts, transcripts.ts, runs.ts, datasets.ts, lines.ts, cells.ts, runNotes.ts, choices.ts). */
export type CollectionName =
  | 'checkpoints'
  | 'points'
  | 'transcripts'
  | 'runs'
  | 'datasets'
  | 'answers'
  | 'cots'
  | 'cells'
  | 'notes'
  | 'choices';

/** Named values that a structured clone can carry. An ArrayBuffer that is itself a part may be of any size. */
export type Parts = Record<string, unknown>;

export interface StoredHeader {
  id: string;
  /** Plain data (structured clone). */
  header: unknown;
}

export interface StoredRecord extends StoredHeader {
  parts: Parts;
}

/** A record as a list shows it. */
export interface ListedRecord extends StoredHeader {
  /** Of its parts, as `sizeOf` counts them, and milliseconds since the epoch; older versions of the app noted neither. */
  bytes?: number;
  writtenAt?: number;
}

/** Every method rejects with a StoreError and nothing else. What is read is a copy: changing it changes no record. */
export interface Store {
  /** False for memory: what is put there is gone with the tab. */
  readonly persistent: boolean;
  /** Writes or replaces a record, all of it or nothing. */
  put(collection: CollectionName, record: StoredRecord): Promise<void>;
  /** Headers of a collection in the order of their ids, without reading any part. */
  list(collection: CollectionName): Promise<ListedRecord[]>;
  /** A record, or null if there is none of that id. */
  get(collection: CollectionName, id: string): Promise<StoredRecord | null>;
  /** Deletes a record; not an error if there is none. */
  delete(collection: CollectionName, id: string): Promise<void>;
  close(): void;
}

export type StoreAction = 'open' | 'read' | 'write' | 'delete';

/** Any error met while storage was asked to do something, as a StoreError. */
export function toStoreError(error: unknown, action: StoreAction): StoreError {
  if (error instanceof StoreError) return error;
  // A DOMException is not an Error in every browser.
  const { name = '', message = String(error) } = (error ?? {}) as { name?: string; message?: string };
  const problem = problemOf(name, action);
  return new StoreError(problem, storeSentence(problem, action, message), { cause: error });
}

function problemOf(name: string, action: StoreAction): StoreProblem {
  if (name === 'QuotaExceededError') return 'quota';
  if (name === 'VersionError') return 'version';
  // Private windows and blocked cookies answer `open` with SecurityError, InvalidStateError or UnknownError.
  if (action === 'open' || name === 'SecurityError') return 'unavailable';
  return 'failed';
}

/** The sentence a person reads for a problem. */
export function storeSentence(problem: StoreProblem, action: StoreAction, detail = ''): string {
  const because = detail && ` (${detail.replace(/\.$/, '')})`;
  switch (problem) {
    case 'quota':
      return 'The storage that the browser gives this page is full; what was stored before is kept: delete old runs, or download what you want to keep.';
    case 'version':
      return 'The stored data was written by a newer version of this page: reload the page.';
    case 'blocked':
      return 'Another tab of this page keeps its storage locked: close the other tabs and reload.';
    case 'unavailable':
      return `The browser offers this page no storage${because}: results last as long as this tab, so download what you want to keep.`;
    default:
      return `The browser failed to ${action} a stored record${because}; what was stored before is unchanged.`;
  }
}
