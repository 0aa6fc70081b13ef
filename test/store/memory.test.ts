import { expect, test } from 'vitest';
import { openStore } from '../../src/store/database';
import { memoryStore } from '../../src/store/memory';
import { toStoreError } from '../../src/store/store';
import { storeContract } from './contract';

storeContract(async () => memoryStore());

test('without IndexedDB a memory store serves, and one sentence says why', async () => {
  const { store, problem } = await openStore();
  expect(store.persistent).toBe(false);
  expect(problem?.problem).toBe('unavailable');
  expect(problem?.message).toMatch(/no storage/);
});

test('errors of IndexedDB become problems a person can act on', () => {
  const named = (name: string) => new DOMException('detail', name);
  expect(toStoreError(named('QuotaExceededError'), 'write').problem).toBe('quota');
  expect(toStoreError(named('VersionError'), 'open').problem).toBe('version');
  expect(toStoreError(named('SecurityError'), 'open').problem).toBe('unavailable');
  expect(toStoreError(named('InvalidStateError'), 'open').problem).toBe('unavailable');
  expect(toStoreError(named('AbortError'), 'write').problem).toBe('failed');
  expect(toStoreError(undefined, 'read').message).toMatch(/failed to read/);
  const already = toStoreError(named('AbortError'), 'write');
  expect(toStoreError(already, 'read')).toBe(already);
});
