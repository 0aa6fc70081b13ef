import { expect, test } from 'vitest';
import { useSlowPath } from '../../src/gpu/tfjs';
import { initialParameters } from '../../src/model/parameters';
import { ReferenceModel } from '../../src/model/reference';

const config = {
  vocab_size: 13,
  hidden_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  intermediate_size: 17,
  max_position_embeddings: 16,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
};

test('without WebGPU a model trains and generates on WASM in a browser', async () => {
  expect(await useSlowPath()).toBe('wasm');
  const model = new ReferenceModel(config, initialParameters(config, 1));
  const batch = {
    size: 2,
    length: 4,
    tokens: Uint32Array.from([1, 2, 3, 4, 5, 6, 7, 0]),
    lengths: Uint32Array.from([4, 3]),
    lossWeights: new Float32Array(8).fill(0.2),
  };
  const hyper = { learningRate: 0.02, beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0, maxGradNorm: 1 };
  const losses: number[] = [];
  for (let step = 1; step <= 5; step++)
    losses.push((await model.trainStep([batch], { ...hyper, step })).loss);
  expect(losses[4]).toBeLessThan(losses[0]);
  const { completions } = await model.generate({
    prompts: [[1, 2]],
    numGenerations: 2,
    maxNewTokens: 3,
    temperature: 0,
    topK: 0,
    eosToken: 0,
    key: [1, 2],
  });
  expect(completions[0]).toEqual(completions[1]);
  model.destroy();
});
