import { beforeAll, describe, expect, it } from 'vitest';
import { BufferTable } from '../../src/gpu/bufferTable';
import { describeAdapter, Gpu } from '../../src/gpu/device';
import { Plan, submit } from '../../src/gpu/plan';
import { Random } from '../../src/numeric/random';
import {
  type Aggregation,
  computeAdvantages,
  objectiveAdvantages,
  type ScaleRewards,
} from '../../src/popo/advantages';
import { GradientAlignment } from '../../src/popo/kernels/gradientAlignment';
import { RewardWeighting } from '../../src/popo/kernels/rewardWeighting';
import { aggregationOf } from '../../src/popo/options';
import { RULES, ruleOf, WEIGHTINGS, type Weighting } from '../../src/popo/rules';
import { groupStatistics } from '../../src/popo/rules/popoLight';
import type { Held } from '../../src/popo/rules/rule';
import { clipGram, influences, nextWeights } from '../../src/popo/weighting';
import { testDevice } from '../adapter';
import vectors from '../vectors/popo.json';

let gpu: Gpu;
beforeAll(async () => {
  const { device, info } = await testDevice();
  gpu = new Gpu(device, describeAdapter(info));
});

const read = async (buffer: GPUBuffer, floats: number) =>
  new Float32Array(await gpu.read(buffer, 0, floats * 4));

/** What a kernel does not write is seen: every output starts as NaN. */
const poison = (buffer: GPUBuffer) =>
  gpu.device.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(Number.NaN));

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5, scale = 1) {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]) / (scale + Math.abs(expected[i]));
    if (!(error < tolerance)) expect.fail(`[${i}] is ${actual[i]}, not ${expected[i]} (off by ${error})`);
  }
}

const softmax = (random: Random, K: number) => {
  const raw = Array.from({ length: K }, () => 0.1 + random.uniform());
  const total = raw.reduce((a, b) => a + b, 0);
  return Array.from(Float32Array.from(raw, (value) => value / total));
};

/** Rewards in [−.5, 1) with some groups wholly equal, some rewards wholly equal, and exact ties. */
function adversarialRewards(random: Random, P: number, G: number, K: number): Float32Array {
  const rewards = new Float32Array(P * G * K);
  for (let p = 0; p < P; p++) {
    const flat = random.chance(0.25);
    for (let k = 0; k < K; k++) {
      const constant = flat || random.chance(0.2) ? random.uniform() : null;
      const negative = random.chance(0.2);
      for (let g = 0; g < G; g++) {
        const value = random.chance(0.2) ? 0 : random.int(64) / 64 - (negative ? 0.5 : 0);
        rewards[(p * G + g) * K + k] = constant ?? value;
      }
    }
  }
  return rewards;
}

interface Case {
  P: number;
  G: number;
  K: number;
  weighting: Weighting;
  aggregation: Aggregation;
  scale: ScaleRewards;
  /** 0 where left out. */
  least?: number;
  maxNorm?: number;
  /** .1 where left out. */
  eta?: number;
  /** The last reward at .4 where left out. */
  held?: Held;
}

/** What is told of rules by correlation and constraint; targets that some rewards reach and some do not. */
const told = ({ K, held }: Case) => ({
  correlationRate: 0.7,
  correlationTarget: 0.5,
  constraint: held ?? { reward: K - 1, level: 0.4, step: 3 },
});

async function runWeighting(test: Case, rewards: Float32Array, weights: number[], gram: Float32Array) {
  const { P, G, K } = test;
  const table = new BufferTable(gpu, 'test');
  const kernels = new RewardWeighting(table, { groups: P, groupSize: G, numRewards: K });
  const advantages = kernels.advantagesOf(K).buffer;
  poison(advantages);
  poison(kernels.statistics);
  kernels.configure(
    {
      weighting: test.weighting,
      etaOverMu: test.eta ?? 0.1,
      scaleRewards: test.scale,
      aggregation: test.aggregation,
      objectiveMaxNorm: test.maxNorm ?? 0,
      minWeight: test.least ?? 0,
      ...told(test),
    },
    { gram: true, influence: false, weighs: 'gram' },
  );
  gpu.device.queue.writeBuffer(kernels.rewards, 0, Float32Array.from(rewards));
  gpu.device.queue.writeBuffer(kernels.weights, 0, Float32Array.from(weights));
  gpu.device.queue.writeBuffer(kernels.gram, 0, Float32Array.from(gram));
  const plan = new Plan(gpu);
  kernels.addObjectiveAdvantages(plan);
  kernels.addWeigh(plan);
  await plan.compile();
  submit(gpu, plan);
  const all = await read(advantages, advantages.size / 4);
  const result = {
    vectors: Array.from({ length: K + 1 }, (_, k) => {
      const { offset, size } = kernels.advantagesOf(k);
      return all.slice(offset / 4, (offset + size) / 4);
    }),
    weights: await read(kernels.weights, K),
    statistics: kernels.readStatistics(await read(kernels.statistics, 5 * K)),
  };
  table.destroy();
  return result;
}

