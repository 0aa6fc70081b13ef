/**
 * Keeps a run that is on: its checkpoints, its report, and what it says in alignment. What cannot be kept is told once, and once more when it
 * can be again; training goes on all the same.
 */
import { encodeCheckpoint, type RunHeader } from '../run/checkpoint';
import type { RunConfig } from '../run/config';
import type { NoticeLevel } from '../run/report';
import type { RunContext } from '../run/runner';
import type { KeptRuns } from './keptRuns';
import type { Shelf } from './shelf';
import type { Transcripts } from './transcripts';

interface KeepingHost {
  id: string;
  shelf: Shelf;
  runs: KeptRuns;
  transcripts: Transcripts;
  /** Of its newest checkpoint that is kept; null of a new run, and where that cannot be told. */
  kept: RunHeader | null;
  /** It goes on from what must be kept. */
  isResumed: boolean;
  tell(level: NoticeLevel, message: string): void;
  tellTabs?(): void;
}

interface Keeping {
  save: RunContext['save'];
  /** Tells that something of the run could not be kept, unless that was told. */
  complain(error: unknown): void;
}

export function createKeeping(host: KeepingHost): Keeping {
  const { id, shelf, runs, transcripts, tell } = host;
  const { checkpoints, problem, store } = shelf;
  let { kept } = host;
  /** Whether a checkpoint of the run must be there. */
  let isKept = host.isResumed;
  let isUnkept = false;
  let isWordless = false;

  function complain(error: unknown): void {
    if (isUnkept) return;
    isUnkept = true;
    const reason = error instanceof Error ? error.message : String(error);
    tell('warning', `Training goes on, but this run is not being kept: ${reason}`);
  }

  function tellKept(wordless: Error | null): void {
    if (isUnkept && problem === null) {
      isUnkept = false;
      tell('info', 'This run is being kept again.');
    }
    if (wordless !== null && !isWordless)
      tell('warning', `This run is being kept, but not what it says in alignment: ${wordless.message}`);
    if (wordless === null && isWordless) tell('info', 'What this run says in alignment is being kept again.');
    isWordless = wordless !== null;
  }

  /** Of a run whose checkpoints went while it was trained. */
  async function lossWords({ data }: RunConfig): Promise<string> {
    const gone =
      'What was kept of this run has been deleted, by the browser or by hand; training goes on, and the run is kept again from here.';
    if (data.source !== 'import') return gone;
    const isThere = (await shelf.datasets.list()).some(({ sha256 }) => sha256 === data.sha256);
    return isThere
      ? gone
      : `${gone} Its data set was deleted too: add the same files again before you resume it.`;
  }

  if (problem !== null) complain(problem);
  return {
    complain,
    async save(checkpoint, report) {
      const finished = report !== null;
      const own = { id, checkpoint, storedAt: kept?.savedAt ?? null };
      runs.show(own);
      // Before the checkpoint: of steps that are taken again it is said again, and of no others.
      const wordless = await transcripts.keep().then(
        () => null,
        (error: Error) => error,
      );
      try {
        // A tab that is gone in between leaves a run to be taken up, not a finished one without its report.
        if (report !== null) await runs.saveReport(id, report);
        const made = encodeCheckpoint(id, checkpoint, finished);
        const { stage, step, savedAt } = made.header;
        // With a word more about the same place, it leaves the one before where it is.
        const isAgain = kept?.stage === stage && kept.step === step;
        const wasThere = await checkpoints.save(made, finished, isAgain);
        kept = made.header;
        own.storedAt = savedAt;
        transcripts.kept(savedAt);
        if (isKept && !wasThere) tell('warning', await lossWords(checkpoint.state.config));
        isKept = true;
        await runs.dropOvertaken(id, checkpoint.state);
        host.tellTabs?.();
        tellKept(wordless);
        return store.persistent;
      } catch (error) {
        complain(error);
        return false;
      }
    },
  };
}
