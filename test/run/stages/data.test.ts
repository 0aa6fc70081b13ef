import { describe, expect, it } from 'vitest';
import type { Example } from '../../../src/data/dataset';
import { CheckpointError } from '../../../src/run/checkpointError';
import type { RunConfig } from '../../../src/run/config';
import { loadDataset } from '../../../src/run/datasets';
import { data, drawExamples } from '../../../src/run/stages/data';
import { minusculeConfig, recordedRun } from '../tinyRun';
import { toolsOf } from './recorded';

const ids = (examples: readonly Example[]) => examples.map(({ sampleId }) => sampleId);

async function drawn(change: (config: RunConfig) => void = () => {}) {
  const config = minusculeConfig(change);
  const dataset = await loadDataset(config, async () => null);
  return { config, dataset, draw: drawExamples(dataset, config) };
}

describe('the stage data', () => {
  it('gives RL prompts that SFT has not learnt from, while there are enough', async () => {
    const { draw, config } = await drawn();
    expect(draw.prompts).toHaveLength(config.rupr.prompts);
    expect(draw.policy).toHaveLength(config.popo.steps * config.popo.prompts_per_step);
    const taught = new Set(ids(draw.prompts));
    expect(ids(draw.policy).filter((id) => taught.has(id))).toEqual([]);
    expect(new Set(ids(draw.policy)).size).toBe(draw.policy.length);
  });

  it('begins with the taught prompts again where fresh ones run out', async () => {
    const { draw, dataset } = await drawn((config) => {
      config.rupr.prompts = 30;
      config.popo.steps = 100_000;
    });
    const usable = dataset.splits.train.filter(({ position }) => position > 0).length;
    expect(draw.policy).toHaveLength(usable);
    expect(ids(draw.policy.slice(usable - 30))).toEqual(ids(draw.prompts));
  });

  it('teaches from training users with a history, and judges the users that are held out', async () => {
    const { draw, dataset, config } = await drawn();
    const of = (split: 'train' | 'validation' | 'test') => new Set(ids(dataset.splits[split]));
    const [train, validation, test] = [of('train'), of('validation'), of('test')];
    for (const example of [...draw.prompts, ...draw.policy]) {
      expect(train.has(example.sampleId)).toBe(true);
      expect(example.position).toBeGreaterThan(0);
    }
    expect(draw.curve).toHaveLength(config.evaluate.curve_users);
    expect(draw.test).toHaveLength(config.evaluate.users);
    for (const id of ids(draw.curve)) expect(validation.has(id)).toBe(true);
    for (const id of ids(draw.test)) expect(test.has(id)).toBe(true);
  });

  it('draws them by the seed', async () => {
    const { dataset, config, draw } = await drawn();
    const other = drawExamples(dataset, { ...config, seed: 8 });
    expect(drawExamples(dataset, config)).toEqual(draw);
    for (const group of ['prompts', 'policy', 'curve', 'test'] as const)
      expect(ids(other[group]), group).not.toEqual(ids(draw[group]));
  });

  it('rolls out no more prompts than the reward table has room for', async () => {
    const { dataset, config } = await drawn((changed) => {
      changed.popo.steps = 1000;
      changed.evaluate.curve_users = 4;
    });
    // 100 million cells of 10 million items are 10 rows, 4 of them for validation users.
    const items = { length: 10_000_000 } as unknown as typeof dataset.items;
    expect(drawExamples({ ...dataset, items }, config).policy).toHaveLength(6);
    const more = { length: 90_000_000 } as unknown as typeof dataset.items;
    expect(drawExamples({ ...dataset, items: more }, config).policy).toHaveLength(1);
  });

  it.each(['train', 'validation', 'test'] as const)(
    'asks for something in every split: %s',
    async (empty) => {
      const { dataset, config } = await drawn();
      const splits = { ...dataset.splits, [empty]: [] };
      expect(() => drawExamples({ ...dataset, splits }, config)).toThrow(
        /too small.*each must be at least 1/,
      );
    },
  );

  it('says how much of each split there is', async () => {
    const { dataset, config } = await drawn();
    const splits = { ...dataset.splits, test: [] };
    expect(() => drawExamples({ ...dataset, splits }, config)).toThrow(
      /0 test examples; each must be at least 1/,
    );
  });

  it('says whose requests are ranked: as many newcomers as asked, learnt from first, and nobody for 0', async () => {
    const config = minusculeConfig();
    const { tools } = await toolsOf('data', config);
    const opened = await data.open({ dataset: null }, {}, tools);
    const { deployment } = opened;
    if (deployment === null) throw new Error('There is no deployment.');
    const { train, test } = deployment.dataset.splits;
    expect(deployment.requests).toEqual([...train, ...test]);
    expect(train.length).toBeGreaterThan(0);
    expect(test.length).toBeGreaterThan(0);
    expect(deployment.past.examples.length).toBeLessThanOrEqual(config.ranking.users);
    const none = minusculeConfig(({ ranking }) => {
      ranking.users = 0;
    });
    const left = await data.open({ dataset: null }, {}, (await toolsOf('data', none)).tools);
    expect(left.deployment).toBeNull();
    expect(left.rankingProblem).toBeNull();
  });

  it.each([12, 20])('asks for as many people as the config ranks for, in both times: %i', async (users) => {
    const config = minusculeConfig(({ ranking }) => Object.assign(ranking, { users }));
    const { deployment } = await data.open({ dataset: null }, {}, (await toolsOf('data', config)).tools);
    expect(deployment?.dataset.users).toHaveLength(users);
    expect(deployment?.past.examples).toHaveLength(users);
  });

  it('says why nothing is ranked where imported data has no impressions to rank', async () => {
    const config = minusculeConfig();
    const { tools } = await toolsOf('data', config);
    const loadDataset = async () => ({ ...(await tools.loadDataset()), newcomers: undefined });
    const opened = await data.open({ dataset: null }, {}, { ...tools, loadDataset });
    expect(opened.deployment).toBeNull();
    expect(opened.rankingProblem).toMatch(/no impressions after the training period/);
  });

  it('refuses to go on with other data than it began with', async () => {
    const config = minusculeConfig();
    const { tools } = await toolsOf('data', config);
    const made: Parameters<typeof data.open>[0] = { dataset: null };
    await data.open(made, {}, tools);
    expect(made.dataset?.users).toBe((await tools.loadDataset()).users.length);
    await data.open(made, {}, tools);
    const other = recordedRun(minusculeConfig((changed) => Object.assign(changed, { seed: 6 }))).context;
    await expect(data.open(made, {}, { ...tools, loadDataset: other.loadDataset })).rejects.toThrow(
      CheckpointError,
    );
  });
});
