import { beforeAll, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import { adamW, NORM_PARTIALS } from '../../src/gpu/kernels';
import type { AdamWStep } from '../../src/model/config';
import { hyper } from '../model/shapes';
import { adversarial, expectClose, expectFinite, normals, runKernel, stream, testGpu } from './harness';
import * as twins from './twins';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const random = stream('adamw');
type Pools = Record<'parameters' | 'moment1' | 'moment2' | 'gradient', Float32Array<ArrayBuffer>>;

function run(pools: Pools, decayed: number, step: AdamWStep, repeats = 1) {
  const { gradient, ...outputs } = pools;
  const uniform = new Float32Array([
    step.learningRate,
    step.beta1,
    step.beta2,
    step.eps,
    step.weightDecay,
    1 - step.beta1 ** step.step,
    1 - step.beta2 ** step.step,
    Math.min(step.maxGradNorm, 3e38),
  ]);
  return runKernel(
    gpu,
    { ...outputs, partial: NORM_PARTIALS, metrics: 16 },
    (s) =>
      adamW(s.plan, {
        parameters: s.out.parameters,
        moment1: s.out.moment1,
        moment2: s.out.moment2,
        partial: s.out.partial,
        metrics: s.out.metrics,
        gradient: s.input(gradient),
        hyper: s.uniform(uniform),
        size: gradient.length,
        decayed,
      }),
    repeats,
  );
}

const pools = (size: number, draw: typeof normals, moments: boolean): Pools => ({
  parameters: draw(random, size),
  moment1: moments ? draw(random, size) : new Float32Array(size),
  moment2: moments ? draw(random, size).map(Math.abs) : new Float32Array(size),
  gradient: draw(random, size),
});

// Pools smaller than the number of partial sums, and of no round size; the boundary of decay at either end and within.
it.each<[string, number, number, Partial<AdamWStep>]>([
  ['clipped, first step', 257, 101, { maxGradNorm: 1 }],
  ['not clipped', 257, 101, { step: 9, maxGradNorm: 1e3 }],
  ['clipping off', 257, 101, { step: 9, maxGradNorm: Number.POSITIVE_INFINITY }],
  ['four parameters, none decayed', 4, 0, { step: 3, maxGradNorm: 0.01 }],
  ['all decayed', 12_345, 12_345, { step: 1000, weightDecay: 0.5 }],
])('%s', async (_name, size, decayed, change) => {
  const step = { ...hyper, learningRate: 0.3, ...change };
  const data = pools(size, normals, step.step > 1);
  const expected = twins.adamW(data, decayed, step);
  const { parameters, moment1, moment2, metrics } = await run(data, decayed, step);
  expectClose(parameters, expected.parameters);
  expectClose(moment1, expected.moment1);
  expectClose(moment2, expected.moment2);
  expectClose(metrics.subarray(8, 10), [expected.gradNorm, expected.clip]);
  expect(expected.clip < 1).toBe(step.maxGradNorm <= 1);
  // The loss's sums are not the optimiser's.
  expect([...metrics.subarray(0, 8)].every(Number.isNaN)).toBe(true);
});

it('counts every gradient of a large pool once', async () => {
  // Runs of 1,000: of 64 threads 40 take sixteen gradients at once, and 24 take fifteen one by one. Sums of whole numbers are exact.
  const size = 256 * 999 + 7;
  const gradient = Float32Array.from({ length: size }, (_, i) => (i * 7919) % 5);
  const squares = gradient.reduce((sum, value) => sum + value ** 2, 0);
  const zeros = new Float32Array(size);
  const { metrics } = await run({ parameters: zeros, moment1: zeros, moment2: zeros, gradient }, 0, hyper);
  expect(metrics[8]).toBe(Math.fround(Math.sqrt(squares)));
});

it('a gradient of zero moves nothing but by decay', async () => {
  const data = { ...pools(257, normals, false), gradient: new Float32Array(257) };
  const { parameters, metrics } = await run(data, 101, hyper);
  expect(metrics[8]).toBe(0);
  expect(parameters.subarray(101)).toEqual(data.parameters.subarray(101));
  expectClose(parameters, twins.adamW(data, 101, hyper).parameters, 1e-6);
});

it('is equal to the bit in twenty runs', async () => {
  const data = pools(257, adversarial, true);
  const out = await run({ ...data, moment2: data.moment2.map(Math.abs) }, 101, { ...hyper, step: 5 }, 20);
  expectFinite(out.parameters);
  expectFinite(out.moment2);
});
