import { describe, expect, it } from 'vitest';
import { fitRows, fitWeights, padRows } from '../../src/model/padding';

/** Rows 1 2 and 3, with rubbish in the padding. */
const batch = {
  size: 2,
  length: 3,
  tokens: Uint32Array.from([1, 2, 99, 3, 99, 99]),
  lengths: Uint32Array.from([2, 1]),
  lossWeights: Float32Array.from([0.5, 0.25, 8, 0.125, 8, 8]),
};

describe('padRows', () => {
  it('pads with token 0, and fills up with empty rows', () => {
    const { tokens, lengths, ...shape } = padRows([[4, 5], Uint32Array.of(6, 7, 8)], 3, 3);
    expect(shape).toEqual({ size: 3, length: 3 });
    expect([...tokens]).toEqual([4, 5, 0, 6, 7, 8, 0, 0, 0]);
    expect([...lengths]).toEqual([2, 3, 0]);
    expect(padRows([[4], [5]], 2).size).toBe(2);
  });

  it('refuses a sequence that is empty or too long, by its number', () => {
    expect(() => padRows([[1], []], 2)).toThrow('Sequence 1 of the batch has 0 tokens; a row takes 1 to 2');
    expect(() => padRows([[1, 2, 3]], 2)).toThrow('Sequence 0 of the batch has 3 tokens');
    expect(() => padRows([[1, 2, 3]], 2)).toThrow(RangeError);
  });
});

describe('fitRows', () => {
  const shape = { size: 3, length: 4, vocabulary: 4 };

  it('moves sequences to longer rows, without their padding', () => {
    const { tokens, lengths, ...rest } = fitRows(batch, shape);
    expect(rest).toEqual({ size: 3, length: 4 });
    expect([...tokens]).toEqual([1, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
    expect([...lengths]).toEqual([2, 1, 0]);
    expect([...fitRows(batch, { ...shape, size: 2, length: 3 }).tokens]).toEqual([1, 2, 0, 3, 0, 0]);
  });

  it('refuses what does not fit, and what no vocabulary of this size has', () => {
    const message = 'A batch of 2 × 3 tokens does not fit one of';
    expect(() => fitRows(batch, { ...shape, size: 1 })).toThrow(`${message} 1 × 4`);
    expect(() => fitRows(batch, { ...shape, length: 2 })).toThrow(`${message} 3 × 2`);
    const long = { ...batch, lengths: Uint32Array.from([2, 4]) };
    expect(() => fitRows(long, shape)).toThrow('Sequence 1 has 4 tokens in a row of 3');
    expect(() => fitRows(batch, { ...shape, vocabulary: 3 })).toThrow(
      'Token 3 at sequence 1, position 0 is outside the vocabulary of 3',
    );
    const last = { ...batch, tokens: Uint32Array.from([1, 4, 0, 3, 0, 0]) };
    expect(() => fitRows(last, shape)).toThrow('Token 4 at sequence 0, position 1');
  });

  it('takes a row that is full', () => {
    const full = { ...batch, lengths: Uint32Array.from([3, 0]) };
    expect([...fitRows(full, { ...shape, vocabulary: 100 }).lengths]).toEqual([3, 0, 0]);
  });
});

it('fits loss weights to rows of another shape, 0 beyond each end', () => {
  expect([...fitWeights(batch, 3, 4)]).toEqual([0.5, 0.25, 0, 0, 0.125, 0, 0, 0, 0, 0, 0, 0]);
});
