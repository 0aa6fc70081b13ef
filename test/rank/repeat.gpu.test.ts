import { expect, it } from 'vitest';
import { generateWorld } from '../../src/data/world';
import { useDevice } from '../../src/gpu/tfjs';
import { trainEncoder } from '../../src/rank/encoder';
import { trainRanker } from '../../src/rank/ranker';
import { testDevice } from '../adapter';

// A software adapter compiles some dozens of tfjs shaders first.
const TIMEOUT = 240_000;
const hooks = { gate: async () => 'go' as const };

it(
  'ranker and encoder give the same bits twice on TensorFlow.js over WebGPU',
  async () => {
    const { device, adapter } = await testDevice();
    await useDevice(device, adapter.info);
    const world = await generateWorld({
      world: 'tradeoff',
      seed: 5,
      num_l1: 2,
      items_per_l3: 2,
      num_users: 120,
      num_heldout_users: 20,
    });
    const run = async () => {
      const options = { steps: 3, batch_size: 32, learning_rate: 0.01, embedding_size: 4, attended: 2 };
      const ranker = await trainRanker(world, options, 1, hooks);
      const table = await ranker.rewardTable(world.splits.test);
      ranker.dispose();
      const encoder = await trainEncoder(world, { steps: 3, embedding_size: 8 }, 1, hooks);
      return {
        losses: ranker.losses,
        auc: ranker.auc,
        table,
        words: encoder.wordVectors,
        error: encoder.losses,
      };
    };
    const first = await run();
    expect(first.losses.every((loss) => Number.isFinite(loss) && loss > 0)).toBe(true);
    expect(Math.max(...first.table)).toBe(1);
    expect(await run()).toEqual(first);
  },
  TIMEOUT,
);
