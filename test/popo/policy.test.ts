import { describe, expect, it } from 'vitest';
import { aggregationOf, type PolicyFields, policyOptions } from '../../src/popo/options';
import {
  assertFinite,
  assertRewardCount,
  everMeasured,
  influenceCorrection,
  influencePrompts,
  measurementOf,
  type PolicyUpdate,
} from '../../src/popo/policy';
import { WEIGHTINGS } from '../../src/popo/rules';
import { tinyRollouts } from './tinyPolicy';

describe('the options', () => {
  it('are the config’s, each under its own name', () => {
    // No two alike, so that none can stand in for another.
    const fields: PolicyFields = {
      weighting: 'popo-light',
      reward_weights: [0.1, 0.9],
      eta_over_mu: 0.2,
      influence: 'halves',
      influence_scope: 'last_layer',
      influence_prompts: 3,
      influence_every: 4,
      objective_max_norm: 0.5,
      min_weight: 0.06,
      correlation_rate: 0.19,
      correlation_target: 0.21,
      constrained: 'novelty',
      constraint_step: 0.22,
      rewards: ['id', 'novelty'],
      temperature: 0.7,
      beta: 0.8,
      epsilon: 0.09,
      epsilon_high: 0.11,
      loss_type: 'bnpo',
      scale_rewards: 'batch',
      multi_objective_aggregation: 'multiply_then_normalize',
      probe_every: 12,
      steps: 13,
      prompts_per_step: 14,
      num_generations: 15,
      num_iterations: 16,
      top_k: 17,
    };
    expect(policyOptions(fields, 18)).toEqual({
      weighting: 'popo-light',
      rewardWeights: [0.1, 0.9],
      etaOverMu: 0.2,
      influence: 'halves',
      influenceScope: 'last_layer',
      influencePrompts: 3,
      influenceEvery: 4,
      objectiveMaxNorm: 0.5,
      minWeight: 0.06,
      correlationRate: 0.19,
      correlationTarget: 0.21,
      constraint: { reward: 1, level: null, step: 0.22 },
      temperature: 0.7,
      beta: 0.8,
      epsilon: 0.09,
      epsilonHigh: 0.11,
      lossType: 'bnpo',
      scaleRewards: 'batch',
      aggregation: 'multiply_then_normalize',
      probeEvery: 12,
      steps: 13,
      promptsPerStep: 14,
      numGenerations: 15,
      numIterations: 16,
      topK: 17,
      maxCompletionLength: 18,
    });
    expect(policyOptions(fields, 18, 0.23).constraint.level).toBe(0.23);
  });

  it('leave the aggregation to rules that bring their own', () => {
    const of = (weighting: (typeof WEIGHTINGS)[number]) =>
      aggregationOf({ weighting, aggregation: 'multiply_then_normalize' });
    expect(WEIGHTINGS.map(of)).toEqual([
      'multiply_then_normalize',
      'multiply_then_normalize',
      'multiply_then_normalize',
      'normalize_then_sum',
      'sum_of_advantages',
      'multiply_then_normalize',
      'multiply_then_normalize',
      'multiply_then_normalize',
    ]);
  });
});

describe('what a step measures', () => {
  const plain = { weighting: 'popo', probeEvery: 0, influenceEvery: 1, objectiveMaxNorm: 0 } as const;
  const nothing = { gram: false, influence: false, weighs: null };
  const gauges = { gram: true, influence: false, weighs: null };
  const byGram = { gram: true, influence: false, weighs: 'gram' };
  const byInfluence = { gram: false, influence: true, weighs: 'influence' };
  const at = (options: Partial<Parameters<typeof measurementOf>[0]>, step: number, iteration = 0) =>
    measurementOf({ ...plain, ...options }, { step, iteration });

  it('is nothing after the first update on the same rollouts, whatever the rule', () => {
    for (const weighting of WEIGHTINGS) {
      expect(at({ weighting, probeEvery: 1, objectiveMaxNorm: 1 }, 0, 1)).toEqual(nothing);
    }
  });

  it('is the influence with popo, at every influenceEvery-th step', () => {
    expect([0, 1, 2].map((step) => at({}, step))).toEqual([byInfluence, byInfluence, byInfluence]);
    expect([0, 1, 2, 3].map((step) => at({ influenceEvery: 3 }, step))).toEqual([
      byInfluence,
      nothing,
      nothing,
      byInfluence,
    ]);
  });

  it('is every gradient where each is clipped before they are compared', () => {
    const options = { objectiveMaxNorm: 0.5, influenceEvery: 2 };
    expect([0, 1, 2].map((step) => at(options, step))).toEqual([byGram, nothing, byGram]);
  });

  it('is every gradient with mgda, at every step', () => {
    const options = { weighting: 'mgda', influenceEvery: 4 } as const;
    expect([0, 1, 2].map((step) => at(options, step))).toEqual([byGram, byGram, byGram]);
  });

  it.each(['fixed', 'gdpo', 'popo-light', 'correlation', 'constraint'] as const)(
    'is nothing but the probes with %s',
    (weighting) => {
      expect(at({ weighting, objectiveMaxNorm: 1 }, 0)).toEqual(nothing);
      const probed = [0, 1, 2, 3].map((step) => at({ weighting, probeEvery: 3 }, step));
      expect(probed).toEqual([gauges, nothing, nothing, gauges]);
    },
  );

  it('is with popo the probes besides', () => {
    const probed = [0, 1, 2].map((step) => at({ probeEvery: 2, influenceEvery: 3 }, step));
    expect(probed).toEqual([{ ...byInfluence, gram: true }, nothing, gauges]);
  });

  it('is built if any step measures it, and not otherwise', () => {
    for (const weighting of WEIGHTINGS)
      for (const probeEvery of [0, 1, 3])
        for (const objectiveMaxNorm of [0, 0.5]) {
          const options = { weighting, probeEvery, objectiveMaxNorm };
          const steps = [0, 1, 2, 3].map((step) => at(options, step));
          expect(everMeasured(options)).toEqual({
            gram: steps.some(({ gram }) => gram),
            influence: steps.some(({ influence }) => influence),
          });
        }
  });
});

