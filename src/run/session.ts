/**
 * One session of a run: which stages are done, the gate at every step boundary, checkpoints there (`keepSchedule.ts`) and at
 * the end of stages, progress with time left, and
 * the model that is being trained. It knows nothing of what a stage does.
 */
import { breathe, NotFiniteError, StoppedError } from '../control/hooks';
import type { TestSlices } from '../evaluate/slices';
import type { ModelConfig } from '../model/config';
import type { LanguageModel } from '../model/languageModel';
import { areSame } from '../numeric/same';
import { Beside } from './beside';
import { assertAffordable } from './budget';
import {
  changedAt,
  configAt,
  type FieldEdit,
  liveFields,
  type RunChange,
  rateOf,
  withEdits,
} from './changes';
import type { Controls } from './controls';
import type { RunDevice } from './device';
import {
  type Divergence,
  type DivergenceChoice,
  divergenceOf,
  notFinite,
  type StageGauges,
} from './divergence';
import { GoodCheckpoints } from './goBack';
import type { JudgeName, JudgeTask } from './judging';
import { KeepSchedule } from './keepSchedule';
import { type RunEvent, STAGE_NAMES, type StageName, type StageReport } from './report';
import { copyState, type RunCheckpoint, type RunState } from './runState';
import type { RunServices, SessionTools, StageTools } from './stage';
import type { AnyStage } from './stageList';
import type { Data } from './stages/data';
import { testSlices } from './testSlices';
import { TimeLeft } from './timeLeft';
import { NEAR } from './undo';
import { Workbench } from './workbench';

export interface SessionOptions {
  checkpoint: RunCheckpoint;
  controls: Controls;
  device: RunDevice;
  services: RunServices;
  emit(event: RunEvent): void;
  /** Keeps a checkpoint; resolves with whether it will outlast this session. Never rejects. */
  save(checkpoint: RunCheckpoint): Promise<boolean>;
  /** Keeps where the run stands just before a change takes effect, so that it can be undone; left out, nothing is. Never rejects. */
  keepPoint?(checkpoint: RunCheckpoint): Promise<void>;
  /** Asked when training runs away; left out, it goes on, unless its numbers are not finite. */
  decide?(found: Divergence): Promise<DivergenceChoice>;
}

const PROGRESS_SECONDS = 0.1;
/** Stages that begin with the model as warm-up left it. */
const WITH_BACKBONE: readonly StageName[] = ['rupr', 'orft', 'sft'];

export class RunSession {
  readonly state: RunState;
  /** The newest complete checkpoint, to go back to when the device is lost. */
  last: RunCheckpoint;
  /** Where the run is to go on from, once it was stopped because training ran away. */
  back: RunCheckpoint | null = null;
  readonly #options: SessionOptions;
  readonly #tools: SessionTools;
  /** What finished stages opened, by their names. */
  readonly #opened: Partial<Record<StageName, unknown>> = {};
  #model: LanguageModel | null = null;
  readonly #schedule = new KeepSchedule(seconds());
  /** The write under way, if any; it never rejects. */
  #writing: Promise<void> | null = null;
  readonly #good: GoodCheckpoints;
  /** Training has run away, and somebody is asked what to do. */
  #isAsking = false;
  /** Where the run was kept last before a change, in this session. */
  #point: Pick<RunChange, 'stage' | 'step'> | null = null;
  #keepingPoint: Promise<void> = Promise.resolve();
  /** Of the stage under way. */
  #bench: Workbench;
  readonly #beside: Beside;
  #most = { bytesPlanned: 0, bytesAllocated: 0 };

