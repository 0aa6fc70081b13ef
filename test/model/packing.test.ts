import { describe, expect, it } from 'vitest';
import type { TokenBatch } from '../../src/model/languageModel';
import { packedLength, packGroups, plainLayout, sliceRows } from '../../src/model/packing';

/** Two completions (5 6 and 7) of the prompt 1 2 3. */
const group: TokenBatch = {
  size: 2,
  length: 5,
  tokens: Uint32Array.from([1, 2, 3, 5, 6, 1, 2, 3, 7, 0]),
  lengths: Uint32Array.from([5, 4]),
  lossWeights: Float32Array.from([0, 0, 0, 0.5, 0.25, 0, 0, 0, 0.125, 0]),
};

const quads = (spans: Uint32Array) =>
  Array.from({ length: spans.length / 4 }, (_, i) => [...spans.subarray(4 * i, 4 * i + 4)]);

describe('packGroups', () => {
  it('puts completions behind their prompt, each led by its last token', () => {
    const packed = packGroups(group, 2, 8);
    expect(packed.size).toBe(1);
    expect([...packed.tokens]).toEqual([1, 2, 3, 5, 6, 3, 7, 0]);
    expect([...packed.lossWeights]).toEqual([0, 0, 0, 0.5, 0.25, 0, 0.125, 0]);
    expect([...packed.lengths]).toEqual([7]);
    expect([...packed.layout.segments]).toEqual([0, 0, 0, 0, 0, 1, 1, 0]);
    expect(quads(packed.layout.spans)).toEqual([
      [0, 0, 0, 7],
      [1, 0, 0, 7],
      [2, 2, 2, 5],
      [3, 2, 2, 5],
      [4, 2, 2, 5],
      [2, 2, 5, 7],
      [3, 2, 5, 7],
      [0, 0, 7, 0],
    ]);
  });

  it('fits every group in packedLength, and refuses a shorter row', () => {
    expect(packedLength(3, 2, 2)).toBe(8);
    expect(() => packGroups(group, 2, 6)).toThrow('Group 0 does not fit');
  });

  it('refuses rows of a group whose prompts differ', () => {
    const tokens = group.tokens.slice();
    tokens[6] = 9;
    expect(() => packGroups({ ...group, tokens }, 2, 8)).toThrow('different prompts');
  });
});

it('takes rows out of a packed batch', () => {
  const twice = (values: ArrayLike<number>) => [...Array.from(values), ...Array.from(values)];
  const packed = packGroups(
    {
      size: 4,
      length: 5,
      tokens: Uint32Array.from(twice(group.tokens)),
      lengths: Uint32Array.from(twice(group.lengths)),
      lossWeights: Float32Array.from(twice(group.lossWeights)),
    },
    2,
    8,
  );
  const row = sliceRows(packed, 1, 2);
  const alone = packGroups(group, 2, 8);
  expect({ ...row, layout: row.layout.spans }).toEqual({ ...alone, layout: alone.layout.spans });
  expect([...row.layout.segments]).toEqual([2, 2, 2, 2, 2, 3, 3, 1]);
});

it('lays out one sequence per row, padding apart', () => {
  const { spans, segments } = plainLayout([2, 0], 3);
  expect(quads(spans)).toEqual([
    [0, 0, 0, 2],
    [1, 0, 0, 2],
    [0, 0, 2, 0],
    [0, 0, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 2, 0],
  ]);
  expect([...segments]).toEqual([0, 0, 0, 1, 1, 1]);
});
