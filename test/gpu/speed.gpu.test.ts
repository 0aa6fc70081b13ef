import { expect, it } from 'vitest';
import { describeAdapter, Gpu } from '../../src/gpu/device';
import { measureSpeed } from '../../src/gpu/speed';
import { freshDevice } from '../adapter';

const SHAPE = { rows: 256, width: 48, columns: 96 };

it('measures a product, dispatches, waits and the processor, and is ended when it is told so', async () => {
  const { device, info } = await freshDevice();
  const gpu = new Gpu(device, describeAdapter(info));
  const speed = await measureSpeed(gpu, SHAPE, new AbortController().signal);
  for (const value of Object.values(speed)) expect(value).toBeGreaterThan(0);
  // A product takes longer than a dispatch that does next to nothing.
  const seconds = (2 * SHAPE.rows * SHAPE.width * SHAPE.columns) / speed.operations;
  expect(seconds).toBeGreaterThan(speed.dispatch);
  expect(gpu.bytesAllocated).toBe(0);
  await expect(measureSpeed(gpu, SHAPE, AbortSignal.abort())).rejects.toThrow(/abort/i);
  expect(gpu.bytesAllocated).toBe(0);
});
