import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { onProcessor, useDevice } from '../../src/gpu/tfjs';
import type { ModelConfig } from '../../src/model/config';
import type { TokenBatch } from '../../src/model/languageModel';
import { initialParameters, parameterTable } from '../../src/model/parameters';
import { ReferenceModel } from '../../src/model/reference';
import { freshDevice, testDevice } from '../adapter';
import { finiteDifference, plainLoss, plainScore } from '../model/plain';

const config: ModelConfig = {
  vocab_size: 13,
  hidden_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  intermediate_size: 17,
  max_position_embeddings: 16,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
};
const batch: TokenBatch = {
  size: 3,
  length: 5,
  tokens: Uint32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 9, 10, 11, 12, 1]),
  lengths: Uint32Array.from([5, 3, 5]),
  lossWeights: new Float32Array(15).fill(0.1),
};
const hyper = { learningRate: 0.01, beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0.1, maxGradNorm: 1 };
const pool = initialParameters(config, 4);

beforeAll(async () => {
  // As in a browser, where tfjs registers a backend of its own as soon as it is loaded; bench/peers.gpu.test.ts goes without.
  const gpu = {
    requestAdapter: () => Promise.reject(new Error('TensorFlow.js asked for a device of its own.')),
  };
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  const { device, info } = await testDevice();
  await useDevice(device, info);
});

describe('TensorFlow.js on our device', () => {
  it('computes there, in buffers of that device', async () => {
    const { device } = await testDevice();
    const result = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2]));
    expect([...(await result.data())]).toEqual([19, 22, 43, 50]);
    const buffer = result.dataToGPU().buffer as GPUBuffer;
    device.pushErrorScope('validation');
    const target = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.COPY_DST });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, target, 0, 16);
    device.queue.submit([encoder.finish()]);
    expect(await device.popErrorScope()).toBeNull();
  });

  it('moves to another device, as after a loss', async () => {
    const other = await freshDevice();
    await useDevice(other.device, other.info);
    expect([...(await tf.add([1, 2], [3, 4]).data())]).toEqual([4, 6]);
    const { device, info } = await testDevice();
    await useDevice(device, info);
    expect([...(await tf.add([1, 2], [3, 4]).data())]).toEqual([4, 6]);
  });
});

describe('the reference model on WebGPU', () => {
  it('agrees with the plain f64 model and its finite differences', async () => {
    const model = new ReferenceModel(config, pool);
    expect(model.backend).toBe('tfjs-webgpu');
    const { logps } = await model.score(batch);
    const expected = plainScore(config, pool, batch).logps;
    for (let i = 0; i < 15; i++) expect(logps[i]).toBeCloseTo(expected[i], 4);

    const { gradient } = await model.lossAndGradient(batch);
    const exact = Float64Array.from(pool);
    for (const { name, offset, size } of parameterTable(config).parameters) {
      const index = offset + (size >> 1);
      const slope = finiteDifference((x) => plainLoss(config, x, batch), exact, index);
      expect(Math.abs(gradient[index] - slope), name).toBeLessThan(2e-4);
    }
    model.destroy();
  });

  it('trains to the same bits every time', async () => {
    const runs = [];
    for (let run = 0; run < 2; run++) {
      const model = new ReferenceModel(config, pool);
      for (let step = 1; step <= 3; step++) await model.trainStep([batch], { ...hyper, step });
      runs.push(await model.snapshot());
      model.destroy();
    }
    expect(runs[1]).toEqual(runs[0]);
  });

  it('generates', async () => {
    const model = new ReferenceModel(config, pool);
    const options = {
      prompts: [[1, 2, 3], [4]],
      numGenerations: 2,
      maxNewTokens: 4,
      temperature: 0,
      topK: 0,
      eosToken: 0,
      key: [1, 2] as const,
    };
    const { completions, logps } = await model.generate(options);
    expect(completions[0]).toEqual(completions[1]);
    const sequence = Uint32Array.from([1, 2, 3, ...completions[0]]);
    const length = sequence.length;
    const scored = plainScore(config, pool, {
      size: 1,
      length,
      tokens: sequence,
      lengths: Uint32Array.from([length]),
      lossWeights: new Float32Array(length),
    });
    logps[0].forEach((logp, i) => {
      expect(logp).toBeCloseTo(scored.logps[3 + i], 4);
    });
    model.destroy();
  });
});

it('leaves the device for the processor as long as anybody is at it there, and comes back', async () => {
  const { device, adapter } = await testDevice();
  await useDevice(device, adapter.info);
  let free: () => void = () => {};
  const long = onProcessor(
    () =>
      new Promise<string>((resolve) => {
        free = () => resolve(tf.getBackend());
      }),
  );
  const short = await onProcessor(async () => tf.getBackend());
  expect(short).toBe('wasm');
  expect(tf.getBackend()).toBe('wasm');
  await expect(
    onProcessor(async () => {
      throw new Error('It failed.');
    }),
  ).rejects.toThrow('It failed.');
  free();
  expect(await long).toBe('wasm');
  expect(tf.getBackend()).toBe('webgpu');
});
