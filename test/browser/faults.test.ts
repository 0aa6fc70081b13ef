/** Every operation that a checkpoint's write makes on IndexedDB fails once in each way: a checkpoint is always there. */
import { expect, test } from 'vitest';
import { Checkpoints } from '../../src/store/checkpoints';
import { openStore } from '../../src/store/database';
import { type Fault, type FaultyWrite, faultyWrite, pools } from './faultyWrite';

const FAULTS: Fault[] = ['abort', 'quota', 'terminated'];

/** Ends the writer's thread where it waits. */
async function terminated(write: FaultyWrite): Promise<void> {
  const writer = new Worker(new URL('./faultyWriter.ts', import.meta.url), { type: 'module' });
  try {
    const answer = new Promise((resolve, reject) => {
      writer.onmessage = ({ data }) => resolve(data);
      writer.onerror = ({ message }) => reject(new Error(message));
    });
    writer.postMessage(write);
    expect(await answer).toBe('there');
  } finally {
    writer.terminate();
  }
}

async function written<T>(
  database: string,
  use: (checkpoints: Checkpoints<string>) => Promise<T>,
): Promise<T> {
  const { store, problem } = await openStore(database);
  expect(problem).toBeNull();
  try {
    return await use(new Checkpoints<string>(store));
  } finally {
    store.close();
  }
}

test.each([
  { isFinal: false, operations: 5, header: 'three' },
  { isFinal: true, operations: 7, header: 'end' },
])(
  'a checkpoint, final: $isFinal, with a fault at each operation',
  async ({ isFinal, operations, header }) => {
    let tried = 0;
    for (const fault of FAULTS)
      for (let at = 1; at <= operations; at++) {
        const database = `faults-${header}-${fault}-${at}`;
        const save = { id: 'run', pools: pools() };
        await written(database, async (checkpoints) => {
          for (const header of ['one', 'two']) await checkpoints.save({ ...save, header });
        });
        const write: FaultyWrite = { database, header, isFinal, at, fault };
        if (fault === 'terminated') await terminated(write);
        else {
          const { error } = await faultyWrite(write, () => expect.unreachable());
          // The old ones go when the new one is safe: no fault there is a fault of the write.
          expect(error, database).toBe(at <= 5 ? 'StoreError' : null);
        }
        const found = await written(database, async (checkpoints) => [
          await checkpoints.load('run'),
          await checkpoints.load('run', 'earlier'),
        ]);
        const headers = found.map((checkpoint) => checkpoint?.header ?? null);
        // Until the last operation of the first transaction nothing has happened; after it, the new one is the newest.
        expect(headers, database).toEqual(at <= 5 ? ['two', 'one'] : ['end', 'two']);
        expect(new Float32Array(found[0]!.pools.parameters)).toEqual(new Float32Array([1, 2, 3]));
        // And the next write finds nothing in its way.
        const again = await faultyWrite({ ...write, isFinal: true, header: 'again', at: 0 }, () => {});
        expect(again.error, database).toBeNull();
        expect(await written(database, (checkpoints) => checkpoints.list())).toEqual([
          { id: 'run', header: 'again', earlier: null },
        ]);
        indexedDB.deleteDatabase(database);
        tried++;
      }
    expect(tried).toBe(3 * operations);
    const whole = `faults-${header}-none`;
    await written(whole, async (checkpoints) => {
      for (const header of ['one', 'two']) await checkpoints.save({ id: 'run', header, pools: pools() });
    });
    const none: FaultyWrite = { database: whole, header, isFinal, at: 0, fault: 'abort' };
    expect(await faultyWrite(none, () => {}), 'operations of a whole write').toEqual({
      operations,
      error: null,
    });
    indexedDB.deleteDatabase(whole);
  },
);
