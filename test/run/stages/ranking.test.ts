import { beforeEach, describe, expect, it, vi } from 'vitest';
import { StoppedError } from '../../../src/control/hooks';
import type { compareRankers } from '../../../src/evaluate/ranking';
import { data } from '../../../src/run/stages/data';
import { features } from '../../../src/run/stages/features';
import { ranking } from '../../../src/run/stages/ranking';
import { type Given, given, toolsOf } from './recorded';

let asked: Parameters<typeof compareRankers>[] = [];
let failure: Error | null = null;

// The comparison has tests of its own (test/evaluate/ranking.test.ts).
vi.mock('../../../src/evaluate/ranking', async (original) => ({
  ...(await original<typeof import('../../../src/evaluate/ranking')>()),
  async compareRankers(...all: Parameters<typeof compareRankers>) {
    asked.push(all);
    if (failure !== null) throw failure;
    return { report: { requests: { train: 1, test: 1 } }, losses: [2, 1] };
  },
}));

beforeEach(() => {
  asked = [];
  failure = null;
});

/** Inputs with people to rank for. */
async function deployed(): Promise<Given> {
  const here = await given();
  const { tools } = await toolsOf('data', here.config);
  here.inputs.data = await data.open({ dataset: null }, {}, tools);
  return here;
}

describe('the stage features', () => {
  it('asks what the model says of each request, then of each moment of the past, each in its place', async () => {
    const { inputs, model, config, format } = await deployed();
    const { deployment, dataset } = inputs.data;
    if (deployment === null) throw new Error('There is nobody to rank for.');
    const { requests, past } = deployment;
    // It says as many letters as the prompt has tokens, and the fake encoder counts letters.
    model.says = (prompt) => format.tokenizer.encodePlain('a '.repeat(prompt.length));
    const lengthOf = (prompt: number[]) => format.tokenizer.decode(model.says(prompt)).length;
    const { tools } = await toolsOf('features', config, { steps: features.steps(config, inputs) });
    const said = await features.run(inputs, tools);
    const here = { ...format, prompt: format.prompt.bind(format) };
    expect(said.past.vectors).toEqual(
      Float32Array.from(past.examples.flatMap((example) => [lengthOf(here.prompt(example)), 1])),
    );
    expect(past.examples.map(({ user }) => dataset.users[user].id)).toHaveLength(past.next.length);
    // What it says is no answer.
    expect(said.requests.answers).toEqual(requests.map(() => -1));
    const asked = model.asked.flatMap(({ prompts }) => prompts.map((prompt) => Array.from(prompt)));
    const firsts = asked.slice(0, requests.length).map(lengthOf);
    expect(Array.from(said.requests.vectors.filter((_, at) => at % 2 === 0))).toEqual(firsts);
    expect(new Set(firsts).size).toBeGreaterThan(1);
    expect(features.steps(config, inputs)).toBe(requests.length + past.examples.length);
    expect(model.asked.every(({ temperature }) => temperature === 0)).toBe(true);
  });

  it('embeds what is concluded and answered alone where the config asks for that', async () => {
    const { inputs, model, config, format } = await deployed();
    const { think, endThink } = format.tokenizer.special;
    const thought = format.tokenizer.encodePlain('saw lamps need rugs');
    model.says = () => [think, ...thought, endThink, ...format.answer(3)];
    const lengths = async () => {
      const { tools } = await toolsOf('features', config, { steps: features.steps(config, inputs) });
      const { requests, past } = await features.run(inputs, tools);
      return new Set([...requests.vectors, ...past.vectors].filter((_, at) => at % 2 === 0));
    };
    const { answer } = format.parse(model.says([]));
    expect(await lengths()).toEqual(new Set([format.tokenizer.decode(model.says([])).length]));
    config.ranking.embedded = 'conclusion';
    expect(await lengths()).toEqual(new Set([`rugs ${answer}`.length]));
  });

  it('says nothing where nobody is ranked for', async () => {
    const { inputs, config, model } = await given();
    const said = await features.run(inputs, (await toolsOf('features', config)).tools);
    const { requests, past } = said;
    expect([requests.vectors.length, requests.answers, past.vectors.length]).toEqual([0, [], 0]);
    expect(model.calls).toEqual([]);
    expect(features.steps(config, inputs)).toBe(0);
  });
});

