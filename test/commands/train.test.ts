import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ProgressLines } from '../../src/commands/progress';
import {
  aucText,
  baselinesText,
  rankingText,
  reportMarkdown,
  sliceText,
  tableText,
} from '../../src/commands/reportText';
import { parseTrainOptions, sizedTo } from '../../src/commands/trainOptions';
import type { BaselinesReport } from '../../src/evaluate/baselines/report';
import type { AnswersRow } from '../../src/evaluate/metrics';
import type { RankingReport } from '../../src/evaluate/ranking';
import { formatLink } from '../../src/run/link';
import { presetConfig } from '../../src/run/presets';
import type { Report } from '../../src/run/report';
import { v1 } from '../v1';

const sha256Of = (text: string) => createHash('sha256').update(text).digest('hex');

describe('arguments of train', () => {
  test('preset, seed and fields of the config', () => {
    const { config, out, where, data } = parseTrainOptions(
      '--preset tiny --seed 7 --set popo.weighting=fixed --set popo.steps=3 --out o'.split(' '),
    );
    expect(config).toEqual({
      ...presetConfig({ preset: 'tiny', version: 2 }),
      seed: 7,
      popo: { ...presetConfig({ preset: 'tiny', version: 2 }).popo, weighting: 'fixed', steps: 3 },
    });
    expect({ out, where, data }).toEqual({ out: 'o', where: 'chromium', data: [] });
  });

  test('a link gives the config and what it promised', () => {
    const config = { ...presetConfig(v1('tiny')), seed: 11 };
    const promised = { inputs: 'a'.repeat(32), exact: 'b'.repeat(32), blocks: [], close: [1.5] };
    const link = `http://somewhere/${formatLink(config, 'c'.repeat(64), promised)}`;
    const options = parseTrainOptions(['--link', link, '--adapter', 'dawn', '--out', 'o']);
    expect(options).toMatchObject({ config, dataset: 'c'.repeat(64), expected: promised, where: 'dawn' });
  });

  test.each([
    ['--preset tiny', /--out/],
    ['--out o --preset huge', /no preset huge/],
    ['--out o --preset auto', /there is no --data/],
    ['--out o --preset auto --version 1 --data package.json', /leave --version out/],
    ['--out o --adapter cuda', /chromium or dawn/],
    ['--out o --adapter dawn --firefox', /exclude/],
    ['--out o --record', /wants --adapter dawn/],
    ['--out o --preset tiny --link #run=1', /leave --preset out/],
    ['--out o --link #run=1&seed=-4', /seed/],
    ['--out o --set popo.step=3', /popo\.step/],
    ['--out o --set popo.steps=-3', /popo\.steps/],
    ['--out o --seed many', /seed/],
    ['--out o --data no/such/folder', /does not exist/],
    ['--out o --wat', /wat/],
  ])('%s is refused', (line, message) => {
    expect(() => parseTrainOptions(line.split(' '))).toThrow(message);
  });

  test('auto sizes the run once the data are known, and --set goes over it', () => {
    const line = '--out o --preset auto --seed 3 --data package.json --set popo.keep=last --set sft.steps=9';
    const options = parseTrainOptions(line.split(' '));
    const { config } = options;
    Object.assign(config.data, { source: 'import', sha256: 'a'.repeat(64) });
    const data = { users: 1829, items: 3568, interactions: 46_528, examples: [41_041, 1829, 1829] as const };
    expect(sizedTo(options, config, data, { isSlow: false, limits: {} })).toMatchObject({
      preset: 'small',
      seed: 3,
      text: { vocab_size: 2048 },
      popo: { keep: 'last' },
      sft: { steps: 9 },
      ranker: { reward: 'lift' },
    });
    expect(sizedTo(options, config, data, { isSlow: true, limits: {} }).preset).toBe('tiny');
    const plain = parseTrainOptions('--out o --preset tiny --data package.json'.split(' '));
    expect(sizedTo(plain, plain.config, data, { isSlow: true, limits: {} })).toBe(plain.config);
  });

  test('a file of CoTs is read, checked and named in the config', () => {
    const folder = mkdtempSync(join(tmpdir(), 'taiji-'));
    const file = join(folder, 'mine.jsonl');
    writeFileSync(file, '{"cot":"need tea","sampleId":"a:b:1"}\n');
    const options = parseTrainOptions(['--out', 'o', '--cots', file], { TAIJI_TEACHER_KEY: ' sk-1 ' });
    expect(options.cots?.jsonl).toBe('{"sampleId":"a:b:1","cot":"need tea"}\n');
    const { rupr } = options.config;
    expect(rupr).toMatchObject({ teacher: 'file', cots_sha256: sha256Of(options.cots!.jsonl) });
    expect(options.teacherKey).toBe('sk-1');
    const link = (hash: string) =>
      `#run=1&rupr.teacher=openai&rupr.url=http://localhost:1/v1&rupr.model=m&rupr.cots_sha256=${hash}`;
    const replay = parseTrainOptions(['--out', 'o', '--cots', file, '--link', link(rupr.cots_sha256)]);
    expect(replay.config.rupr).toMatchObject({ teacher: 'openai', cots_sha256: rupr.cots_sha256 });
    const other = 'ab'.repeat(32);
    expect(() => parseTrainOptions(['--out', 'o', '--cots', file, '--link', link(other)])).toThrow(
      /hash differs/,
    );
    expect(() => parseTrainOptions(['--out', 'o', '--link', link(other)])).toThrow(
      /pass their file as --cots, or/,
    );
    const anew = '--set rupr.cots_sha256= --set rupr.url=http://localhost:1/v1 --out o --link'.split(' ');
    anew.push(link(other));
    // Not because a link says so.
    expect(() => parseTrainOptions(['--out', 'o', '--link', link('')])).toThrow(
      /this link has http:\/\/localhost:1\/v1 asked/,
    );
    expect(parseTrainOptions(anew).config.rupr).toMatchObject({ teacher: 'openai', cots_sha256: '' });
    writeFileSync(file, '\n{}\n');
    expect(() => parseTrainOptions(['--out', 'o', '--cots', file])).toThrow(/mine\.jsonl, line 2: sampleId/);
    expect(() => parseTrainOptions(['--out', 'o', '--cots', join(folder, 'no')])).toThrow(/does not exist/);
  });

  test('a folder of data gives all its files, in order: what is read is decided by what they hold', () => {
    const folder = mkdtempSync(join(tmpdir(), 'taiji-'));
    expect(() => parseTrainOptions(['--out', 'o', '--data', folder])).toThrow(/is an empty folder/);
    mkdirSync(join(folder, 'deeper'));
    for (const name of ['movies.csv', 'deeper/ratings.csv', 'README.md'])
      writeFileSync(join(folder, name), '');
    expect(parseTrainOptions(['--out', 'o', '--data', folder]).data).toEqual([
      join(folder, 'README.md'),
      join(folder, 'deeper/ratings.csv'),
      join(folder, 'movies.csv'),
    ]);
  });

  test('what is said of columns goes into the config, in one way of writing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'taiji-'));
    writeFileSync(join(folder, 'log.csv'), '');
    const given = ['--out', 'o', '--data', join(folder, 'log.csv')];
    const { config } = parseTrainOptions([...given, '--map', 'time=order_date, user=customer id']);
    expect(config.data.map).toBe('user=customer%20id,time=order_date');
    expect(() => parseTrainOptions([...given, '--map', 'who=customer'])).toThrow(
      /“who” is nothing that a mapping/,
    );
    expect(() => parseTrainOptions(['--out', 'o', '--map', 'user=u'])).toThrow(/there is no --data/);
  });
});

