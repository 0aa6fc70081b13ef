import { beforeAll, describe, expect, it } from 'vitest';
import { useCpu } from '../../src/gpu/tfjs';
import { Random } from '../../src/numeric/random';
import { nearestOthers } from '../../src/rank/similarUsers';

const hooks = { gate: async () => 'go' as const };
beforeAll(useCpu);

function units(rows: number, dimension: number, purpose: string): Float32Array {
  const random = new Random(1, purpose);
  const all = new Float32Array(rows * dimension);
  for (let row = 0; row < rows; row++) {
    const vector = Array.from({ length: dimension }, () => random.normal());
    const length = Math.hypot(...vector);
    all.set(
      vector.map((x) => x / length),
      row * dimension,
    );
  }
  return all;
}

describe('the most similar other user', () => {
  it('is the one that all cosines written out name, and never oneself', async () => {
    const dimension = 5;
    // One more than a block of queries.
    const requests = { vectors: units(257, dimension, 'requests'), users: [] as string[] };
    const past = {
      vectors: units(31, dimension, 'past'),
      users: Array.from({ length: 31 }, (_, i) => `u${i % 7}`),
    };
    requests.users = Array.from({ length: 257 }, (_, i) => `u${i % 9}`);
    // An asker whose own past is the very same vector.
    requests.vectors.set(past.vectors.subarray(0, dimension), 0);
    const { row, cosine } = await nearestOthers(requests, past, dimension, hooks);
    requests.users.forEach((user, i) => {
      let [best, at] = [-2, -1];
      past.users.forEach((other, j) => {
        if (other === user) return;
        let product = 0;
        for (let d = 0; d < dimension; d++)
          product += requests.vectors[i * dimension + d] * past.vectors[j * dimension + d];
        if (product > best) [best, at] = [product, j];
      });
      expect(row[i]).toBe(at);
      expect(cosine[i]).toBeCloseTo(best, 5);
    });
  });

  it('is nobody where the past holds nobody else', async () => {
    const vectors = units(2, 3, 'alone');
    const alone = { vectors, users: ['a', 'a'] };
    expect((await nearestOthers(alone, alone, 3, hooks)).row).toEqual(Int32Array.of(-1, -1));
    const nobody = { vectors: new Float32Array(0), users: [] };
    expect((await nearestOthers(alone, nobody, 3, hooks)).row).toEqual(Int32Array.of(-1, -1));
  });
});