function randomCase(random: Random, test: Case) {
  const { P, G, K } = test;
  const rewards = adversarialRewards(random, P, G, K);
  const weights = softmax(random, K);
  // A Gram matrix of real vectors, of the size gradients have.
  const gradients = Array.from({ length: K }, () => Array.from({ length: 12 }, () => random.normal()));
  const gram = Float32Array.from(
    gradients.flatMap((a) => gradients.map((b) => a.reduce((sum, value, i) => sum + value * b[i], 0))),
  );
  return { rewards, weights, gram };
}

function expected(test: Case, rewards: Float32Array, weights: number[], gram: Float32Array) {
  const { G, K } = test;
  const clipped = clipGram(gram, K, test.maxNorm ?? 0);
  const influence = influences(clipped, K);
  const { weighting } = test;
  const measured = { gram: clipped, influence, etaOverMu: test.eta ?? 0.1 };
  const evidence = { weights, rewards, groupSize: G, ...measured, ...told(test) };
  const next = nextWeights(ruleOf(weighting), evidence, test.least ?? 0);
  const options = {
    groupSize: G,
    weights: next,
    scaleRewards: test.scale,
    aggregation: aggregationOf(test),
  };
  return {
    influence,
    next,
    objectives: objectiveAdvantages(rewards, options),
    combined: computeAdvantages(rewards, options),
    statistics: groupStatistics(rewards, G, K),
  };
}

const KINDS: [Aggregation, ScaleRewards][] = [
  ['sum_then_normalize', 'group'],
  ['sum_then_normalize', 'batch'],
  ['sum_then_normalize', 'none'],
  ['normalize_then_sum', 'group'],
  ['sum_of_advantages', 'group'],
  ['sum_of_advantages', 'batch'],
  ['multiply_then_normalize', 'group'],
  ['multiply_then_normalize', 'batch'],
  ['multiply_then_normalize', 'none'],
];

/** Of what does not depend on the rule: each way of combining, once. */
const FEW_KINDS = KINDS.filter((_, at) => at % 3 === 1);

/** One rule of each branch of the shader: those whose weights stay share one. */
const BRANCHES = RULES.filter(({ kernel }, at) => RULES.findIndex((rule) => rule.kernel === kernel) === at);

