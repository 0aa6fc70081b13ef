/** Questions choose methods that exist, and are answered in a sentence by the comparison that asks the same. */
import { describe, expect, it } from 'vitest';
import { STAGE_NAMES } from '../../src/run/stageNames';
import { COMPARISONS } from '../../src/study/comparisons';
import { METHODS, methodNamed, withSources } from '../../src/study/methods';
import { plannedRuns } from '../../src/study/plan';
import { answersOf, QUESTIONS } from '../../src/study/questions';
import type { StudyTables } from '../../src/study/tables';

const question = (name: string) => QUESTIONS.find((known) => known.name === name)!;

describe('the questions of a study', () => {
  it('are eight, of methods that exist and pairs that are compared', () => {
    expect(QUESTIONS).toHaveLength(8);
    const names = METHODS.map(({ name }) => name);
    for (const { methods, pairs, family, title } of QUESTIONS) {
      expect(names).toEqual(expect.arrayContaining([...methods]));
      // Nothing that is derived lacks what it comes of.
      expect(
        withSources(methods.map(methodNamed))
          .map(({ name }) => name)
          .sort(),
      ).toEqual([...methods].sort());
      expect(new Set(methods).size, title).toBe(methods.length);
      for (const [method, control] of pairs) {
        expect(methods).toEqual(expect.arrayContaining([method, control]));
        expect(COMPARISONS.some((known) => known.method === method && known.control === control)).toBe(true);
      }
      expect(pairs.length > 0 || methods.includes(family ?? '')).toBe(true);
    }
  });

  const tables = (l3: number[], ctcvr: number[]) => {
    const row = (metric: string, [mean, low, high]: number[]) => ({
      method: 'orft',
      control: 'unfiltered',
      metric,
      difference: { mean, low, high },
    });
    return {
      comparisons: [row('Category_L3_ACC', l3), row('CTCVR', ctcvr)],
      front: {
        families: [
          { name: 'x', methods: ['fixed-0', 'soup-0.5'], share: { mean: 0.967, low: 0.9, high: 1.03 } },
        ],
      },
    } as unknown as StudyTables;
  };

  it.each([
    ['Yes', [0.06, 0.036, 0.083], [0.012, -0.003, 0.023]],
    ['Not shown', [0.06, -0.036, 0.083], [0.012, -0.003, 0.023]],
    ['No, it costs', [-0.06, -0.083, -0.036], [0.012, -0.003, 0.023]],
    ['One for the other', [-0.06, -0.083, -0.036], [0.012, 0.003, 0.023]],
  ])('are answered “%s” where the intervals say so', (verdict, l3, ctcvr) => {
    const [answer, ...more] = answersOf(question('rejection'), tables(l3, ctcvr));
    expect(more).toEqual([]);
    expect(answer).toMatch(
      new RegExp(
        `^${verdict}: SFT on filtered reasoning over SFT on all reasoning, L3 [+−]\\.060 \\[.+\\] and CTCVR \\+\\.012 \\[.+\\]\\.$`,
      ),
    );
  });

  it('of a family are answered by its share, and not at all without runs', () => {
    const there = tables([0, 0, 0], [0, 0, 0]);
    expect(answersOf(question('soups'), there)).toEqual([
      'They cover 97 % [90, 103] of the area under the hull of the five runs.',
    ]);
    expect(answersOf(question('conditioned'), there)).toEqual([]);
    expect(answersOf(question('alignment'), there)).toEqual([]);
  });
});

describe('what is still to be trained', () => {
  const planned = (names: readonly string[], isKept = (_name: string) => false, seeds = [1]) =>
    plannedRuns(
      {
        preset: { preset: 'tiny', version: 2 },
        common: {},
        methods: METHODS.filter(({ name }) => names.includes(name)),
        seeds,
      },
      isKept,
    ).map(({ method, seed, from }) => [method, seed, from]);

  it('begins where a run parts with those before it', () => {
    expect(planned(['popo', 'fixed-0.5', 'unfiltered', 'orft'])).toEqual([
      ['orft', 1, 'data'],
      // The same run as SFT’s, which is judged within it: RL goes on where it parts.
      ['fixed-0.5', 1, 'popo'],
      ['unfiltered', 1, 'orft'],
    ]);
    expect(planned(['orft', 'untold'], undefined, [1, 2]).map(([, , from]) => from)).toEqual([
      'data',
      'rupr',
      'data',
      'rupr',
    ]);
  });

  it('is nothing that is kept or computed from other runs', () => {
    const soup = ['fixed-0', 'fixed-1', 'soup-0.5'];
    expect(planned(soup).map(([method]) => method)).toEqual(['fixed-0', 'fixed-1']);
    expect(planned(soup, (name) => name === 'fixed-0')).toEqual([['fixed-1', 1, 'data']]);
    for (const [, , from] of planned(METHODS.map(({ name }) => name))) expect(STAGE_NAMES).toContain(from);
  });
});