test('progress: a stage is told of every ten seconds, and when it ends', () => {
  const lines: string[] = [];
  let now = 0;
  const progress = new ProgressLines(
    (line) => lines.push(line.trim().replace(/ +/g, ' ')),
    () => now,
  );
  const running = { name: 'warmup', status: 'running', steps: 100, secondsLeft: 4.2, seconds: null } as const;
  progress.stage({ ...running, name: 'sft', status: 'waiting', step: 0 });
  progress.stage({ ...running, step: 1 });
  now = 5;
  progress.stage({ ...running, step: 40 });
  now = 12;
  progress.stage({ ...running, step: 80 });
  progress.notice('warning', 'hot');
  progress.notice('warning', 'hot');
  now = 13;
  progress.stage({ ...running, status: 'done', step: 100 });
  progress.stage({ ...running, status: 'done', step: 100 });
  progress.stage({ ...running, name: 'sft', status: 'done', step: 9, seconds: 2 });
  expect(lines).toEqual([
    'warmup 80/100, 5 s left',
    'warning: hot',
    'warmup done in 13.0 s',
    'sft done in 2.0 s',
  ]);
});

test("a run's events give the same lines", () => {
  const lines: string[] = [];
  let now = 0;
  const progress = new ProgressLines(
    (line) => lines.push(line.trim().replace(/ +/g, ' ')),
    () => now,
  );
  progress.event({ type: 'stage', name: 'popo', status: 'started', steps: 60 });
  now = 11;
  progress.event({ type: 'progress', name: 'popo', step: 30, steps: 60, secondsLeft: 11 });
  now = 21.5;
  progress.event({ type: 'stage', name: 'popo', status: 'finished', steps: 60, seconds: 1 });
  expect(lines).toEqual(['popo 30/60, 11 s left', 'popo done in 21.5 s']);
});

