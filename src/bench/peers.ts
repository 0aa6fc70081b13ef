/**
 * The peers of the benchmark: the same training step (forward, backward, clipped AdamW) on the same weights and batch, by
 * plain TensorFlow.js as a user of it would write it, and by jax-js under `jit`. Both step on from the same weights, so
 * their losses can be checked against each other and against ours. Runs in a browser and in Node.
 */
import { defaultDevice, init } from '@jax-js/jax';
import { useDevice } from '../gpu/tfjs';
import type { AdamWStep, ModelConfig } from '../model/config';
import type { TokenBatch } from '../model/languageModel';
import { ReferenceModel } from '../model/reference';
import type { Peer } from './core';
import { addIteratorHelpers } from './iteratorHelpers';
import { jaxStep } from './jaxStep';

export interface PeerCase {
  config: ModelConfig;
  /** Initial weights as a flat pool. */
  pool: Float32Array;
  batch: TokenBatch;
  /** `step` is counted by the peer, from 1. */
  hyper: AdamWStep;
}

/** Plain TensorFlow.js on `device`, with its own choice of matmul kernels. */
export async function tensorFlowPeer(
  device: GPUDevice,
  info: GPUAdapterInfo,
  { config, pool, batch, hyper }: PeerCase,
): Promise<Peer> {
  await useDevice(device, info, { deterministic: false });
  const model = new ReferenceModel(config, pool);
  let step = 0;
  return {
    async step() {
      step++;
      return (await model.trainStep([batch], { ...hyper, step })).loss;
    },
    dispose: () => model.destroy(),
  };
}

/**
 * jax-js under `jit`, on a device that it asks `gpu` for itself, with the adapter's full limits. In Node `gpu` is Dawn's;
 * in a browser it is `navigator.gpu` and need not be given.
 * @throws when jax-js finds no adapter
 */
export async function jaxPeer(
  { config, pool, batch, hyper }: PeerCase,
  gpu: GPU = navigator.gpu,
): Promise<Peer> {
  addIteratorHelpers();
  if (globalThis.navigator?.gpu !== gpu) {
    // jax-js looks for the adapter, and for what browser it is in, on the global navigator; Node 20 has none.
    Object.defineProperty(globalThis, 'navigator', {
      value: { gpu, userAgent: 'Node', hardwareConcurrency: 1 },
      configurable: true,
    });
  }
  if (!(await init('webgpu')).includes('webgpu')) {
    throw new Error('jax-js found no WebGPU adapter: give jaxPeer the gpu that the engine was given.');
  }
  defaultDevice('webgpu');
  return jaxStep(config, pool, batch, hyper);
}
