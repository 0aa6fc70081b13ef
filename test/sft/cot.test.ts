import { describe, expect, it } from 'vitest';
import { cleanCot, countsInWords, noCounts } from '../../src/sft/cot';

describe('what became of a teacher’s answers', () => {
  it('is told in words, each kind that there is with its number', () => {
    const counts = {
      wanted: 1000,
      kept: 900,
      malformed: 40,
      contradicting: 60,
      missing: 0,
      cached: 3,
      retries: 1,
    };
    expect(countsInWords(counts)).toBe(
      '900 could be used, 40 dropped for their form, 60 dropped for another item, 3 kept from before, 1 asked again',
    );
    expect(countsInWords({ ...noCounts(1000), kept: 900, missing: 100 }, (count) => `<${count}>`)).toBe(
      '<900> could be used, <100> not in the file',
    );
  });

  it('is not worth a word where all that were wanted are of use', () => {
    expect(countsInWords({ ...noCounts(5), kept: 5 })).toBeNull();
  });
});

describe('a CoT from elsewhere', () => {
  it('is one line in the punctuation that a tokenizer knows', () => {
    expect(cleanCot(' saw “cribs” — so…\n\tneed [strollers]! It’s *so*; yes? ')).toBe(
      "saw cribs - so. need strollers . It's so . yes.",
    );
    expect(cleanCot('<<>>')).toBe('');
  });
});
