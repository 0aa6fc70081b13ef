import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { useCpu } from '../../src/gpu/tfjs';
import type { AdamWStep, ModelConfig } from '../../src/model/config';
import type { TokenBatch } from '../../src/model/languageModel';
import { initialParameters, parameterTable } from '../../src/model/parameters';
import { ReferenceModel } from '../../src/model/reference';
import { Random } from '../../src/numeric/random';
import vector from '../vectors/llama.json';
import { finiteDifference, plainLogits, plainLogSoftmax, plainLoss, plainScore } from './plain';

const multiHead: ModelConfig = {
  vocab_size: 11,
  hidden_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  intermediate_size: 13,
  max_position_embeddings: 16,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
};
const grouped: ModelConfig = {
  ...multiHead,
  hidden_size: 12,
  num_attention_heads: 6,
  num_key_value_heads: 2,
};
const hyper: AdamWStep = {
  step: 1,
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.98,
  eps: 1e-8,
  weightDecay: 0.1,
  maxGradNorm: 1,
};

/** Weights with norms off 1, so that their gradients are told apart. */
function someWeights(config: ModelConfig, seed: number) {
  const pool = initialParameters(config, seed);
  const random = new Random(seed, 'test-norms');
  for (const { offset, size, shape } of parameterTable(config).parameters) {
    if (shape.length > 1) continue;
    for (let i = 0; i < size; i++) pool[offset + i] += 0.2 * random.normal();
  }
  return pool;
}

/** Ragged rows of random tokens; weight 0 on each row's first half, as on a prompt. */
function someBatch(config: ModelConfig, lengths: number[], length: number, seed = 1): TokenBatch {
  const random = new Random(seed, 'test-batch');
  const size = lengths.length;
  const tokens = new Uint32Array(size * length).map(() => random.int(config.vocab_size));
  const weights = new Float32Array(size * length);
  lengths.forEach((count, b) => {
    for (let t = count >> 1; t < count; t++) weights[b * length + t] = 0.1 + 0.2 * random.uniform();
  });
  return { size, length, tokens, lengths: Uint32Array.from(lengths), lossWeights: weights };
}

function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return difference / (scale || 1);
}

beforeAll(async () => {
  await useCpu();
});

describe.each([
  ['multi-head', multiHead],
  ['grouped-query', grouped],
])('%s forward and backward', (_, config) => {
  const pool = someWeights(config, 3);
  const batch = someBatch(config, [7, 1, 4], 7);

  it('scores as the plain f64 model does', async () => {
    const model = new ReferenceModel(config, pool);
    const { logps, entropies } = await model.score(batch);
    const expected = plainScore(config, pool, batch);
    expect(relativeError(logps, expected.logps)).toBeLessThan(1e-5);
    expect(relativeError(entropies, expected.entropies)).toBeLessThan(1e-5);
    expect(logps[0]).toBe(0);
    expect([...logps.subarray(7 + 1, 14)]).toEqual(Array(6).fill(0));
    model.destroy();
  });

  it('has the gradient that finite differences of the f64 loss give, in every tensor', async () => {
    const model = new ReferenceModel(config, pool);
    const { loss, gradient } = await model.lossAndGradient(batch);
    const exact = Float64Array.from(pool);
    const f = (x: Float64Array) => plainLoss(config, x, batch);
    expect(loss).toBeCloseTo(f(exact), 5);
    for (const { name, offset, size } of parameterTable(config).parameters) {
      const indices = Array.from({ length: Math.min(size, 6) }, (_, i) => offset + ((i * 7919) % size));
      const expected = indices.map((index) => finiteDifference(f, exact, index));
      const actual = indices.map((index) => gradient[index]);
      expect(relativeError(actual, expected), name).toBeLessThan(2e-4);
    }
    model.destroy();
  });
});

it("is Hugging Face's LlamaForCausalLM: log-probabilities and greedy decoding of its own implementation", async () => {
  const { config, tokens, logps, prompt, greedy } = vector;
  const pool = initialParameters(config, 3).map((value, i) => value * (1 + 0.1 * Math.sin(i)));
  const length = tokens.length;
  const batch: TokenBatch = {
    size: 1,
    length,
    tokens: Uint32Array.from(tokens),
    lengths: Uint32Array.of(length),
    lossWeights: new Float32Array(length),
  };
  expect(relativeError(plainScore(config, pool, batch).logps, logps)).toBeLessThan(1e-6);
  const model = new ReferenceModel(config, pool);
  expect(relativeError((await model.score(batch)).logps, logps)).toBeLessThan(1e-5);
  const { completions } = await model.generate({
    prompts: [prompt],
    numGenerations: 1,
    maxNewTokens: greedy.length,
    temperature: 0,
    topK: 0,
    eosToken: 63,
    key: [0, 0],
  });
  expect([...completions[0]]).toEqual(greedy);
  model.destroy();
});

