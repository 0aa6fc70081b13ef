/** The whole loop on a real (tiny) policy: it must learn what is paid, and resume to the bit. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset, Example } from '../../src/data/dataset';
import { useSlowPath } from '../../src/gpu/tfjs';
import type { ModelState } from '../../src/model/languageModel';
import { initialParameters } from '../../src/model/parameters';
import { ReferenceModel } from '../../src/model/reference';
import type { PolicyOptions } from '../../src/popo/options';
import type { PolicyState } from '../../src/popo/policy';
import { ReferencePolicyOptimizer } from '../../src/popo/referenceUpdate';
import { itemLikeness } from '../../src/popo/rewards/semantic';
import { type PopoStep, trainPolicy } from '../../src/popo/trainer';
import { divergenceOf } from '../../src/run/divergence';
import { tinyHyper, tinyModel, tinyOptions } from './tinyPolicy';

beforeAll(async () => {
  await useSlowPath();
});

const USERS = 4;
const EOS = 12;
const examples: Example[] = Array.from({ length: USERS }, (_, user) => ({
  sampleId: `s${user}`,
  user,
  position: 0,
}));
const dataset: Dataset = {
  id: 'test',
  sha256: '',
  items: [],
  users: examples.map(({ user }) => ({ id: `u${user}`, profile: '', history: Int32Array.of(user) })),
  impressions: {
    user: new Int32Array(),
    item: new Int32Array(),
    historyLength: new Int32Array(),
    click: new Uint8Array(),
    conversion: new Uint8Array(),
  },
  splits: { train: examples, validation: [], test: [] },
  facts: [],
  notes: [],
};

/** Token i < 4 answers item i; user u wants item u, and the ID reward pays item 3 whoever asks. */
async function train(
  options: Partial<PolicyOptions>,
  steps: number,
  resume?: { state: PolicyState; model: ModelState },
  learningRate = 0.02,
) {
  const initial = initialParameters(tinyModel, 3);
  const model = new ReferenceModel(tinyModel, initial);
  await model.freezeReference();
  if (resume) await model.restore(resume.model);
  const policyOptions = { ...tinyOptions, beta: 0.01, ...options };
  const rolloutOptions = {
    ...policyOptions,
    promptsPerStep: 4,
    numGenerations: 6,
    numIterations: 1,
    topK: 0,
    maxCompletionLength: 2,
  };
  const optimizer = new ReferencePolicyOptimizer(model, policyOptions);
  if (resume) optimizer.weights = resume.state.weights;
  const records: PopoStep[] = [];
  const identity = (i: number) => Float32Array.from({ length: USERS }, (_, j) => (i === j ? 1 : 0));
  const state = await trainPolicy(
    {
      model,
      optimizer,
      dataset,
      examples,
      format: {
        prompt: ({ user }) => [user + 4, user + 4],
        parse: ([token, ...rest]: Uint32Array) => ({
          answer: String(token),
          item: token < USERS ? token : -1,
          valid: rest.length < 2,
          think: null,
          coherent: false,
        }),
      },
      eosToken: EOS,
      sources: {
        likeness: itemLikeness(
          Float32Array.from(examples.flatMap(({ user }) => Array.from(identity(user)))),
          USERS,
        ),
        rewardTable: Float32Array.from(examples.flatMap(() => [0.1, 0.1, 0.1, 0.9])),
        items: USERS,
        rewards: ['semantic', 'id'],
        novelty: [],
        semanticExponent: 2,
      },
    },
    {
      seed: 7,
      from: resume?.state.step ?? 0,
      steps,
      promptsPerStep: 4,
      length: 4,
      at: () => ({ options: rolloutOptions, weights: null }),
      hyper: (update) => ({ ...tinyHyper(update), learningRate }),
    },
    { gate: async () => 'go', onStep: (step) => void records.push(step) },
  );
  return { records, state, model: await model.snapshot() };
}

const meanReward = (records: PopoStep[], reward: number) => {
  const values = records.flatMap((step) => step.rewards.flat().map((rewards) => rewards[reward]));
  return values.reduce((a, b) => a + b, 0) / values.length;
};

describe('POPO on a tiny policy', () => {
  it('that nothing holds, at a learning rate that is too high, is seen to run away', async () => {
    const { records } = await train({ weighting: 'fixed', beta: 0 }, 12, undefined, 1);
    const gauges = (length: number) => {
      const steps = records.slice(0, length);
      return {
        gradient: { values: steps.map(({ grad_norm }) => grad_norm) },
        kl: { values: steps.map(({ kl }) => kl) },
        entropy: { values: steps.map(({ entropy }) => entropy) },
      };
    };
    const seen = records.map((_, index) => divergenceOf('popo', gauges(index + 1), new Set()));
    expect(seen.find((found) => found !== null)).toMatchObject({ kind: 'entropy', stage: 'popo' });
  });

  it('learns what the weights pay for', async () => {
    const semantic = await train({ weighting: 'fixed', rewardWeights: [1, 0] }, 40);
    const preference = await train({ weighting: 'fixed', rewardWeights: [0, 1] }, 40);
    expect(meanReward(semantic.records.slice(0, 5), 0)).toBeLessThan(0.3);
    expect(meanReward(semantic.records.slice(-5), 0)).toBeGreaterThan(0.7);
    expect(meanReward(preference.records.slice(-5), 1)).toBeGreaterThan(0.7);
    // Paid for preference alone, everyone is sold item 3, which only one of four wants.
    expect(meanReward(preference.records.slice(-5), 0)).toBeLessThan(0.4);
  });

  it('moves weights on the simplex and resumes to the bit with popo', async () => {
    const whole = await train({}, 6);
    const half = await train({}, 3);
    const rest = await train({}, 6, half);
    expect([...half.records, ...rest.records]).toEqual(whole.records);
    expect(rest.model).toEqual(whole.model);
    for (const { weightsAfter } of whole.records)
      expect(weightsAfter[0] + weightsAfter[1]).toBeCloseTo(1, 12);
    expect(whole.state.weights).not.toEqual([0.5, 0.5]);
  });
});
