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
    expect(packedLength(1, 2, 2)).toBe(6);
    expect(() => packGroups(group, 2, 6)).toThrow('Group 0 does not fit');
  });

  it('takes no loss of the first token, which nothing predicts, whatever its weight', () => {
    const lossWeights = Float32Array.from([8, 0.5, 0.25, 0, 0, 8, 0.125, 0, 0, 0]);
    const packed = packGroups({ ...group, lengths: Uint32Array.from([3, 2]), lossWeights }, 2, 6);
    expect([...packed.tokens]).toEqual([1, 2, 3, 1, 2, 0]);
    expect([...packed.lossWeights]).toEqual([0, 0.5, 0.25, 0, 0.125, 0]);
  });

  it('counts a row without any weight as all prompt', () => {
    const packed = packGroups({ ...group, size: 1, lossWeights: new Float32Array(5) }, 1, 6);
    expect([...packed.tokens]).toEqual([1, 2, 3, 5, 6, 0]);
    expect(quads(packed.layout.spans)[4]).toEqual([4, 4, 4, 5]);
  });

  it('refuses rows of a group whose prompts differ', () => {
    for (const at of [5, 6, 7]) {
      const tokens = group.tokens.slice();
      tokens[at] = 9;
      expect(() => packGroups({ ...group, tokens }, 2, 8)).toThrow('different prompts');
    }
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
  expect(sliceRows(packed, 0, 1)).toEqual(alone);
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
