import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rewardAxes } from '../../src/app/charts/plane';
import { ticks } from '../../src/app/charts/ticks';
import { withWeight } from '../../src/app/parts/weights';
import { parts, promptParts } from '../../src/app/run/samples';
import { whoGains } from '../../src/app/run/tradeoff';
import { covarianceSentence, heldSentence } from '../../src/app/words/covarianceWords';
import { ago, bytes, count, duration, percent, short } from '../../src/app/words/format';
import { heldOutWords, sampleWords, stageWords, teacherWords } from '../../src/app/words/runWords';
import type { RewardName } from '../../src/popo/rewards';
import type { RunConfig } from '../../src/run/config';
import { presetConfig } from '../../src/run/presets';
import { v1 } from '../v1';

describe('numbers', () => {
  it('reads durations as people say them', () => {
    expect([0.2, 4.4, 60, 80, 754, 3900].map(duration)).toEqual([
      '< 1 s',
      '4 s',
      '1 min',
      '1 min 20 s',
      '13 min',
      '1 h 05 min',
    ]);
    expect(duration(Number.NaN)).toBe('–');
  });

  it('reads sizes', () => {
    expect([0, 12_345, 48_200_000, 10_700_000_000].map(bytes)).toEqual(['0 KB', '13 KB', '48 MB', '10.7 GB']);
  });

  it('rounds to what an eye takes in', () => {
    expect([0, 0.51234, 3.456, 12.345, 1234.5, -0.25, 2e-5, null].map(short)).toEqual([
      '0',
      '0.512',
      '3.46',
      '12.3',
      '1\u202f235',
      '−0.250',
      '2.0e−5',
      '–',
    ]);
    expect(percent(0.3271)).toBe('32.7 %');
    expect(count(1_234_567)).toBe('1\u202f234\u202f567');
    expect(ago(0, 7_200_000)).toBe('2 h ago');
  });

  it('puts round ticks inside any range', () => {
    expect(ticks(0.42, 0.56).map(({ label }) => label)).toEqual(['0.45', '0.50', '0.55']);
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        (low, size) => {
          const found = ticks(low, low + size);
          expect(found.length).toBeGreaterThanOrEqual(1);
          expect(found.length).toBeLessThanOrEqual(6);
          for (const { at: tick } of found) {
            expect(tick).toBeGreaterThanOrEqual(low - 1e-9);
            expect(tick).toBeLessThanOrEqual(low + size + 1e-9);
          }
        },
      ),
    );
  });
});

describe('what the model said', () => {
  it('splits thought, title and categories', () => {
    expect(parts('<think> saw cribs </think><answer> light stroller <sep> Baby <sep> Out </answer>')).toEqual(
      {
        think: 'saw cribs',
        title: 'light stroller',
        path: ['Baby', 'Out'],
      },
    );
  });

  it('takes what was cut short, and what was never well formed', () => {
    expect(parts('<think> saw cri')).toEqual({ think: 'saw cri', title: '(no answer)', path: [] });
    expect(parts('stroller')).toEqual({ think: null, title: 'stroller', path: [] });
    expect(parts('')).toEqual({ think: null, title: '(no answer)', path: [] });
    expect(parts('<answer> lamp')).toEqual({ think: null, title: 'lamp', path: [] });
  });

  it('splits a prompt into who and what', () => {
    expect(promptParts('young parent <sep> oak crib <sep> lamp')).toEqual({
      profile: 'young parent',
      behaviours: ['oak crib', 'lamp'],
    });
  });
});

