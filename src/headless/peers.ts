/**
 * The peers of the benchmark: the same training step (forward, backward, clipped AdamW) on the same weights and batch, by
 * plain TensorFlow.js as a user of it would write it, and by jax-js under `jit`. Each reports its losses beside its times,
 * so that the bench can check that all computed the same thing. Runs in a browser and in Node.
 */
import { defaultDevice, init } from '@jax-js/jax';
import { useDevice } from '../gpu/tfjs';
import type { AdamWStep, ModelConfig } from '../model/config';
import type { TokenBatch } from '../model/languageModel';
import { ReferenceModel } from '../model/reference';
import { addIteratorHelpers } from './iteratorHelpers';
import { jaxStep } from './jaxStep';

export interface PeerCase {
  config: ModelConfig;
  /** Initial weights as a flat pool. */
  pool: Float32Array;
  batch: TokenBatch;
  hyper: Omit<AdamWStep, 'step'>;
  /** Steps before the clock starts: they compile. */
  warmup: number;
  /** Timed steps. */
  steps: number;
}

export interface PeerTiming {
  /** Median over the timed steps, each waited for to the end. */
  ms: number;
  /** Of every step, those of the warm-up first. */
  losses: number[];
}

/** Times `step(n)`, n = 1, 2, …, which resolves with the loss when the device has finished. */
export async function timeSteps(
  step: (n: number) => Promise<number>,
  warmup: number,
  steps: number,
  now: () => number = () => performance.now(),
): Promise<PeerTiming> {
  const losses: number[] = [];
  const times: number[] = [];
  for (let n = 1; n <= warmup + steps; n++) {
    const start = now();
    losses.push(await step(n));
    if (n > warmup) times.push(now() - start);
  }
  times.sort((a, b) => a - b);
  const middle = times.length >> 1;
  const ms = times.length % 2 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
  return { ms, losses };
}

/** Plain TensorFlow.js on `device`, with its own choice of kernels. */
export async function timeTensorFlow(
  device: GPUDevice,
  info: GPUAdapterInfo,
  { config, pool, batch, hyper, warmup, steps }: PeerCase,
): Promise<PeerTiming> {
  await useDevice(device, info, { deterministic: false });
  const model = new ReferenceModel(config, pool);
  const timing = await timeSteps(
    async (step) => (await model.trainStep([batch], { ...hyper, step })).loss,
    warmup,
    steps,
  );
  model.destroy();
  return timing;
}

/**
 * jax-js under `jit`, on a device that it asks `gpu` for itself, with the adapter's full limits. In Node `gpu` is Dawn's;
 * in a browser it is `navigator.gpu` and need not be given.
 * @throws when jax-js finds no adapter
 */
export async function timeJax(
  { config, pool, batch, hyper, warmup, steps }: PeerCase,
  gpu: GPU = navigator.gpu,
): Promise<PeerTiming> {
  addIteratorHelpers();
  if (globalThis.navigator?.gpu !== gpu) {
    // jax-js looks for the adapter, and for what browser it is in, on the global navigator; Node 20 has none.
    Object.defineProperty(globalThis, 'navigator', {
      value: { gpu, userAgent: 'Node', hardwareConcurrency: 1 },
      configurable: true,
    });
  }
  if (!(await init('webgpu')).includes('webgpu')) {
    throw new Error('jax-js found no WebGPU adapter: give timeJax the gpu that the engine was given.');
  }
  defaultDevice('webgpu');
  const step = jaxStep(config, pool, batch, hyper);
  const timing = await timeSteps((n) => step.run(n), warmup, steps);
  step.dispose();
  return timing;
}