describe('the stage ranking', () => {
  const said = {
    requests: { vectors: Float32Array.of(1, 2), answers: [7] },
    past: { vectors: Float32Array.of(3, 4), answers: [8] },
  };

  it('compares rankers with what was said, by the names of those it was said of', async () => {
    const { inputs, config } = await deployed();
    config.ranking.learning_rate = 0.03;
    Object.assign(config.ranking, { embedded: 'conclusion', whiten_above: 0.4, head_steps: 9 });
    const { deployment, dataset } = inputs.data;
    if (deployment === null) throw new Error('There is nobody to rank for.');
    const { tools, events } = await toolsOf('ranking', config);
    const made = await ranking.run({ ...inputs, features: said }, tools);
    expect(asked).toHaveLength(1);
    const [comparison, options, seed] = asked[0];
    const names = (of: typeof dataset, users: { user: number }[]) =>
      users.map(({ user }) => of.users[user].id);
    expect(comparison.dataset).toBe(dataset);
    expect(comparison.deployment).toBe(deployment.dataset);
    expect(comparison.said).toEqual({
      vectors: said.requests.vectors,
      dimension: 2,
      users: names(deployment.dataset, deployment.requests),
    });
    expect(comparison.answers).toEqual([7]);
    expect(comparison.itemVectors).toBe(inputs.encoder.encoder.itemVectors);
    expect(comparison.past).toEqual({
      vectors: said.past.vectors,
      dimension: 2,
      users: names(dataset, deployment.past.examples),
      next: deployment.past.next,
    });
    expect(options).toMatchObject({
      steps: 3,
      tuningSteps: 2,
      batchSize: 4,
      learningRate: 0.03,
      embeddingSize: 4,
      subspaces: 2,
      bits: 2,
      embedded: 'conclusion',
      whitenAbove: 0.4,
      headSteps: 9,
    });
    expect(seed).toBe(5);
    expect(tools.own.loss).toEqual([2, 1]);
    expect(events).toEqual([{ type: 'ranking', ranking: made.report }]);
  });

  it('costs no report when it fails, and is not done when it is stopped', async () => {
    const { inputs, config } = await deployed();
    const { tools, events } = await toolsOf('ranking', config);
    failure = new Error('out of memory');
    expect((await ranking.run({ ...inputs, features: said }, tools)).report).toBeNull();
    expect(events[0]).toMatchObject({ type: 'notice', level: 'warning' });
    expect(JSON.stringify(events)).toContain('out of memory');
    failure = new StoppedError('ranking');
    await expect(ranking.run({ ...inputs, features: said }, tools)).rejects.toThrow(StoppedError);
    failure = new Error('device lost');
    const device = { ...tools.device, isLost: async () => true };
    await expect(ranking.run({ ...inputs, features: said }, { ...tools, device })).rejects.toThrow(
      'device lost',
    );
  });

  it('says why it is left out', async () => {
    const { inputs, config } = await given();
    inputs.data.rankingProblem = 'there is nothing to rank.';
    const { tools, events } = await toolsOf('ranking', config);
    expect((await ranking.run({ ...inputs, features: said }, tools)).report).toBeNull();
    expect(JSON.stringify(events)).toContain('Ranking was left out: there is nothing to rank.');
    inputs.data.rankingProblem = null;
    const silent = await toolsOf('ranking', config);
    await ranking.run({ ...inputs, features: said }, silent.tools);
    expect(silent.events).toEqual([]);
    expect(asked).toEqual([]);
  });
});
