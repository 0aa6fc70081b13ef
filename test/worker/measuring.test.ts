/** A device is measured while nobody trains, and whoever trains does not wait for it. */
import { expect, it } from 'vitest';
import type { DeviceTable } from '../../src/run/deviceTable';
import { memoryStore } from '../../src/store/memory';
import { createMeasuring, type MeasureDevice, type MeasureWhole } from '../../src/worker/measuring';
import { createTrainer } from '../../src/worker/trainService';
import { minusculeConfig, openCpu } from '../run/tinyRun';

const SHAPE = { rows: 64, width: 8, columns: 16 };
const SPEED = { operations: 1, dispatch: 1, wait: 1, processor: 1 };

/** A trainer whose runs end when the test says so, on a device that is measured as long as nobody ends it. */
function opened(measureDevice: MeasureDevice, measureWhole?: MeasureWhole) {
  let end: (error: Error) => void = () => {};
  const trainer = createTrainer({
    openStore: async () => ({ store: memoryStore(), problem: null }),
    openDevice: openCpu,
    describeDevice: async () => ({ device: (await openCpu()).info, warning: null }),
    measureDevice,
    measureWhole,
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

const TABLE: DeviceTable = { adapter: 'a', kernels: 'k', app: '1', peak: 1, products: [], shapes: [] };
/** Measures until somebody ends it. */
const endless: MeasureWhole = (onPart, signal) =>
  new Promise((_resolve, reject) => {
    onPart('products');
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason), 20));
  });

it('measures all of the device for whoever asks, who may end it, and is told what goes wrong', async () => {
  const parts: string[] = [];
  const { trainer } = opened(
    async () => SPEED,
    async (onPart) => {
      for (const part of ['products', 'tiny', 'small'] as const) onPart(part);
      return TABLE;
    },
  );
  expect(await trainer.measureWhole((part) => parts.push(part))).toEqual(TABLE);
  expect(parts).toEqual(['products', 'tiny', 'small']);
  const slow = opened(async () => SPEED, endless).trainer;
  const begun = new Promise<void>((resolve) => {
    void slow
      .measureWhole(() => resolve())
      .then((found) => {
        parts.push(`ended: ${found}`);
      });
  });
  await begun;
  await slow.endMeasuring();
  await expect.poll(() => parts.at(-1)).toBe('ended: null');
  const broken = opened(
    async () => SPEED,
    async () => {
      throw new Error('This browser offers no GPU.');
    },
  ).trainer;
  await expect(broken.measureWhole(() => {})).rejects.toThrow('offers no GPU');
});

it('refuses it in a sentence while a run is on, and a run that begins ends it', async () => {
  let begin: () => void = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const { trainer, end } = opened(async () => SPEED, endless);
  const measured = trainer.measureWhole(() => begin());
  await begun;
  const run = trainer.start(minusculeConfig(), null, () => {});
  expect(await measured).toBeNull();
  await expect(trainer.measureWhole(() => {})).rejects.toThrow(/^A run is on, so .+\.$/);
  end();
  await expect(run).rejects.toThrow('over');
});

it('measures one thing at a time: the short one is waited for, and waits', async () => {
  const order: string[] = [];
  const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
  const measuring = createMeasuring(
    () => true,
    async () => {
      order.push('short begins');
      await pause();
      order.push('short ends');
      return SPEED;
    },
    async () => {
      order.push('whole begins');
      await pause();
      order.push('whole ends');
      return TABLE;
    },
  );
  const first = measuring.measure(SHAPE);
  const whole = measuring.measureWhole(() => {});
  await first;
  const second = measuring.measure(SHAPE);
  expect(await Promise.all([first, whole, second])).toEqual([SPEED, TABLE, SPEED]);
  const one = (name: string) => [`${name} begins`, `${name} ends`];
  expect(order).toEqual([...one('short'), ...one('whole'), ...one('short')]);
});
