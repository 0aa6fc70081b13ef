/** What the import worker does, apart from being one: reads files into a data set and keeps it where training finds it. */
import { interactionCount } from '../data/dataset';
import { ImportError, importDataset, type SourceFile } from '../data/formats';
import { Datasets } from '../store/datasets';
import type { Store, StoreError } from '../store/store';
import type { ImporterApi, ImportSummary } from './protocol';

/**
 * @param open the store; asked once, at the first call that needs it
 */
export function createImporter(
  open: () => Promise<{ store: Store; problem: StoreError | null }>,
): ImporterApi {
  let opened: ReturnType<typeof open> | null = null;
  async function imports(): Promise<{ datasets: Datasets<ImportSummary>; problem: StoreError | null }> {
    opened ??= open();
    const { store, problem } = await opened;
    // Another try next time: a private window stays one, but a locked database may be let go.
    if (problem) opened = null;
    return { datasets: new Datasets<ImportSummary>(store), problem };
  }

  return {
    async importFiles(files, onProgress) {
      const { dataset, problems } = await importDataset(files.map(sourceFile), onProgress);
      const { splits } = dataset;
      const summary: ImportSummary = {
        sha256: dataset.sha256,
        id: dataset.id,
        users: dataset.users.length,
        items: dataset.items.length,
        interactions: interactionCount(dataset),
        examples: [splits.train.length, splits.validation.length, splits.test.length],
        notes: dataset.notes,
        problems,
      };
      const { datasets, problem } = await imports();
      // The training worker finds a data set in storage only.
      if (problem) throw notKept(problem);
      try {
        await datasets.save(dataset, summary);
      } catch (error) {
        throw notKept(error as StoreError);
      }
      return summary;
    },

    async listImports() {
      return (await imports()).datasets.list();
    },

    async deleteImport(sha256) {
      await (await imports()).datasets.delete(sha256);
    },
  };
}

function notKept(cause: StoreError): ImportError {
  return new ImportError(`The files were read, but training needs them kept. ${cause.message}`, { cause });
}

function sourceFile(file: File): SourceFile {
  return {
    name: file.name,
    path: file.webkitRelativePath || file.name,
    bytes: async () => new Uint8Array(await file.arrayBuffer()),
  };
}
