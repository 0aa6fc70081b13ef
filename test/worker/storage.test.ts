import { expect, it } from 'vitest';
import type { RunHeader } from '../../src/run/checkpoint';
import { presetConfig } from '../../src/run/presets';
import { Cells } from '../../src/store/cells';
import { Checkpoints } from '../../src/store/checkpoints';
import { Datasets } from '../../src/store/datasets';
import { LineFiles, LineLogs } from '../../src/store/lines';
import { memoryStore } from '../../src/store/memory';
import { Runs } from '../../src/store/runs';
import { StoredTranscripts } from '../../src/store/transcripts';
import { UndoPoints } from '../../src/store/undoPoints';
import { createImporter } from '../../src/worker/importService';
import type { StoredThing } from '../../src/worker/protocol';
import type { Locks } from '../../src/worker/runLock';
import { tinyDataset } from '../store/contract';
import { v1 } from '../v1';

interface SaidThen {
  step: number;
  answerPieces: Uint16Array;
}

/** Something of every kind: one run under way that reads the data set and the reasoning, one that is finished. */
async function shelf(held: string[] = []) {
  const store = memoryStore();
  const dataset = await tinyDataset();
  const config = presetConfig(v1('tiny'));
  Object.assign(config.data, { source: 'import', sha256: dataset.sha256 });
  Object.assign(config.rupr, { teacher: 'file', cots_sha256: 'ab' });
  const header = (finished: boolean): RunHeader => ({ config, stage: 'sft', step: 4, savedAt: 5, finished });
  const checkpoints = new Checkpoints<RunHeader>(store);
  const pools = { parameters: new ArrayBuffer(1000) };
  for (let generation = 0; generation < 2; generation++)
    await checkpoints.save({ id: 'left', header: header(false), pools });
  await checkpoints.save({ id: 'ended', header: header(true), pools }, true);
  for (const id of ['left', 'ended']) {
    await new UndoPoints<RunHeader>(store).save({ id, header: header(false), pools });
    await new StoredTranscripts<SaidThen>(store).save(id, [{ step: 0, answerPieces: new Uint16Array(200) }]);
  }
  await new Runs(store).save('ended', header(true), { table: [1, 2] });
  await new Datasets(store).save(dataset, { sha256: dataset.sha256, id: 'tiny', users: 2, items: 2 });
  await new LineFiles(store).save(
    'ab',
    { sha256: 'ab', name: 'cots.jsonl', cots: 1, prompts: 1 },
    'x'.repeat(90),
  );
  await new LineLogs(store).append('m at h', ['1', '2']);
  await new Cells(store).save('cell', { method: 'fixed' });
  const locks = {
    query: async () => ({ held: held.map((id) => ({ name: `taiji-lab run ${id}` })), pending: [] }),
    request: async (_name: string, _options: unknown, work: () => unknown) => work(),
  } as unknown as Locks;
  let told = 0;
  const importer = createImporter(async () => ({ store, problem: null }), { locks, tellTabs: () => told++ });
  return { store, importer, told: () => told };
}

const kinds = (things: readonly StoredThing[]) => things.map(({ kind }) => kind).sort();
const ALL = ['answers', 'cells', 'cots', 'datasets', 'finished', 'unfinished'];

it('lists everything with its size, its date and who needs it', async () => {
  const { importer } = await shelf();
  const things = await importer.listStored();
  expect(kinds(things)).toEqual(ALL);
  const of = (kind: string) => things.find((thing) => thing.kind === kind);
  // Both generations of it, where it stood before a change, and what it said.
  expect(of('unfinished')).toMatchObject({ id: 'left', bytes: 3459, records: 4, isInUse: false });
  expect(of('finished')).toMatchObject({
    id: 'ended',
    records: 4,
    name: expect.stringMatching(/: model and report$/),
  });
  expect(of('datasets')).toMatchObject({ name: 'tiny: 2 users, 2 items', neededBy: 1, isInUse: false });
  expect(of('cots')).toMatchObject({ name: 'cots.jsonl: 1 chains of thought', bytes: 94, neededBy: 1 });
  for (const { writtenAt, name } of things) expect(Date.now() - writtenAt!, name).toBeLessThan(60_000);
});

it('deletes one, all of a kind, and everything', async () => {
  const { importer, store, told } = await shelf();
  const things = await importer.listStored();
  expect(await importer.deleteStored(things.filter(({ kind }) => kind === 'unfinished'))).toBe(0);
  expect(kinds(await importer.listStored())).toEqual(ALL.slice(0, -1));
  // Nothing that needs it is left.
  expect((await importer.listStored()).find(({ kind }) => kind === 'datasets')?.neededBy).toBe(0);
  expect(await importer.deleteStored(await importer.listStored())).toBe(0);
  expect(await importer.listStored()).toEqual([]);
  for (const collection of ['points', 'transcripts'] as const)
    expect(await store.list(collection)).toEqual([]);
  expect(told()).toBe(2);
});

it('leaves what a run is using, also where it has not said yet what that is', async () => {
  const { importer } = await shelf(['left']);
  const things = await importer.listStored();
  expect(kinds(things.filter(({ isInUse }) => isInUse))).toEqual(['cots', 'datasets', 'unfinished']);
  expect(await importer.deleteStored(things)).toBe(3);
  expect(kinds(await importer.listStored())).toEqual(['cots', 'datasets', 'unfinished']);
  const begun = await (await shelf(['new'])).importer.listStored();
  expect(kinds(begun.filter(({ isInUse }) => isInUse))).toEqual(['cots', 'datasets']);
});