test('compiling is told of every ten seconds while it lasts', () => {
  const lines: string[] = [];
  let now = 0;
  const progress = new ProgressLines(
    (line) => lines.push(line.trim()),
    () => now,
  );
  for (const [at, built, asked] of [
    [0, 0, 1],
    [9, 3, 45],
    [10, 12, 45],
    [15, 20, 45],
    [16, 45, 45],
    // A new wait.
    [30, 45, 46],
    [39, 45, 47],
    [41, 46, 47],
  ]) {
    now = at;
    progress.event({ type: 'compiling', built, asked });
  }
  now = 60;
  progress.compiling(null);
  expect(lines).toEqual(['compiling kernels 12 of 45', 'compiling kernels 46 of 47']);
});

test('the table lines its columns up', () => {
  const row = {
    stage: 'warmup',
    Category_L1_ACC: 0.5,
    Category_L2_ACC: 0.25,
    Category_L3_ACC: 0.125,
    'Title_Hit-Rate@50': 0.1,
    'Title_Hit-Rate@100': 0.2,
    CTCVR: 0.33,
    valid_rate: 1,
    exact_title_rate: 0,
    distinct_top1: 12,
    popularity_share: 0.1,
    answer_loss: 1.23456,
    users: 10,
  };
  const [header, first, second] = tableText([row, { ...row, stage: 'sft', distinct_top1: 100 }]).split('\n');
  const { answer_loss: _, ...counting } = { ...row, stage: 'counting' };
  expect(tableText([counting, row]).split('\n')[1]).toMatch(/^counting .* –$/);
  expect(first).toMatch(/^warmup +0\.5000 +0\.2500 +0\.1250 .* 1\.2346$/);
  expect(new Set([header, first, second].map((line) => line.length)).size).toBe(1);
});

const sliced = (stage: string, l3: number) => {
  const mean = (value: number) => ({ mean: value, low: value - 0.02, high: value + 0.02 });
  const metrics = (share: number) => ({ Category_L3_ACC: mean(l3 * share), CTCVR: mean(0.25) });
  const slices = [
    { name: 'all', users: 10, metrics: metrics(1) },
    { name: 'cold', users: 4, metrics: metrics(0.5) },
  ];
  return { stage, Category_L3_ACC: l3, CTCVR: 0.25, slices } as unknown as AnswersRow;
};

test('tells L3 and CTCVR by slice, of every row that has slices', () => {
  const { slices: _, ...plain } = sliced('sft', 0.4);
  expect(sliceText([plain as AnswersRow])).toBeNull();
  const lines = sliceText([sliced('popo', 0.5), sliced('ease', 0.3)])!.split('\n');
  expect(lines[0]).toMatch(/^by slice +all \(10\) +cold \(4\)$/);
  expect(lines[1]).toMatch(/^popo +L3 +0\.500 ±0\.020 +0\.250 ±0\.020$/);
  expect(lines.slice(2).map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
    ['', 'CTCVR'],
    ['ease', 'L3'],
    ['', 'CTCVR'],
  ]);
});

const answersOnly = { users: 10, distinct_top1: 3 };
const lead = { over: 'ease', mean: 0.1, low: 0.05, high: 0.15, p: 0.01, seeds: 1, users: 10 };

