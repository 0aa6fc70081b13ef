/** What the import worker does, apart from being one: reads files into a data set and keeps it where training finds it. */
import { type Dataset, interactionCount } from '../data/dataset';
import { blobFile } from '../data/files/blobFile';
import { ImportError, importDataset } from '../data/importDataset';
import type { SeenFiles } from '../data/preview';
import { RefusedFiles } from '../data/seenFiles';
import { textLengths } from '../data/textLengths';
import { sha256 } from '../numeric/hash';
import { TeacherError } from '../sft/cot';
import { formatCots, parseCots } from '../sft/cotFile';
import { Datasets } from '../store/datasets';
import { LineFiles, LineLogs } from '../store/lines';
import type { Store, StoreError } from '../store/store';
import type { CotsSummary, ImporterApi, ImportSummary } from './protocol';
import type { Locks } from './runLock';

/** Of a file of CoTs: it is held as one text. */
const MAX_COTS_BYTES = 256 * 2 ** 20;

/**
 * @param open the store; asked once, at the first call that needs it
 * @param tabs the browser's locks, and how other tabs are told that what is kept has changed
 */
export function createImporter(
  open: () => Promise<{ store: Store; problem: StoreError | null }>,
  { locks, tellTabs = () => {} }: { locks?: Locks; tellTabs?: () => void } = {},
): ImporterApi {
  let opened: ReturnType<typeof open> | null = null;
  /** What was read last and is not kept yet. */
  let read: { dataset: Dataset; summary: ImportSummary } | null = null;
  /** What was understood of the files that were given last, where they were refused. */
  let refused: SeenFiles | null = null;
  async function imports(): Promise<{
    datasets: Datasets<ImportSummary>;
    cots: LineFiles<CotsSummary>;
    answers: LineLogs;
    store: Store;
    problem: StoreError | null;
  }> {
    opened ??= open();
    const { store, problem } = await opened;
    // Another try next time: a private window stays one, but a locked database may be let go.
    if (problem) opened = null;
    return {
      datasets: new Datasets<ImportSummary>(store),
      cots: new LineFiles<CotsSummary>(store),
      answers: new LineLogs(store),
      store,
      problem,
    };
  }

  return {
    async readFiles(files, map, onProgress) {
      const sources = files.map((file) => blobFile(file, file.name, file.webkitRelativePath || file.name));
      refused = null;
      const { dataset, preview, problems } = await importDataset(sources, onProgress, { map }).catch(
        (error: unknown) => {
          if (error instanceof RefusedFiles) refused = error.seen;
          throw error;
        },
      );
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
        map,
        lengths: textLengths(dataset),
      };
      read = { dataset, summary };
      return { summary, preview };
    },

    async seenOfRefused() {
      return refused;
    },

    async keepImport() {
      if (read === null)
        throw new ImportError('Nothing was read that could be kept: choose the files again.');
      const { dataset, summary } = read;
      const { datasets, problem } = await imports();
      // The training worker finds a data set in storage only.
      if (problem) throw notKept(problem);
      try {
        await datasets.save(dataset, summary);
      } catch (error) {
        throw notKept(error as StoreError);
      }
      read = null;
      return summary;
    },

    async dropImport() {
      read = null;
      refused = null;
    },

    async listImports() {
      // Before 0.6.0 nothing could be said about columns.
      return (await (await imports()).datasets.list()).map((summary) => ({
        ...summary,
        map: summary.map ?? '',
      }));
    },

    async deleteImport(sha256) {
      await (await imports()).datasets.delete(sha256);
    },

    async importCots(file) {
      if (file.size > MAX_COTS_BYTES)
        throw new TeacherError(`${file.name} has more than ${MAX_COTS_BYTES / 2 ** 20} MB: take fewer CoTs.`);
      const records = parseCots(await file.text(), file.name);
      const jsonl = formatCots(records);
      const summary: CotsSummary = {
        sha256: await sha256(jsonl),
        name: file.name,
        cots: records.length,
        prompts: new Set(records.map(({ sampleId }) => sampleId)).size,
      };
      const { cots, problem } = await imports();
      if (problem) throw notKept(problem);
      try {
        await cots.save(summary.sha256, summary, jsonl);
      } catch (error) {
        throw notKept(error as StoreError);
      }
      return summary;
    },

    async listCots() {
      return (await imports()).cots.list();
    },

    async deleteCots(sha256) {
      await (await imports()).cots.delete(sha256);
    },

    async countAnswers() {
      return (await imports()).answers.count();
    },

    async forgetAnswers() {
      await (await imports()).answers.clear();
    },

    // Few look after their storage, so the code is fetched when somebody does.
    async listStored() {
      const { listStored } = await import('./storageService');
      return listStored((await imports()).store, locks);
    },

    async deleteStored(things) {
      const { deleteStored } = await import('./storageService');
      const left = await deleteStored((await imports()).store, locks, things);
      tellTabs();
      return left;
    },
  };
}

function notKept(cause: StoreError): ImportError {
  return new ImportError(`The files were read, but training needs them kept. ${cause.message}`, { cause });
}
