import { beforeEach, describe, expect, it, vi } from 'vitest';
import { StoppedError } from '../../../src/control/hooks';
import type { PolicyOptimizer } from '../../../src/popo/policy';
import type { Rollout } from '../../../src/popo/sampling';
import type { trainPolicy } from '../../../src/popo/trainer';
import type { RunConfig } from '../../../src/run/config';
import type { PopoStep } from '../../../src/run/report';
import { rewardSources } from '../../../src/run/rewardSources';
import { popo } from '../../../src/run/stages/popo';
import type { SaidStep } from '../../../src/run/transcript';
import { learningRateAt } from '../../../src/sft/schedule';
import { answerOf, type Given, given, type RecordingModel, rewardOf, toolsOf } from './recorded';

type Arguments = Parameters<typeof trainPolicy>;
const asked: Arguments[] = [];

const UNREADABLE: Rollout = {
  example: 0,
  prompt: [1],
  completion: Uint32Array.of(1),
  logps: Float32Array.of(0),
  parsed: { answer: null, item: -1, valid: false, think: null, coherent: false },
  rewards: [0, 0],
};

/** What the loop says it sampled: P prompts of as many rollouts each, with what each was paid. */
const NOTHING = { rollouts: [UNREADABLE], rewards: [[[0, 0]]] };
let sampled: { rollouts: Rollout[]; rewards: number[][][] } = NOTHING;

// The loop itself has tests of its own (test/popo); here it is asked what it was given, and takes steps that do nothing.
vi.mock('../../../src/popo/trainer', () => ({
  async trainPolicy(...all: Arguments) {
    asked.push(all);
    const [task, training, hooks] = all;
    for (let step = training.from; step < training.steps; step++) {
      if ((await hooks.gate()) === 'stop') return { step, weights: task.optimizer.weights };
      task.optimizer.weights = [0.1 * (step + 1), 1 - 0.1 * (step + 1)];
      (task.model as RecordingModel).version++;
      const record = {
        step,
        loss: step / 10,
        completions: {},
        rewards: sampled.rewards,
        weightsAfter: [1, 0],
      };
      await hooks.onStep(record as unknown as PopoStep, sampled.rollouts);
      hooks.onTiming?.('rollout', 2);
    }
    return { step: training.steps, weights: task.optimizer.weights };
  },
}));

beforeEach(() => {
  asked.length = 0;
  sampled = NOTHING;
});

async function prepared(here: Given, from = 0) {
  const { tools, events } = await toolsOf('popo', here.config, { from, steps: here.config.popo.steps });
  const made = popo.begin(here.config);
  const optimizers: { options: unknown; optimizer: PolicyOptimizer; isGone: boolean }[] = [];
  const spent: [string, number][] = [];
  const device = {
    ...tools.device,
    createPolicyOptimizer(_model: unknown, options: unknown) {
      const entry = {
        options,
        isGone: false,
        optimizer: {
          weights: [],
          update: vi.fn(),
          destroy: () => void Object.assign(entry, { isGone: true }),
        } as never,
      };
      optimizers.push(entry);
      return entry.optimizer;
    },
  };
  const spend = (part: string, seconds: number) => void spent.push([part, seconds]);
  return { tools: { ...tools, device, spend }, events, made, optimizers, spent };
}

