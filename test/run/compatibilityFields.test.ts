/** The fields that came with the world `compatibility`: each changes what it says, and nothing where it says nothing. */
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import type { ConfigPath, RunConfig } from '../../src/run/config';
import { loadDataset } from '../../src/run/datasets';
import { setLeaf } from '../../src/run/fields/paths';
import { ranker } from '../../src/run/stages/ranker';
import { rupr } from '../../src/run/stages/rupr';
import { sft } from '../../src/run/stages/sft';
import { packedRows, rehearsalOf } from '../../src/sft/warmup';
import { given, toolsOf } from './stages/recorded';
import { minusculeConfig } from './tinyRun';

type World = RunConfig['data']['world'];

const OWN = { data: { devices: 24, num_users: 30, num_heldout_users: 12 } };

function inWorld(world: World, change: (config: RunConfig) => void = () => {}): RunConfig {
  return minusculeConfig((config) => {
    Object.assign(config.data, OWN.data, { world });
    change(config);
  });
}

const none = async () => null;
const load = (world: World, path?: ConfigPath, value?: number) =>
  loadDataset(
    inWorld(world, (config) => path !== undefined && setLeaf(config, path, value as number)),
    none,
  );
const departments = ({ items }: Dataset) => new Set(items.map(({ categories }) => categories[0]));
const devices = ({ items }: Dataset) => items.filter(({ categories }) => categories[0] === 'Devices').length;

describe('data.world', () => {
  it('decides which world it is: its departments, its facts and its slices', async () => {
    const [own, other] = [await load('compatibility'), await load('tradeoff')];
    expect([...departments(own)]).toEqual(['Devices', 'Occasions', 'Gear', 'Treats', 'Everyday']);
    expect(departments(other)).not.toContain('Devices');
    expect([own.id, other.id]).toEqual(['world-compatibility', 'world']);
    expect(own.facts.filter((fact) => fact.includes('takes'))).toHaveLength(2 * 24);
    expect(other.facts.filter((fact) => fact.includes('takes'))).toEqual([]);
    expect([own.slices?.names.length, other.slices]).toEqual([3, undefined]);
  });
});

describe('sizes of a world', () => {
  it('data.devices: how many devices there are, where the world has any', async () => {
    expect(devices(await load('compatibility'))).toBe(24);
    expect(devices(await load('compatibility', 'data.devices', 40))).toBe(40);
    for (const world of ['tradeoff', 'hackable'] as const)
      expect((await load(world, 'data.devices', 40)).sha256).toBe((await load(world)).sha256);
  });

  it.each(['data.num_l1', 'data.items_per_l3'] as const)(
    '%s: the catalogue of worlds with departments, and nothing of devices',
    async (path) => {
      const [less, more] = [await load('tradeoff', path, 1), await load('tradeoff', path, 3)];
      expect(more.items.length).toBe(3 * less.items.length);
      expect((await load('compatibility', path, 3)).sha256).toBe((await load('compatibility')).sha256);
    },
  );

  it.each(['compatibility', 'tradeoff'] as const)(
    'data.num_users and data.num_heldout_users: who trains, validates and tests in %s',
    async (world) => {
      const counts = ({ splits }: Dataset) =>
        (['train', 'validation', 'test'] as const).map(
          (name) => new Set(splits[name].map(({ user }) => user)).size,
        );
      expect(counts(await load(world))).toEqual([30, 12, 12]);
      expect(counts(await load(world, 'data.num_users', 41))).toEqual([41, 12, 12]);
      expect(counts(await load(world, 'data.num_heldout_users', 17))).toEqual([30, 17, 17]);
    },
  );

  it('seed: another world of the same sizes', async () => {
    const [one, other] = [await load('compatibility'), await load('compatibility', 'seed', 6)];
    expect(other.sha256).not.toBe(one.sha256);
    expect(other.items).toHaveLength(one.items.length);
  });

  it('are read of no world where the data is an import', async () => {
    const imported = await load('tradeoff');
    for (const world of ['tradeoff', 'compatibility'] as const) {
      const config = inWorld(world, ({ data }) =>
        Object.assign(data, { source: 'import', sha256: 'a'.repeat(64), devices: 40, num_users: 41 }),
      );
      expect(await loadDataset(config, async (sha256) => (sha256 === 'a'.repeat(64) ? imported : null))).toBe(
        imported,
      );
    }
  });
});