describe('words that depend on the run', () => {
  const configOf = (change: (config: RunConfig) => void) => {
    const config = presetConfig(v1('tiny'));
    change(config);
    return config;
  };

  it('say of a world that its users are new, and of an import that only behaviours are', () => {
    const own = configOf(({ data }) => Object.assign(data, { source: 'import', sha256: 'ab'.repeat(32) }));
    expect(heldOutWords(configOf(() => {})).many).toBe('users it never saw');
    expect(heldOutWords(own).many).toBe('behaviours it never saw, of users it knows');
    expect(stageWords('evaluate', own).does).not.toContain('users it never saw');
  });

  it('name what aligns, and how many rewards', () => {
    const alignment = (change: (popo: RunConfig['popo']) => void) => {
      const config = configOf(({ popo }) => change(popo));
      const { does, code } = stageWords('popo', config);
      return [does, code, sampleWords(config)[2].title];
    };
    expect(alignment((popo) => Object.assign(popo, { weighting: 'popo' }))).toEqual([
      'Reinforce both rewards, weighed anew',
      'POPO',
      'With POPO',
    ]);
    expect(alignment((popo) => Object.assign(popo, { weighting: 'fixed' }))).toEqual([
      'Reinforce both rewards, weights fixed',
      'GRPO',
      'With GRPO',
    ]);
    const rewards = ['semantic', 'id', 'format'];
    expect(alignment((popo) => Object.assign(popo, { weighting: 'mgda', rewards }))).toEqual([
      'Reinforce its 3 rewards, weighed anew',
      'MGDA',
      'With MGDA',
    ]);
    expect(alignment((popo) => Object.assign(popo, { weighting: 'popo', rewards: ['id'] }))).toEqual([
      'Reinforce its reward',
      'GRPO',
      'With GRPO',
    ]);
  });

  it('say what the teacher knew', () => {
    const told = (on: boolean) => configOf(({ rupr }) => Object.assign(rupr, { told: on }));
    expect(teacherWords(told(true)).title).toBe('The teacher knows the answer.');
    expect(teacherWords(told(false)).title).toBe('The teacher is not told the answer.');
    expect(stageWords('rupr', told(false)).does).toBe('Argue without being told the purchase');
  });

  it('say who gains weight only of the rule and the number of rewards it is true of', () => {
    const said = (popo: Partial<RunConfig['popo']>) =>
      whoGains(configOf((config) => Object.assign(config.popo, popo)));
    expect(said({ weighting: 'popo', influence: 'batch' })).toMatch(/larger gradient.*nobody has proven/);
    expect(said({ weighting: 'popo', influence: 'batch', eta_over_mu: -1 })).toMatch(/smaller gradient/);
    expect(said({ weighting: 'popo', rewards: ['semantic', 'id', 'format'] })).not.toMatch(/gradient/);
    expect(said({ weighting: 'fixed' })).toBe('');
  });
});

describe('any number of rewards', () => {
  it('draws meaning against taste where both are there, else the first two, and nothing of one', () => {
    expect(rewardAxes(['format', 'id', 'semantic'])).toEqual(['semantic', 'id']);
    expect(rewardAxes(['semantic', 'novelty', 'format'])).toEqual(['semantic', 'novelty']);
    expect(rewardAxes(['id'])).toBeNull();
  });

  it('keeps the sum of weights at 1 and the proportions of the others', () => {
    expect(withWeight([0.5, 0.25, 0.25], 0, 0.2)).toEqual([0.2, 0.4, 0.4]);
    expect(withWeight([1, 0, 0], 0, 0.4)).toEqual([0.4, 0.3, 0.3]);
  });
});

describe('words on covariances', () => {
  const told = (
    covariances: number[],
    gains: number[][] = [[1], [1]],
    names = ['semantic', 'id'] as RewardName[],
  ) =>
    covarianceSentence(names, (name) => {
      const [kind, which, other] = name.split('_');
      if (kind === 'covariance') return `${which} ${other}` === 'semantic id' ? covariances : [0.1];
      return gains[names.indexOf(which as RewardName)];
    });

  it('say that no rule can earn its keep where no two rewards are traded', () => {
    expect(told([0.1, 0.2])).toMatch(/any weights improve every reward, and no rule can earn its keep\.$/);
    expect(told([0])).toMatch(/no rule can earn its keep/);
  });

  it('say which are, and who loses under these weights', () => {
    expect(told([-0.1])).toMatch(
      /answers traded semantic against ID over.*weights decide.*each still gains\.$/,
    );
    expect(told([-0.1], [[1], [-1]])).toMatch(/under these weights ID loses\.$/);
    const three = told([-0.1], [[-1], [1], [-1]], ['semantic', 'id', 'novelty']);
    expect(three).toMatch(/traded semantic against ID over.*semantic and novelty lose\.$/i);
  });

  it('go by the last twenty steps, and are silent where nothing was measured', () => {
    const turned = [...new Array<number>(30).fill(-1), ...new Array<number>(20).fill(0.1), Number.NaN];
    expect(told(turned)).toMatch(/no rule/);
    expect(told([Number.NaN])).toBe('');
    expect(covarianceSentence(['id'], () => [])).toBe('');
  });

  it('say what is held, at what, and how hard', () => {
    expect(heldSentence('semantic', 0.5, 0.75)).toBe(
      'The semantic reward is held at 0.500, from what it was before alignment. Its multiplier is 3.00 now.',
    );
    expect(heldSentence('id', 0.25, 1)).toBe(
      'The ID reward is held at 0.250, from what it was before alignment.',
    );
    expect(heldSentence('id', null, 0.5)).toBe('');
  });
});
