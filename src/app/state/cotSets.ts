/** Sets of CoTs written elsewhere: checked and kept by the import worker. And the answers that endpoints gave. */
import { batch, signal } from '@preact/signals';
import type { CotsSummary, ImporterApi } from '../../worker/protocol';
import { sentence } from '../words/sentence';

/** How reading a file of CoTs ended: with a set, or with one sentence about what is wrong. */
export type CotsOutcome = { summary: CotsSummary } | { problem: string };

/**
 * @param worker the import worker, started at the first call
 * @param choose makes a set the next run's
 * @param say where news goes that is no problem
 */
export function createCotSets(
  worker: (onCrash: (message: string) => void) => ImporterApi,
  choose: (sha256: string) => void,
  say: (message: string) => void,
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

  /** Keeps the set of each file; a run learns from one, so the first is chosen. */
  async function importCots(files: File[]): Promise<void> {
    if (files.length === 0 || reading.value) return;
    batch(() => {
      reading.value = true;
      outcome.value = null;
    });
    const read: CotsSummary[] = [];
    let problem: string | null = null;
    for (const file of files) {
      try {
        read.push(await importer().importCots(file));
      } catch (error) {
        problem ??= sentence(error);
      }
    }
    batch(() => {
      reading.value = false;
      const [first] = read;
      if (first !== undefined) {
        const hashes = new Set(read.map(({ sha256 }) => sha256));
        sets.value = [...read, ...(sets.value ?? []).filter(({ sha256 }) => !hashes.has(sha256))];
        choose(first.sha256);
        outcome.value = { summary: first };
      }
      if (problem !== null) outcome.value = { problem };
      if (read.length > 1)
        say(
          `${read.length} files of reasoning are kept; a run learns from one, so ${first.name} is chosen. Choose another under More.`,
        );
    });
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

  /** How many answers of endpoints are kept; null when that cannot be found out. */
  async function answers(): Promise<number | null> {
    try {
      return await importer().countAnswers();
    } catch {
      return null;
    }
  }

  /** Deletes every answer that an endpoint gave; sets that runs were made with stay. */
  function forgetAnswers(): Promise<void> {
    return attempt((api) => api.forgetAnswers());
  }

  return { sets, reading, outcome, importCots, listCots, deleteCots, answers, forgetAnswers };
}
