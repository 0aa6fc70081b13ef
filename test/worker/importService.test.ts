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
  const summary = await importer.importFiles(files(), (_, fraction) => seen.push(fraction));
  expect(summary).toMatchObject({
    id: 'log',
    users: 6,
    items: 8,
    interactions: 48,
    examples: [30, 6, 6],
    problems: [],
  });
  expect(seen.at(-1)).toBe(1);
  expect(await importer.listImports()).toEqual([summary]);
  expect((await new Datasets(store).load(summary.sha256))?.sha256).toBe(summary.sha256);
  await importer.deleteImport(summary.sha256);
  expect(await importer.listImports()).toEqual([]);
});

test('files that are no data set reject with their sentence and keep nothing', async () => {
  const store = memoryStore();
  const importer = createImporter(async () => ({ store, problem: null }));
  await expect(importer.importFiles([new File(['x'], 'a.pdf')], () => undefined)).rejects.toThrow(
    /^a\.pdf: none/,
  );
  expect(await importer.listImports()).toEqual([]);
});

test('without storage an import says why it cannot be used, and a later one tries again', async () => {
  const store = memoryStore();
  let problem: StoreError | null = new StoreError('blocked', storeSentence('blocked', 'open'));
  const importer = createImporter(async () => ({ store, problem }));
  await expect(importer.importFiles(files(), () => undefined)).rejects.toThrow(
    /needs them kept\. Another tab/,
  );
  problem = null;
  expect((await importer.importFiles(files(), () => undefined)).users).toBe(6);
});

test('a full disk is said, and nothing is left half kept', async () => {
  const store = memoryStore();
  const full = {
    ...store,
    put: () => Promise.reject(new StoreError('quota', storeSentence('quota', 'write'))),
  };
  const importer = createImporter(async () => ({ store: full, problem: null }));
  await expect(importer.importFiles(files(), () => undefined)).rejects.toThrow(/is full/);
  expect(await importer.listImports()).toEqual([]);
});
