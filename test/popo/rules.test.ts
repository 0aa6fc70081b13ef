import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RULES, ruleOf, WEIGHTINGS } from '../../src/popo/rules';
import { drawWeights } from '../../src/popo/rules/conditioned';
import { type Cautioned, type Evidence, KEEP, usesGradients } from '../../src/popo/rules/rule';
import { nextWeights } from '../../src/popo/weighting';

/** What every rule is shown here: it moves no two of them alike. */
const evidence: Evidence = {
  weights: [0.25, 0.75],
  rewards: [0, 0.5, 0.2, 0.5, 0.4, 0, 0.4, 1],
  groupSize: 2,
  gram: [9, 2, 2, 4],
  influence: [11, 6],
  etaOverMu: 0.1,
  correlationRate: 0.5,
  correlationTarget: 0.3,
  constraint: { reward: 0, level: 0.5, step: 2 },
};
const [light, heavy] = [0.25 * Math.exp(0.5), 0.75];
// Variances .01 and .25 over both groups, no covariance; of the sum .25² · .01 + .75² · .25 = .14125.
const lagging = 0.25 * Math.exp(0.5 * (0.3 - 0.0025 / Math.sqrt(0.14125 * 0.01)));
/** By hand, from the formulas. */
const WEIGHED = {
  fixed: null,
  gdpo: null,
  popo: [light / (light + heavy), heavy / (light + heavy)],
  // σ and mean of each reward, averaged over the two groups: (.1 / .25, .5 / .5) times √½.
  'popo-light': [0.4 / 1.4, 1 / 1.4],
  // (4 − 2) / (9 + 4 − 2 · 2)
  mgda: [2 / 9, 7 / 9],
  correlation: [lagging / (lagging + 0.75), 0.75 / (lagging + 0.75)],
  // λ = 1/3 + 2 · (.5 − .25)
  constraint: [5 / 11, 6 / 11],
  conditioned: null,
};

describe('the weighting rules', () => {
  it('are those that configs and links name, each once', () => {
    expect(WEIGHTINGS).toEqual([
      'fixed',
      'popo',
      'popo-light',
      'gdpo',
      'mgda',
      'correlation',
      'constraint',
      'conditioned',
    ]);
    for (const rule of RULES) expect(ruleOf(rule.name)).toBe(rule);
  });

  it.each(WEIGHTINGS)('weigh as their formula says: %s', (name) => {
    const weighed = ruleOf(name).weigh(evidence);
    const want = WEIGHED[name];
    if (want === null || weighed === null) expect(weighed).toBe(want);
    else for (const k of [0, 1]) expect(weighed[k]).toBeCloseTo(want[k], 7);
  });

  it('keep the weights where they need nothing, or where what they need was not measured', () => {
    const constraint = { ...evidence.constraint, level: null };
    const unmeasured = { ...evidence, gram: null, influence: null, constraint };
    const moving = RULES.filter((rule) => rule.weigh(unmeasured) !== null).map(({ name }) => name);
    expect(moving).toEqual(['popo-light', 'correlation']);
    expect(RULES.filter(usesGradients).map(({ name }) => name)).toEqual(['popo', 'mgda']);
    // The floor is for weights that move.
    for (const name of ['fixed', 'gdpo', 'popo', 'mgda', 'constraint', 'conditioned'] as const)
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
      correlation: null,
      constraint: null,
      conditioned: null,
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
    for (const { name, formula, extraCost, label, words, why, needs } of RULES) {
      expect(table).toContain(`| \`${name}\` | ${formula} | ${extraCost} |`);
      expect(label).not.toBe('');
      expect(words).toMatch(/^[A-Z].{20}/);
      expect(why === undefined).toBe(needs === 'nothing');
    }
  });

  it('warn of what POPO cannot do', () => {
    const { caution } = ruleOf('popo');
    const scaling = { scaleRewards: 'batch', aggregation: 'sum_then_normalize' } as const;
    const run = { numRewards: 2, etaOverMu: 0.1, influence: 'batch', ...scaling };
    expect(caution?.(run)).toMatch(/weight to the larger gradient.*Pareto-seeking/);
    expect(caution?.({ ...run, etaOverMu: -0.1 })).toMatch(/weight to the smaller gradient/);
    expect(caution?.({ ...run, etaOverMu: 0 })).toMatch(/weight to the larger gradient/);
    for (const other of [{ numRewards: 3 }, { numRewards: 1 }, { influence: 'momentum' }])
      expect(caution?.({ ...run, ...other })).toMatch(/^POPO is Pareto-seeking/);
    for (const name of ['fixed', 'gdpo', 'popo-light', 'mgda', 'correlation'] as const)
      expect(ruleOf(name).caution).toBeUndefined();
  });

  it('warn of what corrupts a multiplier, and of what is not promised', () => {
    const caution = (scaling: Partial<Cautioned>) =>
      ruleOf('constraint').caution!({
        ...{ numRewards: 2, etaOverMu: 0.1, influence: 'batch' },
        ...{ scaleRewards: 'batch', aggregation: 'sum_then_normalize' },
        ...scaling,
      });
    const promised = /^What is held is the mean over the prompts of training[^.]*\.$/;
    for (const fine of [{}, { scaleRewards: 'none' }, { aggregation: 'multiply_then_normalize' }] as const)
      expect(caution(fine)).toMatch(promised);
    for (const aggregation of ['normalize_then_sum', 'sum_of_advantages'] as const)
      expect(caution({ aggregation })).toMatch(/sum_then_normalize\.$/);
    expect(caution({ scaleRewards: 'group' })).toMatch(/scale_rewards=batch/);
  });

  it.each(['correlation', 'constraint'] as const)('tell how they came there: %s', (name) => {
    const rows = ruleOf(name).working!(evidence);
    const weighed = ruleOf(name).weigh(evidence)!;
    for (const { values } of rows) expect(values).toHaveLength(2);
    if (name === 'correlation') {
      const products = rows[2].values as number[];
      expect(products[0] / (products[0] + products[1])).toBeCloseTo(weighed[0], 12);
      expect(rows[0].values[0]).toBeCloseTo(0.0025 / Math.sqrt(0.14125 * 0.01), 6);
    } else {
      expect(rows.map(({ values }) => values[0])).toEqual(
        [0.25, 0.5, 1 / 3, 5 / 6].map((x) => expect.closeTo(x, 12)),
      );
      expect(rows.slice(1).map(({ values }) => values[1])).toEqual([null, null, null]);
    }
    const constraint = { ...evidence.constraint, level: null };
    // Nothing to tell where nothing could be measured.
    expect(ruleOf(name).working!({ ...evidence, constraint, rewards: new Array(8).fill(0.5) })).toEqual([]);
  });
});

