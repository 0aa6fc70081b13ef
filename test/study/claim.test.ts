/** The hull as the bar, on points that are known. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readClaims } from '../../src/commands/claim';
import { parseStudyOptions } from '../../src/commands/study';
import { Random } from '../../src/numeric/random';
import type { Cell } from '../../src/study/cell';
import { claimText, familySentence, judgeClaim as judge, ruleSentence } from '../../src/study/claim';
import { CLAIM } from '../../src/study/claimMethods';
import { frontOf } from '../../src/study/front';
import { heldMethodSentences, heldMethods } from '../../src/study/heldRewards';
import { methodNamed } from '../../src/study/methods';
import { cellsCsv, studyTables, tablesText } from '../../src/study/tables';

/** Fewer draws than a study's own: it is verdicts that are tested here. */
const judgeClaim = (cells: readonly Cell[]) => judge(cells, 100);

interface Told {
  users?: number;
  noise?: number;
}

function cell(method: string, seed: number, [l3, ctcvr]: readonly number[], told: Told = {}): Cell {
  const { users = 4, noise = 0 } = told;
  const random = new Random(seed, `claim ${method}`);
  const derived = methodNamed(method).derived;
  const blur = () => noise * random.normal();
  return {
    method,
    seed,
    app: '1',
    kernels: 'k',
    config: { preset: 'tiny', version: 2, seed },
    link: '#',
    exact: 'ab',
    row: { stage: 'popo', valid_rate: 1, distinct_top1: 2, popularity_share: 0.5 },
    gauges: { reward: [], frac_reward_zero_std: [], curve: [] },
    outcomes: Array.from({ length: users }, () => [0, 0, l3 + blur(), 0, 0, ctcvr + blur()]).flat(),
    ...(methodNamed(method).row === 'popo' && {
      spent: {
        adapter: 'a card',
        seconds: derived ? 0 : 10,
        updates: derived ? 0 : 100,
        rollouts: derived ? 0 : 6400,
      },
    }),
    ...(derived && { from: derived.from }),
  } as unknown as Cell;
}

/** Above the reference (.45, .45) of SFT at (.5, .5): the two ends, whose chord is L3 + CTCVR = 1.1, and three single models below it. */
const PLACES: Record<string, readonly number[]> = {
  orft: [0.5, 0.5],
  'fixed-0': [0.4, 0.7],
  'fixed-0.25': [0.45, 0.6],
  'fixed-0.5': [0.5, 0.5],
  'fixed-0.75': [0.6, 0.45],
  'fixed-1': [0.7, 0.4],
};
const seedCells = (seed: number, more: Record<string, readonly number[]> = {}, told?: Told) =>
  Object.entries({ ...PLACES, ...more }).map(([name, at]) => cell(name, seed, at, told));

