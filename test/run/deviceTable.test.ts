import { expect, it } from 'vitest';
import { type DeviceTable, deviceRows, markdownOf } from '../../src/run/deviceTable';

const TABLE: DeviceTable = {
  adapter: 'vendor | chip',
  kernels: 'tiled k9',
  app: '1.2.3',
  peak: 2000,
  products: [{ size: 256, rate: 500 }],
  shapes: [
    { name: 'tiny', step: 1.25, rate: 50, trained: 400_000.4, sampled: 12_345 },
    { name: 'small', step: 123.4, rate: 5, trained: 8_000, sampled: 999 },
  ],
};

it('tells of every number what it is, and of rates their share of the peak', () => {
  expect(deviceRows(TABLE)).toEqual([
    ['Adapter', 'vendor | chip'],
    ['Kernels', 'tiled k9'],
    ['Version', '1.2.3'],
    ['Multiply-adds alone, GFLOP/s', '2,000'],
    ['Products of 256, GFLOP/s', '500 (25 %)'],
    ['Training step of tiny, ms', '1.3'],
    ['Its GFLOP/s (tiny)', '50.0 (2.5 %)'],
    ['Tokens/s trained (tiny)', '400,000'],
    ['Tokens/s sampled (tiny)', '12,345'],
    ['Training step of small, ms', '123'],
    ['Its GFLOP/s (small)', '5.0 (0.3 %)'],
    ['Tokens/s trained (small)', '8,000'],
    ['Tokens/s sampled (small)', '999'],
  ]);
});

it('is a Markdown table of one row with its header, whatever the adapter is called', () => {
  const [header, rule, row, rest] = markdownOf(TABLE).split('\n');
  const cells = (line: string) => line.slice(2, -2).split(/ (?<!\\)\| /);
  expect(cells(header)).toEqual(deviceRows(TABLE).map(([label]) => label));
  expect(cells(rule)).toHaveLength(13);
  expect(cells(row)).toEqual(deviceRows(TABLE).map(([, value]) => value.replace('|', '\\|')));
  expect(rest).toBe('');
});