test('report.md holds the tables, those by slice of baselines too, and the link', () => {
  const report = {
    app: '0.8.0',
    config: presetConfig({ preset: 'tiny', version: 2 }),
    device: { backend: 'webgpu' },
    dataset: { id: 'world-compatibility', users: 4500, items: 304 },
    table: [sliced('popo', 0.5)],
    baselines: {
      model: 'popo',
      rows: [sliced('ease', 0.3)],
      leads: (['Category_L3_ACC', 'CTCVR'] as const).map((metric) => ({ ...lead, metric })),
      notes: [],
    },
    ranking: null,
    ranker: { auc: { ctr: 0.7, cvr: 0.6, ctcvr: 0.7 } },
    rupr: { asked: 0 },
    popo: { rewardNames: [], steps: [], curve: [] },
    stages: [{ name: 'sft', heldOutLoss: [2, 1] }],
    timings: {},
    link: '#run=1',
  } as unknown as Report;
  // Only what a row of a baseline has beside it.
  Object.assign(report.baselines!.rows[0], { 'HR@10': 0.1, 'HR@50': 0.2, 'NDCG@10': 0.3, distinct_top1: 3 });
  const text = reportMarkdown(report, 'http://localhost:4173/');
  expect(text.match(/^#+ .*$/gm)).toEqual([
    '# A run',
    '## Stages',
    '## By slice of test users',
    '## Recommenders without language',
    '## On the way',
  ]);
  expect(text).toContain('Preset `tiny` of version 2, seed 1, app 0.8.0, on webgpu.');
  expect(text).toMatch(/^ease +L3 +0\.300 ±0\.020/m);
  expect(text).toContain('(http://localhost:4173/#run=1)');
  expect(text).toContain('Held-out answer loss of sft: 2.0000 before, 1.0000 after');
  // Differences by slice stand below the rates, of stages and over baselines.
  const cold = { name: 'cold', users: 4 };
  const rise = { mean: 0.2, low: 0.1, high: 0.3 };
  const sliceLeads = (['Category_L3_ACC', 'CTCVR'] as const).map((metric) => ({
    ...lead,
    metric,
    mean: -0.5,
  }));
  const changed = { Category_L3_ACC: rise, CTCVR: { mean: -0.125, low: -0.25, high: 0 } };
  const withSlices = {
    ...report,
    spreads: [{ stage: 'popo', from: 'sft', changes: {}, slices: [{ ...cold, changes: changed }] }],
    baselines: { ...report.baselines!, slices: [{ ...cold, leads: sliceLeads }] },
    front: [{ weights: [0, 1], row: { ...sliced('popo at 0/1', 0.7), ...answersOnly } }],
    popo: { rewardNames: ['semantic', 'id'], steps: [] },
  } as unknown as Report;
  const told = reportMarkdown(withSlices, '').split('\n');
  const at = told.findIndex((line) => /^paired by user, 95 % +cold \(4\)$/.test(line));
  expect(told.slice(at + 1, at + 5)).toEqual([
    expect.stringMatching(/^popo − sft +L3 +\+0\.200 \[0\.100, 0\.300\]$/),
    expect.stringMatching(/^ +CTCVR +-0\.125 \[-0\.250, 0\.000\]$/),
    expect.stringMatching(/^popo − ease +L3 +-0\.500 \[0\.050, 0\.150\]$/),
    expect.stringMatching(/^ +CTCVR +-0\.500 /),
  ]);
  // One model at other weights has slices too.
  expect(told.filter((line) => /^popo at 0\/1 +L3 +0\.700 ±0\.020 +0\.350 ±0\.020$/.test(line))).toHaveLength(
    1,
  );
  // Whether alignment paid is said by the rows, their intervals and the run's settings.
  const said = (popo: object, ranker: object) => {
    const { config } = report;
    const table = [sliced('sft', 0.4), sliced('popo', 0.5)].map((row) => ({
      ...row,
      users: 10,
      distinct_top1: 9,
    }));
    const low = { mean: -0.2, low: -0.3, high: -0.1 };
    const spreads = [{ stage: 'popo', from: 'sft', ctcvr: low, changes: { Category_L3_ACC: low } }];
    const settings = {
      ...config,
      popo: { ...config.popo, ...popo },
      ranker: { ...config.ranker, ...ranker },
    };
    const told = { ...report, table, spreads, config: settings } as unknown as Report;
    return reportMarkdown(told, '');
  };
  expect(said({}, {})).toContain(
    'Alignment made things worse: L3 −.200 [−.300, −.100].\nTo try: popo.keep=best',
  );
  expect(said({ weighting: 'conditioned' }, {})).toContain('To try: ranker.reward=lift');
  expect(said({ keep: 'best' }, { reward: 'lift' })).toContain('For these data take the model after SFT.');
  // So is whether a reward was kept that was to be: each of six steps has .4 in the place of .5.
  const steps = Array.from({ length: 6 }, (_, step) => ({ step, level: 0.5, rewards: [[[0.3], [0.5]]] }));
  const popo = { ...report.popo, rewardNames: ['semantic'], steps };
  const constrained = { ...report.config, popo: { ...report.config.popo, constrained: 'semantic' } };
  expect(reportMarkdown({ ...report, popo, config: constrained } as unknown as Report, '')).toContain(
    '\nThe semantic reward was to be kept at .500 or above on prompts of training: over the last 6 steps it was .400 [.400, .400], so it was not held.\n',
  );
  expect(text).not.toContain('was to be kept');
});

