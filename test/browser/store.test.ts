import { afterAll, expect, test } from 'vitest';
import { Checkpoints } from '../../src/store/checkpoints';
import { openStore } from '../../src/store/database';
import type { Store, StoreError } from '../../src/store/store';
import { storeContract } from '../store/contract';

/** Chromium's Storage Buckets, which TypeScript's library does not know yet. */
interface StorageBuckets {
  open(name: string, options: { quota: number }): Promise<{ indexedDB: IDBFactory }>;
  delete(name: string): Promise<void>;
}

const opened: { name: string; store: Store }[] = [];

async function freshStore(name = `store-test-${opened.length}`): Promise<Store> {
  const { store, problem } = await openStore(name);
  expect(problem).toBeNull();
  expect(store.persistent).toBe(true);
  opened.push({ name, store });
  return store;
}

afterAll(() => {
  for (const { name, store } of opened) {
    store.close();
    indexedDB.deleteDatabase(name);
  }
});

storeContract(() => freshStore());

test('a second connection sees what the first wrote', async () => {
  const first = await freshStore();
  await new Checkpoints(first).save({ id: 'run', header: 5, pools: { a: new ArrayBuffer(8) } });
  first.close();
  const again = await freshStore(opened.at(-1)!.name);
  expect((await new Checkpoints(again).load('run'))?.header).toBe(5);
});

test('a buffer larger than one piece comes back whole', async () => {
  const checkpoints = new Checkpoints(await freshStore());
  const words = new Uint32Array(9 * 1024 * 1024 + 3);
  for (let i = 0; i < words.length; i += 997) words[i] = i;
  await checkpoints.save({ id: 'run', header: 0, pools: { words: words.buffer } });
  const loaded = new Uint32Array((await checkpoints.load('run'))!.pools.words);
  expect(loaded.length).toBe(words.length);
  expect(loaded.every((word, i) => word === words[i])).toBe(true);
});

test('a part that went missing is reported, not read as nothing', async () => {
  const store = await freshStore();
  const checkpoints = new Checkpoints(store);
  await checkpoints.save({ id: 'run', header: 0, pools: { a: new ArrayBuffer(8), b: new ArrayBuffer(8) } });
  const raw = await rawOpen(opened.at(-1)!.name);
  await finished(
    raw.transaction('pieces', 'readwrite').objectStore('pieces').delete(['checkpoints', 'run', 'b', 0]),
  );
  raw.close();
  const error: StoreError = await checkpoints.load('run').then(
    () => expect.unreachable(),
    (reason) => reason,
  );
  expect(error.problem).toBe('damaged');
  expect(error.message).toMatch(/run.*“b”/);
});

test('a database of a newer version, and a browser that refuses, are served from memory with a reason', async () => {
  const name = 'store-test-newer';
  const newer = await rawOpen(name, 7);
  newer.close();
  const { store, problem } = await openStore(name);
  indexedDB.deleteDatabase(name);
  expect(store.persistent).toBe(false);
  expect(problem?.problem).toBe('version');

  const real = IDBFactory.prototype.open;
  IDBFactory.prototype.open = () => {
    throw new DOMException('The operation is insecure.', 'SecurityError');
  };
  try {
    const refused = await openStore('store-test-refused');
    expect(refused.store.persistent).toBe(false);
    expect(refused.problem?.problem).toBe('unavailable');
  } finally {
    IDBFactory.prototype.open = real;
  }
});

test('a full disk is a quota problem, and the old checkpoint survives it', async () => {
  const checkpoints = new Checkpoints(await freshStore());
  await checkpoints.save({ id: 'run', header: 'old', pools: { a: new ArrayBuffer(8) } });
  const real = IDBObjectStore.prototype.put;
  let puts = 0;
  // As the browser does when the quota is met at the second request: the transaction aborts with the reason.
  IDBObjectStore.prototype.put = function (...parameters) {
    if (++puts === 2) throw new DOMException('full', 'QuotaExceededError');
    return real.apply(this, parameters);
  };
  let error: StoreError | null = null;
  try {
    await checkpoints.save({ id: 'run', header: 'new', pools: { a: new ArrayBuffer(8) } });
  } catch (reason) {
    error = reason as StoreError;
  } finally {
    IDBObjectStore.prototype.put = real;
  }
  expect(error?.problem).toBe('quota');
  expect((await checkpoints.load('run'))?.header).toBe('old');
});

test('the real quota of a browser is met at commit, and reported the same way', async () => {
  // A storage bucket of its own, since a browser remembers for a while how much room the page's own has.
  const buckets = (navigator as unknown as { storageBuckets: StorageBuckets }).storageBuckets;
  const bucket = await buckets.open('small', { quota: 500_000 });
  const real = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB')!;
  Object.defineProperty(globalThis, 'indexedDB', { value: bucket.indexedDB, configurable: true });
  try {
    const { store, problem } = await openStore('store-test-small');
    expect(problem).toBeNull();
    const checkpoints = new Checkpoints(store);
    await checkpoints.save({ id: 'run', header: 'old', pools: { a: new ArrayBuffer(8) } });
    const random = crypto.getRandomValues(new Uint8Array(65_536));
    const pools = Object.fromEntries(
      Array.from({ length: 64 }, (_, i) => [`pool${i}`, random.slice().buffer]),
    );
    const error: StoreError = await checkpoints.save({ id: 'run', header: 'new', pools }).then(
      () => expect.unreachable(),
      (reason) => reason,
    );
    expect(error.problem).toBe('quota');
    expect(error.message).toMatch(/is full/);
    expect((await checkpoints.load('run'))?.header).toBe('old');
    await checkpoints.delete('run');
    expect(await checkpoints.list()).toEqual([]);
    store.close();
  } finally {
    Object.defineProperty(globalThis, 'indexedDB', real);
    await buckets.delete('small');
  }
});

test('after another tab deleted the database the next write opens it again', async () => {
  const store = await freshStore();
  const checkpoints = new Checkpoints(store);
  await checkpoints.save({ id: 'run', header: 1, pools: {} });
  await finished(indexedDB.deleteDatabase(opened.at(-1)!.name));
  expect(await checkpoints.load('run')).toBeNull();
  await checkpoints.save({ id: 'run', header: 2, pools: {} });
  expect((await checkpoints.load('run'))?.header).toBe(2);
});

function rawOpen(name: string, version?: number): Promise<IDBDatabase> {
  return finished(indexedDB.open(name, version));
}

function finished<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
