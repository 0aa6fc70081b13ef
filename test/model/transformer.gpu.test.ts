import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BufferTable } from '../../src/gpu/bufferTable';
import { describeAdapter, Gpu, GpuLimitError } from '../../src/gpu/device';
import { TUNINGS } from '../../src/gpu/kernels';
import { Peek } from '../../src/gpu/peek';
import { submit } from '../../src/gpu/plan';
import { useSlowPath } from '../../src/gpu/tfjs';
import type { ModelConfig } from '../../src/model/config';
import { Generator } from '../../src/model/generate';
import type { TokenBatch } from '../../src/model/languageModel';
import { initialParameters } from '../../src/model/parameters';
import { planTraining, roomOf } from '../../src/model/plans';
import { ReferenceModel } from '../../src/model/reference';
import { SUPERVISED, writeObjective } from '../../src/model/training';
import { createTransformer, Transformer } from '../../src/model/transformer';
import { streamKey } from '../../src/numeric/random';
import { freshDevice, testDevice, wholeGrid } from '../adapter';
import { tunings } from '../gpu/harness';
import { finiteDifference, plainLoss, plainScore } from './plain';
import { grouped, hyper, multiHead, relativeError, someBatch, someWeights } from './shapes';

let gpu: Gpu;
const open: Transformer[] = [];

beforeAll(async () => {
  const { device, info } = await testDevice();
  gpu = new Gpu(device, describeAdapter(info));
  await useSlowPath();
});

afterEach(() => {
  for (const model of open.splice(0)) model.destroy();
});

async function engine(
  config: ModelConfig,
  pool: Float32Array<ArrayBuffer>,
  tuning = TUNINGS.portable,
): Promise<Transformer> {
  const model = await createTransformer(gpu, config, 1, tuning);
  open.push(model);
  const zeros = new Float32Array(pool.length);
  await model.restore({ parameters: pool, moment1: zeros, moment2: zeros });
  return model;
}

/** Loss and flat gradient of the supervised objective, without an update. */
async function lossAndGradient(model: Transformer, batch: TokenBatch) {
  const step = await model.training(batch.size, batch.length);
  gpu.device.queue.writeBuffer(model.gradient, 0, new Float32Array(model.table.poolSize).fill(Number.NaN));
  step.upload(batch);
  writeObjective(gpu, step.supervisedObjective, SUPERVISED);
  submit(gpu, step.forward, step.supervised);
  const metrics = new Float32Array(await gpu.read(model.metrics));
  const gradient = new Float32Array(await gpu.read(model.gradient, 0, model.table.poolSize * 4));
  return { loss: metrics[0], gradient };
}

const cases: [string, ModelConfig, number[], number][] = [
  ['two heads, ragged rows', multiHead, [7, 5, 3], 7],
  ['grouped heads, an empty row, one of length 1', grouped, [13, 0, 1, 11], 13],
  ['T = 1: nothing to predict', multiHead, [1, 1], 1],
  ['one row, one past a workgroup', multiHead, [17], 17],
  ['rows beyond a slice of tokens', multiHead, Array.from({ length: 11 }, (_, b) => 3 + (b % 11)), 13],
];

const everyTuning = cases.flatMap(([name, ...shape]) =>
  tunings
    .filter((tuning) => wholeGrid || tuning.name === 'portable' || shape[0] === grouped)
    .map((tuning) => [name, tuning.name, tuning, ...shape] as const),
);

describe.each(everyTuning)('%s, %s', (_name, _tuning, tuning, config, lengths, length) => {
  const pool = someWeights(config, 5);
  const batch = someBatch(config, lengths, length);

  it('scores as the f64 twin does', async () => {
    const model = await engine(config, pool, tuning);
    const actual = await model.score(batch);
    const expected = plainScore(config, pool, batch);
    expect(relativeError(actual.logps, expected.logps)).toBeLessThan(1e-4);
    expect(relativeError(actual.entropies, expected.entropies)).toBeLessThan(1e-4);
  });

  it("has autodiff's gradient in every tensor", async () => {
    const model = await engine(config, pool, tuning);
    const { loss, gradient } = await lossAndGradient(model, batch);
    expect(Math.abs(loss - plainLoss(config, pool, batch))).toBeLessThan(1e-4);
    const reference = new ReferenceModel(config, pool);
    const expected = await reference.lossAndGradient(batch);
    for (const { name, offset, size } of model.table.parameters) {
      const error = relativeError(
        gradient.subarray(offset, offset + size),
        expected.gradient.subarray(offset, offset + size),
      );
      expect(error, name).toBeLessThan(1e-3);
    }
    reference.destroy();
  });

  it('repeats to the bit, twenty times', async () => {
    const model = await engine(config, pool, tuning);
    const first = await lossAndGradient(model, batch);
    for (let repeat = 0; repeat < 20; repeat++) {
      const again = await lossAndGradient(model, batch);
      expect(new Uint32Array(again.gradient.buffer)).toEqual(new Uint32Array(first.gradient.buffer));
    }
  });
});

