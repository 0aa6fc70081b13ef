import { beforeAll, describe, expect, it } from 'vitest';
import { describeAdapter, Gpu } from '../../src/gpu/device';
import { TUNINGS } from '../../src/gpu/kernels';
import { useSlowPath } from '../../src/gpu/tfjs';
import type { AdamWStep } from '../../src/model/config';
import { type DeviceRoom, planTraining, roomOf } from '../../src/model/plans';
import { ReferenceModel } from '../../src/model/reference';
import { createTransformer, Transformer } from '../../src/model/transformer';
import { CompiledPolicyOptimizer } from '../../src/popo/compiledUpdate';
import type { InfluenceEstimate, PolicyOptions } from '../../src/popo/options';
import type { PolicyBatch, PolicyOptimizer, PolicyUpdate } from '../../src/popo/policy';
import { ReferencePolicyOptimizer } from '../../src/popo/referenceUpdate';
import { testDevice, wholeGrid } from '../adapter';
import { relativeError, someWeights } from '../model/shapes';
import { still, tinyHyper, tinyModel, tinyOptions, tinyRollouts } from './tinyPolicy';

let gpu: Gpu;
beforeAll(async () => {
  const { device, info } = await testDevice();
  gpu = new Gpu(device, describeAdapter(info));
  await useSlowPath();
});

const pool = someWeights(tinyModel, 5);

/** Some way off the reference policy, so that KL matters from the first step; gaps between tensors stay 0. */
const start = () => {
  const zeros = new Float32Array(pool.length);
  return {
    parameters: pool.map((value, i) => (value === 0 ? 0 : value + 0.05 * Math.sin(i))),
    moment1: zeros,
    moment2: zeros,
  };
};

async function compiled(options: Partial<PolicyOptions>) {
  const model = await createTransformer(gpu, tinyModel, 1);
  await model.restore({ ...start(), parameters: pool });
  await model.freezeReference();
  await model.restore(start());
  const policy = new CompiledPolicyOptimizer(model, { ...tinyOptions, ...options });
  return { model, policy, destroy: () => [policy, model].forEach((part) => void part.destroy()) };
}

async function reference(options: Partial<PolicyOptions>) {
  const model = new ReferenceModel(tinyModel, pool);
  await model.freezeReference();
  await model.restore(start());
  const policy = new ReferencePolicyOptimizer(model, { ...tinyOptions, ...options });
  return { model, policy, destroy: () => [policy, model].forEach((part) => void part.destroy()) };
}

/** Steps with `iterations` updates each. */
async function run(
  policy: PolicyOptimizer,
  steps: number,
  iterations = 1,
  numRewards = 2,
  numPrompts = 3,
): Promise<PolicyUpdate[]> {
  const updates: PolicyUpdate[] = [];
  for (let step = 0; step < steps; step++) {
    for (let iteration = 0; iteration < iterations; iteration++) {
      const batch: PolicyBatch = { ...tinyRollouts(step, numRewards, numPrompts), iteration };
      updates.push(await policy.update(batch, tinyHyper(updates.length)));
    }
  }
  return updates;
}

function expectSame(actual: PolicyUpdate, expected: PolicyUpdate) {
  const close = (a: ArrayLike<number>, b: ArrayLike<number>, what: string) =>
    expect(relativeError(a, b), what).toBeLessThan(1e-3);
  close(actual.advantages, expected.advantages, 'advantages');
  close(actual.weightsBefore, expected.weightsBefore, 'weights before');
  close(actual.weightsAfter, expected.weightsAfter, 'weights after');
  expect(actual.influence === null).toBe(expected.influence === null);
  // A difference quotient against a derivative.
  // From halves it is a difference of losses that nearly cancel: NVIDIA's H100 and H200 came to 1.04e-2 and 1.0001e-2.
  expect(relativeError(actual.influence ?? [], expected.influence ?? []), 'influence').toBeLessThan(2e-2);
  expect(actual.gradNorms === null).toBe(expected.gradNorms === null);
  close(actual.gradNorms ?? [], expected.gradNorms ?? [], 'gradient norms');
  expect(actual.gradCosines?.length).toBe(expected.gradCosines?.length);
  expected.gradCosines?.forEach((cosine, pair) => {
    if (cosine === null) expect(actual.gradCosines![pair]).toBeNull();
    else expect(Math.abs(actual.gradCosines![pair]! - cosine)).toBeLessThan(1e-3);
  });
  close([actual.gradNorm], [expected.gradNorm], 'gradient norm');
  close([actual.entropy], [expected.entropy], 'entropy');
  expect(Math.abs(actual.loss - expected.loss), 'loss').toBeLessThan(1e-4);
  expect(Math.abs(actual.kl - expected.kl), 'kl').toBeLessThan(1e-4);
  expect(Math.abs(actual.clip.low_mean - expected.clip.low_mean), 'clipped low').toBeLessThan(1e-6);
  expect(Math.abs(actual.clip.high_mean - expected.clip.high_mean), 'clipped high').toBeLessThan(1e-6);
}

