/**
 * A database as each released version wrote it, made by hand: it opens, what is data comes back whole, and what this version cannot
 * go on with is refused with the reason. The database itself had one version all along; what lies in its records changed.
 */
import { expect, test } from 'vitest';
import { describeRunDevice, openRunDevice } from '../../src/run/device';
import { presetConfig } from '../../src/run/presets';
import { openStore } from '../../src/store/database';
import { Datasets } from '../../src/store/datasets';
import { LineFiles, LineLogs } from '../../src/store/lines';
import { createImporter } from '../../src/worker/importService';
import { createTrainer } from '../../src/worker/trainService';
import { fakePopoSteps, fakeReport } from '../page/fakeTrainer';
import { tinyDataset } from '../store/contract';
import { v1 } from '../v1';

/** What changed between them. */
const RELEASES = [
  { app: '0.2.0', schema: 1, hasMap: false, isSealed: false },
  { app: '0.3.0', schema: 1, hasMap: false, isSealed: false },
  { app: '0.4.0', schema: 1, hasMap: false, isSealed: false },
  { app: '0.5.0', schema: 1, hasMap: false, isSealed: false },
  { app: '0.6.0', schema: 2, hasMap: true, isSealed: false },
  { app: '0.7.0', schema: 2, hasMap: true, isSealed: true },
] as const;

type Release = (typeof RELEASES)[number];

const COTS = `{"sampleId":"tiny/u/1","cot":"needs milk"}\n`;
const hex = (bytes: ArrayBuffer) =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const digest = async (bytes: ArrayBuffer | Uint8Array<ArrayBuffer>) =>
  hex(await crypto.subtle.digest('SHA-256', bytes));
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Writes through IndexedDB alone, so that no code of today has a hand in it. */
async function write(name: string, { app, schema, hasMap, isSealed }: Release) {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore('headers', { keyPath: ['collection', 'id'] });
    opening.result.createObjectStore('pieces');
  };
  const database = await settled(opening);
  const dataset = await tinyDataset();
  const ints = (...values: number[]) => Int32Array.from(values).buffer;
  const { sha256, users, impressions } = dataset;
  const config = { ...presetConfig(v1('tiny')), seed: 3 };
  const header = (finished: boolean) => ({
    config,
    stage: 'sft',
    step: 4,
    savedAt: 1_700_000_000_000,
    finished,
  });
  const state = text({ schema, app, config, stage: 'sft', step: 4, stages: [], timings: {} }).buffer;
  const pools = { 'state.json': state, parameters: new Float32Array([1, 2]).buffer };
  const sums: Record<string, string> = {};
  for (const [part, pool] of Object.entries(pools)) sums[part] = await digest(pool);
  const names = Object.keys(sums).sort();
  const sealed = async (generation: number) => {
    const body = [header(false), generation, false, names.map((part) => [part, sums[part]])];
    return { caller: header(false), generation, isFinal: false, pools: sums, seal: await digest(text(body)) };
  };
  const headers = isSealed ? [await sealed(1), await sealed(2)] : [header(false)];
  const report = fakeReport(config, [], fakePopoSteps(config, 3));
  const told = app < '0.5.0' ? { ...report, app, counting: undefined } : { ...report, app };
  // A transaction ends where it waits for anything else, so all of it is put in one go.
  const writing = database.transaction(['headers', 'pieces'], 'readwrite');
  const into = (collection: string, id: string, header: unknown, parts: Record<string, unknown>) => {
    const pieces: Record<string, number> = {};
    for (const [part, value] of Object.entries(parts)) {
      pieces[part] = value instanceof ArrayBuffer ? 1 : 0;
      writing.objectStore('pieces').put(value, [collection, id, part, 0]);
    }
    writing.objectStore('headers').put({ collection, id, header, pieces });
  };
  for (const [index, kept] of headers.entries())
    into('checkpoints', index === 0 ? 'left' : 'left (2)', kept, pools);
  into('runs', 'ended', { id: 'ended', ...header(true) }, { report: told });
  into('checkpoints', 'ended', header(true), pools);
  into(
    'datasets',
    sha256,
    {
      sha256,
      id: 'tiny',
      users: 2,
      items: 2,
      interactions: 5,
      examples: [1, 1, 1],
      notes: [],
      problems: [],
      ...(hasMap && { map: 'item=sku' }),
    },
    {
      catalogue: {
        id: dataset.id,
        items: dataset.items,
        users: users.map(({ id, profile, history }) => ({ id, profile, length: history.length })),
        facts: dataset.facts,
        notes: dataset.notes,
      },
      histories: ints(...users.flatMap(({ history }) => [...history])),
      train: ints(0, 1),
      validation: ints(0, 2),
      test: ints(0, 3),
      'impressions.user': impressions.user.slice().buffer,
      'impressions.item': impressions.item.slice().buffer,
      'impressions.historyLength': impressions.historyLength.slice().buffer,
      'impressions.click': impressions.click.slice().buffer,
      'impressions.conversion': impressions.conversion.slice().buffer,
    },
  );
  into('cots', 'ab', { sha256: 'ab', name: 'cots.jsonl', cots: 1, prompts: 1 }, { text: COTS });
  into('answers', 'm at h/1', null, { lines: ['{"a":1}', '{"a":2}'] });
  into('cells', 'cell', null, { cell: { method: 'fixed' } });
  await new Promise((resolve, reject) => {
    writing.oncomplete = resolve;
    writing.onabort = () => reject(writing.error);
  });
  database.close();
  return { dataset, report: told };
}

