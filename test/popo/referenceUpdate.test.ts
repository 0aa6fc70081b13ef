import { beforeAll, describe, expect, it } from 'vitest';
import { useSlowPath } from '../../src/gpu/tfjs';
import { initialParameters } from '../../src/model/parameters';
import { ReferenceModel } from '../../src/model/reference';
import { computeAdvantages } from '../../src/popo/advantages';
import type { PolicyOptions } from '../../src/popo/options';
import type { PolicyBatch } from '../../src/popo/policy';
import { ReferencePolicyOptimizer } from '../../src/popo/referenceUpdate';
import { popoWeights } from '../../src/popo/rules/popo';
import { popoLightWeights } from '../../src/popo/rules/popoLight';
import { still, tinyHyper, tinyModel, tinyOptions, tinyRollouts } from './tinyPolicy';

beforeAll(async () => {
  await useSlowPath();
});

async function optimizer(options: Partial<PolicyOptions> = {}) {
  const model = new ReferenceModel(tinyModel, initialParameters(tinyModel, 3));
  await model.freezeReference();
  return { model, policy: new ReferencePolicyOptimizer(model, { ...tinyOptions, ...options }) };
}

/** The rollouts of these prompts alone, in this order. */
function ofPrompts(whole: PolicyBatch, prompts: readonly number[]): PolicyBatch {
  const { batch, groupSize: G, numRewards: K } = whole;
  const rows = prompts.flatMap((prompt) => Array.from({ length: G }, (_, g) => prompt * G + g));
  const gather = <T extends Float32Array | Uint32Array | Uint8Array>(values: T, width: number): T => {
    const out = values.slice(0, rows.length * width) as T;
    rows.forEach((row, at) => {
      out.set(values.subarray(row * width, (row + 1) * width), at * width);
    });
    return out;
  };
  const { length, tokens, lengths, mask } = batch;
  return {
    ...whole,
    batch: {
      ...batch,
      size: rows.length,
      tokens: gather(tokens, length),
      lengths: gather(lengths, 1),
      mask: gather(mask, length),
    },
    rewards: gather(whole.rewards, K),
  };
}

