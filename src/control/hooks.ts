/**
 * How anything that takes long is steered from outside. Every room may import this file, and it imports none.
 */

/**
 * A stage awaits `gate` wherever it may rest (step and batch boundaries), which is where pausing lives, and it tells how far it
 * is. Stages that cannot hand back a half-done result throw `StoppedError`.
 */
export interface StageHooks {
  /** Resolves at once while running, later when paused; `stop` asks the stage to end here. */
  gate(): Promise<'go' | 'stop'>;
  onProgress?(done: number, total: number): void;
  /** Where what is done is kept; left out, nothing is. */
  work?: Work;
}

/**
 * Long work that may be cut off. What is done of it is kept in parts, as plain JSON with arrays of f32, into which nobody writes any
 * more. Work is deterministic: whoever does it again asks for the same parts by the same names.
 */
export interface Work {
  /** Where an earlier session was cut off, as `read` told; null where it begins. */
  readonly kept: unknown;
  /** From now until it is done, `read` tells where it stands. It is asked while a gate is awaited, and only if that is to be kept. */
  keep(read: () => unknown): void;
  /** What comes of a part. It is done once, and what was kept within it is let go of then. */
  part<Result>(name: string, run: (own: Work) => Promise<Result>): Promise<Result>;
}

/** Work of which nothing is kept. */
export const UNKEPT: Work = { kept: null, keep: () => {}, part: (_name, run) => run(UNKEPT) };

/** A stage was asked to stop before it had a result. Nothing is wrong. */
export class StoppedError extends Error {
  override name = 'StoppedError';

  constructor(stage: string) {
    super(`${stage} was stopped before it finished.`);
  }
}

/** Training came to numbers that are not finite: there is nothing to be learnt from there on. */
export class NotFiniteError extends Error {
  override name = 'NotFiniteError';
}

const BREATH_MS = 40;
let lastBreath = 0;

/**
 * Lets the worker's message loop run if it has not for a while: a CPU-bound stage would never hear of a pause otherwise.
 * When it happens depends on time, what is computed does not.
 */
export async function breathe(): Promise<void> {
  if (performance.now() - lastBreath < BREATH_MS) return;
  await new Promise((resolve) => setTimeout(resolve));
  lastBreath = performance.now();
}

/** Awaits the gate and throws `StoppedError` when told to stop. */
export async function passGate(hooks: Pick<StageHooks, 'gate'>, stage: string): Promise<void> {
  await breathe();
  if ((await hooks.gate()) === 'stop') throw new StoppedError(stage);
}