describe('ragged batches', () => {
  it('never looks at what lies beyond a sequence: padding, even out of the vocabulary, changes no bit', async () => {
    const model = new ReferenceModel(multiHead, someWeights(multiHead, 3));
    const clean = someBatch(multiHead, [7, 1, 4], 7);
    const dirty = { ...clean, tokens: clean.tokens.slice(), lossWeights: clean.lossWeights.slice() };
    for (let t = 4; t < 7; t++) {
      dirty.tokens[14 + t] = 4_000_000_000;
      dirty.lossWeights[14 + t] = 99;
    }
    expect(await model.lossAndGradient(dirty)).toEqual(await model.lossAndGradient(clean));
    model.destroy();
  });

  it('gives a batch of single tokens and a fully masked batch no loss and no gradient', async () => {
    const model = new ReferenceModel(multiHead, someWeights(multiHead, 3));
    const masked = someBatch(multiHead, [5, 3], 5);
    masked.lossWeights.fill(0);
    for (const batch of [someBatch(multiHead, [1, 1], 1), masked]) {
      const { loss, gradient } = await model.lossAndGradient(batch);
      expect(Math.abs(loss)).toBe(0);
      expect(gradient.every((value) => value === 0)).toBe(true);
    }
    expect([...(await model.score(someBatch(multiHead, [1, 1], 1))).logps]).toEqual([0, 0]);
    model.destroy();
  });

  it('refuses tokens outside the vocabulary and batches over the positions, saying where', async () => {
    const model = new ReferenceModel(multiHead, someWeights(multiHead, 3));
    const batch = someBatch(multiHead, [3], 3);
    batch.tokens[1] = 11;
    await expect(model.score(batch)).rejects.toThrow('Token 11 at sequence 0, position 1');
    await expect(model.score(someBatch(multiHead, [2], 17))).rejects.toThrow('17 positions');
    model.destroy();
  });
});

describe('policyGradients', () => {
  const pool = someWeights(multiHead, 3);
  const batch = someBatch(multiHead, [7, 2, 5, 6], 7);
  const current = plainScore(multiHead, pool, batch).logps;
  const random = new Random(4, 'test-policy');
  const near = (spread: number) => Float32Array.from(current, (logp) => logp + spread * random.normal());
  const options = {
    advantages: [Float32Array.from([1, -1, 0.5, -2]), Float32Array.from([-0.3, 0.2, 1, 0])],
    oldLogps: near(0.3), // ratios on both sides of both clips
    referenceLogps: near(0.5),
    beta: 0.1,
    epsilonLow: 0.2,
    epsilonHigh: 0.3,
    temperature: 1,
    klIn: 0,
  };

  function plainPolicyLoss(
    weights: Float64Array,
    objective: number,
    old: ArrayLike<number>,
    temperature: number,
  ): number {
    const { logps } = plainScore(multiHead, weights, batch, temperature);
    let loss = 0;
    for (let b = 0; b < batch.size; b++) {
      for (let t = 1; t < batch.lengths[b]; t++) {
        const i = b * batch.length + t;
        const ratio = Math.exp(logps[i] - old[i]);
        const clipped = Math.min(Math.max(ratio, 0.8), 1.3);
        const advantage = options.advantages[objective][b];
        const delta = options.referenceLogps[i] - logps[i];
        const kl = objective === 0 ? 0.1 * (Math.exp(delta) - delta - 1) : 0;
        loss += batch.lossWeights[i] * (kl - Math.min(ratio * advantage, clipped * advantage));
      }
    }
    return loss;
  }

  it.each([
    ['off-policy', options.oldLogps, 1],
    ['on-policy', null, 1],
    ['off-policy at .7', options.oldLogps, 0.7],
    ['on-policy at 1.3', null, 1.3],
  ])(
    '%s: losses and gradients are those of the f64 objective, the KL term in one of them',
    async (_, old, temperature) => {
      const model = new ReferenceModel(multiHead, pool);
      const result = await model.policyGradients(batch, { ...options, oldLogps: old, temperature });
      const current = plainScore(multiHead, pool, batch, temperature).logps;
      const exact = Float64Array.from(pool);
      for (const objective of [0, 1]) {
        const f = (x: Float64Array) => plainPolicyLoss(x, objective, old ?? current, temperature);
        expect(result.losses[objective]).toBeCloseTo(f(exact), 5);
        for (const { name, offset, size } of parameterTable(multiHead).parameters) {
          const indices = Array.from({ length: 4 }, (_, i) => offset + ((i * 7919) % size));
          const expected = indices.map((index) => finiteDifference(f, exact, index));
          const actual = indices.map((index) => result.gradients[objective][index]);
          const error = Math.max(...actual.map((value, i) => Math.abs(value - expected[i])));
          expect(error, `${name}, objective ${objective}`).toBeLessThan(2e-4);
        }
      }
      let kl = 0;
      current.forEach((logp, i) => {
        const delta = options.referenceLogps[i] - logp;
        if (logp !== 0) kl += batch.lossWeights[i] * (Math.exp(delta) - delta - 1);
      });
      expect(result.kl).toBeCloseTo(kl, 5);
      expect(relativeError(result.logps, current)).toBeLessThan(1e-5);
      const { logps, entropies } = await model.score(batch, 'current', temperature);
      expect(relativeError(logps, current)).toBeLessThan(1e-5);
      expect(relativeError(result.entropies, entropies)).toBeLessThan(1e-6);
      model.destroy();
    },
  );

  it('is not touched by what stands where no weight is', async () => {
    const model = new ReferenceModel(multiHead, pool);
    const wild = (values: Float32Array) =>
      values.map((value, i) => (batch.lossWeights[i] === 0 ? 500 * (-1) ** i : value));
    const result = await model.policyGradients(batch, {
      ...options,
      oldLogps: wild(options.oldLogps),
      referenceLogps: wild(options.referenceLogps),
    });
    expect(result).toEqual(await model.policyGradients(batch, options));
    model.destroy();
  });

  it('without a reference has no KL, and with no advantage no gradient', async () => {
    const model = new ReferenceModel(multiHead, pool);
    const { kl, gradients } = await model.policyGradients(batch, {
      ...options,
      advantages: [new Float32Array(4)],
      referenceLogps: null,
    });
    expect(kl).toBe(0);
    expect(gradients[0].every((value) => value === 0)).toBe(true);
    model.destroy();
  });
});

