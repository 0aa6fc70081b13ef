/**
 * A model whose products read its weights in f16. Whatever it says at θ, the model in f32 says at f16(θ), to the bit. Of what it learns that
 * is so where activations are made anew; where they are kept, those of the MLP are rounded for the backward pass.
 */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import { TUNINGS } from '../../src/gpu/kernels';
import { submit } from '../../src/gpu/plan';
import type { ModelConfig } from '../../src/model/config';
import type { TokenBatch } from '../../src/model/languageModel';
import { parameterTable } from '../../src/model/parameters';
import { roomOf } from '../../src/model/plans';
import { SUPERVISED, writeObjective } from '../../src/model/training';
import { Transformer } from '../../src/model/transformer';
import { streamKey } from '../../src/numeric/random';
import { CompiledPolicyOptimizer } from '../../src/popo/compiledUpdate';
import { wholeGrid } from '../adapter';
import { testGpu } from '../gpu/harness';
import { fromHalf, halfBits } from '../gpu/twins';
import { tinyHyper, tinyModel, tinyOptions, tinyRollouts } from '../popo/tinyPolicy';
import { grouped, hyper, multiHead, relativeError, someBatch, someWeights } from './shapes';

let gpu: Gpu;
const open: { destroy(): void }[] = [];
beforeAll(async () => {
  gpu = await testGpu();
});
afterEach(() => {
  for (const model of open.splice(0)) model.destroy();
});

const { tiled, 'tiled-f16': half } = TUNINGS;
type Pool = Float32Array<ArrayBuffer>;

/** The weights as products of f16 see them: norms stay. */
function rounded(config: ModelConfig, pool: Pool): Pool {
  const { decayedSize } = parameterTable(config);
  return pool.map((value, i) => (i < decayedSize ? fromHalf(halfBits(value)) : value));
}

/** @param kept bytes of activations that it may keep */
async function engine(
  config: ModelConfig,
  parameters: Pool,
  tuning = half,
  kept = 2 ** 30,
): Promise<Transformer> {
  const model = new Transformer(gpu, config, tuning, { room: { ...roomOf(gpu.device.limits), kept } });
  open.push(model);
  const zeros = new Float32Array(parameters.length);
  await model.restore({ parameters, moment1: zeros, moment2: zeros });
  return model;
}

/** Without an update. */
async function lossAndGradient(model: Transformer, batch: TokenBatch) {
  const step = await model.training(batch.size, batch.length);
  gpu.device.queue.writeBuffer(model.gradient, 0, new Float32Array(model.table.poolSize).fill(Number.NaN));
  step.upload(batch);
  writeObjective(gpu, step.supervisedObjective, SUPERVISED);
  submit(gpu, step.forward, step.supervised);
  const [loss] = new Float32Array(await gpu.read(model.metrics));
  return { loss, gradient: new Float32Array(await gpu.read(model.gradient, 0, model.table.poolSize * 4)) };
}

const generation = {
  prompts: [[3, 1, 4], [1], [5, 9, 2, 6, 5, 3]],
  numGenerations: 3,
  maxNewTokens: 9,
  temperature: 0.7,
  topK: 5,
  eosToken: 7,
  key: streamKey(1, 'rollout', 2),
};