it("has autodiff's gradient where logits come in chunks of the vocabulary", async () => {
  const config = { ...grouped, vocab_size: 148 };
  const pool = someWeights(config, 5);
  const batch = someBatch(config, [13, 0, 1, 11], 13);
  const room = { ...roomOf(gpu.device.limits), slices: 1, vocabulary: 1 };
  const model = new Transformer(gpu, config, TUNINGS.portable, { room });
  open.push(model);
  gpu.device.queue.writeBuffer(model.parameters, 0, pool);
  expect(planTraining(model, 4 * 13).columns).toBe(64);
  const { loss, gradient } = await lossAndGradient(model, batch);
  expect(Math.abs(loss - plainLoss(config, pool, batch))).toBeLessThan(1e-4);
  const reference = new ReferenceModel(config, pool);
  const expected = await reference.lossAndGradient(batch);
  for (const { name, offset, size } of model.table.parameters) {
    const of = (values: Float32Array) => values.subarray(offset, offset + size);
    expect(relativeError(of(gradient), of(expected.gradient)), name).toBeLessThan(1e-3);
  }
  reference.destroy();
});

it('agrees with finite differences of the f64 twin', async () => {
  const pool = someWeights(grouped, 9);
  const batch = someBatch(grouped, [5, 4], 5);
  const model = await engine(grouped, pool);
  const { gradient } = await lossAndGradient(model, batch);
  const wide = Float64Array.from(pool);
  for (const { name, offset, size } of model.table.parameters) {
    for (const at of [0, Math.floor(size / 3), size - 1]) {
      const expected = finiteDifference((x) => plainLoss(grouped, x, batch), wide, offset + at);
      expect(Math.abs(gradient[offset + at] - expected), `${name}[${at}]`).toBeLessThan(
        1e-4 + 1e-3 * Math.abs(expected),
      );
    }
  }
});

describe('a training step', () => {
  it('follows AdamW as the reference does, with micro-batches', async () => {
    const pool = someWeights(multiHead, 3);
    const model = await engine(multiHead, pool);
    const reference = new ReferenceModel(multiHead, pool);
    const batches = [someBatch(multiHead, [7, 6], 7, 1), someBatch(multiHead, [5, 7], 7, 2)];
    for (let step = 1; step <= 5; step++) {
      const actual = await model.trainStep(batches, { ...hyper, step });
      const expected = await reference.trainStep(batches, { ...hyper, step });
      expect(Math.abs(actual.loss - expected.loss)).toBeLessThan(1e-4);
      expect(Math.abs(actual.gradNorm / expected.gradNorm - 1)).toBeLessThan(1e-3);
    }
    const [a, b] = [await model.snapshot(), await reference.snapshot()];
    expect(relativeError(a.parameters, b.parameters)).toBeLessThan(1e-3);
    expect(relativeError(a.moment1, b.moment1)).toBeLessThan(1e-3);
    reference.destroy();
  });

  it('is the same whether the batch is padded or not', async () => {
    const pool = someWeights(multiHead, 3);
    const model = await engine(multiHead, pool);
    const batch = someBatch(multiHead, [7, 6], 7, 1);
    const small = await lossAndGradient(model, batch);
    const step = await model.training(5, 11);
    step.upload(batch);
    writeObjective(gpu, step.supervisedObjective, SUPERVISED);
    submit(gpu, step.forward, step.supervised);
    const gradient = new Float32Array(await gpu.read(model.gradient, 0, model.table.poolSize * 4));
    expect(relativeError(gradient, small.gradient)).toBeLessThan(1e-5);
  });

  it('goes on from a snapshot to the same bits', async () => {
    const model = await engine(multiHead, someWeights(multiHead, 3));
    const batch = someBatch(multiHead, [7, 6], 7);
    await model.trainStep([batch], { ...hyper, step: 1 });
    const held = await model.snapshot();
    const straight = await model.trainStep([batch], { ...hyper, step: 2 });
    const end = await model.snapshot();
    await model.trainStep([batch], { ...hyper, step: 3 });
    await model.restore(held);
    expect(await model.trainStep([batch], { ...hyper, step: 2 })).toEqual(straight);
    expect(await model.snapshot()).toEqual(end);
  });

  // Heads of 12 have no whole vec4s in their halves, so turning them is a dispatch of its own.
  it.each([
    ['portable', grouped, 32, 24],
    wholeGrid ? (['tiled', multiHead, 20, 16] as const) : (['tiled', grouped, 22, 16] as const),
  ] as const)('%s, needs few dispatches', async (name, config, perLayer, besides) => {
    const model = await engine(config, initialParameters(config, 1), TUNINGS[name]);
    const step = await model.training(2, 8);
    const count = step.forward.dispatches + step.supervised.dispatches + model.optimizer.dispatches;
    expect(count).toBeLessThanOrEqual(perLayer * config.num_hidden_layers + besides);
  });

  it('needs few dispatches for a token, tiled', async () => {
    const [config, perLayer] = wholeGrid ? [multiHead, 5] : [grouped, 6];
    const model = await engine(config, initialParameters(config, 1), TUNINGS.tiled);
    const shape = { prompts: 2, generations: 2, promptLength: 8, maxNew: 4 };
    const generator = await Generator.create(model, shape);
    // Embedding, logits of normalised rows, and two to draw.
    expect(generator.decode.dispatches).toBe(perLayer * config.num_hidden_layers + 4);
    generator.destroy();
  });
});