describe('the stage popo', () => {
  it('freezes SFT as the reference, starts its own optimizer, and keeps the reference', async () => {
    const here = await given();
    here.model.version = 7;
    const { tools, made } = await prepared(here);
    await popo.run(here.inputs, tools, made);
    expect(here.model.calls.slice(0, 3)).toEqual(['reset', 'freeze', 'snapshot']);
    expect(made.reference?.[0]).toBe(7);
  });

  it('tells what the update made of the group that it tells, to whoever looks on and to nobody else', async () => {
    const here = await given();
    const rollout = (prompt: number[], completion: number[]): Rollout => ({
      ...UNREADABLE,
      prompt,
      completion: Uint32Array.from(completion),
      logps: Float32Array.from(completion, () => -1),
    });
    // Two prompts of two answers; those of the second are paid differently.
    sampled = {
      rollouts: [
        rollout([4], [5]),
        rollout([4], [6]),
        rollout([7, 8, 9], [10, 11]),
        rollout([7, 8, 9], [12]),
      ],
      rewards: [
        [
          [0, 0],
          [0, 0],
        ],
        [
          [1, 0],
          [0, 0],
        ],
      ],
    };
    // The probability of a token tells which it is, and after how many steps.
    const chance = (token: number, version: number) => Math.exp(-token / 10 - version);
    here.model.score = async (batch) => {
      here.model.calls.push('score');
      const logps = Float32Array.from(batch.tokens, (token) => -token / 10 - here.model.version);
      return { logps, entropies: new Float32Array(logps.length) };
    };
    const kept: SaidStep[] = [];
    const groups = async (isWatched: boolean, prompt: number | null = null) => {
      const { tools, events, made } = await prepared(here);
      here.model.version = 0;
      here.model.calls.length = 0;
      kept.length = 0;
      const onlooker = { prompt: () => prompt, keep: (said: SaidStep) => void kept.push(said) };
      await popo.run(here.inputs, { ...tools, ...(isWatched && { onlooker }) }, made);
      return events.flatMap((event) => (event.type === 'group' ? [event.group] : []));
    };
    const passes = () => here.model.calls.filter((call) => call === 'score').length;
    const [first, second] = await groups(true);
    const watched = passes();
    expect(first.prompt).toBe(1);
    // After the step, so of the next version.
    for (const [group, version] of [
      [first, 1],
      [second, 2],
    ] as const)
      [[10, 11], [12]].forEach((tokens, g) => {
        const { after } = group.answers[g];
        expect(after).toHaveLength(tokens.length);
        tokens.forEach((token, at) => {
          expect(after![at]).toBeCloseTo(chance(token, version), 6);
        });
      });
    // All that was sampled is told, and what of it was measured.
    expect(kept.slice(0, 2).map(({ step, rollouts, measured }) => [step, rollouts.length, measured])).toEqual(
      [
        [0, 4, first],
        [1, 4, second],
      ],
    );
    // Whoever looks at a prompt has that measured instead, for as much; one that is not there leaves it as it was.
    const [looked] = await groups(true, 0);
    expect([looked.prompt, looked.answers.map(({ after }) => after!.length)]).toEqual([0, [1, 1]]);
    expect(passes()).toBe(watched);
    expect((await groups(true, 2))[0].prompt).toBe(1);
    const unseen = await groups(false);
    expect(kept).toEqual([]);
    expect(unseen.map(({ answers }) => answers.some(({ after }) => after !== undefined))).toEqual(
      unseen.map(() => false),
    );
    expect(watched - passes()).toBe(here.config.popo.steps);
  });

  it('puts the reference back when it goes on, and the policy after it', async () => {
    const here = await given();
    here.model.version = 9;
    const { tools, made } = await prepared(here, 2);
    made.reference = Float32Array.of(7);
    made.weights = [0.25, 0.75];
    await popo.run(here.inputs, tools, made);
    expect(here.model.calls.slice(0, 4)).toEqual(['snapshot', 'restore', 'freeze', 'restore']);
    expect(here.model.restored.map(({ parameters }) => parameters[0])).toEqual([7, 9]);
    expect(here.model.calls).not.toContain('reset');
    expect(asked[0][1].from).toBe(2);
    expect(made.steps.map(({ step }) => step)).toEqual([2]);
  });

  it('rolls out the prompts that it drew, to the end token, and pays them from the judges’ tables', async () => {
    const here = await given((config) => {
      config.popo.semantic_exponent = 1.5;
      config.popo.rewards = ['id', 'semantic'];
    });
    const { tools, made } = await prepared(here);
    await popo.run(here.inputs, tools, made);
    const [task] = asked[0];
    expect(task.examples).toBe(here.inputs.data.draw.policy);
    expect(task.format).toBe(here.format);
    expect(task.dataset).toBe(here.dataset);
    expect(task.eosToken).toBe(here.inputs.tokenizer.tokenizer.special.endAnswer);
    expect(task.sources).toEqual(rewardSources(here.inputs, here.config));
    expect(task.sources).toMatchObject({
      rewards: ['id', 'semantic'],
      semanticExponent: 1.5,
      items: here.dataset.items.length,
    });
    expect(task.sources.rewardTable).toBe(here.inputs.ranker.rewardTable);
    expect(task.sources.likeness).toBe(here.inputs.encoder.likeness);
    const bought = task.sources.novelty;
    expect(Math.max(...Array.from(bought))).toBe(1);
    expect(made.rewardNames).toEqual(['id', 'semantic']);
  });

  it('trains with the optimizer that the config names, over all updates of all steps', async () => {
    const here = await given((config) => {
      Object.assign(config.optimizer, {
        beta1: 0.8,
        beta2: 0.95,
        eps: 1e-7,
        weight_decay: 0.03,
        max_grad_norm: 0.7,
      });
      config.popo.num_iterations = 2;
      config.popo.learning_rate = 3e-3;
    });
    const { tools, made } = await prepared(here);
    await popo.run(here.inputs, tools, made);
    const [, training] = asked[0];
    const { steps } = here.config.popo;
    expect(training.hyper(3)).toEqual({
      step: 4,
      learningRate: learningRateAt({ learningRate: 3e-3, steps: 2 * steps }, 3),
      beta1: 0.8,
      beta2: 0.95,
      eps: 1e-7,
      weightDecay: 0.03,
      maxGradNorm: 0.7,
    });
    expect(training).toMatchObject({ seed: 5, from: 0, steps });
    expect(training.length).toBe(here.inputs.tokenizer.length);
  });

  it('is told every option that the config has', async () => {
    const told = {
      steps: 2,
      prompts_per_step: 5,
      num_generations: 3,
      rewards: ['id', 'semantic', 'novelty'],
      weighting: 'mgda',
      reward_weights: [0.2, 0.3, 0.5],
      eta_over_mu: 0.7,
      influence: 'halves',
      influence_scope: 'last_layer',
      influence_prompts: 4,
      influence_every: 6,
      min_weight: 0.05,
      correlation_target: 0.15,
      correlation_rate: 0.25,
      constrained: 'novelty',
      constraint_step: 0.45,
      probe_every: 7,
      beta: 0.3,
      epsilon: 0.15,
      epsilon_high: 0.35,
      num_iterations: 2,
      temperature: 0.8,
      top_k: 9,
      loss_type: 'dr_grpo',
      scale_rewards: 'none',
      multi_objective_aggregation: 'normalize_then_sum',
    };
    const here = await given((config) => void Object.assign(config.popo, told));
    const { tools, made, optimizers } = await prepared(here);
    await popo.run(here.inputs, tools, made);
    const expected = {
      steps: 2,
      promptsPerStep: 5,
      numGenerations: 3,
      weighting: 'mgda',
      rewardWeights: [0.2, 0.3, 0.5],
      etaOverMu: 0.7,
      influence: 'halves',
      influenceScope: 'last_layer',
      influencePrompts: 4,
      influenceEvery: 6,
      objectiveMaxNorm: 0,
      minWeight: 0.05,
      correlationTarget: 0.15,
      correlationRate: 0.25,
      constraint: { reward: 2, level: null, step: 0.45 },
      probeEvery: 7,
      beta: 0.3,
      epsilon: 0.15,
      epsilonHigh: 0.35,
      numIterations: 2,
      temperature: 0.8,
      topK: 9,
      lossType: 'dr_grpo',
      scaleRewards: 'none',
      aggregation: 'normalize_then_sum',
      maxCompletionLength: here.format.options.maxCompletionLength,
    };
    expect(optimizers[0].options).toEqual(expected);
    const [task, training] = asked[0];
    expect(training).toMatchObject({ steps: 2, promptsPerStep: 5 });
    expect(await training.at(1)).toEqual({ options: expected, weights: null });
    expect(task.sources.rewards).toEqual(['id', 'semantic', 'novelty']);
    expect(made.rewardNames).toEqual(['id', 'semantic', 'novelty']);
    expect(popo.steps(here.config, here.inputs)).toBe(2);
    // Only where gradients are at hand may they be clipped.
    const clipped = await given((config) => void Object.assign(config.popo, { objective_max_norm: 0.6 }));
    const other = await prepared(clipped);
    await popo.run(clipped.inputs, other.tools, other.made);
    expect(other.optimizers[0].options).toMatchObject({ objectiveMaxNorm: 0.6 });
  });

  it('trains each step by what is in force there, with the weights that somebody set', async () => {
    const here = await given();
    const { tools, made } = await prepared(here);
    const configAt = (step: number) => ({
      ...here.config,
      popo: { ...here.config.popo, beta: step / 10, num_generations: step + 1 },
    });
    const changedAt = (step: number, field: string) =>
      step === 2 && field === 'popo.reward_weights' ? [0.1, 0.9] : null;
    await popo.run(here.inputs, { ...tools, configAt, changedAt }, made);
    const [, training] = asked[0];
    expect(await training.at(1)).toMatchObject({ options: { beta: 0.1, numGenerations: 2 }, weights: null });
    const second = { options: { beta: 0.2, numGenerations: 3 }, weights: [0.1, 0.9] };
    expect(await training.at(2)).toMatchObject(second);
  });

  it('keeps every step and its weights, and frees the optimizer', async () => {
    const here = await given();
    const { tools, events, made, optimizers, spent } = await prepared(here);
    await popo.run(here.inputs, tools, made);
    expect(made.steps.map(({ step }) => step)).toEqual([0, 1, 2]);
    expect(made.weights[0]).toBeCloseTo(0.3);
    expect(tools.own.loss).toEqual([0, 0.1, 0.2]);
    expect(tools.at()).toBe(3);
    expect(optimizers).toHaveLength(1);
    expect(optimizers[0].isGone).toBe(true);
    expect(events.filter(({ type }) => type === 'popo')).toHaveLength(3);
    expect(spent).toEqual(Array.from({ length: 3 }, () => ['rollout', 2]));
  });

  it('starts from w(0), or from the weights that a checkpoint holds', async () => {
    const here = await given((config) => {
      config.popo.reward_weights = [0.2, 0.8];
      config.popo.steps = 0;
    });
    const first = await prepared(here);
    await popo.run(here.inputs, first.tools, first.made);
    expect(first.optimizers[0].optimizer.weights).toEqual([0.2, 0.8]);
    first.made.weights = [0.6, 0.4];
    await popo.run(here.inputs, first.tools, first.made);
    expect(first.optimizers[1].optimizer.weights).toEqual([0.6, 0.4]);
  });

  it('measures validation users at the start, every so many steps and at the end, once each', async () => {
    const here = await given();
    const { tools, events, made } = await prepared(here);
    made.curve.push({ step: 2, row: {} as never });
    await popo.run(here.inputs, tools, made);
    expect(made.curve.map(({ step }) => step)).toEqual([2, 0, 3]);
    expect(here.model.asked.map(({ prompts }) => prompts)).toEqual(
      [0, 3].map(() => here.inputs.data.draw.curve.map((example) => here.format.prompt(example))),
    );
    expect(events.flatMap((event) => (event.type === 'curve' ? [event.step] : []))).toEqual([0, 3]);
    expect(made.samples).toHaveLength(2 * here.inputs.data.draw.curve.length);
  });

  it.each([
    [1, [0, 1, 2, 3, 4, 5]],
    [2, [0, 2, 4, 5]],
    [3, [0, 3, 5]],
    [9, [0, 5]],
  ])('measures validation users every %i steps where the config says so', async (every, points) => {
    const here = await given(({ popo, evaluate }) => {
      popo.steps = 5;
      evaluate.curve_every = every;
    });
    const { tools, made } = await prepared(here);
    await popo.run(here.inputs, tools, made);
    expect(made.curve.map(({ step }) => step)).toEqual(points);
  });

  it('is not done when it was stopped', async () => {
    const here = await given();
    const { tools, made, optimizers } = await prepared(here);
    let left = 2;
    const gate = async () => (left-- > 0 ? ('go' as const) : ('stop' as const));
    const stopped = popo.run(here.inputs, { ...tools, hooks: { ...tools.hooks, gate } }, made);
    await expect(stopped).rejects.toThrow(StoppedError);
    expect(optimizers[0].isGone).toBe(true);
  });

  /** A model that answers as many of the validation users rightly as its version says, and the others with nothing. */
  async function learnt(rightly: Record<number, number>, keep: 'best' | 'last' = 'best', from = 0) {
    const here = await given((config) => {
      config.popo.keep = keep;
      config.evaluate.curve_every = 1;
    });
    here.model.version = 7 + from;
    const { curve } = here.inputs.data.draw;
    here.model.says = (prompt) => {
      const at = curve.findIndex((example) => `${here.format.prompt(example)}` === `${prompt}`);
      return at < rightly[here.model.version] ? answerOf(here, curve[at]) : [1];
    };
    return { here, ...(await prepared(here, from)) };
  }
  const bestOf = async (rightly: Record<number, number>) => {
    const { here, tools, made } = await learnt(rightly);
    await popo.run(here.inputs, tools, made);
    return { step: made.best?.step, handedOver: here.model.version, last: made.last?.[0] };
  };

  it('hands over the best model on validation users where that is asked for, and keeps the last', async () => {
    expect(await bestOf({ 7: 1, 8: 2, 9: 4, 10: 3 })).toEqual({ step: 2, handedOver: 9, last: 10 });
    // Of equals the earlier; SFT is a candidate.
    expect(await bestOf({ 7: 1, 8: 3, 9: 3, 10: 1 })).toEqual({ step: 1, handedOver: 8, last: 10 });
    expect(await bestOf({ 7: 2, 8: 1, 9: 1, 10: 2 })).toEqual({ step: 0, handedOver: 7, last: 10 });
    expect(await bestOf({ 7: 1, 8: 2, 9: 3, 10: 4 })).toEqual({ step: 3, handedOver: 10, last: undefined });
  });

  it('hands over the last model otherwise, and reads nothing back for it', async () => {
    const { here, tools, made } = await learnt({ 7: 1, 8: 4, 9: 1, 10: 1 }, 'last');
    await popo.run(here.inputs, tools, made);
    expect([made.best, made.last, here.model.version]).toEqual([null, null, 10]);
    expect(here.model.calls.filter((name) => name === 'snapshot')).toHaveLength(1);
    expect(popo.report!(made).popo).not.toHaveProperty('best');
  });

  it('goes on with the best so far, to the same model', async () => {
    const rightly = { 7: 1, 8: 4, 9: 1, 10: 2 };
    const first = await learnt(rightly);
    const stopAt2 = async () => (first.tools.at() === 2 ? ('stop' as const) : ('go' as const));
    const tools = { ...first.tools, hooks: { ...first.tools.hooks, gate: stopAt2 } };
    await expect(popo.run(first.here.inputs, tools, first.made)).rejects.toThrow(StoppedError);
    expect(first.made.best).toMatchObject({ step: 1, parameters: Float32Array.of(8) });
    const second = await learnt(rightly, 'best', 2);
    const made = structuredClone(first.made);
    await popo.run(second.here.inputs, second.tools, made);
    expect(second.here.model.version).toBe(8);
    expect(made.best).toEqual({ step: 1, score: expect.any(Number), parameters: null });
    expect(made.last).toEqual(Float32Array.of(10));
    expect(popo.report!(made).popo!.best).toEqual({ step: 1, score: made.best!.score });
  });

  /** The stage with a model that answers every prompt rightly as version 7, and with nothing as any other. */
  async function holding(change: (config: RunConfig) => void = () => {}, from = 0) {
    const here = await given((config) => {
      Object.assign(config.popo, { weighting: 'constraint', constrained: 'id', constraint_margin: 0.5 });
      change(config);
    });
    here.model.version = 7 + from;
    const { policy } = here.inputs.data.draw;
    here.model.says = (prompt) => {
      const example = policy.find((one) => `${here.format.prompt(one)}` === `${prompt}`);
      return here.model.version === 7 && example !== undefined ? answerOf(here, example) : [1];
    };
    const all = await prepared(here, from);
    /** At a step, with another temperature or weighting in force. */
    const at = async (step: number, told: Partial<RunConfig['popo']> = {}) => {
      const configAt = () => ({ ...here.config, popo: { ...here.config.popo, ...told } });
      asked.length = 0;
      await popo.run(here.inputs, { ...all.tools, from: 3, configAt }, all.made);
      here.model.version = 7 + step;
      const sampledBefore = here.model.asked.length;
      const { options } = await asked[0][1].at(step);
      return { options, sampled: here.model.asked.slice(sampledBefore) };
    };
    return { here, ...all, at };
  }

  it('holds a reward at the share of what the model earned that it began with, as a step would sample it', async () => {
    const { here, made, at } = await holding(({ popo }) => {
      Object.assign(popo, { temperature: 0.7, prompts_per_step: 3, num_generations: 2, top_k: 4 });
    });
    const { policy } = here.inputs.data.draw;
    const { options, sampled } = await at(0);
    // Evenly over the prompts, as many as make whole steps.
    const batches = Math.floor(policy.length / 3);
    expect(sampled).toHaveLength(batches);
    expect(sampled[0]).toMatchObject({ numGenerations: 2, temperature: 0.7, topK: 4 });
    const indices = Array.from({ length: 3 * batches }, (_, i) =>
      Math.floor((i * policy.length) / (3 * batches)),
    );
    expect(sampled.flatMap(({ prompts }) => prompts)).toEqual(
      indices.map((i) => here.format.prompt(policy[i])),
    );
    expect(new Set(sampled.map(({ key }) => key.join())).size).toBe(batches);
    // The ID reward of the true item of each, by the table.
    const earned = indices.map((i) =>
      rewardOf(i, here.dataset.users[policy[i].user].history[policy[i].position]),
    );
    const mean = earned.reduce((sum, value) => sum + value, 0) / earned.length;
    expect(options.constraint).toEqual({ reward: 1, level: expect.closeTo(0.5 * mean, 9), step: 1 });
    expect(made.levels).toEqual([
      { temperature: 0.7, rewards: [expect.any(Number), expect.closeTo(mean, 9)], answers: 2 * 3 * batches },
    ]);
    // Once, however often it is asked for, and with whichever margin.
    const again = await at(2, { constraint_margin: 1, constrained: 'semantic' });
    expect(again.sampled).toEqual([]);
    expect(again.options.constraint).toEqual({ reward: 0, level: made.levels![0].rewards[0], step: 1 });
  });

  it('measures it in the midst by the model that it began with, and leaves the policy as it was', async () => {
    const { here, made, at } = await holding(({ popo }) => void Object.assign(popo, { weighting: 'fixed' }));
    expect((await at(1)).options.constraint.level).toBeNull();
    expect(made.levels).toBeUndefined();
    made.reference = Float32Array.of(7);
    const { options, sampled } = await at(2, { weighting: 'constraint' });
    expect(sampled.length).toBeGreaterThan(0);
    expect(options.constraint.level).toBeGreaterThan(0);
    expect(here.model.version).toBe(9);
    expect(here.model.restored.slice(-2).map(({ parameters }) => parameters[0])).toEqual([7, 9]);
    // At the stage's beginning it would have been the same, and at another temperature it is asked anew.
    const fresh = await holding();
    expect((await fresh.at(0)).options.constraint.level).toBe(options.constraint.level);
    const hotter = await at(2, { weighting: 'constraint', temperature: 2 });
    expect(hotter.sampled[0].temperature).toBe(2);
    expect(made.levels?.map(({ temperature }) => temperature)).toEqual([1, 2]);
  });

  it('holds nothing where there is one reward', async () => {
    const { at } = await holding(({ popo }) => {
      Object.assign(popo, { rewards: ['id'], reward_weights: [1] });
    });
    expect(await at(0)).toMatchObject({ options: { constraint: { level: null } }, sampled: [] });
  });
});
