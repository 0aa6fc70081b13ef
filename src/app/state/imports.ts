/** The visitor's own data sets: read by the import worker, kept on this device. */
import { batch, signal } from '@preact/signals';
import type { ImporterApi, ImportSummary } from '../../worker/protocol';
import { sentence } from '../words/sentence';

/** How an import ended: with a data set, or with one sentence about what is wrong. */
export type ImportOutcome = { summary: ImportSummary } | { problem: string };

/**
 * @param worker the import worker, started at the first call
 * @param choose makes a data set the next run's
 * @param forget is told of a data set that was deleted
 */
export function createImports(
  worker: (onCrash: (message: string) => void) => ImporterApi,
  choose: (sha256: string) => void,
  forget: (sha256: string) => void,
) {
  const imports = signal<ImportSummary[]>([]);
  const importing = signal<{ message: string; fraction: number } | null>(null);
  const outcome = signal<ImportOutcome | null>(null);

  async function importFiles(files: File[]): Promise<void> {
    if (files.length === 0 || importing.value !== null) return;
    batch(() => {
      importing.value = { message: 'Reading', fraction: 0 };
      outcome.value = null;
    });
    try {
      const summary = await importer().importFiles(files, (message, fraction) => {
        if (importing.value !== null) importing.value = { message, fraction };
      });
      batch(() => {
        imports.value = [summary, ...imports.value.filter(({ sha256 }) => sha256 !== summary.sha256)];
        outcome.value = { summary };
        choose(summary.sha256);
      });
    } catch (error) {
      outcome.value = { problem: sentence(error) };
    }
    importing.value = null;
  }

  function importer(): ImporterApi {
    return worker((message) => {
      batch(() => {
        importing.value = null;
        outcome.value = {
          problem: `The import worker stopped unexpectedly (${message}). Nothing was kept; try again with fewer files.`,
        };
      });
    });
  }

  async function listImports(): Promise<void> {
    try {
      imports.value = await importer().listImports();
    } catch {
      imports.value = [];
    }
  }

  async function deleteImport(sha256: string): Promise<void> {
    try {
      await importer().deleteImport(sha256);
    } catch (error) {
      outcome.value = { problem: sentence(error) };
    }
    forget(sha256);
    await listImports();
  }

  return { imports, importing, outcome, importFiles, listImports, deleteImport };
}
