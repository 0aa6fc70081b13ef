/** What is done where the device has little room: in parts, in turns and anew, with the very bits of doing it at once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeAdapter, Gpu } from '../../src/gpu/device';
import { TUNINGS, type Tuning } from '../../src/gpu/kernels';
import { matricesOf, parameterTable } from '../../src/model/parameters';
import { planSlices, planTraining, sliceBytes } from '../../src/model/plans';
import { Transformer } from '../../src/model/transformer';
import { streamKey } from '../../src/numeric/random';
import { testDevice } from '../adapter';
import { grouped, hyper, someBatch, someWeights } from './shapes';

/** Widths that leave gaps between the matrices of the pool, and a vocabulary of three chunks, the last one short. */
const shape = { ...grouped, hidden_size: 12, num_attention_heads: 3, intermediate_size: 20, vocab_size: 148 };
const PLENTY = { slices: 2 ** 30, kept: 2 ** 30, turn: 2 ** 30, vocabulary: 2 ** 30, buffer: 2 ** 27 };
const LITTLE = { slices: 1, kept: 0, turn: 1, vocabulary: 1, buffer: 2 ** 27 };
const pool = someWeights(shape, 3);
const batch = someBatch(shape, [9, 4, 7, 9, 2], 9);
const whole = { from: 0, to: pool.length };

let gpu: Gpu;
beforeAll(async () => {
  const { device, info } = await testDevice();
  gpu = new Gpu(device, describeAdapter(info));
});

const open: Transformer[] = [];
afterAll(() => {
  for (const model of open) model.destroy();
});

function engine(tuning: Tuning, making: ConstructorParameters<typeof Transformer>[3]): Transformer {
  const model = new Transformer(gpu, shape, tuning, making);
  open.push(model);
  gpu.device.queue.writeBuffer(model.parameters, 0, pool);
  return model;
}

const generation = {
  prompts: [[1, 2, 3], [4, 5], [6]],
  numGenerations: 2,
  maxNewTokens: 5,
  temperature: 1,
  topK: 0,
  eosToken: shape.vocab_size,
  key: streamKey(4, 'rollout', 0),
};

/** All that a model does, to the bit. */
async function doings(model: Transformer) {
  const losses = [];
  for (const step of [1, 2]) losses.push(await model.trainStep([batch, batch], { ...hyper, step }));
  const state = await model.snapshot();
  await model.freezeReference();
  const scored = await model.score(batch, 'reference');
  return {
    losses,
    state,
    scored,
    said: await model.generate(generation),
    logits: await model.logitsAfter(batch),
  };
}