const CASES: [string, Partial<PolicyOptions>, number, number][] = [
  ['popo', {}, 1, 2],
  ['popo without KL', { beta: 0 }, 1, 2],
  [
    'popo with three rewards, GDPO',
    { rewardWeights: [0.2, 0.3, 0.5], aggregation: 'normalize_then_sum' },
    1,
    3,
  ],
  ['popo without bias, from halves', { influence: 'halves', lossType: 'grpo' }, 1, 2],
  ['popo along the momentum', { influence: 'momentum' }, 1, 2],
  ['popo by the last layer', { influenceScope: 'last_layer', probeEvery: 3 }, 1, 2],
  [
    'popo at every second step, never below .4',
    { influenceEvery: 2, minWeight: 0.48, etaOverMu: 0.02 },
    1,
    2,
  ],
  ['popo with clipped gradients', { objectiveMaxNorm: 0.1, etaOverMu: 20 }, 1, 2],
  ['popo at temperature .7', { temperature: 0.7, etaOverMu: 0.005 }, 1, 2],
  ['popo along the momentum at 1.3', { temperature: 1.3, influence: 'momentum', probeEvery: 2 }, 1, 2],
  ['two updates at 1.3', { temperature: 1.3, epsilon: 0.002, epsilonHigh: 0.003 }, 2, 2],
  ['the inverse rule', { etaOverMu: -0.02, aggregation: 'sum_of_advantages' }, 1, 2],
  ['gdpo', { weighting: 'gdpo', rewardWeights: [0.3, 0.7] }, 1, 2],
  [
    'popo on the product of three rewards',
    { rewardWeights: [0.2, 0.3, 0.5], aggregation: 'multiply_then_normalize' },
    1,
    3,
  ],
  ['mgda with three rewards', { weighting: 'mgda', rewardWeights: [0.2, 0.3, 0.5] }, 1, 3],
  ['popo with one reward', { rewardWeights: [1], lossType: 'grpo' }, 1, 1],
  ['popo, two updates on the same rollouts', { epsilon: 0.002, epsilonHigh: 0.003 }, 2, 2],
  [
    'popo-light, measured every second step',
    { weighting: 'popo-light', probeEvery: 2, scaleRewards: 'batch' },
    1,
    2,
  ],
  [
    'correlation of three rewards, scaled by the batch',
    { weighting: 'correlation', rewardWeights: [0.2, 0.3, 0.5], scaleRewards: 'batch' },
    1,
    3,
  ],
  ['constraint, two updates', { weighting: 'constraint', scaleRewards: 'batch', minWeight: 0.1 }, 2, 2],
  [
    'fixed, never measured',
    { weighting: 'fixed', rewardWeights: [0.3, 0.7], lossType: 'dr_grpo', scaleRewards: 'none' },
    1,
    2,
  ],
];

/** For a second driver: each way of measuring and each kernel, once. Rules and numbers are the kernels' own tests'. */
const FEW = [
  'popo',
  'popo without bias, from halves',
  'popo by the last layer',
  'popo along the momentum at 1.3',
  'two updates at 1.3',
  'mgda with three rewards',
  'popo-light, measured every second step',
  'fixed, never measured',
];
const cases = wholeGrid ? CASES : FEW.map((name) => CASES.find(([each]) => each === name)!);

/** How the influence is measured, of five prompts. */
const MEASURED: [InfluenceEstimate, number][] = [
  ['batch', 0],
  ['batch', 1],
  ['batch', 3],
  ['halves', 0],
  ['halves', 2],
  ['halves', 3],
  ['momentum', 0],
  ['momentum', 1],
  ['momentum', 3],
];

