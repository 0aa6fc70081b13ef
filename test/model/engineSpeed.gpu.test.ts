import { expect, it } from 'vitest';
import type { BenchShape } from '../../src/model/benchShape';
import { measureEngine, rolloutOptions, stepOperations } from '../../src/model/engineSpeed';
import { Generator } from '../../src/model/generate';
import { createTransformer } from '../../src/model/transformer';
import { testGpu } from '../gpu/harness';

const shape: BenchShape = {
  name: 'test',
  config: {
    vocab_size: 20,
    hidden_size: 16,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    intermediate_size: 24,
    max_position_embeddings: 16,
    rope_theta: 10000,
    rms_norm_eps: 1e-5,
  },
  size: 3,
  length: 10,
};

it('counts the operations of products and of causal attention, forward and twice that backward', () => {
  // Of a layer: q and o 16 × 16, k and v 16 × 8, gate, up and down 16 × 24; logits 16 × 20.
  const weights = 2 * (2 * 256 + 2 * 128 + 3 * 384) + 320;
  let forward = 0;
  for (let sequence = 0; sequence < 3; sequence++)
    for (let query = 0; query < 10; query++) {
      forward += 2 * weights;
      // A query's score and its mixture of values: each a multiply-add for each feature.
      for (let key = 0; key <= query; key++) forward += 2 * (2 * 2 * 16);
    }
  expect(stepOperations(shape)).toBe(3 * forward);
});

it('asks for rollouts that fit the model, and that never end early', () => {
  const { prompts, maxNewTokens, numGenerations, eosToken } = rolloutOptions(shape.config);
  expect([prompts.length, prompts[0].length, numGenerations, maxNewTokens]).toEqual([8, 8, 8, 8]);
  expect(eosToken).toBe(20);
  const long = rolloutOptions({ ...shape.config, max_position_embeddings: 128 });
  expect([long.prompts[0].length, long.maxNewTokens]).toEqual([56, 40]);
});

it('says what a step and a token take, and what memory', async () => {
  const gpu = await testGpu();
  const model = await createTransformer(gpu, shape.config, 1);
  const found = await measureEngine(model, shape);
  const step = await model.training(3, 10);
  const token = await Generator.create(model, {
    ...{ prompts: 8, generations: 8, promptLength: 8, maxNew: 8 },
  });
  expect(found.dispatches_per_step).toBe(
    step.forward.dispatches + step.supervised.dispatches + model.optimizer.dispatches,
  );
  expect(found.dispatches_per_token).toBe(token.decode.dispatches);
  token.destroy();
  expect(found.bytesPlanned).toBe(found.bytesAllocated);
  expect(found.bytesAllocated).toBe(gpu.bytesAllocated);
  expect(found.encode_ms).toBeGreaterThanOrEqual(0);
  expect(found.encode_ms).toBeLessThan(1000);
  expect(found.rollout_tokens_per_s).toBeGreaterThan(0);
  model.destroy();
});

it('ends when it is told so, after what is under way', async () => {
  const gpu = await testGpu();
  const model = await createTransformer(gpu, shape.config, 1);
  const ended = new AbortController();
  const generate = model.generate.bind(model);
  let rollouts = 0;
  model.generate = (options) => {
    rollouts++;
    ended.abort();
    return generate(options);
  };
  await expect(measureEngine(model, shape, ended.signal)).rejects.toThrow(/abort/i);
  expect(rollouts).toBe(1);
  model.destroy();
});
