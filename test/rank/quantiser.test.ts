import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { useSlowPath } from '../../src/gpu/tfjs';
import { Random } from '../../src/numeric/random';
import { fitQuantiser } from '../../src/rank/quantiser';

const hooks = { gate: async () => 'go' as const };
beforeAll(useSlowPath);

/** Rows around `centres` points, each within `spread` of its own. */
function clustered(rows: number, dimension: number, centres: number, spread: number): Float32Array {
  const random = new Random(3, 'clusters');
  const points = Array.from({ length: centres * dimension }, () => random.normal());
  return Float32Array.from({ length: rows * dimension }, (_, i) => {
    const row = Math.floor(i / dimension);
    return points[(row % centres) * dimension + (i % dimension)] + spread * random.normal();
  });
}

describe('the product quantiser', () => {
  it('loses next to nothing of vectors in as many tight clusters as it has codes', async () => {
    const vectors = clustered(60, 5, 2, 1e-3);
    const quantiser = await fitQuantiser({ vectors, dimension: 5 }, { subspaces: 2, bits: 3 }, 1, hooks);
    const codes = await quantiser.encode(vectors);
    expect(codes).toHaveLength(120);
    expect(Math.max(...codes)).toBeLessThan(quantiser.size);
    expect(quantiser.error(vectors, codes)).toBeLessThan(1e-4);
  });

  it('gives each row the nearest centroid of each part, as all distances written out say', async () => {
    const vectors = clustered(37, 7, 37, 0);
    const quantiser = await fitQuantiser({ vectors, dimension: 7 }, { subspaces: 3, bits: 2 }, 1, hooks);
    const codes = await quantiser.encode(vectors);
    // Another code for one part of one row can only lose more.
    const least = quantiser.error(vectors, codes);
    expect(least).toBeGreaterThan(0);
    for (let at = 0; at < codes.length; at++) {
      for (let code = 0; code < quantiser.size; code++) {
        const other = codes.slice();
        other[at] = code;
        expect(quantiser.error(vectors, other)).toBeGreaterThanOrEqual(least - 1e-6);
      }
    }
  });

  it('moves each centroid to the mean of its vectors, and tells the share of the spread that is lost', async () => {
    // In one part 0, 2, 10, 12: centroids 1 and 11. In the other two columns, which are its other part, all alike.
    const vectors = Float32Array.of(0, 5, 5, 2, 5, 5, 10, 5, 5, 12, 5, 5);
    const tensors = tf.memory().numTensors;
    const quantiser = await fitQuantiser({ vectors, dimension: 3 }, { subspaces: 2, bits: 1 }, 1, hooks);
    expect(quantiser.size).toBe(2);
    const codes = await quantiser.encode(vectors);
    const [low, high] = [codes[0], codes[4]];
    expect([codes[0], codes[2], codes[4], codes[6]]).toEqual([low, low, high, high]);
    expect(low).not.toBe(high);
    // Around the centre 6 the squares are 36, 16, 16 and 36; around the centroids each is 1.
    expect(quantiser.error(vectors, codes)).toBeCloseTo(4 / 104, 6);
    // Others than were fitted, around the centre of those.
    const others = Float32Array.of(4, 5, 8);
    const [first, second] = await quantiser.encode(others);
    expect(first).toBe(low);
    expect(quantiser.error(others, Int32Array.of(first, second))).toBeCloseTo((9 + 9) / (4 + 9), 6);
    // What does not spread loses nothing.
    const flat = { vectors: new Float32Array(6).fill(2), dimension: 2 };
    const still = await fitQuantiser(flat, { subspaces: 1, bits: 1 }, 1, hooks);
    expect(still.error(flat.vectors, await still.encode(flat.vectors))).toBe(0);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('has as many codes as bits name, or as there are vectors, and asks the gate before each round', async () => {
    const vectors = clustered(40, 4, 40, 0);
    let asked = 0;
    const counting = {
      gate: async () => {
        asked++;
        return 'go' as const;
      },
    };
    const { size } = await fitQuantiser({ vectors, dimension: 4 }, { subspaces: 3, bits: 3 }, 1, counting);
    expect(size).toBe(8);
    // And before each codebook.
    expect(asked).toBe(3 * (1 + 15));
  });

  it('begins at vectors drawn by the seed', async () => {
    const vectors = clustered(60, 4, 60, 0);
    const codesOf = async (seed: number) => {
      const quantiser = await fitQuantiser({ vectors, dimension: 4 }, { subspaces: 1, bits: 4 }, seed, hooks);
      return quantiser.encode(vectors);
    };
    expect(await codesOf(2)).not.toEqual(await codesOf(1));
  });

  it('loses less with more bits and with more parts', async () => {
    const vectors = clustered(200, 8, 200, 0);
    const errorOf = async (subspaces: number, bits: number) => {
      const quantiser = await fitQuantiser({ vectors, dimension: 8 }, { subspaces, bits }, 1, hooks);
      return quantiser.error(vectors, await quantiser.encode(vectors));
    };
    const coarse = await errorOf(2, 2);
    expect(coarse).toBeLessThan(1);
    expect(await errorOf(2, 5)).toBeLessThan(coarse);
    expect(await errorOf(4, 2)).toBeLessThan(coarse);
  });

  it('gives the same codes twice, and copes with fewer vectors than codes', async () => {
    const vectors = clustered(3, 4, 3, 0);
    const once = async () => {
      const quantiser = await fitQuantiser({ vectors, dimension: 4 }, { subspaces: 4, bits: 8 }, 9, hooks);
      expect(quantiser.size).toBe(3);
      return quantiser.encode(vectors);
    };
    const first = await once();
    expect(await once()).toEqual(first);
  });

  it('says so when there is nothing, and ends when it is told to', async () => {
    const options = { subspaces: 1, bits: 1 };
    await expect(
      fitQuantiser({ vectors: new Float32Array(0), dimension: 4 }, options, 1, hooks),
    ).rejects.toThrow('nothing to quantise');
    const stop = { gate: async () => 'stop' as const };
    await expect(
      fitQuantiser({ vectors: new Float32Array(8), dimension: 4 }, options, 1, stop),
    ).rejects.toThrow('stopped');
  });
});
