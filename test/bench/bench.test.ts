import { expect, test } from 'vitest';
import { benchShape, measure, type Peer } from '../../src/bench/core';
import { benchTable } from '../../src/bench/table';
import { benchBatch, PRESET_SHAPES } from '../../src/model/benchShape';
import { median } from '../../src/numeric/median';

test('median of odd and even counts, in any order', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test('peers take turns, the first steps do not count, and a slow machine is slow for all', async () => {
  let now = 0;
  const turns: string[] = [];
  const peer = (name: string, cost: number): Peer => {
    let step = 0;
    return {
      step: async () => {
        turns.push(name);
        // The first two steps compile; later the whole machine slows down.
        now += (step++ < 2 ? 1000 : cost) * (now > 2600 ? 3 : 1);
        return 1;
      },
      dispose: () => undefined,
    };
  };
  const peers = new Map([
    ['ours', peer('ours', 10)],
    ['tfjs', peer('tfjs', 60)],
  ] as const);
  const result = await measure(peers, { rounds: 3, turn: 20, clock: () => now });
  expect(turns.slice(0, 4)).toEqual(['ours', 'ours', 'tfjs', 'tfjs']);
  // 30 ms a step on a machine that is three times too slow: a turn of 20 ms is one step.
  expect(turns.slice(4)).toEqual(['ours', 'tfjs', 'ours', 'tfjs', 'ours', 'tfjs']);
  expect(result.get('tfjs')!.ms / result.get('ours')!.ms).toBe(6);
  expect(result.get('ours')!.losses).toEqual([1, 1, 1, 1, 1]);
});

test('a fast peer takes several steps in its turn', async () => {
  let now = 0;
  let steps = 0;
  const fast: Peer = {
    step: async () => {
      steps++;
      now += 1;
      return 2;
    },
    dispose: () => undefined,
  };
  await measure(new Map([['ours', fast]] as const), { rounds: 2, turn: 5, clock: () => now });
  expect(steps).toBe(2 + 2 * 5);
});

test('a loss that is not a number fails the benchmark', async () => {
  const broken: Peer = { step: async () => Number.NaN, dispose: () => undefined };
  await expect(measure(new Map([['jax', broken]] as const), { rounds: 1, turn: 0 })).rejects.toThrow(
    /loss of jax is NaN/,
  );
});

test('the page measures shapes that the presets come to', async () => {
  expect(PRESET_SHAPES.map(({ name }) => name)).toEqual(['tiny', 'small']);
  for (const shape of PRESET_SHAPES) expect(await benchShape(shape.name)).toEqual(shape);
});

test('shapes and their batches', async () => {
  const shape = await benchShape('small');
  const batch = benchBatch(shape);
  expect(batch.tokens).toHaveLength(shape.size * shape.length);
  expect(Math.max(...batch.tokens)).toBeLessThan(shape.config.vocab_size);
  const used = Array.from(batch.lossWeights).filter((_, i) => i % shape.length !== 0);
  expect(used.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
  await expect(benchShape('huge')).rejects.toThrow(/no shape huge/);
});

test('the table names the peak, and products as shares of it', () => {
  const table = benchTable({
    adapter: 'a GPU',
    machine: 'a machine',
    kernels: { variant: 'tiled', version: 'k9' },
    rates: { peak: 2000, products: [{ size: 1024, nt: 1000, nn: 1300, tn: 500 }] },
    cases: [
      {
        name: 'small',
        ...{ ours_ms: 2, f16_ms: 1, tfjs_ms: 20, jax_ms: null },
        operations: 4e9,
        tokens: 1024,
        engine: {
          dispatches_per_step: 76,
          dispatches_per_token: 19,
          encode_ms: 0.375,
          rollout_tokens_per_s: 45_678.9,
          bytesPlanned: 3 * 2 ** 20,
          bytesAllocated: 4 * 2 ** 20,
        },
        f16_engine: null,
      },
      {
        name: 'large',
        ...{ ours_ms: null, f16_ms: null, tfjs_ms: null, jax_ms: 31 },
        operations: 1,
        tokens: 1,
        engine: null,
        f16_engine: null,
      },
    ],
    dispatches_per_step: 66,
    layers: 2,
    js_ms_per_step: null,
    rollout_tokens_per_s: 1000,
    over_fixed: {},
    bytesPlanned: 2 ** 20,
    bytesAllocated: 2 ** 20,
  });
  expect(table).toContain('registers alone: 2,000 GFLOP/s');
  expect(table).toContain('| 1024 | 1,000 (50 %) | 1,300 (65 %) | 500 (25 %) |');
  // 4e9 operations in 2 ms are 2,000 GFLOP/s, which is the peak, and 1,024 tokens in as long 512,000 a second.
  expect(table).toContain(
    '| small | 2.0 ms | 20.0 ms (10.0×) |  |  | 2,000 | 100.0 % | 512,000 | 45,679 | 76 | 19 | 0.38 ms | 3.0 | 4.0 |\n' +
      '| small, weights in f16 | 1.0 ms |  |  |  | 4,000 | 200.0 % | 1,024,000 |  |  |  |  |  |  |\n' +
      '| large |  |  | 31.0 ms |  |  |  |  |  |  |  |  |  |  |\n',
  );
  expect(table).toContain('a GPU; a machine; tiled kernels k9');
  const widths = table
    .split('\n')
    .filter((line) => /^\| (shape|---|small|small, .*|large) /.test(line) && line.split('|').length > 6)
    .map((line) => line.split('|').length);
  expect(widths).toEqual([16, 16, 16, 16, 16]);
});