describe('the prompts of an influence', () => {
  const of = (influence: 'batch' | 'halves' | 'momentum', some: number, prompts: number) =>
    influencePrompts({ influence, influencePrompts: some }, prompts);

  it('give direction and slopes both with batch', () => {
    expect(of('batch', 0, 6)).toEqual({ direction: 6, slopes: { from: 0, to: 6 } });
    expect(of('batch', 2, 6)).toEqual({ direction: 2, slopes: { from: 0, to: 2 } });
    expect(of('batch', 9, 6)).toEqual({ direction: 6, slopes: { from: 0, to: 6 } });
  });

  it('are never the same for both with halves', () => {
    expect(of('halves', 0, 5)).toEqual({ direction: 2, slopes: { from: 2, to: 5 } });
    expect(of('halves', 4, 6)).toEqual({ direction: 2, slopes: { from: 2, to: 4 } });
  });

  it('give slopes alone with momentum', () => {
    expect(of('momentum', 0, 6)).toEqual({ direction: 0, slopes: { from: 0, to: 6 } });
    expect(of('momentum', 2, 6)).toEqual({ direction: 0, slopes: { from: 0, to: 2 } });
  });

  it('stand for all of a step’s: each share is scaled by what it is a share of', () => {
    const correction = (influence: 'batch' | 'halves', some: number, prompts: number) =>
      influenceCorrection({ influence, influencePrompts: some }, prompts, { beta1: 0.9, step: 1 });
    expect(correction('batch', 0, 6)).toBe(1);
    expect(correction('batch', 2, 6)).toBe(9);
    expect(correction('halves', 4, 6)).toBe(9);
    expect(correction('halves', 0, 5)).toBeCloseTo((5 / 2) * (5 / 3), 12);
  });

  it.each([0.9, 0.5, 0])('take the bias out of a moment that has seen but one gradient: β₁ = %d', (beta1) => {
    // AdamW's first moment of a gradient that is always 3.
    let moment = 0;
    for (let step = 1; step < 40; step++) {
      const factor = influenceCorrection({ influence: 'momentum', influencePrompts: 0 }, 6, { beta1, step });
      expect(factor * moment).toBeCloseTo(step === 1 ? 0 : 3, 9);
      const half = influenceCorrection({ influence: 'momentum', influencePrompts: 3 }, 6, { beta1, step });
      expect(half).toBeCloseTo(2 * factor, 9);
      moment = beta1 * moment + (1 - beta1) * 3;
    }
  });

  it('have no influence along a moment that has seen nothing', () => {
    const first = { beta1: 0.9, step: 1 };
    expect(influenceCorrection({ influence: 'momentum', influencePrompts: 0 }, 6, first)).toBe(0);
  });
});

describe('an update', () => {
  const update: PolicyUpdate = {
    advantages: new Float32Array(1),
    weightsBefore: [1],
    weightsAfter: [0.5, 0.5],
    influence: null,
    gradNorms: null,
    gradCosines: null,
    loss: 1,
    kl: 0,
    entropy: 0,
    clip: { low_mean: 0, high_mean: 0, region_mean: 0 },
    gradNorm: 2,
  };

  it('is handed on when it is finite', () => {
    expect(assertFinite(update, 3)).toBe(update);
  });

  it.each([{ loss: Number.NaN }, { gradNorm: Number.POSITIVE_INFINITY }, { weightsAfter: [1, Number.NaN] }])(
    'is refused with its step when it is not: %j',
    (changes) => {
      expect(() => assertFinite({ ...update, ...changes }, 3)).toThrow(/^POPO step 4 is not finite .*loss/);
    },
  );

  it('takes one weight per reward', () => {
    expect(() => assertRewardCount(tinyRollouts(0, 2), [0.5, 0.5])).not.toThrow();
    expect(() => assertRewardCount(tinyRollouts(0, 2), [1])).toThrow(
      /2 rewards each, but there are 1 weights/,
    );
  });
});