  constructor(options: SessionOptions) {
    this.#options = options;
    this.last = options.checkpoint;
    this.#good = new GoodCheckpoints(options.checkpoint);
    const state = copyState(options.checkpoint.state);
    this.state = state;
    this.#bench = new Workbench(state.work);
    const { device, emit, services } = options;
    const { openJudges } = services;
    this.#beside = new Beside(
      state,
      device.leavesCores && openJudges !== undefined ? () => openJudges() : null,
    );
    this.#tools = {
      ...services,
      // A stage may settle on another.
      get config() {
        return state.config;
      },
      device,
      emit,
      createModel: (shape, largestBatch) => this.#createModel(shape, largestBatch),
    };
  }

  /** Runs a stage unless an earlier session finished it, checkpoints at its end, and opens it for later ones. */
  async pass(stage: AnyStage): Promise<void> {
    const { name } = stage;
    const inputs = this.#opened as never;
    const isPast = STAGE_NAMES.indexOf(this.state.stage) > STAGE_NAMES.indexOf(name);
    const isLeft = isPast && this.state.beside?.[name] !== undefined;
    const task =
      isLeft || (!isPast && this.#beside.isApart) ? stage.beside?.(inputs, this.state.config as never) : null;
    if (task) {
      this.#passBeside(stage, task);
      // Another session had a worker for it, and this one has none.
      if (!this.#beside.isApart)
        while (!(await this.#beside.wait()))
          if ((await this.#options.controls.pass()) === 'stop') throw new StoppedError(name);
      return;
    }
    if (isPast) {
      this.#opened[name] = await stage.open(this.#made(name), inputs, this.#tools);
      return;
    }
    const steps = stage.steps(this.state.config, inputs);
    await this.#run(name, steps, 'begin' in stage, async (tools) => {
      if ('begin' in stage) {
        if (this.#made(name) === undefined) this.#keep(name, stage.begin(this.state.config));
        await stage.run(inputs, tools, this.#made(name));
      } else {
        this.#keep(name, await stage.run(inputs, tools));
      }
      this.#opened[name] = await stage.open(this.#made(name), inputs, this.#tools);
    });
  }

  /** Begins a judge, or goes on with it, while the run goes on with the next stage. */
  #passBeside(stage: AnyStage, task: JudgeTask): void {
    const { state } = this;
    const { emit } = this.#options;
    const name = stage.name as JudgeName;
    const steps = stage.steps(state.config, this.#opened as never);
    const own = this.#report(name, steps);
    const watch = new Stopwatch();
    const before = own.seconds;
    const progress = this.#progress(name, 0, watch);
    emit({
      type: 'stage',
      name,
      status: state.stage === name && state.step === 0 ? 'started' : 'resumed',
      steps,
    });
    this.#beside.begin(name, task, progress, async ({ made, losses }) => {
      this.#keep(name, made);
      own.loss.push(...losses);
      const took = watch.seconds();
      own.seconds = before + took;
      if (this.#beside.isApart) state.timings.beside = (state.timings.beside ?? 0) + took;
      this.#opened[name] = await stage.open(made as never, this.#opened as never, this.#tools);
      progress(steps, steps, true);
      for (const event of stage.events?.(stage.report?.(made as never) ?? {}, own) ?? []) emit(event);
      emit({ type: 'stage', name, status: 'finished', steps, seconds: own.seconds });
    });
    if (state.stage !== name) return;
    state.stage = STAGE_NAMES[STAGE_NAMES.indexOf(name) + 1];
    state.step = 0;
    state.work = { parts: {} };
    this.#bench = new Workbench(state.work);
  }

  /** Once the data is there. */
  testSlices(): TestSlices | null {
    const { data } = this.#opened;
    return data === undefined ? null : testSlices(data as Data);
  }

  /** The newest checkpoint, with what was changed since: that is of steps to come, also where they are taken again. */
  newest(): RunCheckpoint {
    const { changes } = this.state;
    if (JSON.stringify(changes) === JSON.stringify(this.last.state.changes)) return this.last;
    return { ...this.last, state: { ...this.last.state, changes } };
  }

  /** What the model took on the device at the end of a stage or takes now, whichever is most. */
  memory(): { bytesPlanned: number; bytesAllocated: number } {
    const now = this.#model?.memory() ?? this.#most;
    return now.bytesPlanned > this.#most.bytesPlanned ? now : this.#most;
  }

  /** Frees the model, once nothing is being written any more. */
  async close(): Promise<void> {
    this.#beside.end();
    await this.#written();
    await this.#keepingPoint;
    this.#model?.destroy();
  }

  #made(name: StageName): never {
    return this.state.made[name] as never;
  }

  #keep(name: StageName, made: unknown): void {
    Object.assign(this.state.made, { [name]: made });
  }

  async #run(
    name: StageName,
    steps: number,
    isResumable: boolean,
    body: (tools: StageTools) => Promise<void>,
  ): Promise<void> {
    const { state } = this;
    const { controls, emit } = this.#options;
    const from = state.stage === name ? state.step : 0;
    state.stage = name;
    state.step = from;
    const begun = this.last.model?.parameters ?? null;
    if (from === 0 && begun !== null && WITH_BACKBONE.includes(name)) state.backbone ??= begun;
    // ORFT ends with the same weights: they are kept once.
    const isBackbone = begun !== null && state.backbone !== undefined && areSame(begun, state.backbone);
    if (rateOf(name) !== null) state.beginning ??= isBackbone ? state.backbone! : begun;
    const own = this.#report(name, steps);
    const watch = new Stopwatch();
    const before = own.seconds;
    emit({ type: 'stage', name, status: from > 0 ? 'resumed' : 'started', steps });
    const progress = this.#progress(name, from, watch);
    const bench = new Workbench(state.work);
    this.#bench = bench;
    const canKeep = () => isResumable || bench.isBegun;
    let waiting: { step: number; resolve: () => void } | null = null;
    /** Steps in flight finish and are counted; then state and weights are of the same step. */
    const reach = async (nextStep: number) => {
      if (state.step >= nextStep) return;
      await new Promise<void>((resolve) => {
        waiting = { step: nextStep, resolve };
      });
    };
    let gauges: StageGauges = {};
    let found: Divergence | null = null;
    /** The first step whose settings may still change: those of steps in flight have been read. */
    let upcoming = from;
    const gate = async (nextStep = from) => {
      upcoming = Math.max(nextStep, state.step);
      const said = await rest(nextStep);
      if (said === 'stop') return said;
      if (canKeep() && this.#isPointDue({ stage: name, step: upcoming })) {
        await reach(upcoming);
        own.seconds = before + watch.seconds();
        await this.#keepPoint();
      }
      upcoming++;
      return said;
    };
    const rest = async (nextStep: number) => {
      await breathe();
      this.#beside.check();
      controls.come({ stage: name, step: upcoming });
      if (found !== null) {
        await reach(nextStep);
        const choice = await watch.pauseDuring(this.#decide(found));
        found = null;
        if (choice !== 'go-on') return 'stop';
      }
      const isAtRest = controls.resting || controls.stopped;
      if (!isAtRest && !(canKeep() && this.#isKeepDue())) return controls.pass();
      if (canKeep()) {
        await reach(nextStep);
        own.seconds = before + watch.seconds();
        const written = await this.#checkpoint();
        if (isAtRest) await written();
      }
      return isAtRest ? watch.pauseDuring(controls.pass()) : controls.pass();
    };
    const tools: StageTools = {
      ...this.#tools,
      name,
      from,
      steps,
      own,
      gate,
      reached: (step) => {
        state.step = step;
        if (waiting !== null && step >= waiting.step) waiting.resolve();
      },
      at: () => state.step,
      configAt: (step) => configAt(state.config, state.changes, { stage: name, step }),
      changedAt: (step, field) => changedAt(state.changes, { stage: name, step }, field),
      watch: (told) => {
        gauges = told;
        found ??= divergenceOf(name, told, this.#spared(name));
      },
      besides: async () => {
        while (!(await this.#beside.wait())) if ((await gate()) === 'stop') throw new StoppedError(name);
      },
      beginning: state.beginning,
      hooks: {
        gate: () => gate(),
        onProgress(done, total) {
          // A stage that is done in parts counts no steps of its own.
          if (!isResumable) state.step = Math.max(state.step, Math.min(done, steps));
          progress(done, total);
        },
        work: bench.work,
      },
      spend: (part, seconds) => {
        state.timings[part] = (state.timings[part] ?? 0) + seconds;
      },
      settle: (config) => {
        state.config = config;
      },
    };
    if (liveFields(name).length > 0) controls.onChange((edits) => this.#change(upcoming, edits));
    try {
      await body(tools);
    } catch (error) {
      if (!(error instanceof NotFiniteError)) throw error;
      const choice = await this.#decide(notFinite(name, state.step, gauges, error.message));
      // Without anybody to ask, it ends as any failure does.
      throw choice === 'go-on' ? error : new StoppedError(name);
    } finally {
      controls.onChange(null);
    }
    state.beginning = null;
    state.work = { parts: {} };
    this.#bench = new Workbench(state.work);
    progress(steps, steps, true);
    own.seconds = before + watch.seconds();
    const next = STAGE_NAMES[STAGE_NAMES.indexOf(name) + 1];
    state.stage = next ?? name;
    state.step = next === undefined ? steps : 0;
    const written = await this.#checkpoint();
    await written();
    this.#most = this.memory();
    this.#model?.tidy();
    emit({ type: 'stage', name, status: 'finished', steps, seconds: own.seconds });
  }

  /** @throws {ConfigError} where the run cannot be changed so: it stays as it is */
  #change(step: number, edits: readonly FieldEdit[]): void {
    const { state } = this;
    const { device, emit, controls } = this.#options;
    const at = { stage: state.stage, step };
    const changes = withEdits(state, at, edits);
    assertAffordable(configAt(state.config, changes, at), device.info, { kernels: state.config.kernels });
    state.changes = changes;
    emit({ type: 'changes', changes });
    const { state: kept } = this.last;
    const isAtRest = controls.resting && kept.stage === state.stage && kept.step === step;
    if (isAtRest || this.#isAsking) this.#keepChanges();
  }

  /** A run at rest may never go on from there: what was just said is kept with what was kept last, and is not lost with the tab. */
  #keepChanges(): void {
    const made = this.newest();
    this.last = made;
    void (this.#writing ?? Promise.resolve()).then(() => {
      if (this.last === made && this.#writing === null) this.#write(made);
    });
  }

  /** Resolves once nothing is being written. */
  async #written(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  #isKeepDue(): boolean {
    if (this.#writing !== null) return false;
    // Both are asked each time, since each remembers that it was.
    const isWanted = this.#options.controls.takeKeep();
    return this.#schedule.isDue(seconds()) || isWanted;
  }

  /**
   * Reads the model's weights back, and begins to keep everything: training may go on while it is written.
   * @returns what resolves once it is
   */
  async #checkpoint(): Promise<() => Promise<void>> {
    await this.#written();
    const from = seconds();
    await this.#bench.read();
    await this.#beside.read();
    const model = this.#model === null ? this.last.model : await this.#model.snapshot();
    return this.#write({ state: copyState(this.state), model }, from);
  }

  /** @param from when reading the weights began */
  #write(made: RunCheckpoint, from = seconds()): () => Promise<void> {
    this.last = made;
    this.#good.add(made);
    const write = async () => {
      const stored = await this.#options.save(made);
      this.#schedule.kept(from, seconds());
      this.#writing = null;
      const { stage, step } = made.state;
      this.#options.emit({ type: 'checkpoint', stage, step, stored });
    };
    const writing = write();
    this.#writing = writing;
    return () => writing;
  }

  #isPointDue(at: Pick<RunChange, 'stage' | 'step'>): boolean {
    const { keepPoint } = this.#options;
    const isChanged = this.state.changes.some(({ stage, step }) => stage === at.stage && step === at.step);
    const isNear = this.#point?.stage === at.stage && at.step - this.#point.step < NEAR;
    return keepPoint !== undefined && isChanged && !isNear;
  }

  /** Begins to keep where the run stands. */
  async #keepPoint(): Promise<void> {
    const { stage, step } = this.state;
    this.#point = { stage, step };
    await this.#bench.read();
    const { last } = this;
    const isThere = last.state.stage === stage && last.state.step === step;
    const model = isThere || this.#model === null ? last.model : await this.#model.snapshot();
    const made = { state: copyState(this.state), model };
    this.#keepingPoint = this.#keepingPoint.then(() => this.#options.keepPoint?.(made));
  }

  async #createModel(shape: ModelConfig, largestBatch: number): Promise<LanguageModel> {
    const model = await this.#options.device.createModel(shape, this.state.config.seed, largestBatch);
    this.#model = model;
    if (this.last.model !== null) await model.restore(this.last.model);
    return model;
  }

  /** Kinds of divergence that somebody has decided to live with. */
  #spared(name: StageName) {
    const decided = this.state.divergences.filter(
      ({ stage, choice }) => stage === name && choice === 'go-on',
    );
    return new Set(decided.map(({ kind }) => kind));
  }

  /** Asks what to do, and writes down what is said. No step is kept meanwhile, so that good checkpoints are not replaced. */
  async #decide(found: Divergence): Promise<DivergenceChoice> {
    const { controls, decide, emit } = this.#options;
    if (decide !== undefined) emit({ type: 'divergence', found, decided: null });
    this.#isAsking = true;
    const wanted = decide === undefined ? 'go-on' : await controls.restFor(decide(found), 'stop' as const);
    this.#isAsking = false;
    const back = wanted === 'go-back' ? this.#good.before(found, this.state) : null;
    const choice = wanted === 'go-back' && back === null ? 'stop' : wanted;
    const decided = { ...found, choice, backTo: back?.state.step ?? null };
    emit({ type: 'divergence', found, decided });
    this.state.divergences.push(decided);
    if (back !== null) {
      back.state.divergences = [...this.state.divergences];
      this.back = back;
    }
    if (choice === 'stop') await this.#keepStop();
    return choice;
  }

  /** What was kept last, with what was changed since and why the run was stopped: whoever finds it is told, and not asked as if it were new. */
  async #keepStop(): Promise<void> {
    await this.#written();
    const { state, model } = this.newest();
    this.last = { state: { ...copyState(state), divergences: [...this.state.divergences] }, model };
    await this.#options.save(this.last);
  }

  #report(name: StageName, steps: number): StageReport {
    const known = this.state.stages.find((stage) => stage.name === name);
    if (known !== undefined) return known;
    const report: StageReport = { name, seconds: 0, steps, loss: [], heldOutLoss: [], gradNorm: [] };
    this.state.stages.push(report);
    return report;
  }

  /** Time left goes by this session's steps alone. */
  #progress(name: StageName, from: number, watch: Stopwatch) {
    let emitted = Number.NEGATIVE_INFINITY;
    const left = new TimeLeft(from);
    return (done: number, total: number, force = false) => {
      const seconds = watch.seconds();
      const secondsLeft = left.after(done, total, seconds);
      if (!force && seconds - emitted < PROGRESS_SECONDS) return;
      emitted = seconds;
      this.#options.emit({ type: 'progress', name, step: done, steps: total, secondsLeft });
    };
  }
}

function seconds(): number {
  return performance.now() / 1000;
}

/** Seconds since it was made, less those it was told to leave out. */
class Stopwatch {
  #start = performance.now();

  seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  /** Leaves out the time until `promise` settles. */
  async pauseDuring<T>(promise: Promise<T>): Promise<T> {
    const from = performance.now();
    try {
      return await promise;
    } finally {
      this.#start += performance.now() - from;
    }
  }
}