// The widths of `grouped` leave matrices at places where none may be bound.
const shapes = [
  ['grouped heads', grouped, [13, 0, 1, 11], 13],
  ['two heads', multiHead, [7, 5, 3], 7],
] as const;
describe.each(wholeGrid ? shapes : shapes.slice(0, 1))('%s', (_, config, lengths, length) => {
  const pool = someWeights(config, 5);
  const batch = someBatch(config, [...lengths], length);

  it('scores and answers as f32 kernels do with the rounded weights, to the bit', async () => {
    const [stored, whole] = [await engine(config, pool), await engine(config, rounded(config, pool), tiled)];
    expect(await stored.score(batch)).toEqual(await whole.score(batch));
    const [found, expected] = [await lossAndGradient(stored, batch), await lossAndGradient(whole, batch)];
    expect(found.loss).toBe(expected.loss);
    // What the backward pass reads of the MLP is rounded, too.
    expect(found.gradient).not.toEqual(expected.gradient);
    expect(relativeError(found.gradient, expected.gradient)).toBeLessThan(1e-3);
    expect(await stored.generate(generation)).toEqual(await whole.generate(generation));
    const some = { ...batch, lengths: batch.lengths.map((count) => Math.max(1, count)) };
    expect(await stored.logitsAfter(some)).toEqual(await whole.logitsAfter(some));
  });

  it('differentiates as f32 kernels do with the rounded weights, to the bit, where activations are made anew', async () => {
    const [stored, whole] = [
      await engine(config, pool, half, 0),
      await engine(config, rounded(config, pool), tiled, 0),
    ];
    expect(await lossAndGradient(stored, batch)).toEqual(await lossAndGradient(whole, batch));
  });

  it('has a gradient within 5e-3 of that in f32, and the same one twenty times', async () => {
    const [stored, whole] = [await engine(config, pool), await engine(config, pool, tiled)];
    const [first, expected] = [await lossAndGradient(stored, batch), await lossAndGradient(whole, batch)];
    expect(Math.abs(first.loss / expected.loss - 1)).toBeLessThan(1e-3);
    for (const { name, offset, size } of stored.table.parameters) {
      const of = (values: Pool) => values.subarray(offset, offset + size);
      expect(relativeError(of(first.gradient), of(expected.gradient)), name).toBeLessThan(5e-3);
    }
    for (let repeat = 0; repeat < 20; repeat++)
      expect(new Uint32Array((await lossAndGradient(stored, batch)).gradient.buffer)).toEqual(
        new Uint32Array(first.gradient.buffer),
      );
  });

  it('reads the weights that a step has left, and keeps f32 of them', async () => {
    const stored = await engine(config, pool);
    for (const step of [1, 2]) await stored.trainStep([batch], { ...hyper, step });
    const { parameters } = await stored.snapshot();
    const isFiner = parameters.some((value, i) => value !== rounded(config, parameters)[i]);
    expect(isFiner).toBe(true);
    const whole = await engine(config, rounded(config, parameters), tiled);
    expect(await stored.score(batch)).toEqual(await whole.score(batch));
  });
});

const pool = someWeights(grouped, 3);
const batch = someBatch(grouped, [9, 4, 7], 9);

it('adds up steps that are smaller than what f16 tells apart', async () => {
  const small = { ...hyper, learningRate: 1e-6, weightDecay: 0 };
  const [stored, whole] = [await engine(grouped, pool), await engine(grouped, pool, tiled)];
  for (let step = 1; step <= 20; step++)
    for (const model of [stored, whole]) await model.trainStep([batch], { ...small, step });
  const moved = async (model: Transformer) =>
    (await model.snapshot()).parameters.map((value, i) => value - pool[i]);
  expect(relativeError(await moved(stored), await moved(whole))).toBeLessThan(0.05);
});

it('goes on from a snapshot to the same bits, in another model too', async () => {
  const stored = await engine(grouped, pool);
  await stored.trainStep([batch], { ...hyper, step: 1 });
  const held = await stored.snapshot();
  const straight = await stored.trainStep([batch], { ...hyper, step: 2 });
  const end = await stored.snapshot();
  const other = await engine(grouped, someWeights(grouped, 4));
  for (const model of [stored, other]) {
    await model.trainStep([batch], { ...hyper, step: 3 });
    await model.restore(held);
    expect(await model.trainStep([batch], { ...hyper, step: 2 })).toEqual(straight);
    expect(await model.snapshot()).toEqual(end);
  }
});

it('keeps the reference policy as it was frozen', async () => {
  const [stored, whole] = [await engine(grouped, pool), await engine(grouped, rounded(grouped, pool), tiled)];
  await stored.freezeReference();
  await stored.trainStep([batch], hyper);
  expect(await stored.score(batch, 'reference')).toEqual(await whole.score(batch));
  expect((await stored.score(batch)).logps).not.toEqual((await whole.score(batch)).logps);
});

it('follows the mixture of its ends, and their steps', async () => {
  const stored = await engine(grouped, pool);
  await stored.split(2);
  const expectFollowed = async () => {
    const { parameters } = await stored.snapshot();
    const whole = await engine(grouped, rounded(grouped, parameters), tiled);
    expect(await stored.score(batch)).toEqual(await whole.score(batch));
  };
  await stored.compose([0.25, 0.75]);
  await stored.trainStep([batch], hyper);
  await expectFollowed();
  await stored.compose([1, 0]);
  await expectFollowed();
});

it('trains one matrix, which its products then read', async () => {
  const trains = 'model.layers.1.mlp.up_proj.weight';
  const model = new Transformer(gpu, grouped, half, { trains });
  open.push(model);
  await model.write(pool);
  await model.trainStep([batch], hyper);
  const { parameters } = await model.snapshot();
  expect(parameters).not.toEqual(pool);
  const whole = await engine(grouped, rounded(grouped, parameters), tiled);
  expect(await model.score(batch)).toEqual(await whole.score(batch));
});

