/** A device is measured while nobody trains, and whoever trains does not wait for it. */
import { expect, it } from 'vitest';
import { memoryStore } from '../../src/store/memory';
import type { MeasureDevice } from '../../src/worker/measuring';
import { createTrainer } from '../../src/worker/trainService';
import { minusculeConfig, openCpu } from '../run/tinyRun';

const SHAPE = { rows: 64, width: 8, columns: 16 };
const SPEED = { operations: 1, dispatch: 1, wait: 1, processor: 1 };

/** A trainer whose runs end when the test says so, on a device that is measured as long as nobody ends it. */
function opened(measureDevice: MeasureDevice) {
  let end: (error: Error) => void = () => {};
  const trainer = createTrainer({
    openStore: async () => ({ store: memoryStore(), problem: null }),
    openDevice: openCpu,
    describeDevice: async () => ({ device: (await openCpu()).info, warning: null }),
    measureDevice,
    pipeline: () =>
      new Promise((_resolve, reject) => {
        end = reject;
      }),
  });
  return { trainer, end: () => end(new Error('over')) };
}

it('is ended by a run that begins, which does not wait for it', async () => {
  let isEnded = false;
  const { trainer, end } = opened(
    (_shape, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          isEnded = true;
          // The command under way takes its time.
          setTimeout(reject, 50);
        });
      }),
  );
  const measured = trainer.measure(SHAPE);
  const run = trainer.start(minusculeConfig(), null, () => {});
  expect(isEnded).toBe(true);
  expect(await measured).toBeNull();
  // Nor is it begun while the run is on.
  expect(await trainer.measure(SHAPE)).toBeNull();
  end();
  await expect(run).rejects.toThrow('over');
});

it('tells what was measured, and nothing of a device that cannot be', async () => {
  const shapes: unknown[] = [];
  const { trainer } = opened(async (shape) => {
    shapes.push(shape);
    return SPEED;
  });
  expect(await trainer.measure(SHAPE)).toEqual(SPEED);
  expect(shapes).toEqual([SHAPE]);
  const broken = opened(async () => {
    throw new Error('no such limits');
  });
  expect(await broken.trainer.measure(SHAPE)).toBeNull();
});