test.each(RELEASES)('a database of version $app', async (release) => {
  const name = `older-${release.app}`;
  const { dataset, report } = await write(name, release);
  const { store, problem } = await openStore(name);
  expect(problem).toBeNull();
  const open = async () => ({ store, problem: null });

  // Data comes back whole.
  expect(await new Datasets(store).load(dataset.sha256)).toEqual(dataset);
  const importer = createImporter(open);
  expect(await importer.listImports()).toMatchObject([
    { sha256: dataset.sha256, users: 2, map: release.hasMap ? 'item=sku' : '' },
  ]);
  expect(await new LineFiles(store).load('ab')).toBe(COTS);
  expect(await new LineLogs(store).read('m at h')).toEqual(['{"a":1}', '{"a":2}']);

  // Runs are listed; a report opens; training goes on only where it comes to the same bits.
  const trainer = createTrainer({
    openStore: open,
    openDevice: openRunDevice,
    describeDevice: describeRunDevice,
  });
  const runs = await trainer.savedRuns();
  expect(runs.map(({ id, finished, stage, step }) => [id, finished, stage, step]).sort()).toEqual([
    ['ended', true, 'sft', 4],
    ['left', false, 'sft', 4],
  ]);
  expect(runs.find(({ id }) => id === 'left')?.earlier === null).toBe(!release.isSealed);
  expect((await trainer.openRun('ended'))?.report).toEqual(report);
  // What it said was not kept then.
  expect(await trainer.group('ended', 0, 0)).toBeNull();
  await expect(trainer.exportModel()).rejects.toThrow(
    /^This checkpoint (was written by version|is damaged: )/,
  );
  const resumed = trainer.start(presetConfig(v1('tiny')), { id: 'left', generation: 'newest' }, () => {});
  await expect(resumed).rejects.toThrow(
    `This checkpoint was written by version ${release.app} of this app, which is version`,
  );

  // Looked after and deleted like anything else; sizes are measured, dates were not noted.
  const things = await importer.listStored();
  expect(things.map(({ kind }) => kind).sort()).toEqual([
    'answers',
    'cells',
    'cots',
    'datasets',
    'finished',
    'unfinished',
  ]);
  for (const { bytes, name } of things) expect(bytes, name).toBeGreaterThan(8);
  expect(things.find(({ kind }) => kind === 'unfinished')).toMatchObject({
    name: expect.stringMatching(/^tiny, seed 3, .*: at step 4 of sft$/),
    records: release.isSealed ? 2 : 1,
    writtenAt: 1_700_000_000_000,
  });
  expect(things.find(({ kind }) => kind === 'datasets')?.writtenAt).toBeNull();
  expect(await importer.deleteStored(things)).toBe(0);
  expect(await importer.listStored()).toEqual([]);
  store.close();
  indexedDB.deleteDatabase(name);
});
