import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { useCpu, useSlowPath } from '../../src/gpu/tfjs';
import type { ModelConfig } from '../../src/model/config';
import { initialParameters } from '../../src/model/parameters';
import { ReferenceModel } from '../../src/model/reference';

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
const batch = {
  size: 2,
  length: 5,
  tokens: Uint32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 0, 0]),
  lengths: Uint32Array.from([5, 3]),
  lossWeights: new Float32Array(10).fill(0.1),
};
const hyper = {
  step: 1,
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.98,
  eps: 1e-8,
  weightDecay: 0.1,
  maxGradNorm: 1,
};
const generation = {
  prompts: [[1, 2, 3], [4]],
  numGenerations: 2,
  maxNewTokens: 4,
  temperature: 1,
  topK: 3,
  eosToken: 0,
  key: [1, 2] as const,
};

async function someTraining() {
  const model = new ReferenceModel(config, initialParameters(config, 4));
  const { loss, gradNorm } = await model.trainStep([batch], hyper);
  const { gradients } = await model.policyGradients(batch, {
    advantages: [Float32Array.from([1, -1])],
    oldLogps: null,
    referenceLogps: new Float32Array(10).fill(-2),
    beta: 0.1,
    epsilonLow: 0.2,
    epsilonHigh: 0.2,
    temperature: 1,
    klIn: 0,
  });
  const { completions } = await model.generate(generation);
  const result = { backend: model.backend, loss, gradNorm, gradient: gradients[0], completions };
  model.destroy();
  return result;
}

it('trains and generates alike on WASM, the slow path, and on the CPU backend', async () => {
  expect(await useSlowPath()).toBe('wasm');
  const wasm = await someTraining();
  expect(wasm.backend).toBe('wasm');
  await useCpu();
  expect(tf.getBackend()).toBe('cpu');
  const cpu = await someTraining();
  expect(wasm.loss).toBeCloseTo(cpu.loss, 5);
  expect(wasm.gradNorm).toBeCloseTo(cpu.gradNorm, 5);
  expect(wasm.completions).toEqual(cpu.completions);
  cpu.gradient.forEach((value, i) => {
    expect(Math.abs(wasm.gradient[i] - value)).toBeLessThan(1e-4);
  });
});
