/**
 * Runs as they are kept, for the training worker: where one is taken up, what is listed, opened, forked, exported and deleted, and which of
 * them is on show.
 */
import { decodeCheckpoint, encodeCheckpoint } from '../run/checkpoint';
import { CheckpointError } from '../run/checkpointError';
import { loadDataset } from '../run/datasets';
import { openedRun, reportedEvents } from '../run/events';
import { cotsFile, modelFiles } from '../run/files';
import { forked } from '../run/fork';
import { afterStop } from '../run/goBack';
import { deviceKey, type Report, STAGE_NAMES } from '../run/report';
import type { RunCheckpoint, RunState } from '../run/runState';
import { APP_VERSION } from '../run/version';
import type { CheckpointGeneration } from '../store/checkpoints';
import { deleteRun } from '../store/runRecords';
import { StoreError } from '../store/store';
import type { ResumeFrom, TrainerApi } from './protocol';
import { heldRuns, holdingRun, type Locks, whereFree } from './runLock';
import type { Shelf } from './shelf';
import type { Transcripts } from './transcripts';
import { undoneFrom } from './undoing';

interface KeptRunsHost {
  shelf(): Promise<Shelf>;
  transcripts: Transcripts;
  /** Id of the run that is on, null of a study; undefined while nothing is on. */
  current(): string | null | undefined;
  locks?: Locks;
  /** Tells other tabs that the list of kept runs is another one. */
  tellTabs?(): void;
}

interface OnShow {
  id: string;
  checkpoint: RunCheckpoint;
  /** When the newest checkpoint in storage was kept, as far as this tab has had to do with it; null where it never kept one. */
  storedAt: number | null;
}

/** What of the training worker's surface is about kept runs alone. */
type KeptRunsApi = Pick<
  TrainerApi,
  | 'fork'
  | 'savedRuns'
  | 'openRun'
  | 'pairRuns'
  | 'noteRun'
  | 'deleteRun'
  | 'exportModel'
  | 'exportCots'
  | 'exportRun'
  | 'importRun'
  | 'continueElsewhere'
>;

/** Of what is kept, not of the way to it. */
function isDamage(error: unknown): error is Error {
  return (
    (error instanceof CheckpointError && error.isDamage) ||
    (error instanceof StoreError && error.problem === 'damaged')
  );
}

export type KeptRuns = ReturnType<typeof createKeptRuns>;

