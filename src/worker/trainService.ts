/**
 * What the training worker does, apart from being one: one run at a time, its checkpoints and its report in storage.
 * Without storage training goes on all the same; the page is told, and offers the files for download.
 */
import type { ChoiceShelf } from '../gpu/tuner';
import { parseConfig } from '../run/config';
import { Controls } from '../run/controls';
import { loadDataset } from '../run/datasets';
import type { describeRunDevice, openRunDevice, RunDevice } from '../run/device';
import type { DivergenceChoice } from '../run/divergence';
import type { Judges } from '../run/judgeLine';
import type { Report } from '../run/report';
import { type RunContext, runPipeline } from '../run/runner';
import type { EndpointFetch, TeacherServices } from '../sft/cot';
import { endpointHost } from '../sft/endpoint';
import { loadSentenceFiles } from '../store/sentenceFiles';
import type { Store, StoreError } from '../store/store';
import { createAsking, restingDevice } from './asking';
import { createKeeping } from './keeping';
import { createKeptRuns } from './keptRuns';
import { createMeasuring, type MeasureDevice, type MeasureWhole } from './measuring';
import type { TrainerApi } from './protocol';
import { holdingRun, type Locks } from './runLock';
import { type Shelf, shelfOn } from './shelf';
import { Transcripts } from './transcripts';
import { keepPoint } from './undoing';

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
  /** A worker in which judges are trained beside a run; absent where they are trained in this one. */
  openJudges?(): Judges;
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
  let opened: Promise<Shelf> | null = null;
  let current: CurrentRun | null = null;
  /** Of which prompt of a step it is measured what the update made of its answers; null where nobody has chosen one. */
  let lookedAt: number | null = null;

  function shelf(): Promise<Shelf> {
    // Kept again as soon as it can be, and what became of it is seen then.
    const onClosed = () => current?.controls.keep();
    opened ??= services.openStore(onClosed).then(({ store, problem }) => shelfOn(store, problem));
    return opened;
  }

  const choicesOf = (adapter: string): ChoiceShelf => ({
    load: async () => (await shelf()).choices.load(adapter),
    save: async (choices) => (await shelf()).choices.save(adapter, choices),
  });

  const transcripts = new Transcripts(
    async () => (await shelf()).transcripts,
    async (id) => (await (await shelf()).checkpoints.header(id))?.savedAt ?? null,
  );
  const kept = createKeptRuns({ ...services, shelf, transcripts, current: () => current?.id });

  async function train(
    id: string,
    context: Taken,
    run: CurrentRun,
    teacherKey: string | null,
  ): Promise<Report | null> {
    const { emit } = context;
    const things = await shelf();
    const { points, datasets, answers, cots } = things;
    const { resume } = context;
    const transcript = await transcripts.begin(id, resume?.state ?? null);
    const { save, complain } = createKeeping({
      id,
      shelf: things,
      runs: kept,
      transcripts,
      kept: resume && (await things.checkpoints.header(id).catch(() => null)),
      isResumed: resume !== null,
      tell: (level, message) => emit({ type: 'notice', level, message, about: 'keeping' }),
      tellTabs: services.tellTabs,
    });
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
    const { pipeline = runPipeline } = services;
    // What was decided is kept at once, so that nobody has to decide it again.
    if (context.isDecided && resume !== null) await save(resume, null);
    const { report } = await pipeline({
      ...context,
      controls: run.controls,
      decide: () =>
        new Promise((resolve) => {
          run.answer = resolve;
        }),
      teaching,
      loadSentenceFiles,
      openJudges: services.openJudges,
      onlooker: {
        prompt: () => lookedAt,
        keep: (said) => transcript.keep(said),
      },
      loadDataset: () => loadDataset(context.config, (sha256) => datasets.load(sha256)),
      async openDevice(kernels) {
        run.device = await services.openDevice(kernels, undefined, choicesOf);
        return run.device;
      },
      save,
      keepPoint: (checkpoint) => keepPoint(points, id, checkpoint),
    });
    return report;
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
    load: kept.load,
    version: kept.version,
    holding: kept.holding,
    loadDataset: async (config) => {
      const { datasets } = await shelf();
      return loadDataset(config, (sha256) => datasets.load(sha256));
    },
    openDevice: () => services.openDevice('auto', undefined, choicesOf),
    restingDevice: () => restingDevice(current),
  });

  return {
    ...kept.api,
    describeDevice: async () =>
      current?.device ? { device: current.device.info, warning: null } : services.describeDevice(),

    start(config, from, onEvent, { teacherKey = null, changes = [], id: newId = crypto.randomUUID() } = {}) {
      const id = from?.id ?? newId;
      return alone(id, (run) =>
        holdingRun(services.locks, id, async () => {
          services.tellTabs?.();
          const resume = from === null ? null : await kept.takenUp(from);
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

    async decide(choice) {
      current?.answer?.(choice);
    },

    async keep() {
      current?.controls.keep();
    },

    study(request, onEvent) {
      return alone(null, async (run) => {
        const { cells, datasets } = await shelf();
        const { study } = await studyService();
        const runCell: Parameters<typeof study>[2] = (config, resume, save) =>
          runPipeline({
            config,
            controls: run.controls,
            emit: (event) => onEvent({ type: 'run', event }),
            teaching: NO_TEACHING,
            loadSentenceFiles,
            openJudges: services.openJudges,
            loadDataset: () => loadDataset(config, (sha256) => datasets.load(sha256)),
            async openDevice(kernels) {
              run.device = await services.openDevice(kernels, undefined, choicesOf);
              return run.device;
            },
            save,
            resume,
          });
        return study(request, cells, runCell, onEvent);
      });
    },

    studyResult: async (request) => (await studyService()).studyResult(request, (await shelf()).cells),
    exportStudy: async (request) => (await studyService()).exportStudy(request, (await shelf()).cells),
    deleteStudies: async () => (await shelf()).cells.clear(),

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
