/** Each field alone: what 0.5.0 accepted and refused, what its presets said, and when a run reads a field. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { type ConfigPath, parseConfig, type RunConfig } from '../../src/run/config';
import { readField } from '../../src/run/diff';
import { CONFIG_PATHS, fieldAt, isConfigPath, leafAt, setLeaf, whyUnread } from '../../src/run/fields/paths';
import { PRESET_NAMES, presetConfig } from '../../src/run/presets';
import { v1 } from '../v1';
import frozen from '../vectors/presets.json';
import ranges from '../vectors/ranges.json';

type Range = Partial<{ whole: number[]; real: number[]; oneOf: string[]; truth: true; hash: true }>;

/** Whether the field's own entry takes a value, whatever rules across fields say of it. */
function accepts(path: ConfigPath, value: unknown): boolean {
  const config = presetConfig(v1('tiny'));
  setLeaf(config, path, value as number);
  try {
    parseConfig(config);
    return true;
  } catch (error) {
    return (error as Error).message !== `${path} must be ${fieldAt(path).kind.range}.`;
  }
}

describe('ranges', () => {
  const own = [
    'version',
    'data.map',
    'rupr.url',
    'rupr.model',
    'orft.threshold',
    'popo.rewards',
    'popo.reward_weights',
  ];

  it('are pinned for every field, or told below', () => {
    expect([...Object.keys(ranges), ...own].sort()).toEqual([...CONFIG_PATHS].sort());
  });

  it.each(Object.entries(ranges as Record<string, Range>))('of %s', (name, range) => {
    if (!isConfigPath(name)) throw new Error(`${name} is no field`);
    const taken = (values: unknown[]) => values.filter((value) => accepts(name, value));
    const { control } = fieldAt(name).kind;
    if (range.whole) {
      const [low, high] = range.whole;
      expect(taken([low - 1, low, high, high + 1])).toEqual([low, high]);
      expect(taken([low + 0.5, -0, Number.NaN, Number.POSITIVE_INFINITY, String(low), null, true])).toEqual(
        [],
      );
      expect(control).toEqual({ type: 'number', low, high, whole: true });
    } else if (range.real) {
      const [low, high] = range.real;
      const below = low === 0 ? -1e-300 : low - Math.abs(low) * 1e-9;
      expect(taken([below, low, high, high * (1 + 1e-9)])).toEqual([low, high]);
      expect(taken([low + (high - low) * 0.3])).toHaveLength(1);
      expect(taken([-0, Number.NaN, Number.POSITIVE_INFINITY, String(low), null, true])).toEqual([]);
      expect(control).toEqual({ type: 'number', low, high, whole: false });
    } else if (range.oneOf) {
      expect(taken([...range.oneOf, '', 'other', range.oneOf[0].toUpperCase(), 0, null])).toEqual(
        range.oneOf,
      );
      expect(control).toEqual({ type: 'choice', options: range.oneOf });
    } else if (range.truth) {
      expect(taken([true, false, 0, 1, 'true', '', null])).toEqual([true, false]);
      expect(control).toEqual({ type: 'check' });
    } else {
      const hash = '0123456789abcdef'.repeat(4);
      expect(taken(['', hash, hash.slice(1), `${hash}0`, hash.toUpperCase(), `${hash}\n`, 0, null])).toEqual([
        '',
        hash,
      ]);
    }
  });

  it('of a version', () => {
    expect([0, 1, 2, 3, '1', true].filter((value) => accepts('version', value))).toEqual([1, 2]);
  });

  /** Of fields whose message depends on what is wrong. */
  const refusal = (path: ConfigPath, value: unknown): string | null => {
    const config = presetConfig(v1('tiny'));
    if (path.startsWith('rupr'))
      Object.assign(config.rupr, { teacher: 'openai', url: 'http://localhost:1', model: 'm' });
    if (path === 'popo.rewards' && Array.isArray(value))
      config.popo.reward_weights = value.map(() => 1 / value.length);
    setLeaf(config, path, value as string);
    try {
      parseConfig(config);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('of a threshold: a word, or a perplexity', () => {
    const tried = ['median', 'margin', 'none', 'all', '4.6', '', 1, 4.6, 1e6, 0.999, 1_000_001, Number.NaN];
    const refused = tried.filter((value) => refusal('orft.threshold', value) !== null);
    expect(refused).toEqual(['all', '4.6', '', 0.999, 1_000_001, Number.NaN]);
    expect(refusal('orft.threshold', 'all')).toMatch(
      /must be median, margin, none, or a perplexity from 1 to/,
    );
    expect(fieldAt('orft.threshold').kind.control).toMatchObject({
      words: ['median', 'margin', 'none'],
      number: { low: 1, high: 1e6, start: 4.6 },
    });
  });

  it('of rewards and their weights', () => {
    const all = ['semantic', 'id', 'format', 'novelty'];
    // Without a teacher outside there is no address, so only messages of these fields are looked at.
    const ofRewards = (value: unknown) =>
      refusal('popo.rewards', value)?.match(/^popo\.rewards.*/)?.[0] ?? null;
    for (const rewards of [['id'], ['novelty', 'semantic'], all]) expect(ofRewards(rewards)).toBeNull();
    expect(ofRewards([])).toBe('popo.rewards must name at least one reward.');
    expect(ofRewards(['id', 'format', 'id'])).toBe('popo.rewards must name each reward once.');
    expect(ofRewards('id')).toBe('popo.rewards must be a list of semantic, id, format, novelty.');
    expect(ofRewards(['ID'])).toBe('popo.rewards.0 must be one of semantic, id, format, novelty.');
    const ofWeights = (value: unknown) => refusal('popo.reward_weights', value);
    expect(ofWeights([1, -0.1])).toBe('popo.reward_weights.1 must be a number from 0 to 1.');
    expect(ofWeights([1.1, 0])).toBe('popo.reward_weights.0 must be a number from 0 to 1.');
    expect(ofWeights(1)).toBe('popo.reward_weights must be a list of weights.');
  });

  it('of a mapping of columns', () => {
    const of = (value: unknown) => refusal('data.map', value);
    expect([of(''), of('user=u,time=a+b,dates=mdy')]).toEqual([null, null]);
    expect(of('who=u')).toMatch(/^data\.map .*“who” is nothing that a mapping names/);
    expect(of(`user=${'u'.repeat(600)}`)).toMatch(/at most 600 characters/);
  });

  it('of an endpoint', () => {
    const models = [
      'a'.repeat(120),
      'Qwen/Qwen-2.5:7b@q4+k_m',
      'a'.repeat(121),
      'a b',
      'a&b=1',
      'ä',
      'a#',
      7,
    ];
    expect(models.map((model) => refusal('rupr.model', model))).toEqual([
      null,
      null,
      ...models.slice(2, 7).map(() => 'rupr.model must be at most 120 letters, digits and . _ - : / @ +.'),
      'rupr.model must be a text.',
    ]);
    expect(refusal('rupr.url', 'https://h.example:8000/v1')).toBeNull();
    expect(refusal('rupr.url', 'ftp://h.example')).toBe(
      'rupr.url must be an address such as http://localhost:11434/v1.',
    );
    expect(refusal('rupr.url', 7)).toBe('rupr.url must be a text.');
  });
});

describe('text of a link or of --set', () => {
  it.each([
    [
      'popo.reward_weights',
      '1,x',
      'popo.reward_weights must be numbers with commas between them, not "1,x".',
    ],
    [
      'orft.threshold',
      '1e999',
      'orft.threshold must be median, margin, none, or a perplexity from 1 to 1000000, not "1e999".',
    ],
    ['popo.beta', '1,5', 'popo.beta must be a number, not "1,5".'],
    ['rupr.told', 'TRUE', 'rupr.told must be true or false, not "TRUE".'],
    ['popo.turbo', '1', 'popo.turbo is not a field of the config; docs/CONFIG.md lists those there are.'],
    ['num_l1', '1', 'num_l1 is not a field of the config; did you mean data.num_l1?'],
    ['version', '1', 'version cannot be set: choose a preset instead.'],
  ])('%s=%s is refused', (path, text, message) => {
    expect(() => readField(path, text)).toThrow(message);
  });
});

describe('presets of version 1', () => {
  it.each(PRESET_NAMES)('%s says of each field of 0.5.0 what it said, in the same order', (name) => {
    // Fields that came later are left out; those that were there stand for ever.
    const pick = (config: object, like: object): object =>
      Object.fromEntries(
        Object.entries(config)
          .filter(([key]) => key in like)
          .map(([key, value]) => [key, isRecord(value) ? pick(value, Reflect.get(like, key)) : value]),
      );
    expect(JSON.stringify(pick(presetConfig(v1(name)), frozen[name]))).toBe(JSON.stringify(frozen[name]));
  });
});

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

describe('whether a run reads a field', () => {
  type Change = (config: RunConfig) => unknown;
  const teacher =
    (name: RunConfig['rupr']['teacher']): Change =>
    (c) => {
      c.rupr.teacher = name;
    };
  const source =
    (name: RunConfig['data']['source']): Change =>
    (c) => {
      c.data.source = name;
    };
  const popo =
    (change: Partial<RunConfig['popo']>): Change =>
    (c) =>
      Object.assign(c.popo, change);
  const weighting = (name: RunConfig['popo']['weighting']) => popo({ weighting: name });
  const ranked =
    (users: number): Change =>
    (c) => {
      c.ranking.users = users;
    };
  const one = popo({ rewards: ['id'] });
  const lightOfOne = popo({ rewards: ['id'], weighting: 'popo-light' });
  const all = ['fixed', 'popo', 'popo-light', 'gdpo', 'mgda', 'correlation', 'constraint'] as const;
  const only = (...names: RunConfig['popo']['weighting'][]): [Change[], Change[]] => [
    names.map(weighting),
    all.filter((name) => !names.includes(name)).map(weighting),
  ];
  const and = ([yes, no]: [Change[], Change[]], ...more: Change[]): [Change[], Change[]] => [
    yes,
    [...no, ...more],
  ];
  const worlds: [Change[], Change[]] = [[source('world')], [source('import')]];
  const inWorld =
    (name: RunConfig['data']['world']): Change =>
    (c) => {
      c.data.world = name;
    };
  const departments: [Change[], Change[]] = [
    [source('world'), inWorld('hackable')],
    [source('import'), inWorld('compatibility')],
  ];
  const ranking: [Change[], Change[]] = [[ranked(1)], [ranked(0)]];
  const asking =
    (names: RunConfig['evaluate']['baselines']): Change =>
    (c) => {
      c.evaluate.baselines = names;
    };
  const baselines: [Change[], Change[]] = [[asking('all')], [asking('quick')]];
  const meaning: [Change[], Change[]] = [
    [popo({ rewards: ['semantic'] }), popo({ rewards: ['id', 'semantic'] })],
    [one, popo({ rewards: ['id', 'novelty'] })],
  ];
  const written: [Change[], Change[]] = [[teacher('attributes'), teacher('openai')], [teacher('file')]];
  const endpoint: [Change[], Change[]] = [[teacher('openai')], [teacher('attributes'), teacher('file')]];
  const iterations: [Change[], Change[]] = [[popo({ num_iterations: 2 })], [popo({ num_iterations: 1 })]];

  /** Configs, as changes of `tiny`, whose run reads the field, and those whose run does not. */
  const table: Partial<Record<ConfigPath, [Change[], Change[]]>> = {
    'data.world': worlds,
    'data.num_l1': departments,
    'data.items_per_l3': departments,
    'data.devices': [[inWorld('compatibility')], [source('import'), inWorld('tradeoff')]],
    'data.num_users': worlds,
    'data.num_heldout_users': worlds,
    'data.sha256': [[source('import')], [source('world')]],
    'data.map': [[source('import')], [source('world')]],
    'rupr.told': written,
    'rupr.temperature': written,
    'rupr.url': endpoint,
    'rupr.model': endpoint,
    'rupr.cots_sha256': [[teacher('openai'), teacher('file')], [teacher('attributes')]],
    'ranker.reward': [
      [popo({ rewards: ['id'] }), popo({ rewards: ['semantic', 'id'] })],
      [popo({ rewards: ['semantic'] }), popo({ rewards: ['novelty', 'format'] })],
    ],
    'encoder.semantic_reward': meaning,
    'popo.semantic_exponent': meaning,
    'popo.reward_weights': [[popo({ rewards: ['id', 'format'] }), weighting('fixed')], [one]],
    'popo.eta_over_mu': and(only('popo'), one),
    'popo.influence': only('popo'),
    'popo.influence_every': only('popo'),
    'popo.influence_prompts': and(only('popo'), popo({ objective_max_norm: 0.5 })),
    'popo.influence_scope': [
      [
        weighting('popo'),
        weighting('mgda'),
        popo({ probe_every: 0 }),
        popo({ weighting: 'fixed', probe_every: 1 }),
      ],
      [popo({ weighting: 'fixed', probe_every: 0 }), popo({ weighting: 'gdpo', probe_every: 0 })],
    ],
    'popo.objective_max_norm': only('popo', 'mgda'),
    'popo.min_weight': and(only('popo', 'popo-light', 'mgda', 'correlation', 'constraint'), one, lightOfOne),
    'popo.probe_every': only('fixed', 'popo', 'popo-light', 'gdpo', 'correlation', 'constraint'),
    'popo.multi_objective_aggregation': only('fixed', 'popo', 'popo-light', 'correlation', 'constraint'),
    'popo.correlation_target': and(only('correlation'), popo({ rewards: ['id'], weighting: 'correlation' })),
    'popo.correlation_rate': only('correlation'),
    'popo.constrained': and(only('constraint'), popo({ rewards: ['id'], weighting: 'constraint' })),
    'popo.constraint_margin': only('constraint'),
    'popo.constraint_step': only('constraint'),
    'popo.epsilon': iterations,
    'popo.epsilon_high': iterations,
    'evaluate.sasrec_steps': baselines,
    'evaluate.sasrec_batch_size': baselines,
    'evaluate.sasrec_hidden_size': baselines,
    'evaluate.sasrec_learning_rate': baselines,
    'ranking.embedded': ranking,
    'ranking.whiten_above': ranking,
    'ranking.head_steps': ranking,
    'ranking.steps': ranking,
    'ranking.tuning_steps': ranking,
    'ranking.batch_size': ranking,
    'ranking.learning_rate': ranking,
    'ranking.embedding_size': ranking,
    'ranking.subspaces': ranking,
    'ranking.bits': ranking,
  };

  it('is told of these, and of no other', () => {
    const conditional = CONFIG_PATHS.filter((path) => fieldAt(path).appliesWhen !== undefined);
    expect(conditional.sort()).toEqual(Object.keys(table).sort());
    for (const path of conditional)
      expect(fieldAt(path).appliesWhen?.reason, path).toMatch(/^\S.{10,120}\.$/);
  });

  it.each(Object.entries(table))('%s', (path, [read, unread]) => {
    if (!isConfigPath(path)) throw new Error(`${path} is no field`);
    const reasonUnder = (change: Change) => {
      const config = presetConfig(v1('tiny'));
      change(config);
      return whyUnread(config, path);
    };
    expect(read.map(reasonUnder)).toEqual(read.map(() => null));
    expect(unread.map(reasonUnder)).toEqual(unread.map(() => fieldAt(path).appliesWhen?.reason));
  });
});

describe('entries', () => {
  it('say in full sentences what they mean', () => {
    for (const path of CONFIG_PATHS) expect(fieldAt(path).help, path).toMatch(/^[\p{Lu}\p{Ll}`η].*\.$/u);
  });

  it('give each preset a list of its own', () => {
    const [first, second] = [presetConfig(v1('tiny')), presetConfig(v1('tiny'))];
    first.popo.rewards.push('novelty');
    expect(leafAt(second, 'popo.rewards')).toEqual(['semantic', 'id']);
    expect(presetConfig(v1('small')).popo.rewards).toEqual(['semantic', 'id']);
  });

  it('give the config its type', () => {
    expectTypeOf<RunConfig['popo']['weighting']>().toEqualTypeOf<
      'fixed' | 'popo' | 'popo-light' | 'gdpo' | 'mgda' | 'correlation' | 'constraint' | 'conditioned'
    >();
    expectTypeOf<RunConfig['popo']['rewards']>().toEqualTypeOf<
      ('semantic' | 'id' | 'format' | 'novelty')[]
    >();
    expectTypeOf<RunConfig['orft']['threshold']>().toEqualTypeOf<'median' | 'margin' | 'none' | number>();
    expectTypeOf<RunConfig['version']>().toEqualTypeOf<1 | 2>();
    expectTypeOf<RunConfig['sft']['cot']>().toEqualTypeOf<boolean>();
    expectTypeOf<'popo.eta_over_mu' | 'seed' | 'sft.cot'>().toExtend<ConfigPath>();
    expectTypeOf<'popo' | 'eta_over_mu' | 'popo.turbo'>().not.toExtend<ConfigPath>();
  });
});
