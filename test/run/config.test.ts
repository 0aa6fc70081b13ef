import { describe, expect, it } from 'vitest';
import { parameterCount } from '../../src/model/parameters';
import { sha256 } from '../../src/numeric/hash';
import {
  ConfigError,
  completed,
  modelShape,
  parseConfig,
  type RunConfig,
  sequenceLength,
} from '../../src/run/config';
import { applyDiff, configPaths, diffFromPreset, readAssignment, readField } from '../../src/run/diff';
import { setLeaf } from '../../src/run/fields/paths';
import { canonicalJson, printedConfig } from '../../src/run/fingerprint';
import {
  defaultConfig,
  PRESET_NAMES,
  PRESET_VERSIONS,
  type PresetVersion,
  presetConfig,
} from '../../src/run/presets';
import { v1 } from '../v1';

function refusal(change: (config: RunConfig) => void): string {
  const config = presetConfig(v1('tiny'));
  change(config);
  try {
    parseConfig(config);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('was accepted');
}

describe('a config that was kept before some fields came', () => {
  it('means by them what a run did then, and is otherwise as it was', () => {
    const config = presetConfig(v1('tiny'));
    config.ranking.bits = 5;
    const { embedded, whiten_above, head_steps, ...ranking } = config.ranking;
    expect([embedded, whiten_above, head_steps]).toEqual(['whole', 1, 0]);
    const parsed = parseConfig({ ...structuredClone(config), ranking });
    // To the order of its fields, by which a checkpoint is found sound.
    expect(JSON.stringify(parsed)).toBe(JSON.stringify(config));
    expect(completed(config)).toBe(config);
  });

  it('is refused where it lacks one of them alone, or any other', () => {
    const { embedded, ...ranking } = presetConfig(v1('tiny')).ranking;
    const { bits, ...others } = presetConfig(v1('tiny')).ranking;
    for (const lacking of [ranking, others, null, 3])
      expect(() => parseConfig({ ...presetConfig(v1('tiny')), ranking: lacking })).toThrow(ConfigError);
    for (const other of [null, 3, 'tiny', []]) expect(completed(other)).toBe(other);
    expect([embedded, bits]).toEqual(['whole', 6]);
  });
});

describe('presets', () => {
  it.each(PRESET_NAMES.flatMap((preset) => PRESET_VERSIONS.map((version) => ({ preset, version }))))(
    '$preset of version $version passes its own schema and differs from nothing',
    (ref) => {
      const config = presetConfig(ref);
      expect(config).toMatchObject(ref);
      expect(parseConfig(structuredClone(config))).toEqual(config);
      expect(diffFromPreset(config)).toEqual({});
    },
  );

  it('of version 2 are of the world compatibility, judged on a thousand users', () => {
    const { data, evaluate, orft } = presetConfig({ preset: 'tiny', version: 2 });
    expect([data.world, data.num_heldout_users, evaluate.users]).toEqual(['compatibility', 1000, 1000]);
    expect(orft.threshold).toBe('margin');
  });

  it('have the sizes that they are named for', () => {
    const weights = (name: (typeof PRESET_NAMES)[number]) => {
      const config = presetConfig(v1(name));
      return parameterCount(modelShape(config, config.text.vocab_size, sequenceLength(config)));
    };
    expect(weights('tiny')).toBeLessThan(60_000);
    expect(weights('small')).toBeGreaterThan(80_000);
    expect(weights('small')).toBeLessThan(160_000);
    expect(weights('base')).toBeGreaterThan(500_000);
    expect(weights('base')).toBeLessThan(700_000);
    expect(weights('medium')).toBeGreaterThan(5e6);
    expect(weights('medium')).toBeLessThan(7e6);
    expect(weights('large')).toBeGreaterThan(23e6);
    expect(weights('large')).toBeLessThan(27e6);
  });

  it('are frozen: other numbers need another version', async () => {
    const hashes = async (version: PresetVersion) => {
      const all = PRESET_NAMES.map(async (preset) => {
        const printed = printedConfig(presetConfig({ preset, version }));
        return [preset, (await sha256(canonicalJson(printed))).slice(0, 12)] as const;
      });
      return Object.fromEntries(await Promise.all(all));
    };
    expect(await hashes(1)).toMatchInlineSnapshot(`
      {
        "base": "3d7bbe53fca9",
        "large": "6e3aef240ab8",
        "medium": "3137372a355a",
        "small": "e68d9171becd",
        "tiny": "2ebd51c2c0de",
      }
    `);
    expect(await hashes(2)).toMatchInlineSnapshot(`
      {
        "base": "ffc5c51e8a8b",
        "large": "dcea9e18777c",
        "medium": "2486a958424c",
        "small": "74be7824e06b",
        "tiny": "3d1b62eae6e7",
      }
    `);
  });

  it('are frozen in what they ask of baselines too, which is in no fingerprint', () => {
    const asked = (version: PresetVersion) =>
      PRESET_NAMES.map((preset) => {
        const { baselines, sasrec_steps, sasrec_batch_size, sasrec_hidden_size, sasrec_learning_rate } =
          presetConfig({ preset, version }).evaluate;
        return [preset, baselines, sasrec_steps, sasrec_batch_size, sasrec_hidden_size, sasrec_learning_rate];
      });
    expect(asked(2)).toEqual(asked(1));
    expect(asked(1)).toEqual([
      ['tiny', 'quick', 400, 32, 32, 5e-3],
      ['small', 'quick', 2000, 64, 64, 2e-3],
      ['base', 'quick', 2000, 128, 64, 2e-3],
      ['medium', 'quick', 4000, 128, 128, 1e-3],
      ['large', 'quick', 4000, 128, 128, 1e-3],
    ]);
  });

  it('are copies that a caller may change', () => {
    presetConfig(v1('tiny')).popo.reward_weights[0] = 9;
    expect(presetConfig(v1('tiny')).popo.reward_weights).toEqual([0.5, 0.5]);
    expect(defaultConfig()).toEqual(presetConfig({ preset: 'small', version: 2 }));
  });
});

describe('parseConfig', () => {
  it('names the field, and what would be right', () => {
    expect(refusal((c) => Object.assign(c.model, { hidden_size: 1e9 }))).toBe(
      'model.hidden_size must be a whole number from 8 to 2048.',
    );
    expect(refusal((c) => Object.assign(c.popo, { beta: Number.NaN }))).toMatch(
      /^popo\.beta must be a number/,
    );
    expect(refusal((c) => Object.assign(c.popo, { influence: 'halves', prompts_per_step: 1 }))).toMatch(
      /^popo\.influence can be halves only where popo\.prompts_per_step is at least 2/,
    );
    expect(refusal((c) => Object.assign(c.popo, { influence_prompts: -1 }))).toMatch(
      /^popo\.influence_prompts must be/,
    );
    expect(refusal((c) => Object.assign(c.popo, { prompts_per_step: 4, influence_prompts: 5 }))).toMatch(
      /^popo\.influence_prompts must be at most popo\.prompts_per_step/,
    );
    expect(refusal((c) => Object.assign(c.popo, { influence: 'halves', influence_prompts: 1 }))).toMatch(
      /^popo\.influence_prompts must be 0 or at least 2/,
    );
    expect(refusal((c) => Object.assign(c.popo, { influence: 'momentum', objective_max_norm: 1 }))).toMatch(
      /^popo\.objective_max_norm must be 0 unless popo\.influence is batch/,
    );
    expect(refusal((c) => Object.assign(c.popo, { rewards: ['id'] }))).toMatch(
      /^popo\.reward_weights must hold one weight for each of popo\.rewards/,
    );
    expect(refusal((c) => Object.assign(c.popo, { rewards: ['id', 'id'] }))).toMatch(
      /^popo\.rewards must name each reward once/,
    );
    expect(refusal((c) => Object.assign(c.popo, { rewards: ['id', 'luck'] }))).toMatch(
      /^popo\.rewards\.1 must be one of semantic, id, format, novelty/,
    );
    expect(refusal((c) => Object.assign(c.popo, { min_weight: 0.6 }))).toMatch(
      /^popo\.min_weight must be at most 1 divided by the number of rewards/,
    );
    const codes = (c: RunConfig, change: Partial<RunConfig['ranking']>) => {
      c.encoder.embedding_size = 32;
      Object.assign(c.ranking, { subspaces: 32, bits: 12 }, change);
    };
    expect(refusal((c) => codes(c, { embedding_size: 256 }))).toBe(
      'ranking.bits asks with ranking.subspaces and ranking.embedding_size for more than 16777216 weights of codes.',
    );
    expect(refusal((c) => codes(c, { batch_size: 1024 }))).toMatch(
      /^ranking\.batch_size asks with ranking\.subspaces and ranking\.bits for a batch of more than 100000000 cells/,
    );
    expect(refusal((c) => Object.assign(c.popo, { weighting: 'best' }))).toBe(
      'popo.weighting must be one of fixed, popo, popo-light, gdpo, mgda, correlation, constraint, conditioned.',
    );
    expect(refusal((c) => Object.assign(c, { kernel: 'auto' }))).toBe('kernel is not a field of the config.');
    expect(refusal((c) => Reflect.deleteProperty(c, 'text'))).toMatch(/^text is missing/);
    expect(() => parseConfig(null)).toThrow(ConfigError);
    expect(() => parseConfig('small')).toThrow(ConfigError);
  });

  it('checks what spans several fields', () => {
    expect(refusal((c) => Object.assign(c.model, { num_attention_heads: 3 }))).toMatch(/multiple of 4/);
    expect(refusal((c) => Object.assign(c.evaluate, { sasrec_hidden_size: 66 }))).toBe(
      'evaluate.sasrec_hidden_size must be a multiple of 4, because kernels read four numbers at a time.',
    );
    expect(refusal((c) => Object.assign(c.popo, { reward_weights: [0.5, 0.6] }))).toMatch(/sum to 1/);
    expect(refusal((c) => Object.assign(c.data, { source: 'import' }))).toMatch(/^data\.sha256/);
    expect(refusal((c) => Object.assign(c.text, { max_prompt_length: 4096 }))).toMatch(/at most 4096/);
    expect(refusal((c) => Object.assign(c.model, { hidden_size: 2048, num_hidden_layers: 48 }))).toMatch(
      /million weights/,
    );
    expect(refusal((c) => Object.assign(c.popo, { prompts_per_step: 1024, num_generations: 64 }))).toMatch(
      /tokens/,
    );
  });

  /** Two configs on the two sides of a rule's bound: the first passes, the second is refused by this rule. */
  type Change = (config: RunConfig) => unknown;
  const popo =
    (change: Partial<RunConfig['popo']>): Change =>
    (c) =>
      Object.assign(c.popo, change);
  const data =
    (change: Partial<RunConfig['data']>): Change =>
    (c) =>
      Object.assign(c.data, change);
  const model =
    (change: Partial<RunConfig['model']>): Change =>
    (c) =>
      Object.assign(c.model, change);
  /** The longest sequence that there may be: 4096 tokens. */
  const long =
    (change: Change): Change =>
    (c) => {
      Object.assign(c.text, { max_prompt_length: 4040, max_completion_length: 56 });
      return change(c);
    };
  const ranking =
    (embedding_size: number, change: Partial<RunConfig['ranking']>): Change =>
    (c) => {
      c.encoder.embedding_size = embedding_size;
      Object.assign(c.ranking, change);
    };
  const world = { num_l1: 64, items_per_l3: 64 };
  const size =
    (vocab_size: number): Change =>
    (c) => {
      c.text.vocab_size = vocab_size;
      model({ hidden_size: 512, num_attention_heads: 1, num_key_value_heads: 1 })(c);
      model({ num_hidden_layers: 20, intermediate_size: 2552 })(c);
    };
  const codes = { subspaces: 16, bits: 12 };
  const bounds: [string, string, Change, Change][] = [
    [
      'heads of 4 numbers',
      'model.num_attention_heads',
      model({ num_attention_heads: 8, num_key_value_heads: 8 }),
      model({ num_attention_heads: 16, num_key_value_heads: 16 }),
    ],
    [
      'an MLP in fours',
      'model.intermediate_size',
      model({ intermediate_size: 68 }),
      model({ intermediate_size: 66 }),
    ],
    [
      'shared heads',
      'model.num_key_value_heads',
      model({ num_attention_heads: 4, num_key_value_heads: 2 }),
      model({ num_attention_heads: 4, num_key_value_heads: 3 }),
    ],
    [
      '4096 tokens',
      'text.max_prompt_length',
      long(() => {}),
      long((c) => {
        c.text.max_prompt_length++;
      }),
    ],
    ['weights', 'model.hidden_size', size(1188), size(1189)],
    [
      'warm-up of 1024 long rows',
      'warmup.batch_size',
      long((c) => {
        c.warmup.batch_size = 1003;
      }),
      long((c) => {
        c.warmup.batch_size = 1004;
      }),
    ],
    [
      '1024 long rollouts',
      'popo.num_generations',
      long(popo({ prompts_per_step: 128 })),
      long(popo({ prompts_per_step: 129 })),
    ],
    [
      'a large world',
      'data.num_users',
      data({ ...world, num_users: 60_635 }),
      data({ ...world, num_users: 60_636 }),
    ],
    [
      'a large world held out',
      'data.num_users',
      data({ ...world, num_users: 635, num_heldout_users: 30_200 }),
      data({ ...world, num_users: 636, num_heldout_users: 30_200 }),
    ],
    [
      'numbers to divide',
      'ranking.subspaces',
      ranking(16, { subspaces: 16 }),
      ranking(16, { subspaces: 17 }),
    ],
    [
      'codes',
      'ranking.bits',
      ranking(32, { ...codes, embedding_size: 256 }),
      ranking(32, { subspaces: 17, bits: 12, embedding_size: 256 }),
    ],
    [
      'cells',
      'ranking.batch_size',
      ranking(16, { ...codes, batch_size: 1525 }),
      ranking(16, { ...codes, batch_size: 1526 }),
    ],
    [
      'weights that sum to 1',
      'popo.reward_weights',
      popo({ reward_weights: [0.5, 0.5000009] }),
      popo({ reward_weights: [0.5, 0.5000011] }),
    ],
    [
      'weights that sum to 1, below',
      'popo.reward_weights',
      popo({ reward_weights: [0.5, 0.4999991] }),
      popo({ reward_weights: [0.5, 0.4999989] }),
    ],
    [
      'a weight each',
      'popo.reward_weights',
      popo({ reward_weights: [0.5, 0.5] }),
      popo({ reward_weights: [0.5, 0.25, 0.25] }),
    ],
    ['a floor for all', 'popo.min_weight', popo({ min_weight: 0.5 }), popo({ min_weight: 0.5001 })],
    [
      'two halves',
      'popo.influence',
      popo({ influence: 'halves', prompts_per_step: 2 }),
      popo({ influence: 'halves', prompts_per_step: 1 }),
    ],
    [
      'prompts there are',
      'popo.influence_prompts',
      popo({ influence_prompts: 8 }),
      popo({ influence_prompts: 9 }),
    ],
    [
      'two prompts to halve',
      'popo.influence_prompts',
      popo({ influence: 'halves', influence_prompts: 2 }),
      popo({ influence: 'halves', influence_prompts: 1 }),
    ],
    [
      'one prompt not halved',
      'popo.influence_prompts',
      popo({ influence: 'batch', influence_prompts: 1 }),
      popo({ influence: 'halves', influence_prompts: 1 }),
    ],
    [
      'clipped gradients',
      'popo.objective_max_norm',
      popo({ objective_max_norm: 1 }),
      popo({ objective_max_norm: 1, influence: 'momentum' }),
    ],
    [
      'gradients that are not at hand',
      'popo.objective_max_norm',
      popo({ influence: 'halves' }),
      popo({ objective_max_norm: 1, influence: 'halves' }),
    ],
    [
      'data of its own',
      'data.sha256',
      data({ source: 'import', sha256: 'ab'.repeat(32) }),
      data({ sha256: 'ab'.repeat(32) }),
    ],
  ];

  it.each(bounds)('draws the line: %s', (_name, path, inside, outside) => {
    const config = presetConfig(v1('tiny'));
    inside(config);
    expect(parseConfig(config)).toEqual(config);
    expect(refusal(outside)).toMatch(new RegExp(`^${path.replace('.', '\\.')} `));
  });

  it('asks nothing of a ranking that is left out', () => {
    const config = presetConfig(v1('tiny'));
    ranking(16, { users: 0, subspaces: 64, bits: 12, embedding_size: 256, batch_size: 4096 })(config);
    expect(parseConfig(config)).toEqual(config);
  });

  it('wants of a teacher outside what it needs, and nothing of it else', () => {
    const openai = { teacher: 'openai', url: 'http://localhost:11434/v1', model: 'qwen2.5:7b' };
    const accepted = (change: object) => {
      const config = presetConfig(v1('tiny'));
      Object.assign(config.rupr, change);
      return parseConfig(config).rupr;
    };
    expect(accepted(openai)).toMatchObject(openai);
    expect(accepted({ ...openai, cots_sha256: 'ab'.repeat(32) }).cots_sha256).toHaveLength(64);
    expect(accepted({ teacher: 'file', cots_sha256: 'ab'.repeat(32) }).teacher).toBe('file');
    const refused = (change: object) => refusal((c) => Object.assign(c.rupr, change));
    expect(refused({ ...openai, url: '' })).toMatch(/^rupr\.url must be the address/);
    expect(refused({ ...openai, model: '' })).toMatch(/^rupr\.model must name the model/);
    expect(refused({ url: openai.url })).toMatch(/^rupr\.url .* empty for others/);
    expect(refused({ model: 'm' })).toMatch(/^rupr\.model .* empty for others/);
    expect(refused({ teacher: 'file' })).toMatch(/^rupr\.cots_sha256 must name the CoTs/);
    expect(refused({ cots_sha256: 'ab'.repeat(32) })).toMatch(/^rupr\.cots_sha256 .* empty for attributes/);
    expect(refused({ ...openai, cots_sha256: 'abc' })).toMatch(/^rupr\.cots_sha256 must be a SHA-256/);
    expect(refused({ ...openai, url: 'https://u:p@h.example/v1' })).toBe(
      'rupr.url must name no user and no password: the key has a field of its own.',
    );
    expect(refused({ ...openai, url: 'javascript:alert(1)' })).toMatch(
      /^rupr\.url must be an address such as/,
    );
    expect(refused({ ...openai, model: 'm&seed=1' })).toMatch(/^rupr\.model must be at most 120 letters/);
    expect(refused({ ...openai, key: 'sk-1' })).toBe('rupr.key is not a field of the config.');
  });

  it('is not fooled by prototypes', () => {
    const hostile: unknown = JSON.parse(
      JSON.stringify(presetConfig(v1('tiny'))).replace('{', '{"__proto__":{"polluted":1},'),
    );
    expect(() => parseConfig(hostile)).toThrow(ConfigError);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('differences', () => {
  it('say only what differs, and apply back', () => {
    const config = presetConfig(v1('tiny'));
    config.seed = 7;
    config.popo.weighting = 'fixed';
    config.popo.reward_weights = [1, 0];
    config.orft.threshold = 4.6;
    const diff = diffFromPreset(config);
    expect(diff).toEqual({
      seed: 7,
      'orft.threshold': 4.6,
      'popo.weighting': 'fixed',
      'popo.reward_weights': [1, 0],
    });
    expect(applyDiff(v1('tiny'), diff)).toEqual(config);
  });

  it('sets every field from the text of its own value', () => {
    for (const path of configPaths().filter((known) => known !== 'preset' && known !== 'version')) {
      const config = presetConfig(v1('base'));
      const value = path
        .split('.')
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], config);
      setLeaf(config, ...readField(path, String(value)));
      expect(config, path).toEqual(presetConfig(v1('base')));
    }
  });

  it('reads each type from text', () => {
    const config = presetConfig(v1('tiny'));
    for (const set of [
      'seed=12',
      'popo.learning_rate=1e-3',
      'sft.cot=false',
      'popo.reward_weights=.25,0.75',
      'orft.threshold=margin',
    ]) {
      setLeaf(config, ...readAssignment(set));
    }
    expect(config.seed).toBe(12);
    expect(config.popo.learning_rate).toBe(0.001);
    expect(config.sft.cot).toBe(false);
    expect(config.popo.reward_weights).toEqual([0.25, 0.75]);
    expect(config.orft.threshold).toBe('margin');
  });

  it.each([
    ['weighting=fixed', 'weighting is not a field of the config; did you mean popo.weighting?'],
    ['popo=1', /popo is not a field/],
    ['__proto__.polluted=1', /is not a field/],
    ['constructor.name=x', /is not a field/],
    ['popo.__proto__.x=1', /is not a field/],
    ['popo.reward_weights.0=1', /is not a field/],
    ['seed=', /seed must be a number, not ""/],
    ['seed=0x10', /must be a number/],
    ['seed=Infinity', /must be a number/],
    ['sft.cot=yes', /must be true or false/],
    ['preset=tiny', /choose a preset/],
    ['seed', /key\.path=value/],
    ['=1', /key\.path=value/],
  ])('refuses %s', (assignment, message) => {
    const config = presetConfig(v1('tiny'));
    expect(() => readAssignment(assignment)).toThrow(message);
    expect(config).toEqual(presetConfig(v1('tiny')));
  });
});

describe('what a message quotes', () => {
  it.each([
    ['x'.repeat(40), 'x'.repeat(40)],
    ['x'.repeat(41), `${'x'.repeat(40)}…`],
    [`${'x'.repeat(40)}yz`, `${'x'.repeat(40)}…`],
  ])('is short: %s', (path, quoted) => {
    expect(() => readField(path, '1')).toThrow(`${quoted} is not a field`);
    expect(() => readField('seed', path)).toThrow(`not "${quoted}"`);
  });
});

describe('sequenceLength', () => {
  it('is prompt and completion together', () => {
    const { text } = presetConfig(v1('small'));
    expect(sequenceLength(presetConfig(v1('small')))).toBe(
      text.max_prompt_length + text.max_completion_length,
    );
  });
});