describe('the policy objective', () => {
  it.each([1, 0.7, 1.3])(
    "has the reference's gradient at temperature %d, with clipping, old logps and the KL term",
    async (temperature) => {
      const pool = someWeights(grouped, 4);
      const model = await engine(grouped, pool);
      const batch = someBatch(grouped, [9, 12, 6, 7], 12);
      const advantages = Float32Array.from([1, -0.5, 0.7, -1.2]);
      const { logps } = await model.score(batch);
      const oldLogps = logps.map((value, i) => value + 0.4 * Math.sin(i));
      const referenceLogps = logps.map((value, i) => value + 0.3 * Math.cos(3 * i));
      const reference = new ReferenceModel(grouped, pool);
      const expected = await reference.policyGradients(batch, {
        advantages: [advantages],
        oldLogps,
        referenceLogps,
        beta: 0.1,
        epsilonLow: 0.2,
        epsilonHigh: 0.28,
        temperature,
        klIn: 0,
      });
      const step = await model.training(4, 12);
      const buffers = { advantages: step.buffers.ones, objective: step.supervisedObjective };
      const backward = await step.backward({ ...buffers, gradient: model.gradient });
      step.upload(batch);
      gpu.device.queue.writeBuffer(buffers.advantages, 0, advantages);
      const pairs = new Float32Array(2 * logps.length);
      logps.forEach((_, i) => {
        pairs[2 * i] = oldLogps[i];
        pairs[2 * i + 1] = referenceLogps[i];
      });
      gpu.device.queue.writeBuffer(step.buffers.baselines, 0, pairs);
      writeObjective(gpu, buffers.objective, {
        mode: 'policy',
        useOld: true,
        accumulate: false,
        beta: 0.1,
        epsilonLow: 0.2,
        epsilonHigh: 0.28,
        temperature,
      });
      submit(gpu, step.forward, backward);
      const gradient = new Float32Array(await gpu.read(model.gradient, 0, model.table.poolSize * 4));
      expect(relativeError(gradient, expected.gradients[0])).toBeLessThan(1e-3);
      reference.destroy();
    },
  );
});

