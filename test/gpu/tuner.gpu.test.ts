/** What is chosen on a device: by time alone, once, and without a bit of any result. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import { TUNINGS } from '../../src/gpu/kernels';
import { keyOf, type ProductExtents } from '../../src/gpu/kernels/matmulFamily';
import { type Choices, Tuner } from '../../src/gpu/tuner';
import { createTransformer } from '../../src/model/transformer';
import { wholeGrid } from '../adapter';
import { hyper, multiHead, someBatch, someWeights } from '../model/shapes';
import { testGpu } from './harness';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const nt: ProductExtents = { layout: 'nt', rows: 40, N: 36, K: 16, splits: 1 };
const tn: ProductExtents = { layout: 'tn', rows: 16, N: 36, K: 0, splits: 2 };

/** All the time that a software adapter takes to compile. */
const budget = Number.POSITIVE_INFINITY;

/** A clock by which the n-th plan that is timed takes so long, whatever was asked before. */
function clockOf(times: readonly number[]) {
  const plans: unknown[] = [];
  return {
    plans,
    clock: async (_: Gpu, plan: unknown, runs: number) => {
      if (!plans.includes(plan)) plans.push(plan);
      return times[(plans.length - 1) % times.length] * runs;
    },
  };
}

describe('a tuner', () => {
  // The usual member, which is the smallest square here, then the others in the family's order.
  it.each<[string, number[], string]>([
    ['takes the fastest', [9, 8, 7, 3, 5, 6], '64x64'],
    ['stays with the usual one where another is faster by little', [4, 9, 9, 3.9, 9, 9], '32x32'],
    ['takes the one of few tiles', [9, 8, 7, 6, 3, 5], '64x64:8x4'],
    ['takes the one of few rows', [9, 8, 7, 6, 5, 3], '16x64'],
  ])('%s', async (_name, times, expected) => {
    const { clock, plans } = clockOf(times);
    const tuner = new Tuner(gpu, null, { clock, budget });
    expect(await tuner.choose([nt, tn, nt])).toEqual({ [keyOf(nt)]: expected, [keyOf(tn)]: expected });
    // Six members that do not split k, for two products.
    expect(plans).toHaveLength(12);
    expect(await tuner.choose([tn])).toEqual({ [keyOf(tn)]: expected });
    expect(plans).toHaveLength(12);
  });

  it('asks its shelf first, leaves there what it found, and takes nothing from there that splits k', async () => {
    const { clock, plans } = clockOf([9, 8, 7, 6, 5, 3]);
    const saved: Choices[] = [];
    const other = { ...nt, rows: 44 };
    const kept = { [keyOf(tn)]: '128x64', [keyOf(other)]: '64x64/4' };
    const shelf = {
      load: async () => kept,
      save: async (choices: Choices) => void saved.push({ ...choices }),
    };
    const chosen = await new Tuner(gpu, shelf, { clock, budget }).choose([nt, tn, other]);
    expect(chosen).toEqual({ [keyOf(nt)]: '16x64', [keyOf(tn)]: '128x64' });
    expect(saved).toEqual([{ ...kept, [keyOf(nt)]: '16x64' }]);
    expect(plans).toHaveLength(6);
  });

  it('goes without a shelf that fails, and takes the usual member of what cannot be tried', async () => {
    const { clock } = clockOf([9, 8, 7, 6, 5, 3]);
    const shelf = {
      load: () => Promise.reject(new Error('closed')),
      save: () => Promise.reject(new Error('closed')),
    };
    const huge = { ...nt, rows: 2 ** 30 };
    const chosen = await new Tuner(gpu, shelf, { clock, budget }).choose([huge, nt]);
    expect(chosen).toEqual({ [keyOf(huge)]: '128x128', [keyOf(nt)]: '16x64' });
  });

  it('takes the largest first, and stops when its time is up', async () => {
    const slow = async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return 5;
    };
    const chosen = await new Tuner(gpu, null, { clock: slow }).choose([nt, tn]);
    expect(Object.keys(chosen)).toEqual([keyOf(tn)]);
  });
});

// A second driver, which takes seconds to compile each product, answers alone.
it('changes no bit of training and of answers, whatever it chooses', async () => {
  const batch = someBatch(multiHead, [9, 5], 9);
  const pool = someWeights(multiHead, 4);
  const zeros = new Float32Array(pool.length);
  const generation = {
    ...{ prompts: [[3, 1, 4], [1]], numGenerations: 2, maxNewTokens: 5, temperature: 1, topK: 3 },
    ...{ eosToken: 0, key: [1, 2] as [number, number] },
  };
  const run = async (member: string | null) => {
    const model = await createTransformer(gpu, multiHead, 1, TUNINGS.tiled);
    const asked: string[] = [];
    if (member !== null) {
      const tuner = new Tuner(gpu);
      tuner.choose = async (products) => {
        asked.push(...products.map(keyOf));
        return Object.fromEntries(products.map((product) => [keyOf(product), member]));
      };
      model.tuner = tuner;
    }
    await model.restore({ parameters: pool, moment1: zeros, moment2: zeros });
    const training = wholeGrid ? await model.trainStep([batch], { ...hyper, step: 1 }) : null;
    const answers = await model.generate(generation);
    const { parameters } = await model.snapshot();
    const { members } = model.tuning;
    model.destroy();
    return { bits: { training, answers, parameters: new Uint32Array(parameters.buffer) }, asked, members };
  };
  const usual = await run(null);
  expect(usual.members).toEqual({});
  const products = wholeGrid ? 20 : 5;
  for (const member of wholeGrid ? ['64x64', '16x64'] : ['16x64']) {
    const chosen = await run(member);
    expect(chosen.bits).toEqual(usual.bits);
    // Five matrices: forward, both gradients, and a token's rows.
    expect(new Set(chosen.asked).size).toBe(products);
    expect(Object.values(chosen.members)).toEqual(new Array(products).fill(member));
  }
});
