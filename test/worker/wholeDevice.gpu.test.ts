/** All of a real adapter: what the page shows of it, and that it ends where it is told to. */
import { expect, it } from 'vitest';
import { createDawn } from '../../src/browsers/dawn';
import { KERNELS_VERSION } from '../../src/gpu/kernels/tuning';
import { PRESET_SHAPES } from '../../src/model/benchShape';
import { stepOperations } from '../../src/model/engineSpeed';
import { APP_VERSION } from '../../src/run/version';
import { measureWholeDevice } from '../../src/worker/wholeDevice';
import '../adapter';

const api = createDawn(process.env.TAIJI_TEST_ADAPTER ?? '');

it('measures the peak, products and both shapes, each after it has said so', async () => {
  const parts: string[] = [];
  const found = await measureWholeDevice((part) => parts.push(part), new AbortController().signal, api);
  expect(parts).toEqual(['products', 'tiny', 'small']);
  expect(found.adapter).not.toBe('');
  expect(found.kernels).toMatch(new RegExp(`^(portable|tiled) ${KERNELS_VERSION}$`));
  expect(found.app).toBe(APP_VERSION);
  expect(found.peak).toBeGreaterThan(0);
  expect(found.products[0].size).toBe(256);
  expect(found.products[0].rate).toBeGreaterThan(0);
  expect(found.shapes.map(({ name }) => name)).toEqual(['tiny', 'small']);
  for (const [index, { step, rate, trained, sampled }] of found.shapes.entries()) {
    const { size, length } = PRESET_SHAPES[index];
    expect(rate).toBeCloseTo(stepOperations(PRESET_SHAPES[index]) / step / 1e6, 6);
    expect(trained).toBeCloseTo((1000 * size * length) / step, 6);
    expect(sampled).toBeGreaterThan(0);
  }
});

it('ends after the command under way', async () => {
  const ended = new AbortController();
  const parts: string[] = [];
  const measured = measureWholeDevice(
    (part) => {
      parts.push(part);
      ended.abort();
    },
    ended.signal,
    api,
  );
  await expect(measured).rejects.toThrow(/abort/i);
  expect(parts).toEqual(['products']);
});
