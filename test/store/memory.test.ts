import { expect, test } from 'vitest';
import { openStore } from '../../src/store/database';
import { memoryStore } from '../../src/store/memory';
import { toStoreError } from '../../src/store/store';
import { UndoPoints } from '../../src/store/undoPoints';
import { storeContract } from './contract';

storeContract(async () => memoryStore());

test('without IndexedDB a memory store serves, and one sentence says why', async () => {
  const { store, problem } = await openStore();
  expect(store.persistent).toBe(false);
  expect(problem?.problem).toBe('unavailable');
  expect(problem?.message).toMatch(/no storage/);
});

test('points of a run are few, and the newest is kept however large it is', async () => {
  const points = new UndoPoints<{ stage: string; step: number }>(memoryStore());
  const keep = (step: number, megabytes: number) =>
    points.save({
      id: 'run',
      header: { stage: 'popo', step },
      pools: { parameters: new ArrayBuffer(megabytes * 1024 * 1024) },
    });
  const later = () => new Promise((resolve) => setTimeout(resolve, 2));
  const steps = async () => (await points.list()).map(({ header }) => header.step).sort((a, b) => a - b);
  for (const step of [0, 10, 20]) await keep(step, 40).then(later);
  expect(await steps()).toEqual([10, 20]);
  await keep(30, 100);
  expect(await steps()).toEqual([30]);
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
