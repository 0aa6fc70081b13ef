import { expect, it } from 'vitest';
import { measureRates } from '../../src/gpu/rates';
import { testGpu } from './harness';

it('measures multiply-adds and products, and frees what it allocated', async () => {
  const gpu = await testGpu();
  const { peak, products } = await measureRates(gpu, { sizes: [64] });
  expect(products.map(({ size }) => size)).toEqual([64]);
  const [{ nt, nn, tn }] = products;
  for (const rate of [peak, nt, nn, tn]) expect(rate).toBeGreaterThan(0);
  expect(gpu.bytesAllocated).toBe(0);
});
