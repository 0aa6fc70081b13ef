/** The loop that the judges are trained by, on TensorFlow.js. */
import * as tf from '@tensorflow/tfjs';
import { passGate, type StageHooks } from '../control/hooks';

/** Losses are read in groups: reading one waits for everything before it. */
const READ_EVERY = 16;

/**
 * Takes `steps` Adam steps, asking the gate before each.
 * @param take one step with the optimizer; its loss, to be read later
 * @returns the loss of each step
 * @throws StoppedError, naming what was trained, when the hooks say stop
 */
export async function fit(
  name: string,
  { steps, learningRate }: { steps: number; learningRate: number },
  take: (optimizer: tf.Optimizer, step: number) => tf.Scalar,
  hooks: StageHooks,
): Promise<number[]> {
  const optimizer = tf.train.adam(learningRate);
  const losses: number[] = [];
  let pending: tf.Scalar[] = [];
  try {
    for (let step = 0; step < steps; step++) {
      await passGate(hooks, name);
      pending.push(take(optimizer, step));
      if (pending.length === READ_EVERY || step === steps - 1) {
        for (const loss of pending) losses.push((await loss.data())[0]);
        tf.dispose(pending);
        pending = [];
        hooks.onProgress?.(step + 1, steps);
      }
    }
    return losses;
  } finally {
    tf.dispose(pending);
    optimizer.dispose();
  }
}