it('draws weights uniformly from the simplex, each time the same for a seed and step', () => {
  for (const numRewards of [1, 2, 3]) {
    const drawn = Array.from({ length: 4000 }, (_, step) => drawWeights({ seed: 9, step, numRewards }));
    const isOne = (weights: number[]) =>
      weights.length === numRewards &&
      Math.abs(weights.reduce((sum, w) => sum + w, 0) - 1) < 1e-6 &&
      weights.every((w) => w >= 0 && w === Math.fround(w));
    expect(drawn.filter((weights) => !isOne(weights))).toEqual([]);
    // Dirichlet(1): every weight has mean 1/K and variance (K − 1) / (K² (K + 1)).
    const K = numRewards;
    for (let k = 0; k < K; k++) {
      const mean = drawn.reduce((sum, w) => sum + w[k], 0) / drawn.length;
      const variance = drawn.reduce((sum, w) => sum + (w[k] - 1 / K) ** 2, 0) / drawn.length;
      expect(mean).toBeCloseTo(1 / K, 1.5);
      expect(variance).toBeCloseTo((K - 1) / (K * K * (K + 1)), 2);
    }
  }
  const at = { seed: 9, step: 3, numRewards: 2 };
  expect(drawWeights(at)).toEqual(drawWeights(at));
  expect(drawWeights({ ...at, step: 4 })).not.toEqual(drawWeights(at));
  expect(drawWeights({ ...at, seed: 8 })).not.toEqual(drawWeights(at));
  // The only rule that does.
  expect(RULES.filter(({ draw }) => draw !== undefined).map(({ name }) => name)).toEqual(['conditioned']);
});

it('rules and rewards are light enough for the page: no TensorFlow.js, no GPU', () => {
  const files = ['rules', 'rewards'].flatMap((room) =>
    readdirSync(join('src/popo', room)).map((file) => join('src/popo', room, file)),
  );
  for (const file of [...files, 'src/popo/advantages.ts', 'src/popo/weighting.ts']) {
    const imported = [...readFileSync(file, 'utf8').matchAll(/from '([^']+)'/g)].map(([, path]) => path);
    for (const path of imported)
      expect(`${file}: ${path}`).toMatch(
        /: (\.\/\w+|\.\.\/advantages|\.\/rules\/rule|\.\.\/\.\.\/numeric\/random)$/,
      );
  }
});