it('takes logits in chunks of the vocabulary, with the same bits', async () => {
  const config = { ...grouped, vocab_size: 148 };
  const wide = someWeights(config, 5);
  const room = { ...roomOf(gpu.device.limits), slices: 1, vocabulary: 1 };
  const chunked = new Transformer(gpu, config, half, { room });
  open.push(chunked);
  await chunked.write(wide);
  const words = someBatch(config, [9, 4, 7], 9);
  const whole = await engine(config, wide);
  const [one, all] = [await lossAndGradient(chunked, words), await lossAndGradient(whole, words)];
  // Nothing writes what lies between tensors.
  for (const { name, offset, size } of whole.table.parameters) {
    const of = (values: Pool) => values.subarray(offset, offset + size);
    expect(of(one.gradient), name).toEqual(of(all.gradient));
  }
  expect((await chunked.logitsAfter(words)).length).toBe(3 * 148);
  expect(await chunked.logitsAfter(words)).toEqual(await whole.logitsAfter(words));
});

it('tells of a weight that f16 does not hold: loss or gradient is no number, which ends training', async () => {
  const large = pool.slice();
  large[0] = 7e4;
  const stored = await engine(grouped, large);
  const { loss, gradNorm } = await stored.trainStep([someBatch(grouped, [3], 3)], hyper);
  // Every logit of token 0 is made with it: infinite, or of no probability, and then its gradient is 0 · ∞.
  expect(Number.isFinite(loss + gradNorm)).toBe(false);
});

it('allocates what it plans', async () => {
  const before = gpu.bytesAllocated;
  const model = new Transformer(gpu, grouped, half);
  const { poolSize, decayedSize } = model.table;
  const only = new Transformer(gpu, grouped, tiled);
  const bytes = (each: Transformer) => each.memory().bytesPlanned;
  expect(bytes(model) - bytes(only)).toBe(2 * decayedSize);
  await model.freezeReference();
  expect(bytes(model) - bytes(only)).toBe(4 * decayedSize + 4 * (poolSize - decayedSize));
  await only.freezeReference();
  expect(bytes(model)).toBe(bytes(only));
  const { intermediate_size: F, num_hidden_layers: layers } = grouped;
  for (const each of [model, only]) await each.training(4, 8);
  // Of a token, gate, up and h of each layer take half, beside an h that goes on.
  expect(bytes(only) - bytes(model)).toBe(32 * (6 * F * layers - 4 * F));
  expect(bytes(model) + bytes(only)).toBe(gpu.bytesAllocated - before);
  for (const each of [model, only]) each.destroy();
  await new Promise((resolve) => setTimeout(resolve));
  expect(gpu.bytesAllocated).toBe(before);
});

describe('an update of alignment', () => {
  const start = someWeights(tinyModel, 5);
  const updated = async (tuning: typeof half, parameters: Pool, influence: 'batch' | 'halves', kept = 0) => {
    const model = await engine(tinyModel, parameters, tuning, kept);
    await model.freezeReference();
    const policy = new CompiledPolicyOptimizer(model, { ...tinyOptions, influence, probeEvery: 1 });
    open.push(policy);
    return policy.update(tinyRollouts(1), tinyHyper(0));
  };

  // A step of θ is smaller than what f16 tells apart, so it is taken in f32.
  it.each(['batch', 'halves'] as const)(
    'measures influences from %s as in f32 at the rounded weights, to the bit',
    async (influence) => {
      const stored = await updated(half, start, influence);
      expect(stored).toEqual(await updated(tiled, rounded(tinyModel, start), influence));
      expect(stored.influence?.every((value) => value !== 0)).toBe(true);
      expect(stored.gradNorms?.length).toBe(2);
    },
  );

  it('measures much the same where activations are kept, and repeats to the bit', async () => {
    const stored = await updated(half, start, 'batch', 2 ** 30);
    const whole = await updated(tiled, rounded(tinyModel, start), 'batch', 2 ** 30);
    expect(relativeError(stored.influence!, whole.influence!)).toBeLessThan(2e-3);
    expect(relativeError(stored.gradNorms!, whole.gradNorms!)).toBeLessThan(1e-3);
    expect(await updated(half, start, 'batch', 2 ** 30)).toEqual(stored);
  });
});

it('needs one dispatch more for a step, and none for a token', async () => {
  const counted = async (tuning: typeof half) => {
    const model = await engine(multiHead, someWeights(multiHead, 1), tuning);
    const step = await model.training(2, 8);
    await model.generate(generation);
    return {
      step: step.forward.dispatches + step.supervised.dispatches + model.optimizer.dispatches,
      token: model.dispatchesPerToken,
    };
  };
  const [stored, whole] = [await counted(half), await counted(tiled)];
  expect(stored).toEqual({ step: whole.step + 1, token: whole.token });
});
