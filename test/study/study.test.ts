import { describe, expect, it } from 'vitest';
import { parseStudyOptions } from '../../src/commands/study';
import { pairedBootstrap } from '../../src/evaluate/bootstrap';
import { OUTCOMES } from '../../src/evaluate/metrics';
import { Random } from '../../src/numeric/random';
import type { RunConfig } from '../../src/run/config';
import { diffFromPreset } from '../../src/run/diff';
import { compareFingerprints } from '../../src/run/fingerprint';
import { runPipeline } from '../../src/run/runner';
import type { RunCheckpoint } from '../../src/run/runState';
import type { Cell } from '../../src/study/cell';
import { frontOf } from '../../src/study/front';
import { fitting, METHODS, methodConfig, methodNamed } from '../../src/study/methods';
import { canFork, fork, stillWanted } from '../../src/study/prefix';
import { isOf, runStudy } from '../../src/study/queue';
import { cellsCsv, studyTables, tablesText } from '../../src/study/tables';
import { minusculeConfig, recordedRun } from '../run/tinyRun';
import { v1 } from '../v1';

const common = diffFromPreset(minusculeConfig());
const configOf = (name: string) => methodConfig(methodNamed(name), v1('tiny'), common, 5);

/** The run that others fork from, trained once. */
const popo = once(async () => {
  const run = recordedRun(configOf('popo'));
  await runPipeline(run.context);
  return run;
});
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make();
    return made;
  };
}

/** Nothing is made from these runs, so that none of them is kept. */
const refuse = async () => {
  throw new Error('No end was to be kept.');
};

describe('pairedBootstrap', () => {
  it('finds a constant difference certain, and a symmetric one not established', () => {
    const constant = pairedBootstrap([new Float64Array(50).fill(0.2)], 1);
    expect(constant.low).toBeCloseTo(0.2);
    expect(constant.high).toBeCloseTo(0.2);
    expect(constant.p).toBeLessThan(0.002);
    const none = pairedBootstrap([Array.from({ length: 50 }, (_, i) => (i % 2 ? 1 : -1))], 1);
    expect(none.low).toBeLessThan(0);
    expect(none.high).toBeGreaterThan(0);
    expect(none.p).toBeGreaterThan(0.5);
  });

  it('has the width of the normal interval where users are many, repeats, and counts the spread between seeds', () => {
    const users = Array.from({ length: 400 }, (_, i) => (i % 4 === 0 ? 1 : 0));
    const one = pairedBootstrap([users], 3);
    expect(one.high - one.low).toBeCloseTo(2 * 1.96 * Math.sqrt((0.25 * 0.75) / 400), 2);
    expect(pairedBootstrap([users], 3)).toEqual(one);
    const two = pairedBootstrap([users, users.map((value) => value - 0.5)], 3);
    expect(two.high - two.low).toBeGreaterThan(3 * (one.high - one.low));
  });

  it('refuses nothing to draw from', () => {
    expect(() => pairedBootstrap([[]], 1)).toThrow('at least one user');
  });
});

