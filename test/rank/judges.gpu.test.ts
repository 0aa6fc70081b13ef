import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { readSentenceFiles } from '../../src/commands/sentenceFiles';
import { type StageHooks, UNKEPT } from '../../src/control/hooks';
import { generateWorld } from '../../src/data/world';
import { useCpu, useDevice } from '../../src/gpu/tfjs';
import { trainEncoder } from '../../src/rank/encoder';
import { trainRanker } from '../../src/rank/ranker';
import { embedSentences } from '../../src/rank/sentenceEncoder';
import { TargetAttention } from '../../src/rank/targetAttention';
import { testDevice } from '../adapter';
import { cutAt } from '../run/stages/cut';

// A software adapter compiles some dozens of tfjs shaders first.
const TIMEOUT = 240_000;
const hooks = { gate: async () => 'go' as const };

it(
  'ranker and encoder give the same bits on TensorFlow.js over WebGPU, wherever they are cut off',
  async () => {
    const { device, adapter } = await testDevice();
    await useDevice(device, adapter.info);
    const world = await generateWorld({
      world: 'tradeoff',
      seed: 5,
      numL1: 2,
      itemsPerL3: 2,
      numUsers: 120,
      numHeldoutUsers: 20,
    });
    const run = async (hooks: StageHooks) => {
      const options = { steps: 3, batchSize: 32, learningRate: 0.01, embeddingSize: 4, attended: 2 };
      const { gate, work = UNKEPT } = hooks;
      const judged = await work.part('ranker', async (own) => {
        const ranker = await trainRanker(world, options, 1, { gate, work: own });
        const table = await ranker.rewardTable(world.splits.test);
        ranker.dispose();
        return { losses: ranker.losses, auc: ranker.auc, table };
      });
      const encoder = await trainEncoder(world, { steps: 3, embeddingSize: 8 }, 1, hooks);
      return { ...judged, words: encoder.wordVectors, error: encoder.losses };
    };
    const first = await run({ gate: async () => 'go' });
    expect(first.losses.every((loss) => Number.isFinite(loss) && loss > 0)).toBe(true);
    expect(Math.max(...first.table)).toBe(1);
    // Within the ranker's training, its table, and the encoder's training.
    const { result, passed } = await cutAt([2, 2, 2], run);
    expect(result).toEqual(first);
    expect(passed).toHaveLength(4);
  },
  TIMEOUT,
);

it(
  'target attention and the sentence encoder say over WebGPU what they say in plain JavaScript',
  async () => {
    const files = await readSentenceFiles();
    const wave = (...shape: number[]) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return tf.tensor(
        Float32Array.from({ length }, (_, i) => Math.sin(1 + 1.7 * i)),
        shape,
      );
    };
    const run = async () => {
      const attention = new TargetAttention(3, 4, (_, rows, columns) =>
        tf.tidy(() => tf.variable(wave(rows, columns) as tf.Tensor2D)),
      );
      const logits = tf.tidy(() =>
        [wave(1, 7, 4), wave(2, 1, 4)].flatMap((targets) =>
          attention.logits(wave(6, 4) as tf.Tensor2D, targets as tf.Tensor3D),
        ),
      );
      const numbers: number[] = [];
      for (const logit of logits) numbers.push(...(await logit.data()));
      tf.dispose([...logits, ...Object.values(attention.weights)]);
      return [...numbers, ...(await embedSentences(files, ['baby crib', 'soft blanket', 'x'], hooks))];
    };
    const { device, adapter } = await testDevice();
    await useDevice(device, adapter.info);
    const onGpu = await run();
    await useCpu();
    const onCpu = await run();
    expect(onGpu).toHaveLength(2 * 14 + 2 * 2 + 3 * 512);
    expect(Math.max(...onGpu.map((value, i) => Math.abs(value - onCpu[i])))).toBeLessThan(1e-4);
  },
  TIMEOUT,
);