describe('the hull in a study', () => {
  it('is what a coin between the ends reaches, beyond the staircase, and rules are held against it', () => {
    const cells = [1, 2].flatMap((seed) =>
      seedCells(seed, {
        popo: [0.6, 0.6],
        gdpo: [0.55, 0.55],
        mgda: [0.525, 0.525],
        'soup-0.5': [0.55, 0.55],
      }),
    );
    const front = frontOf(cells);
    // A triangle above (.45, .45) with sides of .2: 1.1 − .9. The steps of single models have less.
    expect(front.hull!.mean).toBeCloseTo(0.2 ** 2 / 2, 12);
    expect(front.sweep!.mean).toBeLessThan(0.005);
    const of = (name: string) => front.points.find(({ method }) => method === name)!;
    // The chord from (.4, .7) to (.7, .4), seen from (.6, .6): within x, y ≥ .45 it adds what is beyond the old line.
    expect(of('popo').overHull!.mean).toBeGreaterThan(0.01);
    expect(of('gdpo').overHull!.mean).toBeCloseTo(0, 12);
    expect(of('soup-0.5').overHull!.mean).toBeCloseTo(0, 12);
    // Below it: the triangle with the chord from (.4, .7) to (.7, .4), whose height is .05 / √2.
    expect(of('mgda').overHull!.mean).toBeCloseTo(-(0.3 * Math.SQRT2 * (0.05 / Math.SQRT2)) / 2, 12);
    expect(of('mgda').overHullBySeed.map(({ seed }) => seed)).toEqual([1, 2]);
    // The staircase says that it is better than any one of them.
    expect(of('mgda').overBestFixed!.mean).toBeGreaterThan(0);
    expect(of('fixed-0.5').overHull).toBeNull();
    expect(front.start).toMatchObject({ seeds: 2, Category_L3_ACC: 0.5 });
  });

  it('tells what came of two runs by the hull that they and what is made from them cover, and what both took', () => {
    const soups = { 'soup-0.25': [0.5, 0.62], 'soup-0.5': [0.55, 0.55], 'soup-0.75': [0.6, 0.5] };
    const front = frontOf([1, 2].flatMap((seed) => seedCells(seed, soups)));
    const [family, ...others] = front.families;
    expect(others).toEqual([]);
    expect(family).toMatchObject({ name: 'fixed-0 and fixed-1 and 3 made from them', seeds: 2 });
    // The soup at (.5, .62) is above the chord, at 1.12 instead of 1.1.
    expect(family.share.mean).toBeGreaterThan(1.05);
    expect(family.cost).toMatchObject({ rollouts: 2 * 6400, updates: 200, seconds: 20, ofOneFixed: 2 });
    expect(front.sweepCost).toMatchObject({ rollouts: 5 * 6400, ofOneFixed: 5, adapters: ['a card'] });
    expect(front.points.find(({ method }) => method === 'soup-0.5')!.cost!.ofOneFixed).toBe(2);
    // Without one of them it is no family.
    const fewer = frontOf(seedCells(1, { 'soup-0.25': [0.5, 0.6] }));
    expect(fewer.families).toEqual([]);
  });

  it('finds a rule on the hull neither above nor below it, where users are many and all points are noisy', () => {
    // Three fixed weights lie on one line, so that each may look like a corner by luck.
    const line = { 'fixed-0.25': [0.475, 0.625], 'fixed-0.5': [0.55, 0.55], 'fixed-0.75': [0.625, 0.475] };
    const cells = [1, 2, 3, 4, 5].flatMap((seed) =>
      seedCells(seed, { ...line, gdpo: [0.56, 0.54], mgda: [0.5, 0.5] }, { users: 300, noise: 0.2 }),
    );
    const { points } = frontOf(cells);
    const of = (name: string) => points.find(({ method }) => method === name)!.overHull!;
    expect(of('gdpo').low).toBeLessThan(0);
    expect(of('gdpo').high).toBeGreaterThan(0);
    expect(of('mgda').high).toBeLessThan(0);
  });

  it('is in the text and the lines of a study', () => {
    const cells = seedCells(1, {
      popo: [0.6, 0.6],
      'soup-0.25': [0.5, 0.6],
      'soup-0.5': [0.55, 0.55],
      'soup-0.75': [0.6, 0.5],
    });
    const text = tablesText(studyTables(cells));
    expect(text).toContain('above the hull');
    expect(text).toMatch(/^…and their hull with SFT +2\.00e-2 +5\.00 +32,000 rollouts, 500 updates, 50 s$/m);
    expect(text).toMatch(/^SFT +0\.5000 +0\.5000$/m);
    const area = frontOf(cells).points.find(({ method }) => method === 'popo')!.overHullBySeed[0].area;
    expect(text).toMatch(/^above the hull by seed, ×1000 +1 +× one fixed/m);
    const line = text.split('\n').find((each) => each.startsWith('popo') && each.includes(' +'))!;
    expect(line.split(/ {2,}/)).toEqual([
      'popo',
      `+${(1000 * area).toFixed(2)}`,
      '1.00',
      '6,400 rollouts, 100 updates, 10 s',
    ]);
    expect(text).toMatch(/^fixed-0 and fixed-1 and 3 made from them +1 +100\.0 % .* 2\.00 +12,800 rollouts/m);
    const [header, ...lines] = cellsCsv(cells).trimEnd().split('\n');
    expect(header).toContain('rl_rollouts,rl_updates,rl_seconds');
    expect(lines.find((line) => line.startsWith('fixed-0,'))).toContain(',6400,100,10,');
    expect(lines.find((line) => line.startsWith('orft,'))).toContain(',,,ab,');
  });
});

