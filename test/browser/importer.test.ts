import { proxy, wrap } from 'comlink';
import { expect, test } from 'vitest';
import { openStore } from '../../src/store/database';
import { Datasets } from '../../src/store/datasets';
import type { ImporterApi } from '../../src/worker/protocol';
import { interactionsCsv } from '../data/sources';

test('the import worker keeps a data set where the page’s other workers find it', async () => {
  const worker = new Worker(new URL('../../src/worker/importer.ts', import.meta.url), { type: 'module' });
  try {
    const importer = wrap<ImporterApi>(worker);
    const fractions: number[] = [];
    const onProgress = proxy((_: string, fraction: number) => {
      fractions.push(fraction);
    });
    const { summary } = await importer.readFiles(
      [new File([interactionsCsv(6, 8)], 'log.csv')],
      '',
      onProgress,
    );
    await importer.keepImport();
    expect(summary).toMatchObject({ id: 'log', users: 6, items: 8, interactions: 48, problems: [] });
    expect(fractions.at(-1)).toBe(1);
    expect((await importer.listImports()).map(({ sha256 }) => sha256)).toContain(summary.sha256);

    const { store } = await openStore();
    const dataset = await new Datasets(store).load(summary.sha256);
    expect(dataset?.splits.test).toHaveLength(6);
    store.close();

    await expect(importer.readFiles([new File(['x'], 'a.pdf')], '', onProgress)).rejects.toThrow(
      /^a\.pdf: none/,
    );
    await importer.deleteImport(summary.sha256);
    expect((await importer.listImports()).map(({ sha256 }) => sha256)).not.toContain(summary.sha256);
  } finally {
    worker.terminate();
  }
});
