/**
 * What `pipeline.ts` stands on: which stages are done, the gate at every step boundary, checkpoints, progress with time
 * left, and the model that is being trained. It knows nothing of the method.
 */
import { breathe, type StageHooks } from '../control/hooks';
import type { LanguageModel, ModelState } from '../model/languageModel';
import type { RunArrays, RunCheckpoint, RunState } from './checkpoint';
import type { Controls } from './controls';
import { type RunEvent, STAGE_NAMES, type StageName, type StageReport } from './report';

export interface SessionOptions {
  checkpoint: RunCheckpoint;
  controls: Controls;
  emit(event: RunEvent): void;
  /** Keeps a checkpoint; resolves with whether it will outlast this session. Never rejects. */
  save(checkpoint: RunCheckpoint): Promise<boolean>;
}

/** What a stage may use while it runs. */
export interface Stage {
  readonly name: StageName;
  /** First step to take: 0, or where the checkpoint stands. */
  readonly from: number;
  readonly steps: number;
  /** Loss per step so far; push each step's. */
  readonly loss: number[];
  /** Of the report: before and after the stage. */
  readonly heldOutLoss: number[];
  /** To be awaited at step boundaries. A stage whose half-done work is no checkpoint (not `resumable`) just waits. */
  gate(nextStep?: number): Promise<'go' | 'stop'>;
  /** To be called once a step's loss and everything else of it are in the state. */
  reached(step: number): void;
  readonly hooks: Required<StageHooks>;
}

const PROGRESS_SECONDS = 0.1;

export class Session {
  readonly state: RunState;
  readonly arrays: RunArrays;
  /** Set by the pipeline when there is one; its weights go into every checkpoint from then on. */
  model: LanguageModel | null = null;
  /** The newest complete checkpoint, to go back to when the device is lost. */
  last: RunCheckpoint;
  readonly #options: SessionOptions;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.last = options.checkpoint;
    this.state = structuredClone(options.checkpoint.state);
    this.arrays = { ...options.checkpoint.arrays };
  }

  emit(event: RunEvent): void {
    this.#options.emit(event);
  }

  isDone(name: StageName): boolean {
    return STAGE_NAMES.indexOf(this.state.stage) > STAGE_NAMES.indexOf(name);
  }

  /**
   * Runs a stage unless an earlier session finished it, and checkpoints at its end.
   * @param resumable whether a checkpoint between steps can be continued; else the stage starts over after a reload
   */
  async stage(
    name: StageName,
    steps: number,
    resumable: boolean,
    body: (stage: Stage) => Promise<void>,
  ): Promise<void> {
    if (this.isDone(name)) return;
    const { state } = this;
    const from = state.stage === name ? state.step : 0;
    state.stage = name;
    state.step = from;
    const report = this.#report(name, steps);
    const watch = new Stopwatch();
    const before = report.seconds;
    this.emit({ type: 'stage', name, status: from > 0 ? 'resumed' : 'started', steps });
    const progress = this.#progress(name, from, watch);
    let waiting: { step: number; resolve: () => void } | null = null;
    const gate = async (nextStep = from) => {
      const { controls } = this.#options;
      await breathe();
      if (!controls.resting && !controls.stopped) return controls.pass();
      if (resumable) {
        // Steps in flight finish and are counted first; then state and weights are of the same step.
        if (state.step < nextStep) {
          await new Promise<void>((resolve) => {
            waiting = { step: nextStep, resolve };
          });
        }
        report.seconds = before + watch.seconds();
        await this.checkpoint();
      }
      return watch.pauseDuring(controls.pass());
    };
    await body({
      name,
      from,
      steps,
      loss: report.loss,
      heldOutLoss: report.heldOutLoss,
      gate,
      reached: (step) => {
        state.step = step;
        if (waiting !== null && step >= waiting.step) waiting.resolve();
      },
      hooks: { gate: () => gate(), onProgress: progress },
    });
    progress(steps, steps, true);
    report.seconds = before + watch.seconds();
    const next = STAGE_NAMES[STAGE_NAMES.indexOf(name) + 1];
    state.stage = next ?? name;
    state.step = next === undefined ? steps : 0;
    await this.checkpoint();
    this.emit({ type: 'stage', name, status: 'finished', steps, seconds: report.seconds });
  }

  /** As `stage`, for what is made anew in every session instead of being kept in checkpoints. */
  async prepare<T>(name: StageName, body: () => Promise<T>): Promise<T> {
    if (this.isDone(name)) return body();
    const made: T[] = [];
    await this.stage(name, 1, false, async () => {
      made.push(await body());
    });
    return made[0];
  }

  /** Reads the model's weights back and keeps everything. */
  async checkpoint(): Promise<void> {
    if (this.model !== null) Object.assign(this.arrays, await this.model.snapshot());
    this.last = { state: structuredClone(this.state), arrays: { ...this.arrays } };
    const stored = await this.#options.save(this.last);
    const { stage, step } = this.state;
    this.emit({ type: 'checkpoint', stage, step, stored });
  }

  /** Adds to the report's seconds by part. */
  spend(part: string, seconds: number): void {
    this.state.timings[part] = (this.state.timings[part] ?? 0) + seconds;
  }

  /** The checkpoint's weights and moments, or null before there was a model. */
  modelState(): ModelState | null {
    const { parameters, moment1, moment2 } = this.arrays;
    return parameters === undefined ? null : { parameters, moment1, moment2 };
  }

  #report(name: StageName, steps: number): StageReport {
    const known = this.state.stages.find((stage) => stage.name === name);
    if (known !== undefined) return known;
    const report: StageReport = { name, seconds: 0, steps, loss: [], heldOutLoss: [] };
    this.state.stages.push(report);
    return report;
  }

  /** Time left is what this session's steps took on average, times the steps to go. */
  #progress(name: StageName, from: number, watch: Stopwatch) {
    let emitted = Number.NEGATIVE_INFINITY;
    return (done: number, total: number, force = false) => {
      const seconds = watch.seconds();
      if (!force && seconds - emitted < PROGRESS_SECONDS) return;
      emitted = seconds;
      const taken = done - from;
      const secondsLeft = taken > 0 ? (seconds / taken) * (total - done) : null;
      this.emit({ type: 'progress', name, step: done, steps: total, secondsLeft });
    };
  }
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
