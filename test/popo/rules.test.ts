import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RULES, ruleOf, WEIGHTINGS } from '../../src/popo/rules';
import { type Evidence, KEEP, usesGradients } from '../../src/popo/rules/rule';
import { nextWeights } from '../../src/popo/weighting';

/** What every rule is shown here: it moves no two of them alike. */
const evidence: Evidence = {
  weights: [0.25, 0.75],
  rewards: [0, 0.5, 0.2, 0.5, 0.4, 0, 0.4, 1],
  groupSize: 2,
  gram: [9, 2, 2, 4],
  influence: [11, 6],
  etaOverMu: 0.1,
};
const [light, heavy] = [0.25 * Math.exp(0.5), 0.75];
/** By hand, from the formulas. */
const WEIGHED = {
  fixed: null,
  gdpo: null,
  popo: [light / (light + heavy), heavy / (light + heavy)],
  // σ and mean of each reward, averaged over the two groups: (.1 / .25, .5 / .5) times √½.
  'popo-light': [0.4 / 1.4, 1 / 1.4],
  // (4 − 2) / (9 + 4 − 2 · 2)
  mgda: [2 / 9, 7 / 9],
};

describe('the weighting rules', () => {
  it('are those that configs and links name, each once', () => {
    expect(WEIGHTINGS).toEqual(['fixed', 'popo', 'popo-light', 'gdpo', 'mgda']);
    for (const rule of RULES) expect(ruleOf(rule.name)).toBe(rule);
  });

  it.each(WEIGHTINGS)('weigh as their formula says: %s', (name) => {
    const weighed = ruleOf(name).weigh(evidence);
    const want = WEIGHED[name];
    if (want === null || weighed === null) expect(weighed).toBe(want);
    else for (const k of [0, 1]) expect(weighed[k]).toBeCloseTo(want[k], 7);
  });

  it('keep the weights where they need nothing, or where what they need was not measured', () => {
    const unmeasured = { ...evidence, gram: null, influence: null };
    const moving = RULES.filter((rule) => rule.weigh(unmeasured) !== null).map(({ name }) => name);
    expect(moving).toEqual(['popo-light']);
    expect(RULES.filter(usesGradients).map(({ name }) => name)).toEqual(['popo', 'mgda']);
    // The floor is for weights that move.
    for (const name of ['fixed', 'gdpo', 'popo', 'mgda'] as const)
      expect(nextWeights(ruleOf(name), unmeasured, 0.4)).toEqual([0.25, 0.75]);
    expect(nextWeights(ruleOf('popo-light'), unmeasured, 0.4)).toEqual([0.4, 0.6]);
  });

  it('give new weights, never the ones they were given', () => {
    for (const rule of RULES) expect(nextWeights(rule, evidence, 0)).not.toBe(evidence.weights);
  });

  it('bring an aggregation, or leave it to the config', () => {
    expect(Object.fromEntries(RULES.map(({ name, aggregation }) => [name, aggregation]))).toEqual({
      fixed: null,
      popo: null,
      'popo-light': null,
      gdpo: 'normalize_then_sum',
      mgda: 'sum_of_advantages',
    });
  });

  it('are told apart in the shader by the numbers that it has for them', () => {
    const shader = readFileSync('shaders/reward_weighting.wgsl', 'utf8');
    const moving = RULES.filter(({ needs }) => needs !== 'nothing');
    for (const { name, kernel } of moving) {
      const constant = name.toUpperCase().replace('-', '_');
      expect(shader).toContain(`const ${constant} = ${kernel}u;`);
      expect(shader).toContain(`case ${constant}: {`);
    }
    expect(new Set([KEEP, ...moving.map(({ kernel }) => kernel)]).size).toBe(moving.length + 1);
    for (const { needs, kernel } of RULES) expect(kernel === KEEP).toBe(needs === 'nothing');
    expect(shader).toContain(`const KEEP = ${KEEP}u;`);
  });

  it('stand in the method’s table as they are, and say what they do', () => {
    const table = readFileSync('docs/METHOD.md', 'utf8');
    for (const { name, formula, extraCost, label, words } of RULES) {
      expect(table).toContain(`| \`${name}\` | ${formula} | ${extraCost} |`);
      expect(label).not.toBe('');
      expect(words).toMatch(/^[A-Z].{20}/);
    }
  });

  it('warn of what POPO cannot do', () => {
    const { caution } = ruleOf('popo');
    const run = { numRewards: 2, etaOverMu: 0.1, influence: 'batch' };
    expect(caution?.(run)).toMatch(/weight to the larger gradient.*Pareto-seeking/);
    expect(caution?.({ ...run, etaOverMu: -0.1 })).toMatch(/weight to the smaller gradient/);
    expect(caution?.({ ...run, etaOverMu: 0 })).toMatch(/weight to the larger gradient/);
    for (const other of [{ numRewards: 3 }, { numRewards: 1 }, { influence: 'momentum' }])
      expect(caution?.({ ...run, ...other })).toMatch(/^POPO is Pareto-seeking/);
    for (const name of ['fixed', 'gdpo', 'popo-light', 'mgda'] as const)
      expect(ruleOf(name).caution).toBeUndefined();
  });
});

it('rules and rewards are light enough for the page: no TensorFlow.js, no GPU', () => {
  const files = ['rules', 'rewards'].flatMap((room) =>
    readdirSync(join('src/popo', room)).map((file) => join('src/popo', room, file)),
  );
  for (const file of [...files, 'src/popo/advantages.ts', 'src/popo/weighting.ts']) {
    const imported = [...readFileSync(file, 'utf8').matchAll(/from '([^']+)'/g)].map(([, path]) => path);
    for (const path of imported)
      expect(`${file}: ${path}`).toMatch(/: (\.\/\w+|\.\.\/advantages|\.\/rules\/rule)$/);
  }
});
