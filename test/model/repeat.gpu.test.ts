/** A run's bits depend on its config alone: not on what the device did before or does in between, nor on which device. */
import { expect, it } from 'vitest';
import { describeAdapter, Gpu } from '../../src/gpu/device';
import { TUNINGS } from '../../src/gpu/kernels';
import { createTransformer, type Transformer } from '../../src/model/transformer';
import { streamKey } from '../../src/numeric/random';
import { freshDevice } from '../adapter';
import { grouped, hyper, someBatch, someWeights } from './shapes';

async function openDevice(): Promise<Gpu> {
  const { device, info } = await freshDevice();
  return new Gpu(device, describeAdapter(info));
}

/** Three updates from the same weights; `between` runs before each. Losses, norms, moments and weights as bits. */
async function run(gpu: Gpu, between: () => Promise<unknown>) {
  const model = await createTransformer(gpu, grouped, 1, TUNINGS.portable);
  const parameters = someWeights(grouped, 4);
  const zeros = new Float32Array(parameters.length);
  await model.restore({ parameters, moment1: zeros, moment2: zeros });
  const metrics: number[] = [];
  for (let step = 1; step <= 3; step++) {
    await between();
    const batches = [someBatch(grouped, [9, 0, 5], 9, step), someBatch(grouped, [1, 7, 9], 9, 10 + step)];
    const { loss, gradNorm } = await model.trainStep(batches, { ...hyper, step });
    metrics.push(loss, gradNorm);
  }
  const state = await model.snapshot();
  model.destroy();
  return { metrics, bits: Object.values(state).map((pool) => new Uint32Array(pool.buffer)) };
}

/** Another model at work on the same device: trains, scores and draws tokens. */
async function distract(other: Transformer, round: number) {
  const batch = someBatch(grouped, [13, 4], 13, round);
  await other.trainStep([batch], { ...hyper, step: round, learningRate: 0.1 });
  await other.score(batch);
  const prompts = [[3, 1, 4], [1]];
  const draw = { prompts, numGenerations: 2, maxNewTokens: 5, temperature: 1, topK: 0, eosToken: 0 };
  await other.generate({ ...draw, key: streamKey(round, 'rollout', 0) });
}

it('training repeats to the bit, whatever the device does besides, and on another device', async () => {
  const gpu = await openDevice();
  const alone = await run(gpu, async () => {});
  expect(alone.metrics.every(Number.isFinite)).toBe(true);

  // The same shapes of kernels, which software adapters take seconds to compile, over other buffers.
  const other = await createTransformer(gpu, grouped, 2, TUNINGS.portable);
  let round = 0;
  expect(await run(gpu, () => distract(other, ++round))).toEqual(alone);
  other.destroy();

  expect(await run(await openDevice(), async () => {})).toEqual(alone);
});
