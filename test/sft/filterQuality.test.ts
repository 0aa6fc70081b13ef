import { describe, expect, it } from 'vitest';
import { filterQuality } from '../../src/sft/filterQuality';

const cot = (example: number, evidence: boolean, conclusion: boolean) => ({
  example,
  truth: { evidence, conclusion },
});

describe('what the filter is worth', () => {
  it('counts precision, recall and what slips through, by evidence and by conclusion', () => {
    const cots = [cot(0, true, true), cot(0, false, true), cot(1, true, false), cot(1, false, false)];
    const quality = filterQuality(cots, [0.1, 0.2, 0.9, 0.3], [true, true, false, false])!;
    expect(quality.cots).toBe(4);
    expect(quality.conclusion).toEqual({
      right: 0.5,
      precision: 1,
      recall: 1,
      kept_of_wrong: 0,
      auc: 1,
      // No prompt has both a right and a wrong conclusion.
      auc_within: 0.5,
    });
    expect(quality.evidence).toMatchObject({ right: 0.5, precision: 0.5, recall: 0.5, kept_of_wrong: 0.5 });
    // Right .1 and .9 against wrong .2 and .3: two of four pairs; within prompts one of two.
    expect(quality.evidence.auc).toBe(0.5);
    expect(quality.evidence.auc_within).toBe(0.5);
  });

  it('tells a judge that is good within prompts from one that is good across them', () => {
    // The second prompt is easy whatever is said of it.
    const cots = [cot(0, true, true), cot(0, false, false), cot(1, true, true), cot(1, false, false)];
    const { evidence } = filterQuality(cots, [5, 6, 1, 2], [false, false, true, true])!;
    expect(evidence.auc_within).toBe(1);
    expect(evidence.auc).toBe(0.75);
    expect(evidence.precision).toBe(0.5);
  });

  it('leaves out CoTs whose truth nobody knows, and says nothing when that is all of them', () => {
    expect(filterQuality([{ example: 0, truth: null }], [1], [true])).toBeNull();
    const some = filterQuality([{ example: 0, truth: null }, cot(0, true, true)], [1, 2], [true, false])!;
    expect(some.cots).toBe(1);
    expect(some.evidence.recall).toBe(0);
    expect(some.evidence.precision).toBe(0);
  });
});
