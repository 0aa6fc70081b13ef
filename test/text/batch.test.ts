import { describe, expect, it } from 'vitest';
import { collate } from '../../src/text/batch';

describe('collate', () => {
  it('pads to the length and weighs completion tokens equally over the batch', () => {
    const batch = collate(
      [
        { tokens: [5, 6, 7, 8], promptLength: 2 },
        { tokens: [9, 10, 11], promptLength: 1 },
        { tokens: [12], promptLength: 1 },
        { tokens: [13, 14], promptLength: 0 },
      ],
      5,
    );
    expect(batch).toMatchObject({ size: 4, length: 5 });
    expect([...batch.tokens]).toEqual([5, 6, 7, 8, 0, 9, 10, 11, 0, 0, 12, 0, 0, 0, 0, 13, 14, 0, 0, 0]);
    expect([...batch.lengths]).toEqual([4, 3, 1, 2]);
    const w = Math.fround(1 / 5);
    expect([...batch.lossWeights]).toEqual([0, 0, w, w, 0, 0, w, w, 0, 0, 0, 0, 0, 0, 0, 0, w, 0, 0, 0]);
  });

  it('refuses what does not fit', () => {
    expect(() => collate([{ tokens: [1, 2, 3], promptLength: 1 }], 2)).toThrow(/3 tokens/);
    expect(() => collate([{ tokens: [], promptLength: 0 }], 2)).toThrow(/0 tokens/);
  });
});