describe('reward_weighting', () => {
  for (const { name: weighting, needs } of BRANCHES) {
    const isNew = weighting === 'correlation' || weighting === 'constraint';
    for (const [aggregation, scale] of isNew ? FEW_KINDS : KINDS) {
      it(`agrees with the pure functions: ${weighting}, ${aggregation}, ${scale}`, async () => {
        const random = new Random(7, `weighting ${weighting} ${aggregation} ${scale}`);
        for (const K of [1, 2, 3, 4]) {
          for (const G of [1, 2, 7, 16]) {
            const test = { P: 1 + 2 * random.int(4), G, K, weighting, aggregation, scale };
            const { rewards, weights, gram } = randomCase(random, test);
            const want = expected(test, rewards, weights, gram);
            const got = await runWeighting(test, rewards, weights, gram);
            expectClose(got.weights, want.next);
            expectClose(got.vectors[K], want.combined);
            for (let k = 0; k < K; k++) expectClose(got.vectors[k], want.objectives[k]);
            expectClose(got.statistics.weightsBefore, weights);
            expectClose(got.statistics.weightsAfter, want.next);
            expectClose(got.statistics.mean, want.statistics.mean);
            expectClose(got.statistics.std, want.statistics.std);
            expectClose(
              got.statistics.influence,
              needs === 'influence' ? want.influence : weights.map(() => 0),
            );
          }
        }
      });
    }
  }

  it.each(Array.from({ length: 15 }, (_, i) => i + 2))('agrees with them in groups of %i', async (G) => {
    const random = new Random(7, 'group size', G);
    for (const K of [1, 2, 3]) {
      for (const { name: weighting } of RULES) {
        const [aggregation, scale] = random.pick(KINDS);
        const test = { P: 1 + random.int(5), G, K, weighting, aggregation, scale };
        const { rewards, weights, gram } = randomCase(random, test);
        const want = expected(test, rewards, weights, gram);
        const got = await runWeighting(test, rewards, weights, gram);
        expectClose(got.weights, want.next);
        expectClose(got.vectors[K], want.combined);
        for (let k = 0; k < K; k++) expectClose(got.vectors[k], want.objectives[k]);
      }
    }
  });

  const plain = { P: 1, weighting: 'fixed', aggregation: 'sum_then_normalize', scale: 'group' } as const;

  vectors.advantages.forEach(({ rewards, weights, groupSize: G, advantages, popoLightPerGroup }, index) => {
    const K = weights.length;
    const sizes = { P: rewards.length / G, G, K };
    const noGram = new Float32Array(K * K);
    it.each(Object.entries(advantages))(`gives the advantages of vector ${index}, %s`, async (name, want) => {
      const [aggregation, scale = 'group'] = name.split('/') as [Aggregation, ScaleRewards?];
      const test: Case = { ...plain, ...sizes, aggregation, scale };
      const got = await runWeighting(test, Float32Array.from(rewards.flat()), weights, noGram);
      expectClose(got.vectors[K], want);
      expectClose(got.weights, weights);
    });

    it(`gives the POPO-light weights of vector ${index}`, async () => {
      const test: Case = { ...plain, ...sizes, P: 1, weighting: 'popo-light' };
      for (const [group, want] of popoLightPerGroup.entries()) {
        const rows = Float32Array.from(rewards.slice(group * G, (group + 1) * G).flat());
        expectClose((await runWeighting(test, rows, weights, noGram)).weights, want);
      }
    });
  });

  it.each(vectors.popoWeights)('gives the POPO weights of gradients $gradients', async (vector) => {
    const { gradients, influence, weights, etaOverMu, next } = vector;
    const K = gradients.length;
    const gram = gradients.flatMap((a) => gradients.map((b) => a.reduce((sum, x, i) => sum + x * b[i], 0)));
    const test: Case = { ...plain, G: 2, K, weighting: 'popo', eta: etaOverMu };
    const got = await runWeighting(test, new Float32Array(2 * K), weights, Float32Array.from(gram));
    expectClose(got.statistics.influence, influence);
    expectClose(got.weights, next);
  });

  it('takes a mean of exactly 0 and means below it', async () => {
    // Reward 0 has mean 0 in both groups and none of its spread, reward 1 mean 0 with spread, reward 2 a mean below 0.
    const rewards = Float32Array.from(
      [
        [0, 0.5, -0.25],
        [0, -0.5, -0.75],
        [0, 0.25, -1],
        [0, -0.25, -0.5],
      ].flat(),
    );
    const weights = [0.2, 0.3, 0.5];
    for (const weighting of ['fixed', 'popo-light', 'gdpo'] as const) {
      const test: Case = { ...plain, P: 2, G: 2, K: 3, weighting };
      const want = expected(test, rewards, weights, new Float32Array(9));
      const got = await runWeighting(test, rewards, weights, new Float32Array(9));
      expectClose(got.weights, want.next);
      expectClose(got.vectors[3], want.combined);
      expect(Array.from(got.vectors[0])).toEqual([0, 0, 0, 0]);
      expectClose([got.vectors[1][0], got.vectors[2][0]], [want.objectives[1][0], want.objectives[2][0]]);
      // What is below 0 counts as 0: only reward 1 has spread above it.
      if (weighting === 'popo-light') {
        expect([got.weights[0], got.weights[2]]).toEqual([0, 0]);
        // A GPU's division may miss by a bit.
        expectClose(got.weights, [0, 1, 0]);
      }
    }
    const below = await runWeighting(
      { ...plain, G: 2, K: 1, weighting: 'popo-light' },
      Float32Array.of(-0.2, -0.4),
      [1],
      new Float32Array(1),
    );
    expect(Array.from(below.weights)).toEqual([1]);
    const [high, low] = below.vectors[1];
    expectClose([high, low], [0.1 / (Math.SQRT1_2 * 0.2 + 1e-4), -0.1 / (Math.SQRT1_2 * 0.2 + 1e-4)]);
  });

  it('takes more groups than threads, and the largest K', async () => {
    const random = new Random(7, 'many groups');
    const test: Case = {
      P: 131,
      G: 3,
      K: 8,
      weighting: 'popo-light',
      aggregation: 'sum_then_normalize',
      scale: 'batch',
    };
    const { rewards, weights, gram } = randomCase(random, test);
    const want = expected(test, rewards, weights, gram);
    const got = await runWeighting(test, rewards, weights, gram);
    expectClose(got.weights, want.next);
    expectClose(got.vectors[8], want.combined);
    for (let k = 0; k < 8; k++) expectClose(got.vectors[k], want.objectives[k]);
  });

  it.each(WEIGHTINGS.filter((weighting) => ruleOf(weighting).needs !== 'nothing'))(
    'clips gradients and floors weights: %s',
    async (weighting) => {
      const random = new Random(7, `floor ${weighting}`);
      for (const [K, least] of [
        [2, 0.3],
        [2, 0.5],
        [3, 0.25],
        [5, 0.15],
        [8, 0.1],
      ]) {
        const test: Case = {
          ...{ P: 5, G: 4, K, weighting, aggregation: 'sum_then_normalize', scale: 'group' },
          ...{ least, maxNorm: 0.7 },
        };
        const { rewards, weights, gram } = randomCase(random, test);
        const want = expected(test, rewards, weights, gram);
        const got = await runWeighting(test, rewards, weights, gram);
        expectClose(got.weights, want.next);
        expect(Math.min(...got.weights)).toBeGreaterThan(least - 1e-6);
        expectClose(got.vectors[K], want.combined);
      }
    },
  );

  it('weighs by correlation where rewards cancel, vanish or have no weight', async () => {
    const cancels = [0, 1, 1, 0, 0.25, 0.75];
    const sizes = { P: 1, G: 3, K: 2, aggregation: 'sum_then_normalize', scale: 'batch' } as const;
    const test: Case = { ...sizes, weighting: 'correlation' };
    const weighed = async (rewards: number[], weights: number[]) => {
      const given = [test, Float32Array.from(rewards), weights, new Float32Array(4)] as const;
      const got = (await runWeighting(...given)).weights;
      expectClose(got, expected(...given).next);
      return Array.from(got);
    };
    // Nothing is told by a sum that is the same for all.
    expect(await weighed(cancels, [0.5, 0.5])).toEqual([0.5, 0.5]);
    expect(await weighed([0.5, 0, 0.5, 1, 0.5, 0.25], [1, 0])).toEqual([1, 0]);
    const [against] = await weighed(cancels, [0.25, 0.75]);
    expect(against).toBeGreaterThan(0.4);
    expect((await weighed(cancels, [0, 1]))[0]).toBe(0);
  });

  it('holds the reward that is named at its level, from any weights, and keeps w where there is none', async () => {
    const random = new Random(7, 'held');
    for (const K of [2, 3]) {
      for (let reward = 0; reward < K; reward++) {
        for (const level of [0, 0.3, 1]) {
          const test: Case = {
            ...{ P: 4, G: 5, K, weighting: 'constraint', aggregation: 'sum_then_normalize', scale: 'batch' },
            held: { reward, level, step: 2 },
          };
          const { rewards, weights, gram } = randomCase(random, test);
          const alone = weights.map((_, k) => (k === reward ? 1 : 0));
          const others = weights.map((_, k) => (k === reward ? 0 : 1 / (K - 1)));
          for (const from of [weights, alone, others])
            expectClose(
              (await runWeighting(test, rewards, from, gram)).weights,
              expected(test, rewards, from, gram).next,
            );
        }
      }
    }
    const none: Case = {
      ...{ P: 2, G: 2, K: 2, weighting: 'constraint', aggregation: 'sum_then_normalize', scale: 'batch' },
      ...{ held: { reward: 0, level: null, step: 2 }, least: 0.4 },
    };
    const got = await runWeighting(none, new Float32Array(8), [0.25, 0.75], new Float32Array(4));
    expect(Array.from(got.weights)).toEqual([0.25, 0.75]);
  });

  it('gives exactly 0 to groups of equal rewards', async () => {
    const test: Case = {
      P: 3,
      G: 5,
      K: 2,
      weighting: 'popo-light',
      aggregation: 'sum_then_normalize',
      scale: 'group',
    };
    const rewards = Float32Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? 0.1 : 0.7));
    const got = await runWeighting(test, rewards, [0.25, 0.75], new Float32Array(4));
    for (const vector of got.vectors) expect(vector.every((value) => value === 0)).toBe(true);
    expect(Array.from(got.weights)).toEqual([0.25, 0.75]);
  });

  it('overflows at no influence and keeps a weight of 0', async () => {
    const test: Case = {
      P: 1,
      G: 2,
      K: 3,
      weighting: 'popo',
      aggregation: 'sum_then_normalize',
      scale: 'group',
    };
    const gram = Float32Array.from([1e30, 0, 0, 0, 1e20, 0, 0, 0, 3]);
    const rewards = Float32Array.from([0, 1, 0, 1, 0, 1]);
    expect(Array.from((await runWeighting(test, rewards, [0, 0.5, 0.5], gram)).weights)).toEqual([0, 1, 0]);
    expect(Array.from((await runWeighting(test, rewards, [0.5, 0, 0.5], gram)).weights)).toEqual([1, 0, 0]);
  });

  it('has the same bits 20 times', async () => {
    const random = new Random(7, 'repeat');
    const test: Case = {
      P: 9,
      G: 7,
      K: 3,
      weighting: 'popo',
      aggregation: 'normalize_then_sum',
      scale: 'group',
    };
    const { rewards, weights, gram } = randomCase(random, test);
    const first = await runWeighting(test, rewards, weights, gram);
    for (let repeat = 1; repeat < 20; repeat++) {
      expect(await runWeighting(test, rewards, weights, gram)).toEqual(first);
    }
  });

  it('refuses more rewards than the shader holds', () => {
    expect(
      () => new RewardWeighting(new BufferTable(gpu, 'test'), { groups: 1, groupSize: 1, numRewards: 9 }),
    ).toThrow(/1 to 8 rewards, not 9/);
  });
});