describe('the fields of the ranker', () => {
  /** What a ranker of a few steps is and leaves, in the world of devices. */
  const trained = async (change: Partial<RunConfig['ranker']>) => {
    const here = await given((config) => {
      Object.assign(config.data, OWN.data, { world: 'compatibility' });
      Object.assign(config.ranker, { features: 'joined' }, change);
    });
    const { tools } = await toolsOf('ranker', here.config);
    const made = await ranker.run(here.inputs, tools);
    return { ...here, made, losses: tools.own.loss, table: Array.from(made.rewardTable) };
  };

  it('features: what it sees, and so all that it learns', async () => {
    const [joined, again, strongest] = [
      await trained({}),
      await trained({}),
      await trained({ features: 'strongest' }),
    ];
    expect(again.losses).toEqual(joined.losses);
    expect(strongest.losses).not.toEqual(joined.losses);
    expect(strongest.table).not.toEqual(joined.table);
  });

  it('reward: what is paid for an answer, and nothing of what the ranker learns or is measured by', async () => {
    const [ctcvr, lift] = [await trained({}), await trained({ reward: 'lift' })];
    expect(lift.losses).toEqual(ctcvr.losses);
    expect(lift.made.auc).toEqual(ctcvr.made.auc);
    expect(lift.table).not.toEqual(ctcvr.table);
    // An item’s mean over shoppers is taken away: what is left of popularity is a constant.
    const items = ctcvr.dataset.items.length;
    const spread = (table: number[]) => {
      const means = Array.from({ length: items }, (_, item) => {
        const column = table.filter((_value, at) => at % items === item);
        return column.reduce((sum, value) => sum + value, 0) / column.length;
      });
      return Math.max(...means) - Math.min(...means);
    };
    expect(spread(ctcvr.table)).toBeGreaterThan(10 * spread(lift.table));
  });
});

describe('sft.catalogue_sentences', () => {
  /** The rows of each step of SFT, as text. */
  const learnt = async (world: World, sentences: number) => {
    const here = await given((config) => {
      Object.assign(config.data, OWN.data, { world });
      config.sft.catalogue_sentences = sentences;
    });
    const { config, inputs, model, format } = here;
    const cots = await rupr.run(inputs, (await toolsOf('rupr', config)).tools);
    const kept = { kept: cots.cots.map((_, index) => index), report: {} as never };
    const { tools } = await toolsOf('sft', config, { steps: config.sft.steps });
    await sft.run({ ...inputs, rupr: cots, orft: kept }, tools, sft.begin(config));
    const steps = model.trained.map(({ rows }) => rows.map((row) => format.tokenizer.decode(row)));
    return { steps, rows: sentences === 0 ? 0 : packedRows(format, rehearsalOf(sentences)), config, here };
  };

  it('joins as many rows as its sentences need to every step, and leaves the others as they were', async () => {
    const { steps: plain, config } = await learnt('compatibility', 0);
    expect(plain.map((rows) => rows.length)).toEqual(plain.map(() => config.sft.batch_size));
    const { steps, rows } = await learnt('compatibility', 6);
    expect(rows).toBeGreaterThan(0);
    expect(steps.map((all) => all.slice(0, -rows))).toEqual(plain);
    const { steps: more, rows: needed } = await learnt('compatibility', 40);
    expect(needed).toBeGreaterThan(rows);
    expect(more.map((all) => all.length)).toEqual(more.map(() => config.sft.batch_size + needed));
  });

  it.each(['compatibility', 'tradeoff'] as const)('rehearses facts of its own world: %s', async (world) => {
    const { steps, rows, here } = await learnt(world, 6);
    const rehearsed = steps.flatMap((all) => all.slice(-rows)).join(' ');
    const facts = here.dataset.facts.filter((fact) => rehearsed.includes(fact.toLowerCase()));
    expect(facts.length).toBeGreaterThan(5);
    expect(/saw \w+ takes \w+/.test(rehearsed)).toBe(world === 'compatibility');
  });
});
