import { expect, test } from 'vitest';
import { Datasets } from '../../src/store/datasets';
import { memoryStore } from '../../src/store/memory';
import { StoreError, storeSentence } from '../../src/store/store';
import { createImporter } from '../../src/worker/importService';
import { interactionsCsv } from '../data/sources';

const files = () => [new File([interactionsCsv(6, 8)], 'log.csv')];

test('an import is kept, listed, found by its hash and deleted', async () => {
  const store = memoryStore();
  const importer = createImporter(async () => ({ store, problem: null }));
  const seen: number[] = [];
  const { summary, preview } = await importer.readFiles(files(), '', (_, fraction) => seen.push(fraction));
  expect(preview.counts).toMatchObject({ rows: 48, users: 6, items: 8 });
  // Read and looked at is not kept.
  expect(await importer.listImports()).toEqual([]);
  expect(await importer.keepImport()).toEqual(summary);
  expect(summary).toMatchObject({
    id: 'log',
    users: 6,
    items: 8,
    interactions: 48,
    examples: [30, 6, 6],
    problems: [],
    map: '',
  });
  expect(seen.at(-1)).toBe(1);
  expect(await importer.listImports()).toEqual([summary]);
  expect((await new Datasets(store).load(summary.sha256))?.sha256).toBe(summary.sha256);
  await importer.deleteImport(summary.sha256);
  expect(await importer.listImports()).toEqual([]);
});

test('hands out what was understood of refused files, until others are read', async () => {
  const importer = createImporter(async () => ({ store: memoryStore(), problem: null }));
  const unclear = new File(['wer,sku\n1,2\n'], 'zeug.csv');
  await expect(importer.readFiles([unclear], '', () => undefined)).rejects.toThrow(/no column for the user/);
  const seen = await importer.seenOfRefused();
  expect(seen?.tables).toMatchObject([{ file: 'zeug.csv', columns: ['wer', 'sku'], rows: [['1', '2']] }]);
  await importer.readFiles(files(), '', () => undefined);
  expect(await importer.seenOfRefused()).toBeNull();
});

test('files that are no data set reject with their sentence and keep nothing', async () => {
  const store = memoryStore();
  const importer = createImporter(async () => ({ store, problem: null }));
  await expect(importer.readFiles([new File(['x'], 'a.pdf')], '', () => undefined)).rejects.toThrow(
    /^a\.pdf: none/,
  );
  expect(await importer.listImports()).toEqual([]);
});

test('without storage an import says why it cannot be used, and a later one tries again', async () => {
  const store = memoryStore();
  let problem: StoreError | null = new StoreError('blocked', storeSentence('blocked', 'open'));
  const importer = createImporter(async () => ({ store, problem }));
  await importer.readFiles(files(), '', () => undefined);
  await expect(importer.keepImport()).rejects.toThrow(/needs them kept\. Another tab/);
  problem = null;
  expect((await importer.keepImport()).users).toBe(6);
});

test('a full disk is said, and nothing is left half kept', async () => {
  const store = memoryStore();
  const full = {
    ...store,
    put: () => Promise.reject(new StoreError('quota', storeSentence('quota', 'write'))),
  };
  const importer = createImporter(async () => ({ store: full, problem: null }));
  await importer.readFiles(files(), '', () => undefined);
  await expect(importer.keepImport()).rejects.toThrow(/is full/);
  expect(await importer.listImports()).toEqual([]);
});

test('what a person says about the columns is read, and is part of what the data are', async () => {
  const importer = createImporter(async () => ({ store: memoryStore(), problem: null }));
  const guessed = await importer.readFiles(files(), '', () => undefined);
  const said = await importer.readFiles(files(), 'title=categories', () => undefined);
  expect(said.summary).toMatchObject({ map: 'title=categories', interactions: 48 });
  expect(said.preview.choices.find(({ role }) => role === 'title')?.columns).toEqual(['categories']);
  // The same columns by name give another hash than the guess: the mapping is part of it.
  const named = await importer.readFiles(files(), 'user=user', () => undefined);
  expect(new Set([guessed, said, named].map(({ summary }) => summary.sha256)).size).toBe(3);
  await importer.dropImport();
  await expect(importer.keepImport()).rejects.toThrow(/Nothing was read/);
});