async function gramOf(gradients: Float32Array[], stride: number): Promise<Float32Array> {
  const K = gradients.length;
  const table = new BufferTable(gpu, 'test');
  const pools = table.floats('pools', K * stride);
  const gram = table.floats('gram', K * K);
  poison(pools);
  poison(gram);
  gradients.forEach((gradient, k) => {
    gpu.device.queue.writeBuffer(pools, k * stride * 4, Float32Array.from(gradient));
  });
  const count = gradients[0].length;
  const windows = gradients.map((_, k) => ({ buffer: pools, offset: k * stride * 4, size: count * 4 }));
  const alignment = new GradientAlignment(table, count, windows, gram);
  const plan = new Plan(gpu);
  alignment.add(plan);
  await plan.compile();
  submit(gpu, plan);
  const result = await read(gram, K * K);
  table.destroy();
  return result;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

describe('gradient_alignment', () => {
  it.each([
    [1, 1, 64],
    [1, 1023, 1024],
    [2, 1024, 1024],
    [2, 1025, 1088],
    [3, 4099, 4160],
    [4, 70_001, 70_016],
  ])('is the Gram matrix of %i gradients of %i floats, %i apart', async (K, n, stride) => {
    const random = new Random(7, 'gradients', K, n);
    const gradients = Array.from({ length: K }, () =>
      Float32Array.from({ length: n }, () => random.normal()),
    );
    const got = await gramOf(gradients, stride);
    const want = gradients.flatMap((a) => gradients.map((b) => dot(a, b)));
    // Off-diagonal products cancel: their error is measured against the norms.
    expectClose(got, want, 1e-5, n);
    for (let k = 0; k < K; k++) expectClose([got[k * K + k]], [want[k * K + k]], 1e-6, 0);
  });

  it('holds over twelve decades of magnitude, in the same bits 20 times', async () => {
    const random = new Random(7, 'magnitudes');
    const gradients = Array.from({ length: 3 }, () =>
      Float32Array.from({ length: 5003 }, () => random.normal() * 10 ** (random.int(12) - 8)),
    );
    const first = await gramOf(gradients, 5056);
    const norms = gradients.map((gradient) => Math.sqrt(dot(gradient, gradient)));
    gradients.forEach((a, i) => {
      gradients.forEach((b, j) => {
        expect(Math.abs(first[i * 3 + j] - dot(a, b))).toBeLessThan(1e-5 * norms[i] * norms[j]);
      });
    });
    for (let repeat = 1; repeat < 20; repeat++) expect(await gramOf(gradients, 5056)).toEqual(first);
  });
});