it.each([
  ['in one slice', TUNINGS.portable],
  [
    'in slices, more of them for the whole batch',
    // Other numbers of slices are other shaders.
    { ...(wholeGrid ? TUNINGS.tiled : TUNINGS.portable), tokensPerSlice: 8 },
  ],
])('differentiates the leading sequences alone: %s', async (_name, tuning) => {
  const model = await engine(grouped, someWeights(grouped, 6), tuning);
  const batch = someBatch(grouped, [9, 12, 6, 7, 11], 12);
  const [lead, table] = [3, new BufferTable(gpu, 'test')];
  const step = await model.training(5, 12);
  const leading = await step.backward({
    advantages: step.buffers.ones,
    objective: step.supervisedObjective,
    gradient: model.gradient,
    leading: step.leading(table, lead),
  });
  const masked = {
    ...batch,
    lossWeights: batch.lossWeights.map((weight, at) => (at < lead * 12 ? weight : 0)),
  };
  const expected = await lossAndGradient(model, masked);
  const whole = await lossAndGradient(model, batch);
  submit(gpu, leading);
  const gradient = new Float32Array(await gpu.read(model.gradient, 0, model.table.poolSize * 4));
  expect(relativeError(gradient, expected.gradient)).toBeLessThan(1e-5);
  expect(new Float32Array(await gpu.read(model.metrics))[0]).toBeCloseTo(expected.loss, 4);
  // A list over the whole batch after it is none the wiser.
  submit(gpu, step.supervised);
  expect(new Float32Array(await gpu.read(model.gradient, 0, model.table.poolSize * 4))).toEqual(
    whole.gradient,
  );
  table.destroy();
});

describe('generation', () => {
  const prompts = [[3, 1, 4], [1], [5, 9, 2, 6, 5, 3]];

  it.each([
    ['greedy', 0, 0, TUNINGS.portable],
    ['temperature 1', 1, 0, TUNINGS.portable],
    ['temperature 0.7, top 5', 0.7, 5, TUNINGS.portable],
    ['greedy, tiled', 0, 0, TUNINGS.tiled],
    ['temperature 1, tiled', 1, 0, TUNINGS.tiled],
    ['temperature 0.7, top 5, tiled', 0.7, 5, TUNINGS.tiled],
  ])('draws what the reference draws: %s', async (_name, temperature, topK, tuning) => {
    const pool = someWeights(grouped, 6).map((value) => 2 * value);
    const model = await engine(grouped, pool, tuning);
    const reference = new ReferenceModel(grouped, pool);
    const options = {
      prompts,
      numGenerations: 3,
      maxNewTokens: 9,
      temperature,
      topK,
      eosToken: 7,
      key: streamKey(1, 'rollout', 2),
    };
    const actual = await model.generate(options);
    const expected = await reference.generate(options);
    expect(actual.completions.map((row) => [...row])).toEqual(expected.completions.map((row) => [...row]));
    actual.logps.forEach((row, r) => {
      expect(relativeError(row, expected.logps[r])).toBeLessThan(1e-3);
    });
    reference.destroy();
  });

  it('reports the logps that scoring finds, and repeats to the bit', async () => {
    const model = await engine(grouped, someWeights(grouped, 6));
    const options = {
      prompts,
      numGenerations: 2,
      maxNewTokens: 6,
      temperature: 1,
      topK: 0,
      eosToken: 0,
      key: streamKey(2, 'rollout', 0),
    };
    const { completions, logps } = await model.generate(options);
    const sequences = completions.map((row, r) => [...prompts[Math.floor(r / 2)], ...row]);
    const length = Math.max(...sequences.map((row) => row.length));
    const tokens = new Uint32Array(sequences.length * length);
    sequences.forEach((row, r) => {
      tokens.set(row, r * length);
    });
    const lengths = Uint32Array.from(sequences, (row) => row.length);
    const scored = await model.score({ size: sequences.length, length, tokens, lengths });
    logps.forEach((row, r) => {
      const from = r * length + sequences[r].length - row.length;
      expect(relativeError(row, scored.logps.subarray(from, from + row.length))).toBeLessThan(1e-4);
    });
    const again = await model.generate(options);
    expect(again).toEqual({ completions, logps });
  });
});

