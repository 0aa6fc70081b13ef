/**
 * What the training worker does, apart from being one: one run at a time, its checkpoints and its report in storage.
 * Without storage training goes on all the same; the page is told, and offers the files for download.
 */
import type { ChoiceShelf } from '../gpu/tuner';
import { decodeCheckpoint, encodeCheckpoint, type RunHeader } from '../run/checkpoint';
import { CheckpointError } from '../run/checkpointError';
import { parseConfig, type RunConfig } from '../run/config';
import { Controls } from '../run/controls';
import { loadDataset } from '../run/datasets';
import type { describeRunDevice, openRunDevice, RunDevice } from '../run/device';
import type { DivergenceChoice } from '../run/divergence';
import { openedRun, reportedEvents } from '../run/events';
import { cotsFile, modelFiles } from '../run/files';
import { forked } from '../run/fork';
import { afterStop } from '../run/goBack';
import { deviceKey, type Report, STAGE_NAMES } from '../run/report';
import { type RunContext, runPipeline } from '../run/runner';
import type { RunCheckpoint } from '../run/runState';
import type { PackedStep } from '../run/transcript';
import { APP_VERSION } from '../run/version';
import type { EndpointFetch, TeacherServices } from '../sft/cot';
import { endpointHost } from '../sft/endpoint';
import { Cells } from '../store/cells';
import { type CheckpointGeneration, Checkpoints } from '../store/checkpoints';
import { KernelChoices } from '../store/choices';
import { Datasets } from '../store/datasets';
import { LineFiles, LineLogs } from '../store/lines';
import { RunNotes } from '../store/runNotes';
import { deleteRun } from '../store/runRecords';
import { Runs } from '../store/runs';
import { loadSentenceFiles } from '../store/sentenceFiles';
import { type Store, StoreError } from '../store/store';
import { StoredTranscripts } from '../store/transcripts';
import { UndoPoints } from '../store/undoPoints';
import type { Cell } from '../study/cell';
import { createAsking, restingDevice } from './asking';
import { createMeasuring, type MeasureDevice, type MeasureWhole } from './measuring';
import type { CotsSummary, FinishedRun, ImportSummary, ResumeFrom, TrainerApi } from './protocol';
import { heldRuns, holdingRun, type Locks, whereFree } from './runLock';
import { Transcripts } from './transcripts';
import { keepPoint, undoneFrom } from './undoing';

/** Fetched with the first study, since most visitors train no second method. */
const studyService = () => import('./studyService');

export interface TrainServices {
  /** @param onClosed what was kept may be gone: the browser or somebody else closed it */
  openStore(onClosed: () => void): Promise<{ store: Store; problem: StoreError | null }>;
  openDevice: typeof openRunDevice;
  describeDevice: typeof describeRunDevice;
  /** Of a test; left out, the device that there is. */
  measureDevice?: MeasureDevice;
  measureWhole?: MeasureWhole;
  /** The browser's; undefined where it has none. */
  locks?: Locks;
  /** Asks a teacher's endpoint; absent where any may be asked. */
  askEndpoint?: EndpointFetch;
  /** Tells other tabs that the list of kept runs is another one. */
  tellTabs?(): void;
  /** Takes a run through its stages; a test has its own, which goes when it is told to. */
  pipeline?: typeof runPipeline;
}

interface CurrentRun {
  /** Null for a study. */
  id: string | null;
  controls: Controls;
  device: RunDevice | null;
  /** Takes what a person decides, while one is asked. */
  answer: ((choice: DivergenceChoice) => void) | null;
  /** Settles when the run has ended, however it did. */
  ended: Promise<void>;
}

/** @param isDecided what it resumes from is not what was kept: a decision came between */
type Taken = Pick<RunContext, 'config' | 'changes' | 'resume' | 'emit'> & { isDecided: boolean };

interface Newest {
  id: string;
  checkpoint: RunCheckpoint;
  /** When the newest checkpoint in storage was kept, as far as this tab has had to do with it; null where it never kept one. */
  storedAt: number | null;
}

