import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packGroups, plainLayout } from '../../src/model/packing';
import { fitBatch, maxItems, sortByToken } from '../../src/model/upload';

const batch = {
  size: 2,
  length: 3,
  tokens: Uint32Array.from([1, 2, 0, 1, 0, 0]),
  lengths: Uint32Array.from([2, 1]),
  lossWeights: Float32Array.from([0, 1, 0, 0, 0, 0]),
};

describe('fitBatch', () => {
  it('lays rows out one sequence each, in the larger shape', () => {
    const { tokens, layout } = fitBatch(batch, { size: 3, length: 4, vocabulary: 3 });
    expect([...tokens]).toEqual([1, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    expect(layout).toEqual(plainLayout([2, 1, 0], 4));
  });

  it("keeps a packed batch's own layout, and refuses it in another shape", () => {
    const packed = packGroups(batch, 1, 4);
    expect(fitBatch(packed, { size: 2, length: 4, vocabulary: 3 }).layout).toBe(packed.layout);
    for (const shape of [
      { size: 3, length: 4, vocabulary: 3 },
      { size: 2, length: 5, vocabulary: 3 },
    ]) {
      expect(() => fitBatch(packed, shape)).toThrow('very shape');
    }
  });
});

describe('sortByToken', () => {
  it('groups positions by token in order, in items of at most 64', () => {
    // Token 2 at 0 … 64 and 66, token 0 at 65.
    const tokens = new Uint32Array(67).fill(2);
    tokens[65] = 0;
    const { positions, items, firstItems } = sortByToken(tokens, 4, maxItems(67, 4));
    expect([...positions]).toEqual([65, ...Array.from({ length: 65 }, (_, i) => i), 66]);
    expect([...items.subarray(0, 6)]).toEqual([0, 1, 1, 64, 65, 2]);
    expect([...firstItems]).toEqual([0, 1, 1, 3, 3]);
  });

  it('covers every position once, within the items that maxItems allows', () => {
    const vocabularies = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(
        vocabularies.chain((vocabulary) =>
          fc.record({
            vocabulary: fc.constant(vocabulary),
            tokens: fc.array(fc.nat(vocabulary - 1), { minLength: 1, maxLength: 300 }),
          }),
        ),
        ({ vocabulary, tokens }) => {
          const most = maxItems(tokens.length, vocabulary);
          const { positions, items, firstItems } = sortByToken(Uint32Array.from(tokens), vocabulary, most);
          expect(items).toHaveLength(2 * most);
          expect(firstItems[vocabulary]).toBeLessThanOrEqual(most);
          const seen: number[] = [];
          for (let v = 0; v < vocabulary; v++) {
            for (let item = firstItems[v]; item < firstItems[v + 1]; item++) {
              const [from, count] = items.subarray(2 * item, 2 * item + 2);
              expect(count).toBeGreaterThan(0);
              expect(count).toBeLessThanOrEqual(64);
              const of = [...positions.subarray(from, from + count)];
              expect(of.every((position) => tokens[position] === v)).toBe(true);
              seen.push(...of);
            }
          }
          expect(seen.sort((a, b) => a - b)).toEqual(tokens.map((_, position) => position));
        },
      ),
    );
  });

  it('needs no more items than positions, and one more for each token’s rest', () => {
    expect([maxItems(1, 100), maxItems(64, 2), maxItems(65, 2), maxItems(128, 2)]).toEqual([2, 3, 4, 4]);
  });
});