describe('AdamW', () => {
  it('follows an f64 twin over several steps: clipping, bias correction, decay on matrices only', async () => {
    const pool = someWeights(multiHead, 5);
    const { parameters, poolSize, decayedSize } = parameterTable(multiHead);
    const model = new ReferenceModel(multiHead, pool);
    const twin = Float64Array.from(pool);
    const m = new Float64Array(poolSize);
    const v = new Float64Array(poolSize);
    const random = new Random(9, 'test-gradient');
    for (let step = 1; step <= 4; step++) {
      const gradient = new Float32Array(poolSize);
      const size = step === 2 ? 1e-3 : 1; // the second step stays below the clip
      for (const p of parameters)
        for (let i = 0; i < p.size; i++) gradient[p.offset + i] = size * random.normal();
      const settings = { ...hyper, step, learningRate: 0.01 * step };
      const norm = Math.hypot(...gradient);
      const scale = Math.min(1, settings.maxGradNorm / norm);
      for (let i = 0; i < poolSize; i++) {
        const g = gradient[i] * scale;
        m[i] = settings.beta1 * m[i] + (1 - settings.beta1) * g;
        v[i] = settings.beta2 * v[i] + (1 - settings.beta2) * g * g;
        const mean = m[i] / (1 - settings.beta1 ** step);
        const variance = v[i] / (1 - settings.beta2 ** step);
        if (i < decayedSize) twin[i] *= 1 - settings.learningRate * settings.weightDecay;
        twin[i] -= (settings.learningRate * mean) / (Math.sqrt(variance) + settings.eps);
      }
      expect(await model.applyGradient(gradient, settings)).toBeCloseTo(norm, 3);
    }
    const state = await model.snapshot();
    expect(relativeError(state.parameters, twin)).toBeLessThan(1e-5);
    expect(relativeError(state.moment1, m)).toBeLessThan(1e-5);
    expect(relativeError(state.moment2, v)).toBeLessThan(1e-5);
    model.destroy();
  });

  it('accumulates micro-batches: two halves make the step of the whole', async () => {
    const pool = someWeights(multiHead, 5);
    const whole = someBatch(multiHead, [6, 3, 5, 6], 6);
    const half = (from: number): TokenBatch => ({
      size: 2,
      length: 6,
      tokens: whole.tokens.slice(from * 6, from * 6 + 12),
      lengths: whole.lengths.slice(from, from + 2),
      lossWeights: whole.lossWeights.slice(from * 6, from * 6 + 12),
    });
    const one = new ReferenceModel(multiHead, pool);
    const two = new ReferenceModel(multiHead, pool);
    const first = await one.trainStep([whole], hyper);
    const second = await two.trainStep([half(0), half(2)], hyper);
    expect(second.loss).toBeCloseTo(first.loss, 5);
    expect(second.gradNorm).toBeCloseTo(first.gradNorm, 4);
    expect((await two.snapshot()).moment1[5]).toBeCloseTo((await one.snapshot()).moment1[5], 6);
    one.destroy();
    two.destroy();
  });
});