interface Storage {
  store: Store;
  checkpoints: Checkpoints<RunHeader>;
  points: UndoPoints<RunHeader>;
  transcripts: StoredTranscripts<PackedStep>;
  runs: Runs<FinishedRun, Report>;
  notes: RunNotes;
  datasets: Datasets<ImportSummary>;
  answers: LineLogs;
  cots: LineFiles<CotsSummary>;
  cells: Cells<Cell>;
  choices: KernelChoices;
  persistent: boolean;
  problem: StoreError | null;
}

/** Of what is kept, not of the way to it. */
function isDamage(error: unknown): error is Error {
  return (
    (error instanceof CheckpointError && error.isDamage) ||
    (error instanceof StoreError && error.problem === 'damaged')
  );
}

/** A study learns from the embedded teacher alone, which needs nobody. */
const refuse = async () => {
  throw new Error('A study asks nobody.');
};
const NO_TEACHING: TeacherServices = {
  key: null,
  readAnswers: refuse,
  appendAnswers: refuse,
  loadCots: refuse,
  keepCots: refuse,
};

export function createTrainer(services: TrainServices): TrainerApi {
  let opened: Promise<Storage> | null = null;
  let current: CurrentRun | null = null;
  /** Of the run that is on, was last, or whose report was opened last: what `exportModel` exports. */
  let newest: Newest | null = null;
  const transcripts = new Transcripts(async () => (await storage()).transcripts, storedAt);
  /** Of which prompt of a step it is measured what the update made of its answers; null where nobody has chosen one. */
  let lookedAt: number | null = null;
  /** Why there is none, where the report on show is of a run that cannot be loaded. */
  let lost: string | null = null;

  function storage(): Promise<Storage> {
    // Kept again as soon as it can be, and what became of it is seen then.
    const onClosed = () => current?.controls.keep();
    opened ??= services.openStore(onClosed).then(({ store, problem }) => ({
      store,
      checkpoints: new Checkpoints<RunHeader>(store),
      points: new UndoPoints<RunHeader>(store),
      transcripts: new StoredTranscripts<PackedStep>(store),
      runs: new Runs<FinishedRun, Report>(store),
      notes: new RunNotes(store),
      datasets: new Datasets<ImportSummary>(store),
      answers: new LineLogs(store),
      cots: new LineFiles<CotsSummary>(store),
      cells: new Cells<Cell>(store),
      choices: new KernelChoices(store),
      persistent: store.persistent,
      problem,
    }));
    return opened;
  }

  const shelfOf = (adapter: string): ChoiceShelf => ({
    load: async () => (await storage()).choices.load(adapter),
    save: async (choices) => (await storage()).choices.save(adapter, choices),
  });

  /** @throws an Error that says what is wrong with it, and what to do */
  async function load(id: string, generation: CheckpointGeneration = 'newest'): Promise<RunCheckpoint> {
    if (generation === 'newest' && newest?.id === id && !(await isOutdated(newest))) return newest.checkpoint;
    const { checkpoints } = await storage();
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

  /** Of the newest checkpoint that is kept of the run; null where there is none. */
  async function storedHeader(id: string): Promise<RunHeader | null> {
    const { checkpoints } = await storage();
    return (await checkpoints.list()).find((run) => run.id === id)?.header ?? null;
  }

  /** When it was made. */
  async function storedAt(id: string): Promise<number | null> {
    return (await storedHeader(id))?.savedAt ?? null;
  }

  /** Whether another tab has gone on with the run since, or has deleted it. What storage cannot tell has not happened. */
  async function isOutdated(own: Newest): Promise<boolean> {
    const kept = await storedAt(own.id).catch(() => own.storedAt);
    return kept !== own.storedAt;
  }

  /** Unfinished runs of the same config that this one has overtaken: going on from here comes to the same bits. */
  async function dropOvertaken(
    id: string,
    { config, changes, fork, stage, step }: RunCheckpoint['state'],
  ): Promise<void> {
    // Who forks a run wants both.
    if (fork !== undefined) return;
    const { checkpoints, store } = await storage();
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
      await whereFree(services.locks, other, async () => {
        // Before it was free, another tab may have gone on with it.
        if ((await overtaken()).some((run) => run.id === other)) await deleteRun(store, other);
      });
  }

  async function train(
    id: string,
    context: Taken,
    run: CurrentRun,
    teacherKey: string | null,
  ): Promise<Report | null> {
    const { emit } = context;
    const { checkpoints, points, datasets, answers, cots, persistent, problem } = await storage();
    const transcript = await transcripts.begin(id, context.resume?.state ?? null);
    let complained = false;
    const tell = (level: 'info' | 'warning', message: string) =>
      emit({ type: 'notice', level, message, about: 'keeping' });
    const complain = (error: unknown) => {
      if (complained) return;
      complained = true;
      const reason = error instanceof Error ? error.message : String(error);
      tell('warning', `Training goes on, but this run is not being kept: ${reason}`);
    };
    if (problem !== null) complain(problem);
    let isWordless = false;
    const tellWords = (error: Error | null) => {
      if (error !== null && !isWordless)
        tell('warning', `This run is being kept, but not what it says in alignment: ${error.message}`);
      if (error === null && isWordless) tell('info', 'What this run says in alignment is being kept again.');
      isWordless = error !== null;
    };
    /** Whether a checkpoint of the run must be there. */
    let isKept = context.resume !== null;
    let kept = isKept ? await storedHeader(id).catch(() => null) : null;
    const teaching: TeacherServices = {
      fetch: services.askEndpoint,
      key: teacherKey,
      tell: emit,
      readAnswers: (teacher) =>
        answers.read(teacher).catch((error: unknown) => {
          complain(error);
          return [];
        }),
      appendAnswers: (teacher, lines) => answers.append(teacher, lines).catch(complain),
      loadCots: (sha256) => cots.load(sha256),
      keepCots(sha256, jsonl) {
        const { teacher, url, model } = context.config.rupr;
        const lines = jsonl.split('\n').slice(0, -1);
        const prompts = new Set(lines.map((line) => (JSON.parse(line) as { sampleId: string }).sampleId))
          .size;
        const name = teacher === 'openai' ? `${model} at ${endpointHost(url)}` : teacher;
        return cots.save(sha256, { sha256, name, cots: lines.length, prompts }, jsonl).catch(complain);
      },
    };
    const save: RunContext['save'] = async (checkpoint, report) => {
      const finished = report !== null;
      const own: Newest = { id, checkpoint, storedAt: kept?.savedAt ?? null };
      newest = own;
      lost = null;
      // Before the checkpoint: of steps that are taken again it is said again, and of no others.
      const wordless = await transcripts.keep().then(
        () => null,
        (error: Error) => error,
      );
      try {
        // A tab that is gone in between leaves a run to be taken up, not a finished one without its report.
        if (report !== null) await saveReport(id, report);
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
        await dropOvertaken(id, checkpoint.state);
        services.tellTabs?.();
        if (complained && problem === null) {
          complained = false;
          tell('info', 'This run is being kept again.');
        }
        tellWords(wordless);
        return persistent;
      } catch (error) {
        complain(error);
        return false;
      }
    };
    const { pipeline = runPipeline } = services;
    // What was decided is kept at once, so that nobody has to decide it again.
    if (context.isDecided && context.resume !== null) await save(context.resume, null);
    const { report } = await pipeline({
      ...context,
      controls: run.controls,
      decide: () =>
        new Promise((resolve) => {
          run.answer = resolve;
        }),
      teaching,
      loadSentenceFiles,
      onlooker: {
        prompt: () => lookedAt,
        keep: (said) => transcript.keep(said),
      },
      loadDataset: () => loadDataset(context.config, (sha256) => datasets.load(sha256)),
      async openDevice(kernels) {
        run.device = await services.openDevice(kernels, undefined, shelfOf);
        return run.device;
      },
      save,
      keepPoint: (checkpoint) => keepPoint(points, id, checkpoint),
    });
    return report;
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
    await (await storage()).runs.save(id, saved, report);
  }

  /** Of a run whose checkpoints went while it was trained. */
  async function lossWords({ data }: RunConfig): Promise<string> {
    const gone =
      'What was kept of this run has been deleted, by the browser or by hand; training goes on, and the run is kept again from here.';
    if (data.source !== 'import') return gone;
    const isThere = (await (await storage()).datasets.list()).some(({ sha256 }) => sha256 === data.sha256);
    return isThere
      ? gone
      : `${gone} Its data set was deleted too: add the same files again before you resume it.`;
  }

  function exported(missing: string): RunCheckpoint {
    if (newest === null) throw new Error(lost ?? missing);
    return newest.checkpoint;
  }

  /** One at a time; whoever pauses or stops means this one. */
  async function alone<T>(id: string | null, work: (run: CurrentRun) => Promise<T>): Promise<T> {
    if (current !== null) throw new Error('A run is on already: stop it first.');
    const run: CurrentRun = {
      id,
      controls: new Controls(),
      device: null,
      answer: null,
      ended: Promise.resolve(),
    };
    current = run;
    measuring.end();
    const result = asking.end()?.then(() => work(run)) ?? work(run);
    run.ended = result.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await result;
    } finally {
      current = null;
      transcripts.end();
      void asking.end();
    }
  }

  const measuring = createMeasuring(() => current === null, services.measureDevice, services.measureWhole);
  const asking = createAsking({
    load,
    version: async (id) =>
      newest?.id === id && !(await isOutdated(newest)) ? newest.checkpoint : storedAt(id),
    async holding(digest) {
      const { checkpoints } = await storage();
      const holds = async ({ id }: { id: string }) =>
        (await checkpoints.digests(id)).some((own) => Object.values(own).includes(digest)) ? [id] : [];
      return (await Promise.all((await checkpoints.list()).map(holds))).flat();
    },
    loadDataset: async (config) => {
      const { datasets } = await storage();
      return loadDataset(config, (sha256) => datasets.load(sha256));
    },
    openDevice: () => services.openDevice('auto', undefined, shelfOf),
    restingDevice: () => restingDevice(current),
  });

  return {
    describeDevice: async () =>
      current?.device ? { device: current.device.info, warning: null } : services.describeDevice(),

    start(config, from, onEvent, { teacherKey = null, changes = [], id: newId = crypto.randomUUID() } = {}) {
      const id = from?.id ?? newId;
      return alone(id, (run) =>
        holdingRun(services.locks, id, async () => {
          services.tellTabs?.();
          const resume = from === null ? null : await takenUp(from);
          const wanted = resume === null ? parseConfig(config) : resume.state.config;
          const isDecided = from?.choice !== undefined;
          return train(id, { config: wanted, changes, resume, isDecided, emit: onEvent }, run, teacherKey);
        }),
      ).finally(() => services.tellTabs?.());
    },

    async change(edits) {
      if (current === null) throw new Error('No run is on whose settings could change.');
      current.controls.change(edits);
    },

    group: (id, step, prompt) => transcripts.group(id, step, prompt),

    async lookAt(prompt) {
      lookedAt = prompt;
    },

    async fork(from, id = newest?.id) {
      if (id === undefined)
        throw new Error('There is no run to fork yet: train one, or open a finished run.');
      const { checkpoints, points } = await storage();
      const run = await load(id);
      const made = typeof from === 'string' ? forked(run, id, from) : await undoneFrom(points, id, run, from);
      const fork = crypto.randomUUID();
      await checkpoints.save(encodeCheckpoint(fork, made, false), false);
      await transcripts.fork(id, fork, made.state).catch(() => undefined);
      services.tellTabs?.();
      return { id: fork, generation: 'newest' };
    },

    async decide(choice) {
      current?.answer?.(choice);
    },

    async keep() {
      current?.controls.keep();
    },

    study(request, onEvent) {
      return alone(null, async (run) => {
        const { cells, datasets } = await storage();
        const { study } = await studyService();
        const runCell: Parameters<typeof study>[2] = (config, resume, save) =>
          runPipeline({
            config,
            controls: run.controls,
            emit: (event) => onEvent({ type: 'run', event }),
            teaching: NO_TEACHING,
            loadSentenceFiles,
            loadDataset: () => loadDataset(config, (sha256) => datasets.load(sha256)),
            async openDevice(kernels) {
              run.device = await services.openDevice(kernels, undefined, shelfOf);
              return run.device;
            },
            save,
            resume,
          });
        return study(request, cells, runCell, onEvent);
      });
    },

    studyResult: async (request) => (await studyService()).studyResult(request, (await storage()).cells),
    exportStudy: async (request) => (await studyService()).exportStudy(request, (await storage()).cells),
    deleteStudies: async () => (await storage()).cells.clear(),

    async pause() {
      if (current === null) return;
      current.controls.pause();
      await Promise.race([current.controls.rested(), current.ended]);
    },

    async pauseAt(place) {
      if (current === null) return;
      const { controls, ended } = current;
      await Promise.race([controls.pauseAt(place).then(() => controls.rested()), ended]);
    },

    async resume() {
      const asked = asking.end();
      if (asked !== null) await asked;
      current?.controls.resume();
    },

    async step() {
      const asked = asking.end();
      if (asked !== null) await asked;
      if (current === null) return;
      const { controls, ended } = current;
      controls.step();
      await Promise.race([controls.rested(), ended]);
    },

    async stop() {
      const asked = asking.end();
      if (asked !== null) await asked;
      current?.controls.stop();
      await current?.ended;
    },

    async savedRuns() {
      const held = await heldRuns(services.locks);
      if (current?.id) held.delete(current.id);
      const { listRuns } = await import('./runList');
      return listRuns((await storage()).runs.store, held);
    },

    async openRun(id, isShown = true) {
      const found = await (await storage()).runs.load(id);
      if (!found?.report) return null;
      const checkpoint = await load(id).catch((error: unknown) => error as Error);
      const isLoaded = 'state' in checkpoint;
      // The model that is exported is that of the report on show.
      if (isShown && current === null) {
        newest = isLoaded ? { id, checkpoint, storedAt: await storedAt(id) } : null;
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
      await (await storage()).notes.save(id, note);
      services.tellTabs?.();
    },

    async deleteRun(id) {
      if (current?.id === id) throw new Error('This run is on: press Reset first.');
      await holdingRun(services.locks, id, async () => {
        await deleteRun((await storage()).store, id);
        services.tellTabs?.();
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
      const id = wanted ?? newest?.id;
      const isOnShow = wanted === undefined || (wanted === newest?.id && wanted === current?.id);
      const checkpoint = isOnShow ? exported(none) : await load(wanted);
      const { packRun } = await import('../run/runFile');
      const report = id === undefined ? null : (await (await storage()).runs.load(id))?.report;
      const trained = report ? { device: report.device, memory: report.memory } : null;
      const note = (await (await storage()).notes.list()).get(id ?? '');
      // Whether it is pinned is of this page, and no word about the run.
      const told = note && { note: { name: note.name, text: note.text } };
      return packRun(checkpoint, { id: id ?? '', trained, ...told });
    },

    async importRun(file) {
      const { importRun } = await import('./runImport');
      const { checkpoints, notes, problem } = await storage();
      const made = await importRun(file, {
        checkpoints,
        saveReport,
        saveNote: (id, note) => notes.save(id, note),
      });
      services.tellTabs?.();
      return problem === null ? made : { ...made, message: `${made.message} ${problem.message}` };
    },

    async continueElsewhere(to) {
      const checkpoint = exported('There is no run to go on with yet: train one, or open a finished run.');
      const { elsewhereFiles } = await import('../run/elsewhere/elsewhere');
      const { zipFiles } = await import('../run/runFile');
      const { datasets } = await storage();
      const dataset = await loadDataset(checkpoint.state.config, (sha256) => datasets.load(sha256));
      return zipFiles(`continue-on-${to}.zip`, elsewhereFiles(checkpoint, dataset, { to }));
    },

    measure: measuring.measure,
    measureWhole: measuring.measureWhole,
    async endMeasuring() {
      measuring.endWhole();
    },
    ask: asking.ask,
    askable: asking.askable,

    async loseDevice() {
      current?.device?.lose();
    },
  };
}