describe('little room', () => {
  it('changes no bit, whatever slices there are', async () => {
    // Tiled kernels take a CPU that plays a GPU a minute to compile, and know no more of it.
    const tuning = { ...TUNINGS.portable, tokensPerSlice: 16 };
    const before = gpu.bytesAllocated;
    const plenty = engine(tuning, { room: PLENTY });
    const expected = await doings(plenty);
    const most = gpu.bytesAllocated - before;
    const little = engine(tuning, { room: LITTLE });
    expect(await doings(little)).toEqual(expected);
    const { bytesPlanned } = little.memory();
    expect(gpu.bytesAllocated - before - most).toBe(bytesPlanned);
    expect(bytesPlanned).toBeLessThan(0.8 * most);
    // Chunks of the vocabulary where all slices have room, too.
    expect(await doings(engine(tuning, { room: { ...PLENTY, vocabulary: 1 } }))).toEqual(expected);
    // One sequence, and one prompt with both of its answers, at a time.
    expect((await little.scoring(1, 9, 'reference')).step.batch).toBe(1);
    expect(planTraining(little, 45)).toMatchObject({ keep: 'residual', columns: 64 });
    expect(planTraining(plenty, 45)).toMatchObject({ keep: 'all', columns: 148 });
  });

  it('is enough for one matrix at least, and every matrix has its slices', () => {
    const table = parameterTable(shape);
    const tuning = { ...TUNINGS.tiled, tokensPerSlice: 16 };
    const matrices = matricesOf(table);
    const largest = Math.max(...matrices.map(({ from, to }) => to - from));
    for (const bytes of [1, 8000, 16_000, 4 * 3 * pool.length - 4]) {
      const plan = planSlices(tuning, table, 45, { bytes, trained: whole, columns: shape.vocab_size });
      expect(plan.splits).toBe(3);
      expect(plan.stride).toBeGreaterThanOrEqual(largest);
      expect(plan.stride === largest || 4 * 3 * plan.stride <= bytes).toBe(true);
      // Runs and norms are all that is trained, once, without the gaps.
      const runs = plan.parts.flatMap((part) => part.runs).sort((a, b) => a.from - b.from);
      expect(runs.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(
        matrices.reduce((sum, { from, to }) => sum + to - from, 0),
      );
      for (const { from, to } of matrices)
        expect(runs.filter((run) => run.from <= from && run.to >= to)).toHaveLength(1);
      expect(plan.norms).toEqual({ from: table.decayedSize, to: table.poolSize });
    }
    const plain = planSlices(tuning, table, 45, {
      bytes: 4 * 3 * pool.length,
      trained: whole,
      columns: shape.vocab_size,
    });
    expect(plain).toMatchObject({ norms: null, stride: pool.length });
    expect(sliceBytes(plain)).toEqual({ matrices: 12 * pool.length, norms: 0 });
  });
});

describe('a model at the end of a stage', () => {
  it('lets go of what it made, and makes it again with the same bits', async () => {
    const model = engine(TUNINGS.portable, {});
    const other = engine(TUNINGS.portable, {});
    await other.trainStep([batch], hyper);
    model.prepare(5, 9);
    model.tidy();
    const prepared = gpu.bytesAllocated;
    await model.trainStep([batch], hyper);
    expect(gpu.bytesAllocated).toBe(prepared);
    await model.score(batch);
    await model.generate(generation);
    const { bytesPlanned } = model.memory();
    model.tidy();
    await new Promise((resolve) => setTimeout(resolve));
    expect(model.memory().bytesPlanned).toBe(
      other.memory().bytesPlanned - (await other.training(5, 9)).bytes,
    );
    expect(model.memory().bytesPlanned).toBeLessThan(bytesPlanned / 2);
    const again = { ...hyper, step: 2 };
    expect(await model.trainStep([batch], again)).toEqual(await other.trainStep([batch], again));
    expect(await model.snapshot()).toEqual(await other.snapshot());
  });
});

describe('a model that learns less', () => {
  it('has no gradient and no moments as long as it only answers', async () => {
    const before = gpu.bytesAllocated;
    const model = engine(TUNINGS.portable, {});
    const zeros = new Float32Array(pool.length);
    await model.restore({ parameters: pool, moment1: zeros, moment2: zeros });
    await model.resetOptimizer();
    // Weights, rotation, metrics, the update's numbers and partial sums.
    const { max_position_embeddings: positions } = shape;
    expect(gpu.bytesAllocated - before).toBe(4 * pool.length + 4 * positions * 4 + 64 + 32 + 1024);
    await model.score(batch);
    expect(await model.snapshot()).toEqual({ parameters: pool, moment1: zeros, moment2: zeros });
    const one = zeros.slice().fill(1, 3, 4);
    await model.restore({ parameters: pool, moment1: one, moment2: zeros });
    expect((await model.snapshot()).moment1).toEqual(one);
    expect(model.memory().bytesPlanned).toBe(gpu.bytesAllocated - before);
  });

  it('trains one matrix with the gradient that it has among all', async () => {
    const all = engine(TUNINGS.portable, {});
    const name = 'model.layers.1.mlp.up_proj.weight';
    const one = engine(TUNINGS.portable, { trains: name });
    const { from, to } = one.trained;
    const { poolSize } = one.table;
    // gate and up are one matrix to the kernels.
    expect(to - from).toBe(2 * shape.intermediate_size * shape.hidden_size);
    const [whole, part] = await Promise.all([all, one].map((model) => model.trainStep([batch], hyper)));
    expect(part.loss).toBe(whole.loss);
    const gradients = await Promise.all(
      [all, one].map(async ({ gradient }) => new Float32Array(await gpu.read(gradient))),
    );
    expect(gradients[1]).toEqual(gradients[0].slice(from, to));
    expect(gradients[1].some((value) => value !== 0)).toBe(true);
    const { parameters, moment1 } = await one.snapshot();
    const outside = (values: Float32Array) => [...values.slice(0, from), ...values.slice(to)];
    expect(outside(parameters)).toEqual(outside(pool));
    expect(parameters.slice(from, to)).not.toEqual(pool.slice(from, to));
    expect(moment1).toHaveLength(poolSize);
    expect(outside(moment1).every((value) => value === 0)).toBe(true);
    expect(() => engine(TUNINGS.portable, { trains: 'model.norm.weight' })).toThrow(
      'cannot be trained alone',
    );
  });
});
