/** What every Store must do, run against memory in Node and against IndexedDB in a browser. */
import { expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { identify } from '../../src/data/hash';
import { Checkpoints } from '../../src/store/checkpoints';
import { Datasets } from '../../src/store/datasets';
import { LineFiles, LineLogs } from '../../src/store/lines';
import { RunNotes } from '../../src/store/runNotes';
import { deleteRun } from '../../src/store/runRecords';
import { Runs } from '../../src/store/runs';
import { type CollectionName, type Store, StoreError } from '../../src/store/store';
import { StoredTranscripts } from '../../src/store/transcripts';
import { UndoPoints } from '../../src/store/undoPoints';

const floats = (...values: number[]) => new Float32Array(values).buffer;

const saying = (step: number) => ({
  step,
  pieces: ['<answer>', ' né'],
  answerPieces: Uint16Array.of(0, 1, 1),
  ends: Uint32Array.of(3),
  after: Float32Array.of(0.25, step),
});

/** A data set of two users, made by hand. */
export async function tinyDataset(): Promise<Dataset> {
  const data = {
    items: [
      { id: 'a', title: 'oat milk', categories: ['food', 'drink', 'milk'] as const },
      { id: 'b', title: 'ginger tea', categories: ['food', 'drink', 'tea'] as const },
    ],
    users: [
      { id: 'u', profile: 'age 30', history: Int32Array.of(0, 1, 1, 0) },
      { id: 'v', profile: '', history: Int32Array.of(1) },
    ],
    impressions: {
      user: Int32Array.of(0, 0),
      item: Int32Array.of(1, 0),
      historyLength: Int32Array.of(1, 1),
      click: Uint8Array.of(1, 0),
      conversion: Uint8Array.of(0, 0),
    },
    facts: ['after milk need tea'],
  };
  const splits = {
    train: [{ user: 0, position: 1 }],
    validation: [{ user: 0, position: 2 }],
    test: [{ user: 0, position: 3 }],
  };
  return identify({ id: 'tiny', ...data, splits, notes: ['made by hand'] });
}

export function storeContract(open: () => Promise<Store>): void {
  test('a log grows by lines, apart from other logs, and is forgotten with them', async () => {
    const store = await open();
    const logs = new LineLogs(store);
    expect(await logs.read('a')).toEqual([]);
    await Promise.all([logs.append('a', ['1', '2']), logs.append('a', ['3']), logs.append('ab', ['4'])]);
    expect((await new LineLogs(store).read('a')).sort()).toEqual(['1', '2', '3']);
    expect(await logs.count()).toBe(4);
    expect(await logs.read('ab')).toEqual(['4']);
    await logs.clear();
    expect(await logs.count()).toBe(0);
    expect(await logs.read('a')).toEqual([]);
    expect(await logs.read('ab')).toEqual([]);
  });

  test('a file of lines comes back, is listed by its header, and goes', async () => {
    const files = new LineFiles<{ name: string }>(await open());
    await files.save('ff', { name: 'two' }, '{"cot":"é\\n"}\n');
    await files.save('ee', { name: 'one' }, '');
    await files.save('ee', { name: 'one again' }, 'x\n');
    expect(await files.list()).toEqual([{ name: 'one again' }, { name: 'two' }]);
    expect(await files.load('ff')).toBe('{"cot":"é\\n"}\n');
    expect(await files.load('ee')).toBe('x\n');
    await files.delete('ff');
    expect(await files.load('ff')).toBeNull();
  });

  test('of the points of a run the newest are kept, apart from its checkpoints and other runs’ points', async () => {
    const store = await open();
    const points = new UndoPoints<{ stage: string; step: number }>(store);
    const keep = (id: string, step: number) =>
      points.save({ id, header: { stage: 'popo', step }, pools: { parameters: floats(step) } });
    await keep('other', 3);
    for (let step = 0; step < 10; step++) {
      await keep('run', step);
      // They are told apart by when they were written.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await keep('run', 9);
    const keys = (await points.list()).map(({ key }) => key);
    expect(keys).toEqual(['other popo 3', ...[2, 3, 4, 5, 6, 7, 8, 9].map((step) => `run popo ${step}`)]);
    expect((await points.load('run popo 4'))?.pools.parameters).toEqual(floats(4));
    expect(await new Checkpoints(store).list()).toEqual([]);
  });

  test('what a run said is kept by steps, with its arrays as they were; from a step on it is replaced', async () => {
    const store = await open();
    const said = new StoredTranscripts<ReturnType<typeof saying>>(store);
    const steps = Array.from({ length: 35 }, (_, step) => saying(step));
    await said.save('run', steps);
    await said.save('other', steps.slice(0, 3));
    expect(await said.load('run')).toEqual(steps);
    expect(await said.step('run', 34)).toEqual(saying(34));
    expect([await said.step('run', 35), await said.step('none', 0)]).toEqual([null, null]);
    const again = [...steps.slice(0, 20), { ...saying(20), pieces: ['another'] }];
    await said.save('run', again, 20);
    expect(await said.load('run')).toEqual(again);
    expect(await said.load('other')).toEqual(steps.slice(0, 3));
    for (const { bytes } of await store.list('transcripts')) expect(bytes).toBeGreaterThan(100);
  });

  test('of a run that is deleted nothing is left, wherever it lay, and of others all is', async () => {
    const store = await open();
    for (const id of ['run', 'run-2']) {
      const pools = { parameters: floats(1) };
      for (const step of [1, 2]) await new Checkpoints(store).save({ id, header: { step }, pools });
      await new UndoPoints(store).save({ id, header: { stage: 'popo', step: 1 }, pools });
      await new Runs(store).save(id, {}, null);
      await new RunNotes(store).save(id, { name: 'n', text: '' });
      await new StoredTranscripts(store).save(id, [saying(0), saying(16)]);
    }
    await new LineLogs(store).append('run', ['1']);
    await deleteRun(store, 'run');
    const left = async (collection: CollectionName) => (await store.list(collection)).map(({ id }) => id);
    expect(await left('checkpoints')).toEqual(['run-2', 'run-2 (2)']);
    expect(await left('points')).toEqual(['run-2 popo 1']);
    expect(await left('runs')).toEqual(['run-2']);
    expect(await left('notes')).toEqual(['run-2']);
    expect(await left('transcripts')).toEqual(['run-2 000000', 'run-2 000001']);
    expect(await new LineLogs(store).read('run')).toEqual(['1']);
  });

  test('a checkpoint comes back byte for byte and is listed by its header alone', async () => {
    const checkpoints = new Checkpoints<{ step: number }>(await open());
    const pools = { parameters: floats(1, Number.NaN, -0), moment1: floats(2), empty: new ArrayBuffer(0) };
    await checkpoints.save({ id: 'run-2', header: { step: 2 }, pools });
    await checkpoints.save({ id: 'run-1', header: { step: 1 }, pools: { parameters: floats(7) } });
    expect(await checkpoints.list()).toEqual([
      { id: 'run-1', header: { step: 1 }, earlier: null },
      { id: 'run-2', header: { step: 2 }, earlier: null },
    ]);
    const loaded = await checkpoints.load('run-2');
    expect(loaded?.header).toEqual({ step: 2 });
    expect(Object.keys(loaded?.pools ?? {}).sort()).toEqual(['empty', 'moment1', 'parameters']);
    expect(new Uint8Array(loaded!.pools.parameters)).toEqual(new Uint8Array(pools.parameters));
    expect(loaded!.pools.empty.byteLength).toBe(0);
    expect(await checkpoints.load('absent')).toBeNull();
    await checkpoints.delete('run-2');
    await checkpoints.delete('run-2');
    expect(await checkpoints.list()).toHaveLength(1);
    expect(await checkpoints.load('run-2')).toBeNull();
  });

  test('of a run the two newest checkpoints are kept, each as it was written', async () => {
    const checkpoints = new Checkpoints<string>(await open());
    await checkpoints.save({ id: 'run', header: 'one', pools: { a: floats(1), b: floats(2) } });
    await checkpoints.save({ id: 'run', header: 'two', pools: { a: floats(3) } });
    await checkpoints.save({ id: 'run', header: 'three', pools: { c: floats(4) } });
    await checkpoints.save({ id: 'run (3)', header: 'another', pools: {} });
    expect(await checkpoints.list()).toEqual([
      { id: 'run', header: 'three', earlier: 'two' },
      { id: 'run (3)', header: 'another', earlier: null },
    ]);
    const [newest, earlier] = [await checkpoints.load('run'), await checkpoints.load('run', 'earlier')];
    expect([newest?.header, Object.keys(newest?.pools ?? {})]).toEqual(['three', ['c']]);
    expect([earlier?.header, Object.keys(earlier?.pools ?? {})]).toEqual(['two', ['a']]);
    expect(new Float32Array(earlier!.pools.a)[0]).toBe(3);
    await checkpoints.delete('run');
    expect(await checkpoints.load('run', 'earlier')).toBeNull();
    expect(await checkpoints.list()).toHaveLength(1);
  });

  test('what the newest one holds with a word more takes its place, and the one before stays', async () => {
    const checkpoints = new Checkpoints<string>(await open());
    const pools = { a: floats(1) };
    await checkpoints.save({ id: 'run', header: 'first', pools }, false, true);
    for (const header of ['two', 'three']) await checkpoints.save({ id: 'run', header, pools });
    await checkpoints.save({ id: 'run', header: 'three, stopped', pools }, false, true);
    expect(await checkpoints.list()).toEqual([{ id: 'run', header: 'three, stopped', earlier: 'two' }]);
    expect((await checkpoints.load('run'))?.header).toBe('three, stopped');
  });

  test('a finished run is kept alone, and nothing unfinished takes its place', async () => {
    const checkpoints = new Checkpoints<string>(await open());
    const pools = { a: floats(1) };
    for (const header of ['one', 'two']) await checkpoints.save({ id: 'run', header, pools });
    await checkpoints.save({ id: 'run', header: 'end', pools }, true);
    expect(await checkpoints.list()).toEqual([{ id: 'run', header: 'end', earlier: null }]);
    await expect(checkpoints.save({ id: 'run', header: 'again', pools })).rejects.toThrow(/finished/);
    await checkpoints.save({ id: 'run', header: 'end again', pools }, true);
    expect(await checkpoints.list()).toEqual([{ id: 'run', header: 'end again', earlier: null }]);
  });

  test('a checkpoint that is not what was written is not read, and the one before it still is', async () => {
    const store = await open();
    const checkpoints = new Checkpoints<{ step: number }>(store);
    const pools = () => ({ a: floats(1, 2, 3), b: floats(4) });
    for (const step of [1, 2]) await checkpoints.save({ id: 'run', header: { step }, pools: pools() });
    const key = 'run (2)';
    const whole = (await store.get('checkpoints', key))!;
    const kept = whole.header as { caller: object; pools: Record<string, string> };
    const damages: [Partial<typeof whole>, RegExp][] = [
      [{ parts: { ...pools(), a: floats(1, 2, 4) } }, /its part “a”/],
      [{ parts: { ...pools(), a: floats(1, 2) } }, /its part “a”/],
      [{ parts: { a: pools().a } }, /its part “b”/],
      [{ parts: { ...pools(), c: floats(5) } }, /its part “c”/],
      [{ parts: { ...pools(), b: 'text' } }, /its part “b”/],
      [{ header: { ...kept, caller: { step: 999_999 } } }, /its header/],
      [{ header: { ...kept, isFinal: true } }, /its header/],
      [{ header: { ...kept, generation: 9 } }, /its header/],
      [{ header: { ...kept, pools: { ...kept.pools, b: kept.pools.a } } }, /its header/],
    ];
    for (const [damage, reason] of damages) {
      await store.put('checkpoints', { ...whole, ...damage });
      const error = await checkpoints.load('run').catch((reason: unknown) => reason as StoreError);
      expect(error).toBeInstanceOf(StoreError);
      expect([(error as StoreError).problem, (error as StoreError).message]).toEqual([
        'damaged',
        expect.stringMatching(reason),
      ]);
    }
    expect((await checkpoints.load('run', 'earlier'))?.header).toEqual({ step: 1 });
    await store.put('checkpoints', whole);
    expect((await checkpoints.load('run'))?.header).toEqual({ step: 2 });
  });

  test('a checkpoint of an older version of the app is read as it is, and counts as the earlier one', async () => {
    const store = await open();
    const checkpoints = new Checkpoints<{ step: number }>(store);
    await store.put('checkpoints', { id: 'run', header: { step: 1 }, parts: { a: floats(7) } });
    expect(await checkpoints.list()).toEqual([{ id: 'run', header: { step: 1 }, earlier: null }]);
    expect(new Float32Array((await checkpoints.load('run'))!.pools.a)[0]).toBe(7);
    await checkpoints.save({ id: 'run', header: { step: 2 }, pools: {} });
    expect(await checkpoints.list()).toEqual([{ id: 'run', header: { step: 2 }, earlier: { step: 1 } }]);
  });

  test('a failed write leaves the old checkpoint and rejects with a StoreError', async () => {
    const store = await open();
    const checkpoints = new Checkpoints<unknown>(store);
    await checkpoints.save({ id: 'run', header: 'old', pools: { a: floats(1), b: floats(2) } });
    // The pool comes first and is queued; the header cannot be cloned.
    const broken = checkpoints.save({ id: 'run', header: () => 1, pools: { a: floats(9) } });
    const error = await broken.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(StoreError);
    expect((error as StoreError).problem).toBe('failed');
    const loaded = await checkpoints.load('run');
    expect(loaded?.header).toBe('old');
    expect(new Float32Array(loaded!.pools.a)[0]).toBe(1);
    expect(new Float32Array(loaded!.pools.b)[0]).toBe(2);
  });

  test('what was stored does not change with the object it came from', async () => {
    const checkpoints = new Checkpoints<{ step: number }>(await open());
    const header = { step: 1 };
    const pool = new Float32Array([1]);
    await checkpoints.save({ id: 'run', header, pools: { pool: pool.buffer } });
    header.step = 2;
    pool[0] = 2;
    const loaded = await checkpoints.load('run');
    expect(loaded?.header.step).toBe(1);
    expect(new Float32Array(loaded!.pools.pool)[0]).toBe(1);
  });

  test('collections are apart, and one id is not the prefix of another', async () => {
    const store = await open();
    const runs = new Runs<string, { table: number[] }>(store);
    const checkpoints = new Checkpoints<string>(store);
    await runs.save('run', 'a header', { table: [1, 2] });
    await runs.save('run-long', 'another', null);
    await checkpoints.save({ id: 'run', header: 'checkpoint', pools: {} });
    await store.delete('runs', 'run');
    expect(await runs.load('run')).toBeNull();
    expect(await runs.load('run-long')).toEqual({ id: 'run-long', header: 'another', report: null });
    expect((await checkpoints.load('run'))?.header).toBe('checkpoint');
    await runs.save('run', 'again', { table: [3] });
    expect((await runs.load('run'))?.report).toEqual({ table: [3] });
  });

  test('a data set comes back whole', async () => {
    const datasets = new Datasets<{ users: number }>(await open());
    const dataset = await tinyDataset();
    await datasets.save(dataset, { users: 2 });
    expect(await datasets.list()).toEqual([{ users: 2 }]);
    const loaded = await datasets.load(dataset.sha256);
    expect(loaded).toEqual(dataset);
    expect((await identify(loaded!)).sha256).toBe(dataset.sha256);
    await datasets.delete(dataset.sha256);
    expect(await datasets.load(dataset.sha256)).toBeNull();
  });
}