describe('the end of all rows', () => {
  const shape = { prompts: 1, generations: 2, promptLength: 3, maxNew: 40 };
  const options = {
    prompts: [[3, 1, 4]],
    numGenerations: 2,
    maxNewTokens: 40,
    temperature: 1,
    topK: 0,
    key: streamKey(2, 'rollout', 0),
  };
  /** No token of the vocabulary, so no row ends. */
  const never = multiHead.vocab_size;

  it('ends decoding, with the bits that all tokens have, whenever it is seen', async () => {
    const generator = await Generator.create(await engine(multiHead, someWeights(multiHead, 6)), shape);
    const all = await generator.run({ ...options, eosToken: never });
    expect(generator.made).toBe(40);
    // The token that both rows come to first.
    const [first, second] = all.completions;
    const ends = Array.from({ length: never }, (_, token) =>
      [first, second].map((row) => row.indexOf(token)),
    ).map((at) => (at.includes(-1) ? 40 : Math.max(...at)));
    const end = Math.min(...ends);
    const eosToken = ends.indexOf(end);
    expect(end).toBeLessThan(20);
    const upTo = (row: Uint32Array) => row.indexOf(eosToken) + 1;
    const expected = {
      completions: all.completions.map((row) => row.slice(0, upTo(row))),
      logps: all.logps.map((row, r) => row.slice(0, upTo(all.completions[r]))),
    };
    const look = Peek.prototype.look;
    for (const lateBy of [0, 30]) {
      // What is left of these tokens must not be taken for the next run's.
      await generator.run({ ...options, eosToken: never, key: streamKey(3, 'rollout', lateBy) });
      const spy = vi.spyOn(Peek.prototype, 'look').mockImplementation(async function (this: Peek) {
        const words = await look.call(this);
        await new Promise((resolve) => setTimeout(resolve, lateBy));
        return words;
      });
      expect(await generator.run({ ...options, eosToken })).toEqual(expected);
      spy.mockRestore();
      expect(generator.made).toBeGreaterThan(end);
      expect(generator.made).toBeLessThan(40);
    }
    // Calls at once are served one after another.
    const both = [never, eosToken].map((token) => generator.run({ ...options, eosToken: token }));
    expect(await Promise.all(both)).toEqual([all, expected]);
    generator.destroy();
  });
});

describe('preparing a step', () => {
  const batch = someBatch(multiHead, [7, 6], 7);

  it('begins to compile before anything waits for it, and changes no bit', async () => {
    const [plain, prepared] = [await engine(multiHead, someWeights(multiHead, 3)), await fresh()];
    const before = prepared.gpu.pipelines.size;
    prepared.prepare(2, 7);
    expect(prepared.gpu.pipelines.size).toBeGreaterThan(before);
    const step = prepared.training(2, 7);
    const pipelines = prepared.gpu.pipelines.size;
    expect(await prepared.trainStep([batch], hyper)).toEqual(await plain.trainStep([batch], hyper));
    expect(await prepared.training(2, 7)).toBe(await step);
    expect(prepared.gpu.pipelines.size).toBe(pipelines);
    expect(await prepared.snapshot()).toEqual(await plain.snapshot());
  });

  it('leaves what went wrong to the first step', async () => {
    const model = await engine({ ...multiHead, max_position_embeddings: 4096 }, someWeights(multiHead, 1));
    const allocated = gpu.bytesAllocated;
    model.prepare(1 << 20, 4096);
    model.prepare(2, 5000);
    await new Promise((resolve) => setTimeout(resolve));
    expect(gpu.bytesAllocated).toBe(allocated);
    expect(() => model.training(1 << 20, 4096)).toThrow(GpuLimitError);

    const lost = await fresh();
    lost.prepare(2, 7);
    lost.gpu.destroy();
    await lost.gpu.lost;
    await expect(lost.trainStep([batch], hyper)).rejects.toThrow('The GPU device was lost');
  });

  /** A model on a device of its own. */
  async function fresh(): Promise<Transformer> {
    const { device, info } = await freshDevice();
    const model = await createTransformer(
      new Gpu(device, describeAdapter(info)),
      multiHead,
      1,
      TUNINGS.portable,
    );
    const parameters = someWeights(multiHead, 3);
    const zeros = new Float32Array(parameters.length);
    await model.restore({ parameters, moment1: zeros, moment2: zeros });
    return model;
  }
});

describe('refusals', () => {
  it('refuses a batch beyond the limits before allocating', async () => {
    const model = await engine({ ...multiHead, max_position_embeddings: 4096 }, someWeights(multiHead, 1));
    const before = gpu.bytesAllocated;
    expect(() => model.training(1 << 20, 4096)).toThrow(GpuLimitError);
    expect(gpu.bytesAllocated).toBe(before);
  });

  it('refuses tokens beyond the vocabulary and widths that are no multiple of 4', async () => {
    const model = await engine(multiHead, someWeights(multiHead, 1));
    const batch = someBatch(multiHead, [3], 3);
    batch.tokens[1] = 20;
    await expect(model.trainStep([batch], hyper)).rejects.toThrow('Token 20');
    await expect(createTransformer(gpu, { ...multiHead, vocab_size: 21 }, 1)).rejects.toThrow('vocab_size');
  });
});
