/**
 * The supervised loop that warm-up and SFT share. A step's batch and rate are functions of its number alone, so a run
 * that stops after any step and goes on from there passes through the same bits.
 */
import { breathe } from '../control/hooks';
import type { AdamWStep } from '../model/config';
import type { LanguageModel, StepMetrics, TokenBatch } from '../model/languageModel';

export interface SupervisedOptions {
  /** First step to take, 0 for a new stage. */
  from: number;
  steps: number;
  batch: (step: number) => TokenBatch;
  hyper: (step: number) => AdamWStep;
}

export interface SupervisedHooks {
  /** Awaited before every step; a run rests here while paused, with every earlier step reported. */
  gate(nextStep: number): Promise<'go' | 'stop'>;
  onStep(step: number, metrics: StepMetrics): void;
}

/** Steps queued on the GPU ahead of the one whose metrics are awaited. */
const IN_FLIGHT = 4;

/**
 * Takes steps `from` to `steps − 1` and returns the number of the next one: `steps` when done, less when stopped. When
 * it returns no work is in flight and `onStep` was called for every step taken, in order.
 * @throws what a step throws, after which no further step is queued
 */
export async function trainSupervised(
  model: Pick<LanguageModel, 'trainStep'>,
  options: SupervisedOptions,
  hooks: SupervisedHooks,
): Promise<number> {
  const queue: { step: number; metrics: Promise<StepMetrics> }[] = [];
  const finishOldest = async () => {
    const { step, metrics } = queue[0];
    const value = await metrics;
    queue.shift();
    hooks.onStep(step, value);
  };
  let step = options.from;
  for (; step < options.steps; step++) {
    await breathe();
    if ((await restAt(hooks.gate(step), queue, finishOldest)) === 'stop') break;
    if (queue.length >= IN_FLIGHT) await finishOldest();
    const metrics = model.trainStep([options.batch(step)], options.hyper(step));
    // A failure is thrown when the queue reaches it; until then it must not count as unhandled.
    metrics.catch(() => undefined);
    queue.push({ step, metrics });
  }
  while (queue.length > 0) await finishOldest();
  return step;
}

/** The gate's answer. If it does not come at once, the steps in flight are finished and reported while waiting. */
async function restAt(
  answer: Promise<'go' | 'stop'>,
  queue: { length: number },
  finishOldest: () => Promise<void>,
): Promise<'go' | 'stop'> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  answer.then(settle, settle);
  for (let tick = 0; tick < 8 && !settled; tick++) await Promise.resolve();
  while (!settled && queue.length > 0) await finishOldest();
  return answer;
}