describe('training', () => {
  it('learns, keeps its state through snapshot and restore to the bit, and leaks no tensors', async () => {
    const before = tf.memory().numTensors;
    const batch = someBatch(grouped, [8, 8], 8);
    const model = new ReferenceModel(grouped, initialParameters(grouped, 1));
    await model.freezeReference();
    const start = (await model.trainStep([batch], hyper)).loss;
    const tensors = tf.memory().numTensors;
    for (let step = 2; step <= 10; step++) await model.trainStep([batch], { ...hyper, step });
    expect(tf.memory().numTensors).toBe(tensors);
    const state = await model.snapshot();
    const next = await model.trainStep([batch], { ...hyper, step: 11 });
    expect(next.loss).toBeLessThan(start * 0.8);

    const resumed = new ReferenceModel(grouped, initialParameters(grouped, 2));
    await resumed.restore(state);
    expect(await resumed.snapshot()).toEqual(state);
    expect(await resumed.trainStep([batch], { ...hyper, step: 11 })).toEqual(next);
    expect(await resumed.snapshot()).toEqual(await model.snapshot());

    const frozen = await model.score(batch, 'reference');
    expect(
      relativeError(frozen.logps, plainScore(grouped, initialParameters(grouped, 1), batch).logps),
    ).toBeLessThan(1e-5);
    await expect(resumed.score(batch, 'reference')).rejects.toThrow('freezeReference');
    model.destroy();
    resumed.destroy();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('generate', () => {
  const pool = someWeights(grouped, 8);
  const options = {
    prompts: [[1, 2, 3, 4, 5], [6], [7, 8, 9]],
    numGenerations: 2,
    maxNewTokens: 6,
    temperature: 1,
    topK: 0,
    eosToken: 10,
    key: [12, 34] as const,
  };

  it('is a function of the key, and of nothing else', async () => {
    const model = new ReferenceModel(grouped, pool);
    const first = await model.generate(options);
    expect(await model.generate(options)).toEqual(first);
    expect(await model.generate({ ...options, key: [12, 35] })).not.toEqual(first);
    for (const completion of first.completions) {
      const end = completion.indexOf(10);
      expect(completion.length).toBe(end >= 0 ? end + 1 : 6);
    }
    model.destroy();
  });

  it('reports the log-probabilities that scoring gives: the cached keys are the right ones', async () => {
    const model = new ReferenceModel(grouped, pool);
    const { completions, logps } = await model.generate({ ...options, temperature: 0.7, topK: 4 });
    completions.forEach((completion, row) => {
      const prompt = options.prompts[Math.floor(row / 2)];
      const sequence = [...prompt, ...completion];
      const logits = plainLogits(grouped, pool, sequence);
      completion.forEach((token, i) => {
        const expected = plainLogSoftmax(logits[prompt.length + i - 1])[token];
        expect(logps[row][i]).toBeCloseTo(expected, 4);
      });
    });
    model.destroy();
  });

  it('takes the most likely token at temperature 0', async () => {
    const model = new ReferenceModel(grouped, pool);
    const { completions } = await model.generate({ ...options, temperature: 0 });
    expect(completions[0]).toEqual(completions[1]);
    completions.forEach((completion, row) => {
      const sequence = [...options.prompts[Math.floor(row / 2)]];
      for (const token of completion) {
        const logits = plainLogits(grouped, pool, sequence).at(-1)!;
        expect(token).toBe(logits.indexOf(Math.max(...logits)));
        sequence.push(token);
      }
    });
    model.destroy();
  });

  it('draws first tokens from the model distribution (chi-square, 10 degrees of freedom)', async () => {
    const model = new ReferenceModel(multiHead, someWeights(multiHead, 8));
    const draws = 3000;
    const { completions } = await model.generate({
      ...options,
      prompts: [[1, 2]],
      numGenerations: draws,
      maxNewTokens: 1,
    });
    const counts = new Float64Array(11);
    for (const [token] of completions) counts[token]++;
    const logits = plainLogits(multiHead, someWeights(multiHead, 8), [1, 2]);
    const expected = plainLogSoftmax(logits[1]).map((logp) => draws * Math.exp(logp));
    const chiSquare = counts.reduce((sum, count, i) => sum + (count - expected[i]) ** 2 / expected[i], 0);
    expect(chiSquare).toBeLessThan(29.6); // the 99.9 % quantile
    model.destroy();
  });

  it('refuses an empty prompt and one that leaves no room', async () => {
    const model = new ReferenceModel(grouped, pool);
    await expect(model.generate({ ...options, prompts: [[]] })).rejects.toThrow(
      'Sequence 0 of the batch has 0 tokens',
    );
    await expect(model.generate({ ...options, maxNewTokens: 12 })).rejects.toThrow('exceed');
    model.destroy();
  });
});
