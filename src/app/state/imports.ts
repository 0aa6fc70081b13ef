/** The visitor's own data sets: read by the import worker, looked at, corrected, and kept on this device. */
import { batch, signal } from '@preact/signals';
import type { ImportPreview, SeenFiles } from '../../data/preview';
import type { ImporterApi, ImportSummary } from '../../worker/protocol';
import { sentence } from '../words/sentence';

/** How an import ended: with a data set, or with one sentence about what is wrong. */
export type ImportOutcome = { summary: ImportSummary } | { problem: string };

/** Files that are being looked at and are not kept yet. */
export interface Draft {
  files: File[];
  /** What a person says about the columns, as it is read or was read last. */
  map: string;
  /** What was made of the files when they could last be read; null while they never could. */
  found: { summary: ImportSummary; preview: ImportPreview } | null;
  /** What was understood of them where they were refused and could never be read. */
  seen: SeenFiles | null;
  /** Whether `found` is of `map`. */
  isRead: boolean;
}

/** What the session does with data sets. */
interface Wishes {
  /** Makes a data set the next run's. */
  choose(summary: ImportSummary): void;
  /** Is told of a data set that was deleted. */
  forget(sha256: string): void;
  /** Ends the worker; the next call starts another. */
  stopReading(): void;
  /** What is said about columns before a person says anything: a link's mapping. */
  firstMap(): string;
}

/** @param worker the import worker, started at the first call */
export function createImports(worker: (onCrash: (message: string) => void) => ImporterApi, wishes: Wishes) {
  const imports = signal<ImportSummary[]>([]);
  const importing = signal<{ message: string; fraction: number } | null>(null);
  const outcome = signal<ImportOutcome | null>(null);
  const draft = signal<Draft | null>(null);

  /** Reads files and shows what was made of them. Keeps nothing. */
  async function readFiles(files: File[], map = wishes.firstMap()): Promise<void> {
    if (files.length === 0 || importing.value !== null) return;
    await read({ files, map, found: null, seen: null, isRead: false });
  }

  /** Reads the same files with another mapping. Of several that are asked for in a row the last one counts. */
  async function readAgain(map: string): Promise<void> {
    const now = draft.value;
    if (now === null) return;
    const next = { ...now, map, isRead: false };
    if (importing.value === null) await read(next);
    else draft.value = next;
  }

  async function read(wanted: Draft): Promise<void> {
    batch(() => {
      importing.value = { message: 'Reading', fraction: 0 };
      outcome.value = null;
      draft.value = wanted;
    });
    const { files, map } = wanted;
    let problem: string | null = null;
    let found: Draft['found'] = null;
    let seen: SeenFiles | null = null;
    try {
      found = await importer().readFiles(files, map, (message, fraction) => {
        if (importing.value !== null) importing.value = { message, fraction };
      });
    } catch (error) {
      problem = sentence(error);
      seen = await importer()
        .seenOfRefused()
        .catch(() => null);
    }
    const now = draft.value;
    // The worker died meanwhile, and that was said.
    if (now === null) return;
    if (now.map !== map) return read({ ...now, found: found ?? now.found });
    batch(() => {
      importing.value = null;
      if (found !== null) draft.value = { ...now, found, isRead: true };
      if (problem !== null) {
        draft.value = { ...now, seen };
        outcome.value = { problem };
      }
    });
  }

  /** Keeps what was read, and makes it the run's. */
  async function keepImport(): Promise<void> {
    if (importing.value !== null || !draft.value?.isRead) return;
    importing.value = { message: 'Keeping', fraction: 1 };
    try {
      const summary = await importer().keepImport();
      batch(() => {
        imports.value = [summary, ...imports.value.filter(({ sha256 }) => sha256 !== summary.sha256)];
        outcome.value = { summary };
        draft.value = null;
        wishes.choose(summary);
      });
    } catch (error) {
      outcome.value = { problem: sentence(error) };
    }
    importing.value = null;
  }

  /** Lets go of what was read, or of what is being read: a worker in the middle of a file is ended, since it hears nothing. */
  async function dropImport(): Promise<void> {
    const isReading = importing.value !== null;
    if (isReading && (draft.value === null || draft.value.isRead)) return;
    if (isReading) wishes.stopReading();
    batch(() => {
      importing.value = null;
      draft.value = null;
      outcome.value = null;
    });
    if (isReading) return;
    try {
      await importer().dropImport();
    } catch {
      // Nothing was kept either way.
    }
  }

  /** Reads and keeps at once, for programs. */
  async function importFiles(files: File[], map?: string): Promise<void> {
    await readFiles(files, map);
    await keepImport();
  }

  function importer(): ImporterApi {
    return worker((message) => {
      batch(() => {
        importing.value = null;
        draft.value = null;
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
    wishes.forget(sha256);
    await listImports();
  }

  const signals = { imports, importing, outcome, draft };
  return { ...signals, readFiles, readAgain, keepImport, dropImport, importFiles, listImports, deleteImport };
}
