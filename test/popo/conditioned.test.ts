/** Ends under a policy update, on the reference: what `split` and `compose` promise, and what conditioned parameters mean. */
import { beforeAll, describe, expect, it } from 'vitest';
import { useSlowPath } from '../../src/gpu/tfjs';
import type { AdamWStep } from '../../src/model/config';
import type { ModelState } from '../../src/model/languageModel';
import { initialParameters } from '../../src/model/parameters';
import { ReferenceModel } from '../../src/model/reference';
import type { PolicyOptions } from '../../src/popo/options';
import { ReferencePolicyOptimizer } from '../../src/popo/referenceUpdate';
import { relativeError } from '../model/shapes';
import { tinyHyper, tinyModel, tinyOptions, tinyRollouts } from './tinyPolicy';

beforeAll(async () => {
  await useSlowPath();
});

const begin = initialParameters(tinyModel, 3);

async function policyOf(options: Partial<PolicyOptions>, ends = 0) {
  const model = new ReferenceModel(tinyModel, begin);
  await model.freezeReference();
  if (ends > 0) await model.split(ends);
  return {
    model,
    policy: new ReferencePolicyOptimizer(model, { ...tinyOptions, probeEvery: 2, ...options }),
  };
}

/** Steps under weights that are given, as the trainer takes them. */
async function conditionedRun(
  drawn: readonly (readonly number[])[],
  { at = drawn[0], iterations = 1 }: { at?: readonly number[]; iterations?: number } = {},
) {
  const K = drawn[0].length;
  const { model, policy } = await policyOf({ weighting: 'conditioned', rewardWeights: [...at] }, K);
  const updates = [];
  const states: ModelState[] = [];
  for (const [step, weights] of drawn.entries()) {
    policy.weights = [...weights];
    await model.compose(weights);
    for (let iteration = 0; iteration < iterations; iteration++) {
      const batch = { ...tinyRollouts(step, K), iteration };
      updates.push(await policy.update(batch, tinyHyper(step * iterations + iteration)));
    }
    await model.compose(at);
    states.push(await model.snapshot());
  }
  return { updates, states };
}

describe('conditioned parameters', () => {
  it.each([0, 1, 2])(
    'with all of the weight on reward %i are a fixed run of it alone, to the bit',
    async (whole) => {
      const weights = [0, 1, 2].map((k) => Number(k === whole));
      const { updates, states } = await conditionedRun([weights, weights, weights], { iterations: 2 });
      const fixed = await policyOf({ weighting: 'fixed', rewardWeights: weights });
      const expected = [];
      for (let step = 0; step < 3; step++)
        for (const iteration of [0, 1])
          expected.push(
            await fixed.policy.update(
              { ...tinyRollouts(step, 3), iteration },
              tinyHyper(2 * step + iteration),
            ),
          );
      expect(updates).toEqual(expected);
      const { ends, parameters } = states[2];
      const { parameters: moved, moment1, moment2 } = await fixed.model.snapshot();
      expect(ends![whole]).toEqual({ parameters: moved, moment1, moment2 });
      expect(parameters).toEqual(moved);
      expect(moved).not.toEqual(begin);
    },
  );

  it('leave an end whose weight is 0 where it was, its moments too', async () => {
    const { states } = await conditionedRun([
      [0.4, 0.6],
      [1, 0],
      [0, 1],
    ]);
    const [first, second, third] = states.map(({ ends }) => ends!);
    expect(second[1]).toEqual(first[1]);
    expect(second[0]).not.toEqual(first[0]);
    expect(third[0]).toEqual(second[0]);
    expect(third[1]).not.toEqual(second[1]);
  });

  it('move an end by AdamW under its weight times the gradient at the mixture', async () => {
    const weights = [0.2, 0.3, 0.5];
    const { states } = await conditionedRun([weights]);
    // Of the first step: every end has the same weights, so the mixture is where the model began.
    const alone = await policyOf({ weighting: 'fixed', rewardWeights: weights });
    const free: AdamWStep = { ...tinyHyper(0), weightDecay: 0 };
    await alone.policy.update(tinyRollouts(0, 3), free);
    const { moment1, moment2, parameters } = await alone.model.snapshot();
    weights.forEach((weight, k) => {
      const end = states[0].ends![k];
      expect(
        relativeError(
          end.moment1,
          moment1.map((m) => m * weight),
        ),
      ).toBeLessThan(1e-4);
      expect(
        relativeError(
          end.moment2,
          moment2.map((v) => v * weight ** 2),
        ),
      ).toBeLessThan(1e-4);
      // AdamW's first step is of the same size whatever the gradient's; decay is the weight's share of the model's own.
      const moved = parameters.map((value, i) => {
        const isDecayed = moment1[i] !== 0 && i < 1_000;
        const decay = free.learningRate * tinyHyper(0).weightDecay * weight * begin[i];
        return value - (isDecayed ? decay : 0);
      });
      expect(relativeError(end.parameters.subarray(0, 1_000), moved.subarray(0, 1_000))).toBeLessThan(1e-5);
    });
  });

  it('are measured and kept as the mixture that is asked for', async () => {
    const at = [0.25, 0.75];
    const { states } = await conditionedRun(
      [
        [0.9, 0.1],
        [0.5, 0.5],
      ],
      { at },
    );
    for (const { parameters, ends } of states) {
      const mixture = parameters.map(
        (_, i) => at[0] * ends![0].parameters[i] + at[1] * ends![1].parameters[i],
      );
      expect(relativeError(parameters, mixture)).toBeLessThan(1e-6);
    }
    expect(states[1].ends![0].parameters).not.toEqual(states[1].ends![1].parameters);
  });

  it('resume to the bit from the model’s state, and are refused before the model is split', async () => {
    const drawn = [
      [0.2, 0.8],
      [0.7, 0.3],
      [0.4, 0.6],
    ];
    const { updates, states } = await conditionedRun(drawn);
    const { model, policy } = await policyOf({ weighting: 'conditioned', rewardWeights: drawn[0] });
    await expect(model.compose(drawn[2])).rejects.toThrow(
      'The model has 0 ends, so 2 shares compose nothing.',
    );
    await model.restore(states[1]);
    policy.weights = drawn[2];
    await model.compose(drawn[2]);
    expect(await policy.update(tinyRollouts(2), tinyHyper(2))).toEqual(updates[2]);
    await model.compose(drawn[0]);
    expect(await model.snapshot()).toEqual(states[2]);
    await model.restore({ parameters: begin, moment1: begin, moment2: begin });
    expect((await model.snapshot()).ends).toBeUndefined();
  });
});
