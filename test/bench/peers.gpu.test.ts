import { expect, it } from 'vitest';
import { jaxPeer, tensorFlowPeer } from '../../src/bench/peers';
import { createDawn } from '../../src/browsers/dawn';
import type { ModelConfig } from '../../src/model/config';
import { initialParameters } from '../../src/model/parameters';
import { testDevice } from '../adapter';

const config: ModelConfig = {
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
const peerCase = {
  config,
  pool: initialParameters(config, 4),
  batch: {
    size: 3,
    length: 5,
    tokens: Uint32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 9, 10, 11, 12, 1]),
    lengths: Uint32Array.from([5, 3, 5]),
    lossWeights: new Float32Array(15).fill(0.1),
  },
  hyper: {
    step: 1,
    learningRate: 0.01,
    beta1: 0.9,
    beta2: 0.98,
    eps: 1e-8,
    weightDecay: 0.1,
    maxGradNorm: 0.5,
  },
};

it('the peers compute the same losses: model, clipping and AdamW are the same', async () => {
  const { device, info } = await testDevice();
  const tensorFlow = await tensorFlowPeer(device, info, peerCase);
  const jax = await jaxPeer(peerCase, createDawn(process.env.TAIJI_TEST_ADAPTER ?? ''));
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) {
    losses.push(await tensorFlow.step());
    expect(await jax.step()).toBeCloseTo(losses[step], 4);
  }
  expect(losses[2]).toBeLessThan(losses[0]);
  tensorFlow.dispose();
  jax.dispose();
  // jax-js makes a shader for every fused expression, and software adapters compile them slowly.
}, 300_000);
