/** Sets of CoTs written elsewhere: checked and kept by the import worker. And the answers that endpoints gave. */
import { batch, signal } from '@preact/signals';
import type { CotsSummary, ImporterApi } from '../worker/protocol';
import { sentence } from './sentence';

/** How reading a file of CoTs ended: with a set, or with one sentence about what is wrong. */
export type CotsOutcome = { summary: CotsSummary } | { problem: string };

/**
 * @param worker the import worker, started at the first call
 * @param choose makes a set the next run's
 */
export function createCotSets(
  worker: (onCrash: (message: string) => void) => ImporterApi,
  choose: (sha256: string) => void,
) {
  /** Null until they have been looked up. */
  const sets = signal<CotsSummary[] | null>(null);
  const reading = signal(false);
  const outcome = signal<CotsOutcome | null>(null);

  function importer(): ImporterApi {
    return worker((message) => {
      batch(() => {
        reading.value = false;
        outcome.value = { problem: `The import worker stopped unexpectedly (${message}). Nothing was kept.` };
      });
    });
  }

  async function importCots(files: File[]): Promise<void> {
    if (files.length === 0 || reading.value) return;
    batch(() => {
      reading.value = true;
      outcome.value = null;
    });
    try {
      const summary = await importer().importCots(files[0]);
      batch(() => {
        sets.value = [summary, ...(sets.value ?? []).filter(({ sha256 }) => sha256 !== summary.sha256)];
        outcome.value = { summary };
        choose(summary.sha256);
      });
    } catch (error) {
      outcome.value = { problem: sentence(error) };
    }
    reading.value = false;
  }

  async function listCots(): Promise<void> {
    try {
      sets.value = await importer().listCots();
    } catch {
      sets.value = [];
    }
  }

  async function attempt(action: (api: ImporterApi) => Promise<void>): Promise<void> {
    try {
      await action(importer());
    } catch (error) {
      outcome.value = { problem: sentence(error) };
    }
  }

  async function deleteCots(sha256: string): Promise<void> {
    await attempt((api) => api.deleteCots(sha256));
    await listCots();
  }

  /** Deletes every answer that an endpoint gave; sets that runs were made with stay. */
  function forgetAnswers(): Promise<void> {
    return attempt((api) => api.forgetAnswers());
  }

  return { sets, reading, outcome, importCots, listCots, deleteCots, forgetAnswers };
}
