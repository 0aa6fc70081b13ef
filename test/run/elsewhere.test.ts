/**
 * *Continue elsewhere*, held to the app: Python 3 runs the exported folder's own files against the app's rewards and rules. Where there is
 * no python3 these tests fail and say so, since a folder that nobody ran is not one that works.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { unzipSync, zipSync } from 'fflate';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseExportOptions } from '../../src/commands/export';
import type { generateWorld } from '../../src/data/world';
import { importParameters } from '../../src/model/safetensors';
import { Random } from '../../src/numeric/random';
import { type Aggregation, computeAdvantages, objectiveAdvantages } from '../../src/popo/advantages';
import { REWARDS, scoreCompletions } from '../../src/popo/rewards';
import { itemLikeness, textLikeness } from '../../src/popo/rewards/semantic';
import { ruleOf, WEIGHTINGS } from '../../src/popo/rules';
import { popoLightWeights } from '../../src/popo/rules/popoLight';
import { clipGram, influences, nextWeights } from '../../src/popo/weighting';
import { restoreEncoder } from '../../src/rank/encoder';
import { SENTENCE_SIZE } from '../../src/rank/sentenceEncoder';
import { camelCased } from '../../src/run/camelCase';
import type { RunConfig } from '../../src/run/config';
import { loadDataset } from '../../src/run/datasets';
import { elsewhereFiles } from '../../src/run/elsewhere/elsewhere';
import { batchPlan, grpoYaml, popoSettings } from '../../src/run/elsewhere/grpoConfig';
import { alignmentStart } from '../../src/run/elsewhere/start';
import { PYTHON_NAMES } from '../../src/run/elsewhere/tables';
import { rewardSources } from '../../src/run/rewardSources';
import { packRun, unpackRun } from '../../src/run/runFile';
import { runPipeline } from '../../src/run/runner';
import type { RunCheckpoint } from '../../src/run/runState';
import { minusculeConfig, recordedRun } from './tinyRun';

const hasPython = spawnSync('python3', ['--version']).status === 0;

/** What a program of Python, given `input` as JSON, prints as JSON. */
function python<T>(folder: string, program: string, input: unknown): T {
  if (!hasPython)
    throw new Error(
      'There is no python3 here, so nothing was tested of rewards.py: install Python 3 and test again.',
    );
  const code = `import json, sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, '.')\ngiven = json.load(sys.stdin)\n${program}`;
  const out = execFileSync('python3', ['-c', code], {
    cwd: folder,
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return JSON.parse(out) as T;
}

function written(files: readonly { name: string; bytes: Uint8Array }[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'taiji-elsewhere-'));
  for (const { name, bytes } of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

const jsonLines = <T>(folder: string, name: string): T[] =>
  readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

interface Row {
  prompt: string;
  completion: string;
  sample_id: string;
  target_item: number;
  user_row: number;
}

let done: RunCheckpoint;
let afterSft: RunCheckpoint;
let dataset: Awaited<ReturnType<typeof generateWorld>>;
let trl: string;
let verl: string;

const run = () =>
  minusculeConfig((config) => {
    Object.assign(config.popo, {
      rewards: [...REWARDS],
      reward_weights: [0.4, 0.3, 0.2, 0.1],
      weighting: 'popo-light',
    });
    Object.assign(config.popo, { steps: 1, probe_every: 0 });
    config.warmup.steps = 2;
    config.sft.steps = 2;
    Object.assign(config.ranking, { users: 0 });
    Object.assign(config.evaluate, { users: 1, curve_users: 1 });
  });

beforeAll(async () => {
  // What comes after alignment is of no use here.
  const { context, saved } = recordedRun(run(), null, (event, controls) => {
    if (event.type === 'stage' && event.name === 'evaluate') controls.stop();
  });
  done = (await runPipeline(context)).checkpoint;
  expect(done.state.stage).toBe('evaluate');
  afterSft = saved.find(({ state }) => state.stage === 'popo' && state.step === 0)!;
  dataset = await loadDataset(done.state.config, async () => null);
  trl = written(elsewhereFiles(done, dataset, { to: 'trl' }));
  verl = written(elsewhereFiles(done, dataset, { to: 'verl' }));
}, 300_000);

/** Completions of every kind: right, truncated, shuffled, with tags missing, doubled or foreign, with other words and other scripts. */
function rollouts(count: number): { example: number; completion: number[] }[] {
  const { format, tokenizer, draw } = alignmentStart(done, dataset);
  const random = new Random(11, 'test/rollouts');
  const special = Object.values(tokenizer.special);
  const words = [
    'velmo',
    'soft crib',
    'baby',
    'nursery',
    '東京 é½',
    'ﬁne 🙂',
    'İSTANBUL',
    '</answer>',
    'x_y-z',
    '①',
  ];
  const item = () => random.int(dataset.items.length);
  const text = () => tokenizer.encodePlain(random.pick(words));
  const damages: ((tokens: number[]) => number[])[] = [
    (tokens) => tokens,
    (tokens) => tokens,
    (tokens) => tokens.slice(0, random.int(tokens.length + 1)),
    (tokens) => tokens.filter(() => random.int(8) > 0),
    (tokens) => tokens.toSpliced(random.int(tokens.length), random.int(2), random.pick(special)),
    (tokens) => tokens.toSpliced(random.int(tokens.length), random.int(2), ...text()),
    (tokens) => [...tokens, ...format.answer(item())],
    (tokens) => [...format.answer(item()).slice(0, -1), ...tokens],
    (tokens) => tokens.filter((token) => !special.includes(token)),
    () => [],
    () => [tokenizer.special.answer, ...text(), ...format.answer(item()).slice(2)],
    // A field too many.
    (tokens) => tokens.toSpliced(-1, 0, tokenizer.special.separator, ...text()),
    // The title of one item with the categories of another.
    (tokens) => {
      const at = (of: number[]) => of.indexOf(tokenizer.special.separator);
      const other = format.answer(item());
      return [...tokens.slice(0, at(tokens)), ...other.slice(at(other))];
    },
  ];
  return Array.from({ length: count }, () => {
    const cot = random.pick([null, '', 'saw cribs need crib', ...words]);
    const completion = random.pick(damages)(format.completion(cot, item()));
    return { example: random.int(draw.policy.length), completion };
  });
}

/** The app's rewards [N][K] of all kinds, under a config. */
function appRewards(rolled: ReturnType<typeof rollouts>, checkpoint: RunCheckpoint): number[][] {
  const { config, draw, format, made } = alignmentStart(checkpoint, dataset);
  const encoder = restoreEncoder(dataset, camelCased(config.encoder), made.encoder.wordVectors);
  const { sentences } = made.encoder;
  const likeness = sentences === null ? textLikeness(encoder) : itemLikeness(sentences, SENTENCE_SIZE);
  const data = { dataset, draw, deployment: null, rankingProblem: null };
  const sources = rewardSources(
    { data, ranker: made.ranker, encoder: { encoder, likeness, sentences } },
    config,
  );
  const scored = scoreCompletions(
    rolled.map(({ example, completion }) => {
      const { user, position } = draw.policy[example];
      return { parsed: format.parse(completion), example, target: dataset.users[user].history[position] };
    }),
    sources,
  );
  const K = sources.rewards.length;
  return rolled.map((_, row) => Array.from(scored.subarray(row * K, (row + 1) * K)));
}

const SCORE = `
import rewards
ids = given['ids']
columns = [reward(completions=given['texts'], prompts=given['texts'], completion_ids=ids, target_item=given['target_item'],
  user_row=given['user_row'], sample_id=given['texts'], trainer_state=None) for reward in rewards.REWARDS]
print(json.dumps({'names': [reward.__name__ for reward in rewards.REWARDS], 'rows': list(zip(*columns))}))`;

interface Scored {
  names: string[];
  rows: number[][];
}

function given(rolled: ReturnType<typeof rollouts>, withIds: boolean) {
  const { draw, tokenizer } = alignmentStart(done, dataset);
  return {
    texts: rolled.map(({ completion }) => tokenizer.decode(completion)),
    ids: withIds ? rolled.map(({ completion }) => completion) : null,
    target_item: rolled.map(
      ({ example }) => dataset.users[draw.policy[example].user].history[draw.policy[example].position],
    ),
    user_row: rolled.map(({ example }) => example),
  };
}

function expectClose(
  rows: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
  within: number,
) {
  expect(rows.length).toBe(expected.length);
  const apart = rows.flatMap((row, i) =>
    row.every((value, k) => Math.abs(value - expected[i][k]) <= within)
      ? []
      : [{ i, row, expected: expected[i] }],
  );
  expect(apart.slice(0, 3)).toEqual([]);
}

describe('rewards.py', () => {
  it('pays 1,000 rollouts, valid and broken, what the app pays, by token ids as in TRL', () => {
    const rolled = rollouts(1000);
    const expected = appRewards(rolled, done);
    const paid = expected.filter((row) => row.some((value) => value > 0)).length;
    expect(paid).toBeGreaterThan(200);
    expect(paid).toBeLessThan(800);
    for (const k of REWARDS.keys()) expect(new Set(expected.map((row) => row[k])).size).toBeGreaterThan(1);
    const { names, rows } = python<Scored>(trl, SCORE, given(rolled, true));
    expect(names).toEqual(REWARDS.map((name) => PYTHON_NAMES[name]));
    expectClose(rows, expected, 1e-6);
  });

  it('pays the same by text alone, where the text says which tokens it is of', () => {
    const { tokenizer } = alignmentStart(done, dataset);
    const isPlain = ({ completion }: { completion: number[] }) =>
      tokenizer.encode(tokenizer.decode(completion)).join() === completion.join();
    const rolled = rollouts(2000).filter(isPlain).slice(0, 1000);
    expect(rolled).toHaveLength(1000);
    expectClose(python<Scored>(trl, SCORE, given(rolled, false)).rows, appRewards(rolled, done), 1e-6);
  });

  it('pays by the catalogue’s items where the run’s semantic reward does', () => {
    const random = new Random(3, 'test/sentences');
    const sentences = Float32Array.from({ length: dataset.items.length * SENTENCE_SIZE }, () =>
      random.normal(),
    );
    const state = {
      ...done.state,
      made: { ...done.state.made, encoder: { ...done.state.made.encoder!, sentences } },
    };
    const byItem = { ...done, state };
    const folder = written(elsewhereFiles(byItem, dataset, { to: 'trl' }));
    const rolled = rollouts(300);
    expectClose(python<Scored>(folder, SCORE, given(rolled, true)).rows, appRewards(rolled, byItem), 1e-6);
  });

  it('gives verl the sum under the first weights, and each by its name', () => {
    const rolled = rollouts(200);
    const { texts, target_item, user_row } = given(rolled, false);
    const program = `
import rewards
print(json.dumps([rewards.compute_score('taiji-lab', t, str(i), {'user_row': r}) for t, i, r in zip(*given)]))`;
    const scores = python<Record<string, number>[]>(verl, program, [texts, target_item, user_row]);
    const each = python<Scored>(verl, SCORE, given(rolled, false)).rows;
    const { reward_weights } = done.state.config.popo;
    scores.forEach(({ score, ...named }, i) => {
      expect(Object.keys(named)).toEqual(REWARDS.map((name) => PYTHON_NAMES[name]));
      expect(Object.values(named)).toEqual(each[i]);
      expect(score).toBeCloseTo(
        each[i].reduce((sum, value, k) => sum + reward_weights[k] * value, 0),
        9,
      );
    });
  });
});

describe('popo_rules.py', () => {
  const random = new Random(5, 'test/rules');
  const real = () => random.uniform();
  const [groups, G, K] = [3, 4, 3];
  const cases = Array.from({ length: 40 }, (_, at) => {
    const scale = Array.from({ length: K }, (_, k) => (at % 4 === 3 && k === 1 ? 0 : real()));
    const rewards = Array.from({ length: groups * G }, () => scale.map((s) => Math.fround(s * real())));
    const vectors = Array.from({ length: K }, () => Array.from({ length: 5 }, () => random.normal()));
    const gram = vectors.map((a) => vectors.map((b) => a.reduce((sum, value, i) => sum + value * b[i], 0)));
    const raw = scale.map(() => real() + 0.01);
    const weights = raw.map((value) => value / raw.reduce((a, b) => a + b, 0));
    const min_weight = at % 2 === 0 ? 0 : 0.15;
    return {
      rewards,
      gram,
      weights,
      min_weight,
      eta_over_mu: real() - 0.3,
      objective_max_norm: at % 3 === 0 ? 0 : 1,
      correlation_rate: real(),
      correlation_target: 2 * real() - 1,
      constrained: at % K,
      level: real(),
      constraint_step: 4 * real(),
    };
  });

  it('weighs rewards as the app does, by every rule', () => {
    const rules = WEIGHTINGS;
    const program = `
import popo_rules
print(json.dumps([[popo_rules.next_weights({**case, 'weighting': rule}, case['weights'], case['rewards'], ${G}, case['gram'])
  for rule in ${JSON.stringify(rules)}] for case in given]))`;
    const found = python<number[][][]>(trl, program, cases);
    const expected = cases.map((one) => {
      const clipped = clipGram(one.gram.flat(), K, one.objective_max_norm);
      const evidence = {
        weights: one.weights,
        rewards: one.rewards.flat(),
        groupSize: G,
        gram: clipped,
        influence: influences(clipped, K),
        etaOverMu: one.eta_over_mu,
        correlationRate: one.correlation_rate,
        correlationTarget: one.correlation_target,
        constraint: { reward: one.constrained, level: one.level, step: one.constraint_step },
      };
      return rules.map((rule) => nextWeights(ruleOf(rule), evidence, one.min_weight));
    });
    for (const rule of [5, 6]) expect(expected[1][rule]).not.toEqual(expected[1][0]);
    for (const [i, weights] of found.entries()) expectClose(weights, expected[i], 1e-9);
    expect(found[1][2]).not.toEqual(cases[1].weights);
  });

  it('keeps w where no reward has any spread, as POPO-light does', () => {
    const flat = Array.from({ length: G }, () => [0.5, 0, 1]);
    const weights = [0.2, 0.3, 0.5];
    const found = python<number[]>(
      trl,
      `import popo_rules\nprint(json.dumps(popo_rules.popo_light(*given)))`,
      [flat, G, weights],
    );
    expect(found).toEqual(popoLightWeights(flat.flat(), G, weights));
    expect(found).toEqual(weights);
  });

  it('weighs as the app does at the ends, where rewards cancel or do not differ', () => {
    const cancels = [
      [0, 1],
      [1, 0],
      [0.25, 0.75],
    ];
    const flat = [
      [0.5, 0],
      [0.5, 1],
      [0.5, 0.25],
    ];
    const given = [
      ...[
        [0.5, 0.5],
        [0.3, 0.7],
        [1, 0],
      ].flatMap((weights) => [cancels, flat].map((rewards) => ({ weights, rewards }))),
    ];
    const told = { constrained: 0, level: 0.9, constraint_step: 1, min_weight: 0 };
    const settings = { ...told, correlation_rate: 0.5, correlation_target: 0.8 };
    const program = `
import popo_rules
rules = ('correlation', 'constraint')
print(json.dumps([[popo_rules.next_weights({**given['settings'], 'weighting': rule}, one['weights'], one['rewards'], 3)
  for rule in rules] for one in given['given']]))`;
    const found = python<number[][][]>(trl, program, { settings, given });
    const none = { groupSize: 3, gram: null, influence: null, etaOverMu: 0 };
    const of = {
      correlationRate: 0.5,
      correlationTarget: 0.8,
      constraint: { reward: 0, level: 0.9, step: 1 },
    };
    for (const [i, { weights, rewards }] of given.entries()) {
      const evidence = { ...none, ...of, weights, rewards: rewards.flat() };
      const rules = (['correlation', 'constraint'] as const).map(ruleOf);
      expectClose(
        found[i],
        rules.map((rule) => nextWeights(rule, evidence, 0)),
        1e-12,
      );
    }
  });

  it('is told what its rule goes by, and refuses to hold what was never measured', () => {
    const weighs = (checkpoint: RunCheckpoint, told: Partial<RunConfig['popo']>, levels?: object) => {
      const { config, made } = checkpoint.state;
      const state = {
        ...checkpoint.state,
        config: { ...config, popo: { ...config.popo, ...told } },
        made: { ...made, popo: { ...made.popo!, levels: levels as never } },
      };
      const files = elsewhereFiles({ ...checkpoint, state }, dataset, { to: 'trl' });
      const { bytes } = files.find(({ name }) => name === 'popo.json')!;
      return JSON.parse(new TextDecoder().decode(bytes)) as object;
    };
    const correlation = { correlation_rate: 0.3, correlation_target: 0.2 };
    expect(weighs(done, { weighting: 'correlation', ...correlation })).toMatchObject(correlation);
    const held = {
      weighting: 'constraint',
      constrained: 'id',
      constraint_margin: 0.5,
      constraint_step: 3,
    } as const;
    const k = REWARDS.indexOf('id');
    const rewards = REWARDS.map((_, at) => at / 10);
    expect(
      weighs(done, held, [
        { temperature: 2, rewards: [1, 1, 1, 1] },
        { temperature: 1, rewards },
      ]),
    ).toMatchObject({
      ...{ constrained: k, level: k / 20, constraint_step: 3 },
    });
    expect(() => weighs(done, held)).toThrow(/has not measured yet.*let its alignment take a step first\.$/);
    expect(() => weighs(done, held, [{ temperature: 2, rewards }])).toThrow(/has not measured yet/);
    expect(weighs(done, { weighting: 'fixed' })).not.toHaveProperty('level');
  });

  it('gives the app’s advantages, by every aggregation', () => {
    const aggregations: Aggregation[] = [
      'sum_then_normalize',
      'normalize_then_sum',
      'sum_of_advantages',
      'multiply_then_normalize',
    ];
    const settings = aggregations.flatMap((aggregation) =>
      (['group', 'batch', 'none'] as const).map((scale_rewards) => ({ aggregation, scale_rewards })),
    );
    const program = `
import popo_rules
print(json.dumps([[[popo_rules.advantages(case['rewards'], ${G}, case['weights'], setting),
  *popo_rules.objective_advantages(case['rewards'], ${G}, setting)] for setting in given['settings']] for case in given['cases']]))`;
    const found = python<number[][][][]>(trl, program, { settings, cases: cases.slice(0, 8) });
    found.forEach((bySetting, i) => {
      bySetting.forEach((rows, s) => {
        const { aggregation, scale_rewards } = settings[s];
        const options = { groupSize: G, weights: cases[i].weights, scaleRewards: scale_rewards, aggregation };
        const rewards = cases[i].rewards.flat();
        const expected = [computeAdvantages(rewards, options), ...objectiveAdvantages(rewards, options)];
        expectClose(
          rows,
          expected.map((row) => Array.from(row)),
          1e-9,
        );
      });
    });
  });

  it('stands beside a trainer that compiles', () => {
    const program = `
for name in ('popo_trainer.py', 'popo_rules.py', 'rewards.py'):
    compile(open(name, encoding='utf-8').read(), name, 'exec')
print('true')`;
    expect(python<boolean>(trl, program, null)).toBe(true);
  });
});

describe('the model', () => {
  const weightsOf = (folder: string) =>
    importParameters(
      done.state.made.tokenizer!.shape,
      new Uint8Array(readFileSync(join(folder, 'model/model.safetensors'))),
    );

  it('is that after SFT, not the aligned one', () => {
    const sft = afterSft.model!.parameters;
    // So small a run earns nothing, and nothing moves it: here alignment has moved every weight.
    const aligned = { ...done.model!, parameters: done.model!.parameters.map((value) => value + 1) };
    const moved = written(elsewhereFiles({ ...done, model: aligned }, dataset, { to: 'trl' }));
    expect(weightsOf(moved)).toEqual(sft);
    expect(weightsOf(trl)).toEqual(sft);
    expect(weightsOf(verl)).toEqual(sft);
    expect(weightsOf(written(elsewhereFiles(afterSft, dataset, { to: 'trl' })))).toEqual(sft);
  });

  it('is not to be had before SFT is done, nor with other data', async () => {
    const state = { ...afterSft.state, stage: 'sft' as const };
    expect(() => elsewhereFiles({ ...afterSft, state }, dataset, { to: 'trl' })).toThrow(
      /at sft.*once SFT is done/,
    );
    const drawn = { ...done.state, config: structuredClone(done.state.config) };
    drawn.config.popo.weighting = 'conditioned';
    for (const to of ['trl', 'verl'] as const)
      expect(() => elsewhereFiles({ ...done, state: drawn }, dataset, { to })).toThrow(
        /^popo.weighting=conditioned trains a model for each reward, which neither TRL nor verl can/,
      );
    const other = { ...dataset, sha256: 'f'.repeat(64) };
    expect(() => elsewhereFiles(done, other, { to: 'trl' })).toThrow(/not what this run was trained on/);
  });

  it.each(['trl', 'verl'])('reads prompts as the app does, and keeps tags when it decodes for %s', (to) => {
    const folder = to === 'trl' ? trl : verl;
    const { draw, format, tokenizer } = alignmentStart(done, dataset);
    const file = (name: string) => JSON.parse(readFileSync(join(folder, 'model', name), 'utf8')) as object;
    const loaded = new HuggingFaceTokenizer(file('tokenizer.json'), file('tokenizer_config.json'));
    const lines = jsonLines<
      Omit<Row, 'prompt'> & { prompt: string | { content: string }[]; extra_info?: Row }
    >(folder, 'train.jsonl');
    expect(lines.length).toBe(draw.policy.length);
    for (const line of lines) {
      const { user_row, sample_id } = line.extra_info ?? line;
      const text = typeof line.prompt === 'string' ? line.prompt : line.prompt[0].content;
      const example = draw.policy[user_row];
      expect(sample_id).toBe(example.sampleId);
      expect(loaded.encode(text).ids).toEqual(format.prompt(example));
    }
    for (const { prompt, completion, target_item } of jsonLines<Row>(folder, 'sft.jsonl')) {
      const { ids } = loaded.encode(completion);
      expect(loaded.decode(ids, { skip_special_tokens: true })).toBe(completion);
      expect(format.parse(ids)).toMatchObject({ valid: true, item: target_item });
      expect(tokenizer.encode(prompt)).toEqual(loaded.encode(prompt).ids);
    }
    const tags = ['<think>', '</think>', '<answer>', '</answer>', '<sep>', '<unk>'];
    const added = (file('tokenizer.json') as { added_tokens: { content: string; special: boolean }[] })
      .added_tokens;
    for (const { content, special } of added) if (tags.includes(content)) expect(special).toBe(false);
  });
});

describe('grpo.yaml', () => {
  /** Of one level, as it is written here. */
  function fields(text: string): Record<string, unknown> {
    const entries = text.split('\n').flatMap((line) => {
      const [, name, value] = /^(\w+): (.*?)(?: {2}#.*)?$/.exec(line) ?? [];
      return name === undefined
        ? []
        : [[name, /^[[\d]|^(true|false)$/.test(value) ? JSON.parse(value) : value]];
    });
    return Object.fromEntries(entries);
  }

  const configs: [string, (config: RunConfig) => void][] = [
    ['as it is', () => {}],
    [
      'batch of many',
      ({ popo }) => Object.assign(popo, { prompts_per_step: 32, num_generations: 8, num_iterations: 3 }),
    ],
    ['bnpo and MGDA', ({ popo }) => Object.assign(popo, { loss_type: 'bnpo', weighting: 'mgda' })],
    [
      'GDPO',
      ({ popo }) =>
        Object.assign(popo, { weighting: 'gdpo', beta: 1e-7, scale_rewards: 'batch', temperature: 0.7 }),
    ],
  ];

  it.each(configs)('says what the config says: %s', (_, change) => {
    const config = minusculeConfig(change);
    const plan = batchPlan(config, 2);
    const text = grpoYaml(config, 33, plan);
    const yaml = fields(text);
    const { popo, optimizer } = config;
    const rollouts = popo.prompts_per_step * popo.num_generations;
    const [perDevice, accumulation] = [
      yaml.per_device_train_batch_size,
      yaml.gradient_accumulation_steps,
    ] as number[];
    expect(perDevice * 2 * accumulation).toBe(rollouts);
    expect(yaml).toMatchObject({
      seed: config.seed,
      max_steps: popo.steps * popo.num_iterations,
      num_generations: popo.num_generations,
      num_iterations: popo.num_iterations,
      max_completion_length: 33,
      temperature: popo.temperature,
      top_k: popo.top_k,
      beta: popo.beta,
      epsilon: popo.epsilon,
      epsilon_high: popo.epsilon_high,
      scale_rewards: popo.scale_rewards,
      reward_weights: popo.reward_weights,
      learning_rate: popo.learning_rate,
      weight_decay: optimizer.weight_decay,
      adam_beta1: optimizer.beta1,
      adam_beta2: optimizer.beta2,
      adam_epsilon: optimizer.eps,
      max_grad_norm: optimizer.max_grad_norm,
      bf16: false,
      shuffle_dataset: false,
      // A mean over the tokens of the whole step is what TRL calls dapo.
      loss_type: popo.loss_type === 'bnpo' ? 'dapo' : popo.loss_type,
      multi_objective_aggregation: popo.weighting === 'gdpo' ? 'normalize_then_sum' : 'sum_then_normalize',
    });
    // YAML 1.1 takes 1e-8 for a text.
    expect(text).not.toMatch(/: \d+e/);
    expect(popoSettings(config, 33, null).aggregation).toBe(
      { mgda: 'sum_of_advantages', gdpo: 'normalize_then_sum' }[popo.weighting as string] ??
        'sum_then_normalize',
    );
  });

  it('refuses processes that the rollouts cannot be shared by, and groups of one', () => {
    expect(() => batchPlan(minusculeConfig(), 3)).toThrow(/4 rollouts a step \(2 prompts × 2\).*3 processes/);
    expect(() => batchPlan({ popo: { ...minusculeConfig().popo, num_generations: 1 } }, 1)).toThrow(
      /at least 2/,
    );
  });
});

describe('run.zip', () => {
  it('gives the same folder, and is refused when damaged', async () => {
    const { bytes } = await packRun(done, { id: crypto.randomUUID(), trained: null });
    const again = elsewhereFiles((await unpackRun(bytes)).checkpoint, dataset, { to: 'trl' });
    expect(written(again)).not.toBe(trl);
    for (const { name, bytes: own } of again)
      expect(own).toEqual(new Uint8Array(readFileSync(join(trl, name))));
    await expect(unpackRun(bytes.subarray(0, 200))).rejects.toThrow(/no run.zip/);
    const parts = unzipSync(bytes);
    parts.parameters[5] ^= 4;
    await expect(unpackRun(zipSync(parts))).rejects.toThrow(/its part “parameters” is not what was written/);
  });

  it('is found by its folder, and arguments are checked', () => {
    const folder = written([
      { name: 'run.zip', bytes: new Uint8Array() },
      { name: 'report.json', bytes: new Uint8Array() },
    ]);
    const parse = (line: string) => parseExportOptions(line.split(' '));
    const at = join(folder, 'run.zip');
    for (const path of [folder, at, join(folder, 'report.json')])
      expect(parse(`--run ${path} --to trl --out o`)).toMatchObject({
        run: at,
        to: 'trl',
        processes: 1,
        data: [],
      });
    expect(() => parse('--to trl --out o')).toThrow(/--run is missing/);
    expect(() => parse(`--run ${trl} --to trl --out o`)).toThrow(/no run.zip/);
    expect(() => parse(`--run ${folder} --to openrlhf --out o`)).toThrow(/trl or verl/);
    expect(() => parse(`--run ${folder} --to trl --out o --processes 0`)).toThrow(/--processes/);
  });
});
