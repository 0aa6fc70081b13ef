import { expect, it } from 'vitest';
import { measureRates } from '../../src/bench/rates';
import { testGpu } from '../gpu/harness';

it('measures multiply-adds and products, and frees what it allocated', async () => {
  const gpu = await testGpu();
  const { peak, products } = await measureRates(gpu, [64]);
  expect(peak).toBeGreaterThan(0.01);
  expect(products.map(({ size }) => size)).toEqual([64]);
  for (const layout of ['nt', 'nn', 'tn'] as const) {
    expect(products[0][layout]).toBeGreaterThan(0.01);
    // Timers are coarse, but no product outruns the multiply-adds that it is made of twice over.
    expect(products[0][layout]).toBeLessThan(2 * peak);
  }
  expect(gpu.bytesAllocated).toBe(0);
});