test('writes baselines beside the model, with seconds, and who wins', () => {
  const answers = {
    Category_L1_ACC: 0.5,
    Category_L2_ACC: 0.25,
    exact_title_rate: 0.1,
    CTCVR: 0.2,
    users: 10,
  };
  const model = { ...answers, stage: 'popo', Category_L3_ACC: 0.3 } as unknown as AnswersRow;
  const ranks = { 'HR@10': 0.4, 'HR@50': 0.6, 'NDCG@10': 0.2, setting: 100, distinct_top1: 7 };
  const report = {
    model: 'popo',
    rows: [{ ...answers, ...ranks, stage: 'ease', Category_L3_ACC: 0.2 }],
    leads: [
      { ...lead, metric: 'Category_L3_ACC' },
      { ...lead, metric: 'CTCVR' },
    ],
    notes: ['A note.'],
  } as unknown as BaselinesReport;
  const lines = baselinesText(report, model, { 'baseline ease': 1.26 }).split('\n');
  expect(lines[1]).toMatch(
    /^ease +0\.5000 +0\.2500 +0\.2000 +0\.1000 +0\.2000 +0\.4000 +0\.6000 +0\.2000 +7 +1\.3$/,
  );
  expect(lines[2]).toBe('What popo leads by in L3 (95 % over users): ease 0.1000 [0.0500, 0.1500].');
  expect(lines[3]).toContain('the model is above all of them, .300 against .200 of EASE, the best');
  expect(lines.at(-1)).toBe('A note.');
});

test('writes what each feature set adds to a ranker, and of whom', () => {
  const about = (mean: number) => ({ mean, low: mean - 0.001, high: mean + 0.001, p: 0.01 });
  const gain = (mean: number) => ({ ctr: about(9), ctcvr: about(mean) });
  const ranking = {
    requests: { train: 7, test: 8 },
    long_tail_behaviours: 2,
    users: { test: 4, long_tail: 3 },
    distinct_neighbours: 5,
    notes: ['A note.'],
    rankers: [
      { features: 'none', gain: null, gauc_gain: null },
      {
        features: 'intra',
        gain: { all: gain(0.0025), long_tail: gain(-0.002) },
        gauc_gain: { all: gain(0.003), long_tail: gain(0.004) },
      },
    ],
  } as unknown as RankingReport;
  const text = rankingText(ranking);
  expect(text.split('\n').slice(1)).toEqual([
    '  intra    everybody  AUC +0.0025 [0.0015, 0.0035], GAUC +0.0030 [0.0020, 0.0040]',
    '  intra    long tail  AUC -0.0020 [-0.0030, -0.0010], GAUC +0.0040 [0.0030, 0.0050]',
    '8 requests of 4 users; 3 with at most 2 behaviours are the long tail; matched with 5 different users.',
    'A note.',
  ]);
  const newer = structuredClone(ranking);
  newer.short_behaviours = 3;
  newer.cross_over_answer = { all: gain(0.0125), long_tail: gain(9) };
  newer.rankers[1].gain!.short = gain(0.0061);
  newer.rankers[1].gauc_gain!.short = gain(0.0072);
  const lines = rankingText(newer).split('\n');
  expect(lines[3]).toBe('  intra    short      AUC +0.0061 [0.0051, 0.0071], GAUC +0.0072 [0.0062, 0.0082]');
  expect(lines.slice(-3)).toEqual([
    'Short: requests with at most 3 behaviours before them.',
    'Similar users less the answer named: AUC +0.0125 [0.0115, 0.0135].',
    'A note.',
  ]);
  Object.assign(newer.rankers[1], {
    all: { auc: { ctcvr: 0.7 } },
    intervals: { all: { auc: { ctcvr: [0.68, 0.7251] } } },
  });
  expect(rankingText(newer).split('\n').slice(0, 3)).toEqual([
    'AUC of pCTCVR by what a ranker sees (95 % over users):',
    '  intra    0.7000 [0.6800, 0.7251]',
    lines[0],
  ]);
  const { users: _, distinct_neighbours: __, notes: ___, ...old } = ranking;
  expect(rankingText(old)).toMatch(/\n8 requests\.$/);
});

test('how good the ranker is, is printed for each of its tasks', () => {
  expect(aucText({ auc: { ctr: 0.70214, cvr: 0.5, ctcvr: 0.71 } })).toBe(
    "AUC of the ID reward's ranker, held-out impressions: CTR 0.7021, CVR 0.5000, CTCVR 0.7100",
  );
});
