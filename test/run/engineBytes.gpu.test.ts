/** The budget's count of the engine's lists, against what they allocate: logits whole, and in chunks of the vocabulary. */
import { expect, it } from 'vitest';
import { TUNINGS } from '../../src/gpu/kernels';
import { planTraining, roomOf } from '../../src/model/plans';
import { ScoringStep } from '../../src/model/scoring';
import { Transformer } from '../../src/model/transformer';
import { engineBytes } from '../../src/run/budget';
import { testGpu } from '../gpu/harness';
import { grouped } from '../model/shapes';

/** Bytes of uniforms and of buffers' ends, which the budget leaves out; of a model also metrics and what a norm is summed from. */
const UNCOUNTED = 128;
const OF_MODEL = 1200;

it.each([
  ['whole', 2 ** 30, true, 'portable'],
  ['in chunks', 2 ** 20, false, 'portable'],
  ['whole, weights in f16', 2 ** 30, true, 'tiled-f16'],
] as const)('counts lists whose logits are %s', async (_, bytes, isWhole, kernels) => {
  const gpu = await testGpu();
  const shape = { ...grouped, vocab_size: 4096 };
  const limits = { maxBufferSize: 2 * bytes, maxStorageBufferBindingSize: bytes };
  const model = new Transformer(gpu, shape, TUNINGS[kernels], { room: roomOf(limits) });
  const counted = engineBytes(shape, kernels, limits);
  const step = await model.training(3, 20);
  await model.freezeReference();
  const pools = model.memory().bytesPlanned - step.bytes;
  expect(planTraining(model, 60).columns === shape.vocab_size).toBe(isWhole);
  const scoring = new ScoringStep(model, 1, 20);
  for (const [found, expected, uncounted] of [
    [pools, counted.model, OF_MODEL],
    [step.bytes, counted.training(3, 20), UNCOUNTED],
    [scoring.bytes, counted.scoring(1, 20), UNCOUNTED],
  ]) {
    expect(found).toBeGreaterThanOrEqual(expected);
    expect(found - expected).toBeLessThan(uncounted);
  }
  scoring.destroy();
  model.destroy();
});