describe('reference policy update', () => {
  it('applies w(t) of step t to the rewards of step t', async () => {
    const { policy } = await optimizer();
    const rollouts = tinyRollouts(0);
    const update = await policy.update(rollouts, tinyHyper(0));
    expect(update.weightsBefore).toEqual([0.5, 0.5]);
    expect(update.weightsAfter).toEqual(popoWeights([0.5, 0.5], update.influence!, tinyOptions.etaOverMu));
    expect(Math.abs(update.weightsAfter[0] - 0.5)).toBeGreaterThan(1e-4);
    const want = computeAdvantages(rollouts.rewards, {
      ...tinyOptions,
      groupSize: 4,
      weights: update.weightsAfter,
    });
    expect(Array.from(update.advantages)).toEqual(Array.from(Float32Array.from(want)));
    expect(policy.weights).toEqual(update.weightsAfter);
  });

  it('has I_1 − I_2 = ‖g_1‖² − ‖g_2‖² with two rewards', async () => {
    const { policy } = await optimizer({ probeEvery: 1 });
    const { influence, gradNorms, gradCosines } = await policy.update(tinyRollouts(0), tinyHyper(0));
    const [first, second] = gradNorms!;
    expect(influence![0] - influence![1]).toBeCloseTo(first ** 2 - second ** 2, 6);
    expect(influence![0]).toBeCloseTo(first ** 2 + gradCosines![0]! * first * second, 6);
  });

  it.each(['grpo', 'dr_grpo'] as const)(
    'scales the influence of some prompts to that of a step of these alone: %s',
    async (lossType) => {
      const options: Partial<PolicyOptions> = { lossType, influencePrompts: 2 };
      const { policy } = await optimizer(options);
      const whole = tinyRollouts(0);
      const { influence } = await policy.update(whole, tinyHyper(0));
      const other = await optimizer({ ...options, influencePrompts: 0 });
      const update = await other.policy.update(ofPrompts(whole, [0, 1]), tinyHyper(0));
      influence!.forEach((value, k) => {
        expect(value / update.influence![k]).toBeCloseTo(1, 4);
      });
    },
  );

  it('is free of the bias of `batch` with `halves`: over all splits, the mean over pairs of different prompts', async () => {
    const whole = tinyRollouts(0, 2, 4);
    const influenceOf = async (chosen: number[], estimate: PolicyOptions['influence']) => {
      const { policy } = await optimizer({ lossType: 'grpo', influence: estimate, beta: 0 });
      const { influence } = await policy.update(ofPrompts(whole, chosen), tinyHyper(0));
      return influence!;
    };
    const prompts = [0, 1, 2, 3];
    const pairs = prompts.flatMap((p) => prompts.slice(p + 1).map((q) => [p, q]));
    const alone = await Promise.all(prompts.map((p) => influenceOf([p], 'batch')));
    // ⟨g_p + g_q, G_p + G_q⟩ less ⟨g_p, G_p⟩ and ⟨g_q, G_q⟩ are the cross terms of a pair.
    const want = [0, 0];
    for (const [p, q] of pairs) {
      const both = await influenceOf([p, q], 'batch');
      want.forEach((_, k) => {
        want[k] += (4 * both[k] - alone[p][k] - alone[q][k]) / 12;
      });
    }
    const mean = [0, 0];
    for (const pair of pairs) {
      const rest = prompts.filter((p) => !pair.includes(p));
      for (const order of [
        [...pair, ...rest],
        [...rest, ...pair],
      ]) {
        const halves = await influenceOf(order, 'halves');
        mean.forEach((_, k) => {
          mean[k] += halves[k] / 12;
        });
      }
    }
    const batch = await influenceOf(prompts, 'batch');
    want.forEach((value, k) => {
      expect(Math.abs(mean[k] / value - 1)).toBeLessThan(1e-3);
      // Each prompt against itself is what `batch` counts besides.
      expect(batch[k]).toBeGreaterThan(value + 0.01 * Math.abs(value));
    });
  });

  it('measures along the momentum of a policy that stands still what its own gradient says', async () => {
    const along = await optimizer({ ...still.options, influence: 'momentum' });
    const whole = await optimizer(still.options);
    const { influence } = await whole.policy.update(tinyRollouts(0), still.hyper(0));
    for (let step = 0; step < 4; step++) {
      const update = await along.policy.update({ ...tinyRollouts(0), step }, still.hyper(step));
      // AdamW's gradient is that of the weighted sum, so half of Σ_k g_k; and before the first update there was none.
      update.influence!.forEach((value, k) => {
        expect(value).toBeCloseTo(step === 0 ? 0 : influence![k] / 2, 6);
      });
    }
    expect(Math.abs(influence![0])).toBeGreaterThan(1e-3);
  });

  it('moves its weights at every influenceEvery-th step, and at no other', async () => {
    const { policy } = await optimizer({ influenceEvery: 2, minWeight: 0.45, etaOverMu: 5 });
    policy.weights = [0.3, 0.7];
    for (let step = 0; step < 4; step++) {
      const { influence, weightsBefore, weightsAfter } = await policy.update(
        tinyRollouts(step),
        tinyHyper(step),
      );
      expect(influence === null).toBe(step % 2 === 1);
      if (step % 2 === 1) expect(weightsAfter).toEqual(weightsBefore);
      else {
        const [first, second] = popoWeights(weightsBefore, influence!, 5);
        const least = Math.min(0.55, Math.max(0.45, first));
        expect(weightsAfter[0]).toBeCloseTo(least, 12);
        expect(weightsAfter[1]).toBeCloseTo(1 - least, 12);
        expect(Math.min(first, second)).toBeGreaterThan(0);
      }
    }
    // Where nothing is measured, not even a weight below the floor is touched.
    policy.weights = [0.3, 0.7];
    expect((await policy.update(tinyRollouts(5), tinyHyper(4))).weightsAfter).toEqual([0.3, 0.7]);
  });

  it.each([
    ['batch', 2, [true, true, false]],
    ['halves', 0, [true, true, true]],
    ['halves', 2, [true, true, false]],
    ['momentum', 1, [true, false, false]],
  ] as const)(
    'measures %s on %i prompts by these prompts alone',
    async (influence, influencePrompts, counts) => {
      // Rewards of one prompt reach the influence through its own advantages only.
      const options: Partial<PolicyOptions> = { influence, influencePrompts, lossType: 'grpo' };
      const measured = async (changed: number | null) => {
        const { policy } = await optimizer(options);
        await policy.update(tinyRollouts(0), tinyHyper(0));
        const rollouts = tinyRollouts(1);
        for (let row = 0; changed !== null && row < 4; row++)
          rollouts.rewards[(4 * changed + row) * 2] = row % 2;
        return (await policy.update(rollouts, tinyHyper(1))).influence!;
      };
      const before = await measured(null);
      for (const [prompt, isCounted] of counts.entries()) {
        const after = await measured(prompt);
        const difference = Math.max(...after.map((value, k) => Math.abs(value / before[k] - 1)));
        if (isCounted) expect(difference).toBeGreaterThan(1e-3);
        else expect(difference).toBe(0);
      }
    },
  );

  it('reports as influence only what weighs, and as norms only what was compared', async () => {
    const reported = async (options: Partial<PolicyOptions>) => {
      const { policy } = await optimizer(options);
      const { influence, gradNorms, gradCosines } = await policy.update(tinyRollouts(0), tinyHyper(0));
      return [influence !== null, gradNorms !== null, gradCosines !== null];
    };
    expect(await reported({})).toEqual([true, false, false]);
    expect(await reported({ objectiveMaxNorm: 0.1 })).toEqual([true, true, true]);
    expect(await reported({ probeEvery: 1 })).toEqual([true, true, true]);
    expect(await reported({ weighting: 'mgda' })).toEqual([false, true, true]);
    expect(await reported({ weighting: 'gdpo', probeEvery: 1 })).toEqual([false, true, true]);
    expect(await reported({ weighting: 'popo-light' })).toEqual([false, false, false]);
  });

  it('clips every gradient to objectiveMaxNorm before it compares them', async () => {
    const { policy } = await optimizer({ objectiveMaxNorm: 0.1 });
    const { influence, gradNorms, gradCosines } = await policy.update(tinyRollouts(0), tinyHyper(0));
    expect(Math.min(...gradNorms!)).toBeGreaterThan(0.1);
    // Two gradients of norm .1: each has itself and the other.
    for (const value of influence!) expect(value).toBeCloseTo(0.01 * (1 + gradCosines![0]!), 9);
  });

  it('counts only the last block’s matrices where the scope says so', async () => {
    const norms = async (influenceScope: PolicyOptions['influenceScope']) => {
      const { policy } = await optimizer({ influenceScope, probeEvery: 1 });
      return (await policy.update(tinyRollouts(0), tinyHyper(0))).gradNorms!;
    };
    const [all, last] = [await norms('all'), await norms('last_layer')];
    last.forEach((norm, k) => {
      expect(norm).toBeGreaterThan(0.05 * all[k]);
      expect(norm).toBeLessThan(0.95 * all[k]);
    });
  });

  it('refuses a later update before the first', async () => {
    const { policy } = await optimizer();
    await expect(policy.update({ ...tinyRollouts(0), iteration: 1 }, tinyHyper(0))).rejects.toThrow(
      /Iteration 0 .* must come before/,
    );
    await policy.update(tinyRollouts(0), tinyHyper(0));
    policy.destroy();
    await expect(policy.update({ ...tinyRollouts(0), iteration: 1 }, tinyHyper(1))).rejects.toThrow(
      /Iteration 0/,
    );
  });

  it('refuses weights that are none', () => {
    const model = new ReferenceModel(tinyModel, initialParameters(tinyModel, 3));
    expect(() => new ReferencePolicyOptimizer(model, { ...tinyOptions, rewardWeights: [0.5, 0.6] })).toThrow(
      /sum to 1/,
    );
    model.destroy();
  });

  it('leaves KL out of the influence and puts it into the loss once', async () => {
    const results = [];
    for (const beta of [0, 5]) {
      const { policy } = await optimizer({ beta });
      await policy.update(tinyRollouts(0), tinyHyper(0));
      results.push(await policy.update(tinyRollouts(1), tinyHyper(1)));
    }
    const [without, with5] = results;
    // On policy at step 0 k3 and its gradient vanish, so step 1 starts from the same weights in both.
    expect(with5.influence![0]).toBeCloseTo(without.influence![0], 5);
    expect(with5.kl).toBeGreaterThan(0);
    expect(with5.loss - without.loss).toBeCloseTo(5 * with5.kl, 5);
  });

  it('weighs by group statistics with popo-light, and measures gradients only when asked', async () => {
    const { policy } = await optimizer({ weighting: 'popo-light', probeEvery: 2 });
    const updates = [];
    for (const step of [0, 1, 2]) updates.push(await policy.update(tinyRollouts(step), tinyHyper(step)));
    expect(updates.map((update) => update.gradNorms !== null)).toEqual([true, false, true]);
    expect(updates.every((update) => update.influence === null)).toBe(true);
    expect(updates[1].weightsAfter).toEqual(popoLightWeights(tinyRollouts(1).rewards, 4, [0.5, 0.5]));
  });

  it('keeps fixed weights', async () => {
    const { policy } = await optimizer({ weighting: 'fixed', rewardWeights: [0.25, 0.75] });
    const update = await policy.update(tinyRollouts(0), tinyHyper(0));
    expect([update.weightsBefore, update.weightsAfter]).toEqual([
      [0.25, 0.75],
      [0.25, 0.75],
    ]);
    expect(update.gradNorms).toBeNull();
  });

  it('measures later iterations against the first one’s log-probabilities', async () => {
    const { policy } = await optimizer({ beta: 0 });
    const rollouts = tinyRollouts(0);
    const first = await policy.update(rollouts, { ...tinyHyper(0), learningRate: 0.015 });
    expect(first.clip.region_mean).toBe(0);
    const second = await policy.update({ ...rollouts, iteration: 1 }, tinyHyper(1));
    expect(second.clip.region_mean).toBeGreaterThan(0);
    expect(second.loss).toBeLessThan(first.loss);
    expect(second.weightsAfter).toEqual(first.weightsAfter);
    expect(second.advantages).toEqual(first.advantages);
  });

  it.each([0.7, 1.3])(
    'has a ratio of 1 and no KL where nothing moved, at temperature %d',
    async (temperature) => {
      const { model, policy } = await optimizer({ temperature, epsilon: 0, epsilonHigh: 0 });
      const still = { ...tinyHyper(0), learningRate: 0 };
      const first = await policy.update(tinyRollouts(0), still);
      const second = await policy.update({ ...tinyRollouts(0), iteration: 1 }, still);
      expect(second.clip.region_mean).toBe(0);
      expect(second.loss).toBe(first.loss);
      expect(second.kl).toBe(0);
      // The gauge is of the distribution that was sampled from.
      const untempered = await optimizer({ temperature: 1 });
      const { entropy } = await untempered.policy.update(tinyRollouts(0), still);
      expect(Math.sign(first.entropy - entropy)).toBe(Math.sign(temperature - 1));
      model.destroy();
    },
  );

  it('takes one reward and three', async () => {
    for (const weights of [[1], [0.2, 0.3, 0.5]]) {
      const { policy } = await optimizer({ rewardWeights: weights });
      const update = await policy.update(tinyRollouts(0, weights.length), tinyHyper(0));
      expect(update.weightsAfter).toHaveLength(weights.length);
      expect(update.weightsAfter.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    }
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'refuses a reward of %s before it touches the model',
    async (bad) => {
      const { model, policy } = await optimizer();
      const before = await model.snapshot();
      const rollouts = tinyRollouts(0);
      rollouts.rewards[5] = bad;
      await expect(policy.update(rollouts, tinyHyper(0))).rejects.toThrow(/Reward 1 of rollout 2/);
      expect(await model.snapshot()).toEqual(before);
      expect(policy.weights).toEqual([0.5, 0.5]);
    },
  );

  it('refuses another number of rewards than of weights', async () => {
    const { policy } = await optimizer();
    await expect(policy.update(tinyRollouts(0, 3), tinyHyper(0))).rejects.toThrow(
      /3 rewards each, but there are 2 weights/,
    );
  });
});
