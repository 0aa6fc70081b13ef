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
}

/** A stage was asked to stop before it had a result. Nothing is wrong and nothing of it was kept. */
export class StoppedError extends Error {
  override name = 'StoppedError';

  constructor(stage: string) {
    super(`${stage} was stopped before it finished; it starts over when the run is resumed.`);
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