describe('the claim', () => {
  const many = { users: 1000, noise: 0.05 };
  const rules = { popo: [0.6, 0.6], gdpo: [0.55, 0.55], mgda: [0.5, 0.5] };
  const good = { 'soup-0.25': [0.475, 0.625], 'soup-0.5': [0.55, 0.55], 'soup-0.75': [0.625, 0.475] };
  const poor = {
    'soup-mixed-0.25': [0.48, 0.5],
    'soup-mixed-0.5': [0.5, 0.5],
    'soup-mixed-0.75': [0.5, 0.48],
  };

  it('judges a fixed weight where the sweep has a hole as it judges a rule, and leaves the hull as it is', () => {
    const told = [1, 2, 3, 4, 5].map((seed) => seedCells(seed, { popo: [0.5, 0.5] }, many));
    const finer = [1, 2, 3, 4, 5].map((seed) => cell('fixed-0.4', seed, [0.6, 0.6], many));
    const [without, claim] = [judgeClaim(told.flat()), judgeClaim([...told.flat(), ...finer])];
    expect(claim.hull).toEqual(without.hull);
    expect(claim.fixed).toEqual(without.fixed);
    expect(claim.verdicts).toBe(without.verdicts + 1);
    expect(claim.rules.map(({ method, verdict }) => [method, verdict])).toEqual([
      ['popo', 'below'],
      ['fixed-0.4', 'above'],
    ]);
  });

  it('says of each rule where it is, and of what is made from two runs what it covers', () => {
    const claim = judgeClaim(
      [1, 2, 3, 4, 5].flatMap((seed) => seedCells(seed, { ...rules, ...good, ...poor }, many)),
    );
    expect(claim).toMatchObject({ seeds: [1, 2, 3, 4, 5], users: 1000, tooFew: null, verdicts: 11 });
    const of = (name: string) => claim.rules.find(({ method }) => method === name)!;
    expect(of('popo').verdict).toBe('above');
    expect(of('gdpo').verdict).toBe('not distinguishable');
    expect(of('mgda').verdict).toBe('below');
    expect(ruleSentence(of('mgda'))).toMatch(/^mgda is below the hull of five fixed weights: −\d/);
    const [reached, missed] = claim.families;
    expect(reached).toMatchObject({ verdict: 'reached', ofSweep: 2 / 5 });
    expect(missed).toMatchObject({ verdict: 'missed', methods: expect.arrayContaining(['fixed-0.25']) });
    expect(familySentence(reached)).toMatch(
      /^fixed-0 and fixed-1 and 3 made from them cover at least 95\.0 % of the hull for at most 40\.0 % of the compute: .* for 40\.0 % of the sweep’s rollouts\.$/,
    );
    const text = claimText(claim);
    expect(text).toContain('11 verdicts share an error of 0.05 (Bonferroni)');
    for (const { name } of CLAIM)
      if (name in { ...PLACES, ...rules, ...good } && name !== 'orft') expect(text).toContain(name);
    // Each seed's area stands beside what the rule took.
    const areas = of('mgda').overHullBySeed.map(({ area }) => `−${Math.abs(1000 * area).toFixed(2)}`);
    expect(areas).toHaveLength(5);
    const line = text.split('\n').find((each) => each.startsWith('mgda') && each.includes(areas[0]))!;
    expect(line.split(/ {2,}/)).toEqual(['mgda', ...areas, '1.00', '6,400 rollouts, 100 updates, 10 s']);
    expect(text).toMatch(/^above the hull by seed, ×1000 +1 +2 +3 +4 +5 +× one fixed +RL, mean over seeds$/m);
    // More verdicts, wider intervals: the same rule alone.
    const alone = judgeClaim([1, 2, 3, 4, 5].flatMap((seed) => seedCells(seed, { popo: [0.6, 0.6] }, many)));
    const width = ({ low, high }: { low: number; high: number }) => high - low;
    expect(alone.verdicts).toBe(1);
    expect(width(alone.rules[0].overHull)).toBeLessThan(width(of('popo').overHull));
    expect(alone.rules[0].overHull.mean).toBe(of('popo').overHull.mean);
  });

  it('begins with SFT, and has what each fixed weight took', () => {
    const claim = judgeClaim([1, 2].flatMap((seed) => seedCells(seed, rules)));
    expect(claim.start).toEqual({ Category_L3_ACC: 0.5, CTCVR: 0.5 });
    const lines = claimText(claim).split('\n');
    expect(lines[1].split(/ {2,}/)).toEqual(['SFT', '2', '0.5000', '0.5000']);
    expect(lines[2].split(/ {2,}/).slice(0, 4)).toEqual(['fixed-0', '2', '0.4000', '0.7000']);
    expect(lines[2]).toMatch(/ 1\.00 +6,400 rollouts, 100 updates, 10 s$/);
    // Two steps above (.45, .45): to (.6, .5 or less) at heights of nothing and .05, and (.5, .5).
    expect(claim.staircase!.mean).toBeCloseTo(0.05 * 0.05, 12);
    expect(claimText(claim)).toContain(
      'Area of the hull, ×1000: 20.00; of the staircase of single fixed weights: 2.50.',
    );
    expect(judgeClaim([cell('popo', 1, [0.6, 0.6])]).start).toBeNull();
  });

  it('says of a reward that was to be kept what it ended at, whether it was kept, and what test users have', () => {
    const held = (seed: number, level: number) => ({
      ...cell('constraint', seed, [0.4, 0.6]),
      // Alternately .1 below the level and at it: .05 below.
      held: {
        reward: 'semantic' as const,
        level,
        rewards: Array.from({ length: 20 }, (_, step) => level - 0.1 * (step % 2)),
      },
    });
    const cells = [1, 2].flatMap((seed) => [...seedCells(seed), held(seed, seed === 1 ? 0.6 : 0.7)]);
    const claim = judgeClaim(cells);
    const [{ outcome, test }] = claim.held;
    expect(outcome).toMatchObject({ reward: 'semantic', seeds: 2, steps: 20, verdict: 'missed' });
    expect(outcome.level).toBeCloseTo(0.65, 12);
    expect(outcome.end.mean).toBeCloseTo(0.6, 12);
    expect(test!.change.mean).toBeCloseTo(-0.1, 12);
    const told = [
      /^constraint: The semantic reward was to be kept at \.650 or above on prompts of training: over the last 20 steps of each of 2 seeds it was \.600 \[\.5\d\d, \.6\d\d\], so it was not held\./m,
      /On test users constraint ends at L3 \.400, where SFT has \.500: −\.100 \[−\.100, −\.100\]\.$/m,
    ];
    for (const sentence of told) {
      expect(claimText(claim)).toMatch(sentence);
      expect(tablesText(studyTables(cells))).toMatch(sentence);
    }
    expect(judgeClaim(seedCells(1)).held).toEqual([]);
  });

  it('takes each seed against its own level', () => {
    // Levels differ far more than what is above them, so that the interval would hold them all if they were pooled.
    const cells = [0.3, 0.6, 0.9].map((level, seed) => ({
      ...cell('constraint', seed, [0.4, 0.6]),
      held: { reward: 'semantic' as const, level, rewards: new Array<number>(20).fill(level + 0.02) },
    }));
    const [told] = heldMethods(cells);
    expect(told).toMatchObject({ outcome: { seeds: 3, steps: 20, verdict: 'held' }, test: null });
    expect(told.outcome.end.low).toBeCloseTo(0.62, 8);
    expect(told.outcome.end.high).toBeCloseTo(0.62, 8);
    expect(heldMethodSentences(told)).toEqual([
      'constraint: The semantic reward was to be kept at .600 or above on prompts of training: over the last 20 steps of each of 3 seeds it was .620 [.620, .620], so it was held.',
    ]);
  });

  it('judges nothing on fewer seeds or users, nor compute that is not known', () => {
    const fewSeeds = judgeClaim([1, 2].flatMap((seed) => seedCells(seed, { ...rules, ...good }, many)));
    expect(fewSeeds.tooFew).toBe(
      'A verdict takes at least 5 seeds with SFT and all five fixed weights, and 1,000 test users of each: here are 2 seeds, with 1000 users.',
    );
    expect(claimText(fewSeeds)).toContain('popo is not judged on 2 seeds');
    const fewUsers = judgeClaim([1, 2, 3, 4, 5].flatMap((seed) => seedCells(seed, rules, { users: 999 })));
    expect(fewUsers.rules.map(({ verdict }) => verdict)).toEqual(new Array(3).fill('not judged'));
    expect(judgeClaim([cell('popo', 1, [0.6, 0.6])])).toMatchObject({ seeds: [], users: 0, rules: [] });
    const untold = [1, 2, 3, 4, 5]
      .flatMap((seed) => seedCells(seed, good, many))
      .map(({ spent: _, ...own }) => own);
    expect(judgeClaim(untold).families[0]).toMatchObject({ ofSweep: null, verdict: 'not established' });
  });

  it('is a list of methods, which cannot be named beside it', () => {
    const options = parseStudyOptions(['--claim', '--out', 'x']);
    // One seed in a process of its own, not all up to it.
    expect(parseStudyOptions(['--claim', '--seeds', '41', '--out', 'x']).seeds).toEqual([41]);
    expect(options).toMatchObject({ claim: true, gate: false, seeds: [1, 2, 3, 4, 5], leftOut: null });
    const names = options.methods.map(({ name }) => name);
    expect(names).toEqual(CLAIM.map(({ name }) => name));
    for (const name of [
      'orft',
      'popo',
      'popo-light',
      'gdpo',
      'mgda',
      'geometric-0.5',
      'soup-0.5',
      ...Object.keys(PLACES),
    ])
      expect(names).toContain(name);
    const refused = (...args: string[]) => expect(() => parseStudyOptions([...args, '--out', 'x']));
    refused('--claim', '--methods', 'popo').toThrow('--claim has methods of its own');
    refused('--claim', '--gate').toThrow('choose one of them');
    refused('--from', 'a').toThrow('add --gate or --claim');
    expect(parseStudyOptions(['--claim', '--from', 'a,b', '--out', 'x']).from).toEqual(['a', 'b']);
  });

  it('joins what several processes wrote, and refuses what cannot be judged together', () => {
    const folder = (cells: Cell[]) => {
      const path = mkdtempSync(join(tmpdir(), 'claim-'));
      for (const each of cells)
        writeFileSync(join(path, `cell-${each.method}-${each.seed}.json`), JSON.stringify(each));
      return path;
    };
    const [one, two] = [1, 2].map((seed) => folder([...seedCells(seed), cell('untold', seed, [0, 0])]));
    const names = Object.keys(PLACES);
    expect(readClaims([one, two]).map(({ seed }) => seed)).toEqual(
      [1, 2].flatMap((seed) => names.map(() => seed)),
    );
    expect(() => readClaims([one, one])).toThrow(/^fixed-0 of seed 1 stands in two of the folders of --from/);
    expect(() => readClaims([join(one, 'none')])).toThrow('does not exist');
    expect(() => readClaims([folder([])])).toThrow('There is no cell of the claim in');
    const other = folder([{ ...cell('popo', 9, [0, 0]), app: '2' }]);
    expect(() => readClaims([one, other])).toThrow('they cannot be judged together');
    const newer = folder([{ ...cell('popo', 9, [0, 0]), kernels: 'k2' }]);
    expect(() => readClaims([one, newer])).toThrow(
      'popo of seed 9 is of another version or other settings than fixed-0 of seed 1',
    );
  });
});