describe('a study', () => {
  it('has only configs that can be run', () => {
    for (const { name } of METHODS) expect(configOf(name).seed).toBe(5);
    expect(() => methodNamed('dpo')).toThrow('There is no method dpo');
    expect(methodNamed('fixed-0.35').diff).toEqual({
      'popo.weighting': 'fixed',
      'popo.reward_weights': [0.35, 0.65],
    });
    for (const name of ['fixed-0.350', 'fixed-1.5', 'fixed-.5', 'fixed-0.3.5'])
      expect(() => methodNamed(name)).toThrow('There is no method');
  });

  it.each([1, 3])('leaves out what weighs two rewards where there are %i, and weighs them evenly', (K) => {
    const rewards = ['semantic', 'id', 'novelty'].slice(0, K);
    const options = parseStudyOptions(['--out', 'x', '--set', `popo.rewards=${rewards}`]);
    const names = options.methods.map(({ name }) => name);
    const sweep = [0, 0.25, 0.5, 0.75, 1].map((weight) => `fixed-${weight}`);
    sweep.push(
      ...[0.25, 0.5, 0.75].map((share) => `soup-${share}`),
      ...[0.25, 0.5, 0.75].map((share) => `soup-mixed-${share}`),
      ...[0.25, 0.5, 0.75].map((weight) => `geometric-${weight}`),
      ...['', '-0', '-0.25', '-0.75', '-1'].map((weight) => `conditioned${weight}`),
      ...['fixed-0.5', 'fixed-0.75', 'fixed-1', 'geometric-0.5'].map((name) => `${name}-batch`),
      'fixed-0-lift',
    );
    expect(METHODS.filter(({ name }) => !names.includes(name)).map(({ name }) => name)).toEqual(sweep);
    expect(options.leftOut).toBe(
      `Left out, because they weigh two rewards and popo.rewards names ${K}: ${sweep.join(', ')}.`,
    );
    const weights = (name: string) =>
      methodConfig(methodNamed(name), v1('tiny'), options.common, 1).popo.reward_weights;
    expect(weights('popo')).toEqual(rewards.map(() => 1 / K));
    expect(weights('popo-16')).toEqual(rewards.map(() => 1 / K));
    expect(weights('fixed-novelty')).toEqual([1 / 3, 1 / 3, 1 / 3]);
    expect(() => weights('fixed-0.5')).toThrow('one weight for each of popo.rewards');
    expect(() =>
      parseStudyOptions(['--out', 'x', '--set', `popo.rewards=${rewards}`, '--methods', 'fixed-0']),
    ).toThrow('No method is left to run. Left out');
    expect(fitting(METHODS, v1('tiny'), {})).toEqual({ methods: METHODS, leftOut: null });
  });

  it('gives groups of 16 as many rollouts a step', () => {
    const { prompts_per_step, num_generations } = methodConfig(
      methodNamed('popo-16'),
      v1('small'),
      {},
      1,
    ).popo;
    expect([prompts_per_step, num_generations]).toEqual([16, 16]);
  });

  it('takes a number of seeds or a range of them', () => {
    const seeds = (text: string) => parseStudyOptions(['--out', 'x', `--seeds=${text}`]).seeds;
    expect(parseStudyOptions(['--out', 'x']).seeds).toEqual([1, 2, 3]);
    expect(seeds('5')).toEqual([1, 2, 3, 4, 5]);
    expect(seeds('21-25')).toEqual([21, 22, 23, 24, 25]);
    expect(seeds('7-7')).toEqual([7]);
    expect(seeds('31,33')).toEqual([31, 33]);
    for (const wrong of ['0', '0-3', '5-3', '3-', '-3', '1-1000', '1,1', '1,', '1.5'])
      expect(() => seeds(wrong), wrong).toThrow('--seeds must be a number from 1 to 999');
  });

  it.each(['fixed-0.25', 'popo-novelty', 'answers-only', 'answers-only-twice', 'orft-margin', 'untold'])(
    'forks to %s at the bits of a run from scratch',
    async (name) => {
      const base = await popo();
      const config = configOf(name);
      const forkable = base.saved.filter((made) => canFork(made, config));
      expect(forkable.length).toBeGreaterThan(0);
      const scratch = (await runPipeline(recordedRun(config).context)).report!;
      const forked = await runPipeline(
        recordedRun(config, fork(forkable[forkable.length - 1], config)).context,
      );
      expect(compareFingerprints(scratch.fingerprint, forked.report!.fingerprint).verdict).toBe('identical');
      expect(forked.report!.table).toEqual(scratch.table);
      const done = base.saved[base.saved.length - 1];
      expect(() => fork(done, config)).toThrow('cannot go on');
    },
  );

  it('goes on from whatever kernels a device chose, but not from those that round', () => {
    const config = configOf('popo');
    const made = (kernels: RunConfig['kernels']) =>
      ({ state: { config: { ...config, kernels }, stage: 'popo', step: 0 } }) as unknown as RunCheckpoint;
    expect(canFork(made('tiled'), config)).toBe(true);
    expect(canFork(made('tiled-f16'), config)).toBe(false);
    expect(canFork(made('tiled-f16'), { ...config, kernels: 'tiled-f16' })).toBe(true);
  });

  it('keeps of the way to popo what later methods go on from, and no more', () => {
    const config = configOf('popo');
    const way = (['rupr', 'orft', 'sft', 'popo', 'evaluate'] as const).map(
      (stage) => ({ state: { config, stage, step: 0 }, arrays: {} }) as unknown as RunCheckpoint,
    );
    const kept = (...names: string[]) =>
      stillWanted(way, names.map(configOf)).map(({ state }) => state.stage);
    expect(kept('fixed-0.5', 'mgda')).toEqual(['popo']);
    expect(kept('fixed-0.5', 'untold', 'unfiltered')).toEqual(['rupr', 'orft', 'popo']);
    expect(kept('orft')).toEqual(['evaluate']);
    expect(kept('popo-16')).toEqual([]);
    expect(kept()).toEqual([]);
  });

  it('shares, keeps going after a failure, and takes up what is there', async () => {
    const kept = new Map<string, Cell>();
    const resumed: (string | null)[] = [];
    const told: string[] = [];
    let fail = true;
    const study = () =>
      runStudy({
        preset: v1('tiny'),
        common,
        methods: ['backbone', 'orft', 'mgda', 'fixed-0.5'].map(methodNamed),
        seeds: [5],
        read: async (method) => kept.get(method) ?? null,
        keep: async (cell) => void kept.set(cell.method, cell),
        ends: { read: async () => null, keep: refuse, drop: refuse },
        tell: (event) => void told.push(`${event.method} ${event.status}`),
        run(config: RunConfig, resume: RunCheckpoint | null, save) {
          resumed.push(resume?.state.stage ?? null);
          if (fail && config.popo.weighting === 'mgda') throw new Error('no luck');
          return runPipeline({ ...recordedRun(config, resume).context, save });
        },
      });
    const first = await study();
    expect(first.failed).toBe(1);
    // `orft` is judged at another stage of the very run of `backbone`.
    expect(resumed).toEqual([null, 'popo', 'popo']);
    expect(told).toEqual([
      'backbone started',
      'backbone finished',
      'orft started',
      'orft finished',
      'mgda started',
      'mgda failed',
      'fixed-0.5 started',
      'fixed-0.5 finished',
    ]);
    fail = false;
    told.length = 0;
    const { cells, failed } = await study();
    expect(told).toEqual(['backbone kept', 'orft kept', 'mgda started', 'mgda finished', 'fixed-0.5 kept']);
    expect(failed).toBe(0);
    expect(resumed).toHaveLength(4);
    expect(cells.map(({ method }) => method)).toEqual(['backbone', 'orft', 'mgda', 'fixed-0.5']);
    for (const { row, outcomes } of cells)
      OUTCOMES.forEach((metric, column) => {
        const own = outcomes.filter((_, i) => i % OUTCOMES.length === column);
        expect(own.reduce((a, b) => a + b, 0) / own.length).toBeCloseTo(row[metric], 5);
      });
    const { comparisons, means } = studyTables(cells);
    expect(means).toHaveLength(4);
    expect(means[1].metrics.CTCVR.mean).toBeCloseTo(cells[1].row.CTCVR, 5);
    const asked = comparisons.filter(({ metric }) => metric === 'CTCVR');
    expect(asked.map(({ method, control }) => `${method} ${control}`)).toEqual([
      'orft backbone',
      'fixed-0.5 orft',
      'mgda fixed-0.5',
    ]);
    expect(asked.map(({ paper, shape }) => [paper === null, shape === 'not reported'])).toEqual([
      [false, false],
      [true, true],
      [true, true],
    ]);
    const [cell] = cells;
    expect(isOf(cell, cell.config)).toBe(true);
    expect(isOf({ ...cell, kernels: 'k0' }, cell.config)).toBe(false);
    expect(isOf({ ...cell, app: '0.0.1' }, cell.config)).toBe(false);
    expect(isOf(cell, { ...cell.config, seed: 6 })).toBe(false);
  });

  it('says where the paper’s shape holds, does not, and is not established', () => {
    const cell = (method: string, outcome: number[]): Cell =>
      ({
        method,
        seed: 1,
        outcomes: Array.from({ length: 20 }, () => outcome).flat(),
        row: Object.fromEntries(OUTCOMES.map((m, i) => [m, outcome[i]])),
        gauges: { frac_reward_zero_std: [] },
      }) as unknown as Cell;
    const { comparisons } = studyTables([
      cell('backbone', [0, 0, 0, 0, 1, 0.5]),
      cell('orft', [1, 1, 1, 0, 0, 0.5]),
    ]);
    expect(comparisons.map(({ shape }) => shape)).toEqual([
      'as the paper',
      'as the paper',
      'differs from the paper',
      'not established',
      'as the paper',
      'not established',
    ]);
  });

  it('finds what lies beyond every fixed weight, and what one of them is better than', () => {
    // L3 and CTCVR of each method; two users, so that drawing again moves the means.
    const cell = (method: string, seed: number, l3: number, ctcvr: number): Cell =>
      ({
        method,
        seed,
        outcomes: [-1, 1].flatMap((sign) => [0, 0, l3 + 0.01 * sign, 0, 0, ctcvr + 0.01 * sign]),
      }) as unknown as Cell;
    const cells = [1, 2].flatMap((seed) => [
      cell('orft', seed, 0.5, 0.5),
      ...[0, 0.25, 0.5, 0.75, 1].map((w) => cell(`fixed-${w}`, seed, 0.5 + 0.2 * w, 0.7 - 0.2 * w)),
      cell('mgda', seed, 0.65, 0.65),
      cell('gdpo', seed, 0.55, 0.55),
    ]);
    const front = frontOf([...cells, cell('popo', 1, 0.7, 0.7)]);
    const of = (name: string) => front.points.find(({ method }) => method === name)!;
    expect(front.points.map(({ method }) => method)).not.toContain('orft');
    expect(of('mgda').hypervolume.mean).toBeCloseTo(0.2 * 0.2, 10);
    // Above (.45, .45) five steps cover .25·.05 + (.2 + .15 + .1 + .05)·.05 … written out: the union of five rectangles.
    const sweep = 0.05 * 0.25 + 0.05 * 0.2 + 0.05 * 0.15 + 0.05 * 0.1 + 0.05 * 0.05;
    expect(front.sweep!.mean).toBeCloseTo(sweep, 10);
    expect(of('mgda').beyond).toBeCloseTo(0.2 * 0.2 - (sweep - 2 * 0.05 * 0.05), 10);
    expect(of('mgda').dominated).toBe(0);
    expect(of('gdpo').beyond).toBe(0);
    expect(of('gdpo')).toMatchObject({ seeds: 2, dominated: 2 });
    expect(of('popo')).toMatchObject({ seeds: 1, swept: 1, dominated: 0 });
    expect(of('fixed-0.5').beyond).toBeNull();
    expect(of('mgda').hypervolume.low).toBeLessThan(of('mgda').hypervolume.mean);
    const without = (name: string) => frontOf(cells.filter(({ method }) => method !== name));
    expect(without('fixed-0.25').sweep).toBeNull();
    expect(without('fixed-0.25').missing).toContain('all five of them: choose these too');
    expect(without('orft')).toMatchObject({
      points: [],
      missing: expect.stringContaining('choose orft too'),
    });
    expect(frontOf(cells.filter(({ seed }) => seed === 1)).missing).toContain('takes two seeds');
    expect(front.missing).toBeNull();
    expect(frontOf([cell('orft', 1, 0.5, 0.5)]).missing).toBeNull();
    // A method of more seeds than are swept counts only the swept ones.
    const more = frontOf([...cells, cell('orft', 3, 0.5, 0.5), cell('gdpo', 3, 0.9, 0.9)]);
    expect(more.points.find(({ method }) => method === 'gdpo')).toMatchObject({
      seeds: 3,
      swept: 2,
      dominated: 2,
    });
  });

  it('holds a rule against the fixed weight that is best on the other seeds, and can find it worse', () => {
    const random = new Random(3, 'front test');
    const cell = (method: string, seed: number, l3: number, ctcvr: number): Cell =>
      ({
        method,
        seed,
        outcomes: Array.from({ length: 200 }, () => [
          0,
          0,
          l3 + 0.02 * random.normal(),
          0,
          0,
          ctcvr + 0.02 * random.normal(),
        ]).flat(),
      }) as unknown as Cell;
    // Over all seeds fixed-1 is best, but by seed 4 alone, so that it may not be chosen there.
    const cells = [1, 2, 3, 4].flatMap((seed) => [
      cell('orft', seed, 0.5, 0.5),
      ...[0, 0.25, 0.5].map((w) => cell(`fixed-${w}`, seed, 0.5, 0.5)),
      cell('fixed-0.75', seed, 0.6, 0.6),
      cell('fixed-1', seed, seed === 4 ? 1 : 0.5, seed === 4 ? 1 : 0.5),
      cell('mgda', seed, 0.65, 0.65),
      cell('gdpo', seed, 0.46, 0.46),
    ]);
    const { points, bestFixed } = frontOf(cells);
    expect(bestFixed.map(({ method }) => method)).toEqual(['fixed-1', 'fixed-1', 'fixed-1', 'fixed-0.75']);
    const of = (name: string) => points.find(({ method }) => method === name)!;
    expect(of('mgda').overBestFixed!.mean).toBeCloseTo(0.2 ** 2 - (3 * 0.05 ** 2 + 0.15 ** 2) / 4, 2);
    expect(of('mgda').overBestFixed!.low).toBeGreaterThan(0);
    expect(of('gdpo').overBestFixed!.mean).toBeCloseTo(0.01 ** 2 - (3 * 0.05 ** 2 + 0.15 ** 2) / 4, 2);
    expect(of('gdpo').overBestFixed!.high).toBeLessThan(0);
    expect(of('fixed-0.75').overBestFixed).toBeNull();
    const one = frontOf(cells.filter(({ seed }) => seed === 1));
    expect(one.points.every(({ overBestFixed }) => overBestFixed === null)).toBe(true);
  });

  it('writes tables and lines that hold every method, number and link', () => {
    const cell = (method: string): Cell =>
      ({
        method,
        seed: 1,
        link: 'http://x/#run=1',
        exact: 'ab',
        row: {
          ...Object.fromEntries(OUTCOMES.map((metric) => [metric, 0.25])),
          stage: method === 'orft' ? 'sft' : 'popo',
          valid_rate: 0.875,
          distinct_top1: 12,
          popularity_share: 0.375,
        },
        gauges: { frac_reward_zero_std: [0.25, 0.5] },
        outcomes: OUTCOMES.flatMap(() => OUTCOMES.map(() => 0.25)),
      }) as unknown as Cell;
    const cells = ['orft', 'fixed-0.5', 'popo'].map(cell);
    const text = tablesText(studyTables(cells));
    expect(text).toContain('What do moving weights add? (table 4)');
    expect(text).toContain('0.2500 ±0.0000');
    expect(text).toContain('area over SFT');
    expect(text).toMatch(/^orft +0\.875 +12\.0 +0\.375 *$/m);
    expect(text).toMatch(/^popo +0\.875 +12\.0 +0\.375 +0\.375$/m);
    const lines = cellsCsv(cells).trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(new Set(lines.map((line) => line.split(',').length)).size).toBe(1);
    expect(lines[3]).toContain('"http://x/#run=1"');
  });
});
