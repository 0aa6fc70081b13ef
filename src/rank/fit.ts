/** The loop that the judges are trained by, on TensorFlow.js. */
import * as tf from '@tensorflow/tfjs';
import { passGate, type StageHooks, UNKEPT } from '../control/hooks';
import { Adam, type AdamMoments, assign, valuesOf } from './adam';

/** Losses are read in groups: reading one waits for everything before it. */
const READ_EVERY = 16;

export interface FitOptions {
  steps: number;
  learningRate: number;
  /** What is trained. */
  variables: readonly tf.Variable[];
}

/** Where training stands, all variables one behind the other. */
interface Fitted {
  /** Of each step that was taken. */
  losses: Float32Array<ArrayBuffer>;
  weights: Float32Array<ArrayBuffer>;
}

/**
 * Takes `steps` Adam steps, asking the gate before each. It goes on where it was cut off, to the same bits.
 * @param take one step with the optimizer, a function of its number; its loss, to be read later
 * @returns the loss of each step
 * @throws StoppedError, naming what was trained, when the hooks say stop; RangeError where what was kept is of other variables
 */
export async function fit(
  name: string,
  options: FitOptions,
  take: (optimizer: Adam, step: number) => tf.Scalar,
  hooks: StageHooks,
): Promise<number[]> {
  const { work = UNKEPT } = hooks;
  let isHere = false;
  const { losses, weights } = await work.part('fit', (own) => {
    isHere = true;
    return steps(name, options, take, { ...hooks, work: own });
  });
  if (!isHere) assign(options.variables, weights);
  return Array.from(losses);
}

async function steps(
  name: string,
  { steps, learningRate, variables }: FitOptions,
  take: (optimizer: Adam, step: number) => tf.Scalar,
  hooks: StageHooks & Required<Pick<StageHooks, 'work'>>,
): Promise<Fitted> {
  const { work } = hooks;
  const kept = work.kept as (Fitted & AdamMoments) | null;
  const losses = Array.from(kept?.losses ?? []);
  if (kept !== null) assign(variables, kept.weights);
  const optimizer = new Adam(variables, learningRate, { steps: losses.length, moments: kept });
  let pending: tf.Scalar[] = [];
  const readLosses = async () => {
    for (const loss of pending) losses.push((await loss.data())[0]);
    tf.dispose(pending);
    pending = [];
    hooks.onProgress?.(losses.length, steps);
  };
  const read = async () => ({ losses: Float32Array.from(losses), weights: await valuesOf(variables) });
  work.keep(async () => {
    await readLosses();
    return { ...(await read()), ...(await optimizer.read()) };
  });
  try {
    for (let step = losses.length; step < steps; step++) {
      await passGate(hooks, name);
      pending.push(take(optimizer, step));
      if (pending.length === READ_EVERY || step === steps - 1) await readLosses();
    }
    return await read();
  } finally {
    tf.dispose(pending);
    optimizer.dispose();
  }
}