describe('compiled policy update', () => {
  it.each(MEASURED)('measures as the reference does: %s on %i prompts', async (influence, prompts) => {
    // Small steps of w, so that it is the influences that are compared and not what they have led to.
    const options: Partial<PolicyOptions> = { influence, influencePrompts: prompts, etaOverMu: 1e-3 };
    const [ours, theirs] = [await compiled(options), await reference(options)];
    // Before the first update the momentum is 0.
    const steps = influence === 'momentum' ? 2 : 1;
    const actual = await run(ours.policy, steps, 1, 2, 5);
    const expected = await run(theirs.policy, steps, 1, 2, 5);
    actual.forEach((update, i) => {
      expectSame(update, expected[i]);
    });
    expect(Math.abs(expected[steps - 1].influence![0])).toBeGreaterThan(0);
    ours.destroy();
    theirs.destroy();
  });

  it.each(cases)('does what the reference does: %s', async (_name, options, iterations, numRewards) => {
    const [ours, theirs] = [await compiled(options), await reference(options)];
    const actual = await run(ours.policy, 4, iterations, numRewards);
    const expected = await run(theirs.policy, 4, iterations, numRewards);
    actual.forEach((update, i) => {
      expectSame(update, expected[i]);
    });
    if (iterations > 1) expect(Math.max(...expected.map(({ clip }) => clip.region_mean))).toBeGreaterThan(0);
    const moved = (parameters: Float32Array) => parameters.map((value, i) => value - start().parameters[i]);
    const [a, b] = [await ours.model.snapshot(), await theirs.model.snapshot()];
    expect(relativeError(moved(a.parameters), moved(b.parameters))).toBeLessThan(2e-3);
    ours.destroy();
    theirs.destroy();
  });

  it('measures along the momentum of a policy that stands still what its own gradient says', async () => {
    const [along, whole] = [
      await compiled({ ...still.options, influence: 'momentum' }),
      await compiled(still.options),
    ];
    const { influence } = await whole.policy.update(tinyRollouts(0), still.hyper(0));
    for (let step = 0; step < 4; step++) {
      const update = await along.policy.update({ ...tinyRollouts(0), step }, still.hyper(step));
      // AdamW's gradient is that of the weighted sum, so half of Σ_k g_k; and before the first update there was none.
      if (step === 0) expect(update.influence).toEqual([0, 0]);
      else
        expect(
          relativeError(
            update.influence!,
            influence!.map((value) => value / 2),
          ),
        ).toBeLessThan(1e-2);
    }
    for (const part of [along, whole]) part.destroy();
  });

  it('moves its weights at every influenceEvery-th step, and at no other', async () => {
    const ours = await compiled({ influenceEvery: 2, minWeight: 0.45 });
    const updates = await run(ours.policy, 4);
    updates.forEach(({ influence, weightsBefore, weightsAfter }, step) => {
      expect(influence === null).toBe(step % 2 === 1);
      if (step % 2 === 1) expect(weightsAfter).toEqual(weightsBefore);
      else expect(weightsAfter).not.toEqual(weightsBefore);
    });
    // Where nothing is measured, not even a weight below the floor is touched.
    ours.policy.weights = [0.25, 0.75];
    expect((await ours.policy.update(tinyRollouts(5), tinyHyper(4))).weightsAfter).toEqual([0.25, 0.75]);
    ours.destroy();
  });

  it.each([1, 0.7, 1.3])(
    'has a ratio of 1 and no KL where nothing moved, at temperature %d',
    async (temperature) => {
      const ours = await compiled({ temperature, weighting: 'fixed', epsilon: 0, epsilonHigh: 0 });
      await ours.model.freezeReference();
      const still = { ...tinyHyper(0), learningRate: 0 };
      const [first, second] = [
        await ours.policy.update(tinyRollouts(0), still),
        await ours.policy.update({ ...tinyRollouts(0), iteration: 1 }, still),
      ];
      // With no room at all, any ratio but 1 would be clipped on one side or the other.
      expect(second.clip).toEqual({ low_mean: 0, high_mean: 0, region_mean: 0 });
      expect(second.loss).toBe(first.loss);
      expect(second.gradNorm).toBe(first.gradNorm);
      expect(second.kl).toBeLessThan(1e-9);
      ours.destroy();
    },
  );

  it('repeats to the bit', async () => {
    const runs = [];
    for (let repeat = 0; repeat < 3; repeat++) {
      const ours = await compiled({});
      runs.push({ updates: await run(ours.policy, 3, 2), state: await ours.model.snapshot() });
      ours.destroy();
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  it('comes to the same bits where logits come in chunks of the vocabulary', async () => {
    const config = { ...tinyModel, vocab_size: 132 };
    const weights = someWeights(config, 5);
    const ended = async (room: Partial<DeviceRoom>, columns: number) => {
      const model = new Transformer(gpu, config, TUNINGS.portable, {
        room: { ...roomOf(gpu.device.limits), ...room },
      });
      gpu.device.queue.writeBuffer(model.parameters, 0, weights);
      await model.freezeReference();
      const policy = new CompiledPolicyOptimizer(model, {
        ...tinyOptions,
        probeEvery: 2,
        influence: 'halves',
      });
      const updates = await run(policy, 3, 2);
      expect(planTraining(model, 3 * 12).columns).toBe(columns);
      const state = await model.snapshot();
      policy.destroy();
      model.destroy();
      return { updates, state };
    };
    const whole = await ended({}, 132);
    expect(whole.updates[0].gradNorms).not.toBeNull();
    expect(await ended({ vocabulary: 1 }, 64)).toEqual(whole);
  });

  it('resumes to the bit from the model and the weights', async () => {
    const whole = await compiled({});
    const updates = await run(whole.policy, 2);
    const state = await whole.model.snapshot();
    const { weights } = whole.policy;
    const hyper: AdamWStep = tinyHyper(2);
    const third = await whole.policy.update(tinyRollouts(2), hyper);
    const resumed = await compiled({});
    await resumed.model.restore(state);
    resumed.policy.weights = JSON.parse(JSON.stringify(weights)) as number[];
    expect(await resumed.policy.update(tinyRollouts(2), hyper)).toEqual(third);
    expect(await resumed.model.snapshot()).toEqual(await whole.model.snapshot());
    expect(updates[1].weightsAfter).toEqual(weights);
    whole.destroy();
    resumed.destroy();
  });

  it.each([
    [2, 1],
    [3, 2],
  ])('moves the ends of %i rewards as the reference does, with %i updates a step', async (K, iterations) => {
    const drawn = [
      [0.2, 0.5, 0.3],
      [0.6, 0.1, 0.3],
      [0, 0.7, 0.3],
    ].map((three) => (K === 3 ? three : [three[0], 1 - three[0]]));
    const options: Partial<PolicyOptions> = {
      weighting: 'conditioned',
      rewardWeights: drawn[0],
    };
    const [ours, theirs, again] = [
      await compiled(options),
      await reference(options),
      await compiled(options),
    ];
    // What gradients are gathered in is there already.
    expect(ours.model.gradient.size).toBe(4 * pool.length);
    const before = gpu.bytesAllocated;
    const taken = async ({ model, policy }: Awaited<ReturnType<typeof compiled | typeof reference>>) => {
      await model.split(K);
      const updates: PolicyUpdate[] = [];
      for (const [step, weights] of drawn.entries()) {
        policy.weights = [...weights];
        await model.compose(weights);
        for (let iteration = 0; iteration < iterations; iteration++)
          updates.push(
            await policy.update({ ...tinyRollouts(step, K), iteration }, tinyHyper(updates.length)),
          );
      }
      await model.compose(drawn[0]);
      return { updates, state: await model.snapshot() };
    };
    const planned = ours.model.memory().bytesPlanned;
    await ours.model.split(K);
    // An end is three pools and a uniform.
    expect(ours.model.memory().bytesPlanned - planned).toBe(K * (3 * 4 * pool.length + 16));
    expect(gpu.bytesAllocated - before).toBe(K * (3 * 4 * pool.length + 16));
    const [actual, expected] = [await taken(ours), await taken(theirs)];
    actual.updates.forEach((update, i) => {
      expectSame(update, expected.updates[i]);
    });
    const moved = (parameters: Float32Array) => parameters.map((value, i) => value - start().parameters[i]);
    for (const k of drawn[0].keys()) {
      const [a, b] = [actual.state.ends![k], expected.state.ends![k]];
      expect(relativeError(moved(a.parameters), moved(b.parameters))).toBeLessThan(2e-3);
      expect(relativeError(a.moment1, b.moment1)).toBeLessThan(2e-3);
      expect(relativeError(a.moment2, b.moment2)).toBeLessThan(2e-3);
    }
    expect(relativeError(moved(actual.state.parameters), moved(expected.state.parameters))).toBeLessThan(
      2e-3,
    );
    if (K === 3) expect(await taken(again)).toEqual(actual);
    await again.model.restore(start());
    expect((await again.model.snapshot()).ends).toBeUndefined();
    await again.model.restore(actual.state);
    expect(await again.model.snapshot()).toEqual(actual.state);
    for (const part of [ours, theirs, again]) part.destroy();
  });

  it('with all of the weight on one reward is a fixed run of it alone, to the bit', async () => {
    const weights = [0, 1];
    const split = await compiled({ weighting: 'conditioned', rewardWeights: weights });
    await split.model.split(2);
    await split.model.compose(weights);
    const fixed = await compiled({ weighting: 'fixed', rewardWeights: weights });
    expect(await run(split.policy, 3, 2)).toEqual(await run(fixed.policy, 3, 2));
    const { ends, parameters } = await split.model.snapshot();
    const alone = await fixed.model.snapshot();
    expect(ends![1]).toEqual(alone);
    expect(parameters).toEqual(alone.parameters);
    expect(ends![0]).toEqual(start());
    for (const part of [split, fixed]) part.destroy();
  });

  it('goes on under other options as one that was made with them, and frees what they need no more', async () => {
    /** Each with what it must be told anew: lists, uniforms, or the shape. */
    const turns: [Partial<PolicyOptions>, number][] = [
      [{}, 3],
      [{ weighting: 'fixed', temperature: 0.7 }, 3],
      [{ weighting: 'mgda', epsilon: 0.1, beta: 0 }, 3],
      [{ beta: 0.3, influence: 'momentum', scaleRewards: 'none' }, 5],
      [{ influenceScope: 'last_layer', probeEvery: 1, minWeight: 0.49 }, 3],
    ];
    const before = gpu.bytesAllocated;
    const ours = await compiled({});
    const theirs = await reference({});
    for (const [step, [options, prompts]] of turns.entries()) {
      const now = { ...tinyOptions, ...options };
      const fresh = await compiled(options);
      // From the same state each time: rounding of one turn is not to be told from an error of the next.
      for (const { model, policy } of [fresh, theirs]) {
        await model.restore(await ours.model.snapshot());
        policy.weights = ours.policy.weights;
      }
      for (const { policy } of [ours, theirs]) policy.configure(now);
      const rollouts = tinyRollouts(step, 2, prompts);
      const update = await ours.policy.update(rollouts, tinyHyper(step));
      expect(update, `turn ${step}`).toEqual(await fresh.policy.update(rollouts, tinyHyper(step)));
      expectSame(update, await theirs.policy.update(rollouts, tinyHyper(step)));
      expect(await ours.model.snapshot()).toEqual(await fresh.model.snapshot());
      fresh.destroy();
    }
    for (const part of [ours, theirs]) part.destroy();
    await gpu.device.queue.onSubmittedWorkDone();
    expect(gpu.bytesAllocated).toBe(before);
  });

  it('frees what it allocated, and counts it', async () => {
    const before = gpu.bytesAllocated;
    const ours = await compiled({});
    await run(ours.policy, 1);
    expect(ours.model.memory().bytesPlanned + ours.policy.bytes).toBe(gpu.bytesAllocated - before);
    ours.destroy();
    await gpu.device.queue.onSubmittedWorkDone();
    expect(gpu.bytesAllocated).toBe(before);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'refuses a reward of %s before it touches the model',
    async (bad) => {
      const ours = await compiled({});
      const rollouts = tinyRollouts(0);
      rollouts.rewards[5] = bad;
      const before = await ours.model.snapshot();
      await expect(ours.policy.update(rollouts, tinyHyper(0))).rejects.toThrow(/Reward 1 of rollout 2/);
      expect(await ours.model.snapshot()).toEqual(before);
      expect(ours.policy.weights).toEqual([0.5, 0.5]);
      ours.destroy();
    },
  );

  it('refuses another number of rewards than of weights', async () => {
    const ours = await compiled({});
    await expect(ours.policy.update(tinyRollouts(0, 3), tinyHyper(0))).rejects.toThrow(
      /but there are 2 weights/,
    );
    ours.destroy();
  });

  it('says when an update is not finite', async () => {
    const ours = await compiled({});
    await ours.model.restore({ ...start(), parameters: start().parameters.fill(Number.NaN) });
    await expect(ours.policy.update(tinyRollouts(3), tinyHyper(0))).rejects.toThrow(
      /POPO step 4 is not finite/,
    );
    expect(ours.policy.weights).toEqual([0.5, 0.5]);
    ours.destroy();
  });
});