export function createKeptRuns(host: KeptRunsHost) {
  const { shelf, transcripts, current, locks } = host;
  /** The run that is on, was last, or whose report was opened last: what `exportModel` exports. */
  let shown: OnShow | null = null;
  /** Why there is none, where the report on show is of a run that cannot be loaded. */
  let lost: string | null = null;

  /** @throws an Error that says what is wrong with it, and what to do */
  async function load(id: string, generation: CheckpointGeneration = 'newest'): Promise<RunCheckpoint> {
    if (generation === 'newest' && shown?.id === id && !(await isOutdated(shown))) return shown.checkpoint;
    const { checkpoints } = await shelf();
    try {
      const found = await checkpoints.load(id, generation);
      if (found === null && generation === 'earlier' && (await storedAt(id)) !== null)
        throw new Error('The earlier checkpoint of this run is not kept any more: take up its newest one.');
      if (found === null) throw new Error('This run is not in storage any more: train again from its link.');
      return decodeCheckpoint(found, APP_VERSION);
    } catch (error) {
      if (!isDamage(error)) throw error;
      const kept = (await checkpoints.list()).find((run) => run.id === id);
      const earlier = generation === 'newest' ? kept?.earlier : null;
      const advice = earlier
        ? `The one before it, at step ${earlier.step} of ${earlier.stage}, is kept too: resume that one.`
        : 'Delete the run and train again from its link.';
      throw new CheckpointError(`${error.message} ${advice}`);
    }
  }

  /** Where the run goes on from. @throws as `load` does, and where it cannot go back */
  async function takenUp({ id, generation, choice }: ResumeFrom): Promise<RunCheckpoint> {
    const newest = await load(id, generation);
    // One that is damaged or gone is done without: the stage's beginning stands in the newest.
    const isBack = choice === 'go-back' && generation === 'newest';
    const earlier = isBack ? await load(id, 'earlier').catch(() => null) : null;
    const taken = afterStop(newest, earlier, choice ?? null);
    if (taken === null)
      throw new Error('This run cannot go back any further: go on with it, or train again from its link.');
    return taken;
  }

  /** When the newest checkpoint that is kept of the run was made; null where there is none. */
  async function storedAt(id: string): Promise<number | null> {
    return (await (await shelf()).checkpoints.header(id))?.savedAt ?? null;
  }

  /** Whether another tab has gone on with the run since, or has deleted it. What storage cannot tell has not happened. */
  async function isOutdated(own: OnShow): Promise<boolean> {
    const kept = await storedAt(own.id).catch(() => own.storedAt);
    return kept !== own.storedAt;
  }

  /** Unfinished runs of the same config that this one has overtaken: going on from here comes to the same bits. */
  async function dropOvertaken(id: string, { config, changes, fork, stage, step }: RunState): Promise<void> {
    // Who forks a run wants both.
    if (fork !== undefined) return;
    const { checkpoints, store } = await shelf();
    const own = JSON.stringify([config, changes]);
    const at = STAGE_NAMES.indexOf(stage);
    const overtaken = async () =>
      (await checkpoints.list()).filter(({ id: other, header }) => {
        const theirs = JSON.stringify([header.config, header.changes ?? []]);
        if (other === id || header.finished || header.fork !== undefined || theirs !== own) return false;
        const there = STAGE_NAMES.indexOf(header.stage);
        return there < at || (there === at && header.step <= step);
      });
    for (const { id: other } of await overtaken())
      await whereFree(locks, other, async () => {
        // Before it was free, another tab may have gone on with it.
        if ((await overtaken()).some((run) => run.id === other)) await deleteRun(store, other);
      });
  }

  async function saveReport(id: string, report: Report): Promise<void> {
    const { config, changes } = report;
    const row = report.table.findLast(({ stage }) => stage === 'popo') ?? report.table.at(-1);
    const spread = report.spreads?.find(({ stage }) => stage === row?.stage);
    const saved = {
      id,
      config,
      changes,
      stage: STAGE_NAMES.at(-1)!,
      step: 0,
      savedAt: Date.now(),
      finished: true,
      took: {
        device: deviceKey(report.device),
        seconds: Object.fromEntries(report.stages.map(({ name, seconds }) => [name, seconds])),
      },
      result: row && {
        stage: row.stage,
        users: row.users,
        l3: row.Category_L3_ACC,
        ctcvr: row.CTCVR,
        ...(spread && { ctcvrInterval: spread.ctcvr }),
      },
    };
    await (await shelf()).runs.save(id, saved, report);
  }

  function exported(missing: string): RunCheckpoint {
    if (shown === null) throw new Error(lost ?? missing);
    return shown.checkpoint;
  }

  const api: KeptRunsApi = {
    async fork(from, id = shown?.id) {
      if (id === undefined)
        throw new Error('There is no run to fork yet: train one, or open a finished run.');
      const { checkpoints, points } = await shelf();
      const run = await load(id);
      const made = typeof from === 'string' ? forked(run, id, from) : await undoneFrom(points, id, run, from);
      const fork = crypto.randomUUID();
      await checkpoints.save(encodeCheckpoint(fork, made, false), false);
      await transcripts.fork(id, fork, made.state).catch(() => undefined);
      host.tellTabs?.();
      return { id: fork, generation: 'newest' };
    },

    async savedRuns() {
      const held = await heldRuns(locks);
      held.delete(current() ?? '');
      const { listRuns } = await import('./runList');
      return listRuns((await shelf()).runs.store, held);
    },

    async openRun(id, isShown = true) {
      const found = await (await shelf()).runs.load(id);
      if (!found?.report) return null;
      const checkpoint = await load(id).catch((error: unknown) => error as Error);
      const isLoaded = 'state' in checkpoint;
      // The model that is exported is that of the report on show.
      if (isShown && current() === undefined) {
        shown = isLoaded ? { id, checkpoint, storedAt: await storedAt(id) } : null;
        lost = isLoaded ? null : checkpoint.message;
      }
      if (!isLoaded) return { report: found.report, events: [...reportedEvents(found.report)] };
      return openedRun(found.report, checkpoint.state);
    },

    async pairRuns(base, others) {
      const { pairKept } = await import('./pairKept');
      return pairKept(base, others, async (id) => (await load(id)).state);
    },

    async noteRun(id, note) {
      await (await shelf()).notes.save(id, note);
      host.tellTabs?.();
    },

    async deleteRun(id) {
      if (current() === id) throw new Error('This run is on: press Reset first.');
      await holdingRun(locks, id, async () => {
        await deleteRun((await shelf()).store, id);
        host.tellTabs?.();
      });
    },

    async exportModel() {
      return modelFiles(exported('There is no model to export yet: train one, or open a finished run.'));
    },

    async exportCots() {
      return cotsFile(
        exported('There is no reasoning to export yet: train a model, or open a finished run.'),
      );
    },

    // Few ask for these, so their code is fetched when somebody does.
    async exportRun(wanted) {
      const none = 'There is no run to export yet: train one, or open a finished run.';
      const id = wanted ?? shown?.id;
      const isOnShow = wanted === undefined || (wanted === shown?.id && wanted === current());
      const checkpoint = isOnShow ? exported(none) : await load(wanted);
      const { packRun } = await import('../run/runFile');
      const report = id === undefined ? null : (await (await shelf()).runs.load(id))?.report;
      const trained = report ? { device: report.device, memory: report.memory } : null;
      const note = (await (await shelf()).notes.list()).get(id ?? '');
      // Whether it is pinned is of this page, and no word about the run.
      const told = note && { note: { name: note.name, text: note.text } };
      return packRun(checkpoint, { id: id ?? '', trained, ...told });
    },

    async importRun(file, end = null) {
      const { importRun } = await import('./runImport');
      const { checkpoints, notes, problem } = await shelf();
      const made = await importRun(file, end, {
        checkpoints,
        saveReport,
        saveNote: (id, note) => notes.save(id, note),
      });
      host.tellTabs?.();
      return problem === null ? made : { ...made, message: `${made.message} ${problem.message}` };
    },

    async continueElsewhere(to) {
      const checkpoint = exported('There is no run to go on with yet: train one, or open a finished run.');
      const { elsewhereFiles } = await import('../run/elsewhere/elsewhere');
      const { zipFiles } = await import('../run/runFile');
      const { datasets } = await shelf();
      const dataset = await loadDataset(checkpoint.state.config, (sha256) => datasets.load(sha256));
      return zipFiles(`continue-on-${to}.zip`, elsewhereFiles(checkpoint, dataset, { to }));
    },
  };

  return {
    api,
    load,
    takenUp,
    dropOvertaken,
    saveReport,
    /** What changes whenever what is kept of a run does. */
    version: async (id: string) =>
      shown?.id === id && !(await isOutdated(shown)) ? shown.checkpoint : storedAt(id),
    /** Ids of kept runs among whose arrays is one of these bytes. */
    async holding(digest: string): Promise<string[]> {
      const { checkpoints } = await shelf();
      const holds = async ({ id }: { id: string }) =>
        (await checkpoints.digests(id)).some((own) => Object.values(own).includes(digest)) ? [id] : [];
      return (await Promise.all((await checkpoints.list()).map(holds))).flat();
    },
    /** The run that is on has come to another checkpoint. */
    show(run: OnShow): void {
      shown = run;
      lost = null;
    },
  };
}
