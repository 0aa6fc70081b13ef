import { beforeAll, describe, expect, it } from 'vitest';
import { useSlowPath } from '../../src/gpu/tfjs';
import { initialParameters } from '../../src/model/parameters';
import { ReferenceModel } from '../../src/model/reference';
import { AGGREGATIONS, STD_EPSILON } from '../../src/popo/advantages';
import type { PolicyOptions } from '../../src/popo/options';
import { ReferencePolicyOptimizer } from '../../src/popo/referenceUpdate';
import { ruleOf, WEIGHTINGS } from '../../src/popo/rules';
import { widestGroup } from '../../src/popo/weighting';
import { groupWorking, type Scaling, weightsWorking } from '../../src/popo/workings';
import { tinyHyper, tinyModel, tinyOptions, tinyRollouts } from './tinyPolicy';

let model: ReferenceModel;

beforeAll(async () => {
  await useSlowPath();
  model = new ReferenceModel(tinyModel, initialParameters(tinyModel, 3));
  await model.freezeReference();
});

/** A step of the oracle as the report keeps it: 2 prompts, 4 answers each. */
async function recorded(told: Partial<PolicyOptions>) {
  const K = told.rewardWeights?.length ?? 2;
  const options: PolicyOptions = { ...tinyOptions, etaOverMu: 0.3, ...told };
  const policy = new ReferencePolicyOptimizer(model, options);
  const rollouts = tinyRollouts(0, K, 2);
  // A group that earns the same teaches nothing, and must not divide by nothing.
  const rewards = rollouts.rewards.map((reward, at) => (at < 4 * K ? reward : (at % K) / 4));
  const update = await policy.update({ ...rollouts, rewards }, tinyHyper(0));
  policy.destroy();
  const nested = <T>(values: T[], size: number) =>
    Array.from({ length: values.length / size }, (_, at) => values.slice(at * size, (at + 1) * size));
  const step = {
    ...update,
    rewards: nested(nested(Array.from(rewards), K), 4),
    advantages: nested(Array.from(update.advantages), 4),
    level: options.constraint.level!,
  };
  return { step, options };
}

/** The formula as it is read on the page. */
const formula = (value: number, scaling: Scaling | null) =>
  scaling === null ? value : (value - scaling.mean) / (scaling.std === null ? 1 : scaling.std + STD_EPSILON);

function close(found: readonly number[], record: readonly number[]): void {
  expect(found).toHaveLength(record.length);
  for (const [at, value] of found.entries()) expect(Math.abs(value - record[at])).toBeLessThan(1e-5);
}

const GRID = WEIGHTINGS.flatMap((weighting) =>
  (ruleOf(weighting).aggregation === null ? AGGREGATIONS : AGGREGATIONS.slice(0, 1)).flatMap((aggregation) =>
    (['group', 'batch', 'none'] as const).map((scaleRewards) => ({ weighting, aggregation, scaleRewards })),
  ),
);

describe('the numbers in the formulas are those of the record', () => {
  it.each(GRID)('$weighting, $aggregation, $scaleRewards', async (told) => {
    const { step, options } = await recorded({ ...told, rewardWeights: [0.7, 0.3] });
    for (const prompt of [0, 1]) {
      const { each, combined, scaling, advantages } = groupWorking(step, prompt, options);
      close(
        combined.map((value) => formula(value, scaling)),
        step.advantages[prompt],
      );
      close(advantages, step.advantages[prompt]);
      const [rewards, w] = [step.rewards[prompt], step.weightsAfter];
      rewards.forEach((answer, g) => {
        for (const [k, one] of (each ?? []).entries())
          expect(one.scores[g]).toBeCloseTo(formula(answer[k], one), 9);
        const terms = answer.map((reward, k) => (each === null ? reward : each[k].scores[g]));
        const isProduct = options.aggregation === 'multiply_then_normalize' && each === null;
        const together = isProduct
          ? terms.reduce((product, term, k) => product * term ** w[k], 1)
          : terms.reduce((sum, term, k) => sum + w[k] * term, 0);
        expect(combined[g]).toBeCloseTo(together, 9);
      });
    }
    const working = weightsWorking(step, options);
    close(working.weights, step.weightsAfter);
    expect(working.by).toBe(ruleOf(told.weighting).needs);
    if (working.factors !== null) expect(Math.max(...working.factors)).toBe(1);
    const total = working.products?.reduce((sum, value) => sum + value, 0) ?? 1;
    if (working.products !== null) {
      close(
        working.products.map((value) => value / total),
        step.weightsAfter,
      );
      expect(step.weightsAfter[0]).not.toBeCloseTo(0.7, 3);
    }
  });

  it.each([
    { weighting: 'popo', minWeight: 0.3 },
    { weighting: 'mgda', minWeight: 0 },
    { weighting: 'popo', influenceEvery: 1, objectiveMaxNorm: 0.05 },
  ] as const)('with three rewards, a floor, or clipped gradients: %o', async (told) => {
    const { step, options } = await recorded({ ...told, rewardWeights: [0.5, 0.3, 0.2], probeEvery: 1 });
    close(weightsWorking(step, options).weights, step.weightsAfter);
    close(groupWorking(step, 0, options).advantages, step.advantages[0]);
  });

  it('says that weights stay where nothing was measured', async () => {
    const { step, options } = await recorded({ weighting: 'fixed' });
    const working = weightsWorking({ ...step, influence: null }, { ...options, weighting: 'popo' });
    expect(working).toMatchObject({ by: 'nothing', weighed: null, factors: null });
    expect(working.weights).toEqual(step.weightsBefore);
  });
});

it('finds the group that was paid most differently, by the weights', () => {
  const groups = [
    [
      [0.5, 0],
      [0.5, 1],
    ],
    [
      [0, 0.5],
      [1, 0.5],
    ],
  ];
  expect(widestGroup(groups, [0.2, 0.8])).toBe(0);
  expect(widestGroup(groups, [0.8, 0.2])).toBe(1);
});
