import { afterEach, describe, expect, it, vi } from 'vitest';
import { isRight, productTable, raceProduct } from '../../src/bench/products';
import { createDawn } from '../../src/browsers/dawn';
import { openGpu } from '../../src/gpu/device';
import { clear } from '../../src/gpu/kernels';
import { FAMILY, nameOf } from '../../src/gpu/kernels/matmulFamily';
import { Plan, submit } from '../../src/gpu/plan';
import { millisecondsOf } from '../../src/gpu/timing';
import { wholeGrid } from '../adapter';
import { testGpu } from '../gpu/harness';
import { matmulNN, matmulNT, matmulTN } from '../gpu/twins';

afterEach(() => vi.restoreAllMocks());

const numbers = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 3 * i));

describe('outputs are held against sums in f64', () => {
  const [rows, N, sum] = [5, 12, 8];
  const values = { a: numbers(rows * sum, 1), b: numbers(N * sum, 2) };
  const twin = {
    nt: matmulNT(values.a, values.b, rows, sum, N),
    nn: matmulNN(values.a, values.b, rows, sum, N),
    tn: matmulTN(values.a, values.b, sum, rows, N),
  };
  it.each(['nt', 'nn', 'tn'] as const)('%s', (layout) => {
    const scene = { layout, rows, N, sum, K: 0, splits: 1, slice: 0, values };
    const right = Float32Array.from(twin[layout]);
    expect(isRight(scene, right)).toBe(true);
    for (const other of ['nt', 'nn', 'tn'] as const)
      if (other !== layout) expect(isRight(scene, Float32Array.from(twin[other]))).toBe(false);
    const last = right.slice();
    last[rows * N - 1] += 1e-3;
    expect(isRight(scene, last)).toBe(false);
    last[rows * N - 1] = Number.NaN;
    expect(isRight(scene, last)).toBe(false);
  });

  it('adds the slices of a product of gradients up', () => {
    const slices = [0.25, 0.75].flatMap((part) => [...twin.tn].map((value) => part * value));
    const scene = { layout: 'tn', rows, N, sum, K: 0, splits: 2, slice: rows * N, values } as const;
    expect(isRight(scene, Float32Array.from(slices))).toBe(true);
    expect(isRight(scene, Float32Array.from(slices.slice(0, rows * N)))).toBe(false);
  });
});

const product = { label: 'down', layout: 'nt', rows: 8, N: 20, K: 64, splits: 1, count: 3 } as const;

it('times every member that is offered and right, takes the first of the fastest, and frees what it allocated', async () => {
  const gpu = await testGpu();
  const add = Plan.prototype.add;
  vi.spyOn(Plan.prototype, 'add').mockImplementation(function (this: Plan, dispatch) {
    const { constants } = dispatch;
    // One member forgets the last four of k.
    const isWrong = constants?.TILE_M === 128 && constants.TILE_N === 64;
    return add.call(this, isWrong ? { ...dispatch, constants: { ...constants, K: 60 } } : dispatch);
  });
  // Milliseconds of a run by member, in the family's order. The second is wrong, so that it is never timed again.
  const costs = [4, 1, 3, 2.5, 2.75, 2, 2];
  const plans: Plan[] = [];
  const raced = await raceProduct(gpu, product, 8, async (_, plan, runs) => {
    submit(gpu, plan);
    if (!plans.includes(plan)) plans.push(plan);
    return runs * costs[plans.indexOf(plan)];
  });
  // 64 holds four steps of 16, and neither four nor eight of 32.
  const ms = { '128x128': 4, '64x64': 3, '64x64:8x4': 2.5, '32x32': 2.75, '16x64': 2, '64x64/4': 2 };
  const told = { label: 'down', key: 'nt 8x20x64', count: 3, size: 8 * 20 * 64, usual: '32x32' };
  expect(raced).toEqual({ ...told, ms, best: '16x64' });
  expect(gpu.bytesAllocated).toBe(0);
});

const LAYOUTS = [
  ['gradients of activations', { label: 'x', layout: 'nn', rows: 8, N: 20, K: 12, count: 1, splits: 1 }],
  ['gradients of weights', { label: 'w', layout: 'tn', rows: 12, N: 20, K: 0, count: 1, splits: 2 }],
] as const;

// Members compile for a second each, so a second driver has one layout.
it.each(wholeGrid ? LAYOUTS : LAYOUTS.slice(0, 1))(
  '%s are laid out as the kernels have them',
  async (_, o) => {
    const gpu = await testGpu();
    const raced = await raceProduct(gpu, o, 8);
    expect(Object.keys(raced.ms)).toEqual(['128x128', '128x64', '64x64', '64x64:8x4', '32x32', '16x64']);
    for (const ms of Object.values(raced.ms)) expect(ms).toBeGreaterThan(0);
    expect(raced.size).toBe(o.layout === 'tn' ? 12 * 20 * 8 : 8 * 20 * 12);
  },
);

it.each(['timed', 'plain'] as const)('measures by the clock that a device has: %s', async (use) => {
  const api = createDawn(process.env.TAIJI_TEST_ADAPTER ?? '');
  const hasClock = (await api.requestAdapter())?.features.has('timestamp-query') ?? false;
  const gpu = await openGpu(api, 'own', use);
  if (gpu === null) throw new Error('no adapter');
  expect(gpu.device.features.has('timestamp-query')).toBe(use === 'timed' && hasClock);
  const out = gpu.createBuffer('out', 256, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
  const plan = new Plan(gpu);
  clear(plan, { out, size: 64 });
  await plan.compile();
  const ms = await millisecondsOf(gpu, plan, 50);
  expect(ms).toBeGreaterThan(0);
  expect(ms).toBeLessThan(60_000);
  gpu.assertHealthy();
  gpu.destroy();
});

it('prints rates, the fastest in bold, what a list would gain, and the choices', () => {
  const usual = {
    list: 'rollouts',
    label: 'logits',
    key: 'nt 64x460x96',
    count: 1,
    size: 1e6,
    usual: '32x32',
  };
  const cut = { list: 'rollouts', label: 'down', key: 'nt 64x96x384', count: 3, size: 2e6, usual: '32x32' };
  const table = productTable('tiny', [
    { ...usual, best: '32x32', ms: { '64x64': 2, '32x32': 1 } },
    { ...cut, best: '32x32/4', ms: { '64x64': 8, '32x32': 2, '32x32/4': 0.0025 } },
  ]);
  const columns = FAMILY.map(nameOf);
  const row = (rates: Record<string, string>) => columns.map((name) => rates[name] ?? '').join(' | ');
  expect(table).toContain(
    `| rollouts: logits | nt 64x460x96 | 32x32 | ${row({ '64x64': '1.0', '32x32': '**2.0**' })} |`,
  );
  expect(table).toContain(
    `| rollouts: down (3) | nt 64x96x384 | 32x32 | ${row({ '64x64': '0.5', '32x32': '2.0', '32x32/4': '**1,600**' })} |`,
  );
  expect(table).toContain('All products of rollouts: 7.000 ms as usual, 1.008 by the fastest.');
  expect(table).toContain('Choices: {"nt 64x96x384":"32x32/4"}');
});
