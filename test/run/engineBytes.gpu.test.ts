/** The budget's count of the engine's lists, against what they allocate: logits whole, and in chunks of the vocabulary. */
import { expect, it } from 'vitest';
import { TUNINGS } from '../../src/gpu/kernels';
import { planTraining, roomOf } from '../../src/model/plans';
import { ScoringStep } from '../../src/model/scoring';
import { Transformer } from '../../src/model/transformer';
import { engineBytes } from '../../src/run/budget';
import { testGpu } from '../gpu/harness';
import { grouped } from '../model/shapes';

/** Bytes of uniforms and of buffers' ends, which the budget leaves out. */
const UNCOUNTED = 128;

it.each([
  ['whole', 2 ** 30, true],
  ['in chunks', 2 ** 20, false],
])('counts lists whose logits are %s', async (_, bytes, isWhole) => {
  const gpu = await testGpu();
  const shape = { ...grouped, vocab_size: 4096 };
  const limits = { maxBufferSize: 2 * bytes, maxStorageBufferBindingSize: bytes };
  const model = new Transformer(gpu, shape, TUNINGS.portable, { room: roomOf(limits) });
  const counted = engineBytes(shape, 'portable', limits);
  const step = await model.training(3, 20);
  expect(planTraining(model, 60).columns === shape.vocab_size).toBe(isWhole);
  const scoring = new ScoringStep(model, 1, 20);
  for (const [found, expected] of [
    [step.bytes, counted.training(3, 20)],
    [scoring.bytes, counted.scoring(1, 20)],
  ]) {
    expect(found).toBeGreaterThanOrEqual(expected);
    expect(found - expected).toBeLessThan(UNCOUNTED);
  }
  scoring.destroy();
  model.destroy();
});
