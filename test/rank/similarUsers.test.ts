import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { useSlowPath } from '../../src/gpu/tfjs';
import { Random } from '../../src/numeric/random';
import { nearestOthers, pastMoments } from '../../src/rank/similarUsers';
import { smallWorld } from '../sft/world';

const hooks = { gate: async () => 'go' as const };
beforeAll(useSlowPath);

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

describe('moments of the past', () => {
  it('are one of each of so many training users, drawn by the seed, none without a behaviour before it', async () => {
    const world = await smallWorld();
    const start = { sampleId: 'start', user: world.splits.test[0].user, position: 0 };
    const splits = { ...world.splits, train: [start, ...world.splits.train] };
    const draw = (count: number, seed: number) => pastMoments({ ...world, splits }, count, seed).examples;
    const some = draw(50, 1);
    expect(some).toHaveLength(50);
    expect(new Set(some.map(({ user }) => user)).size).toBe(50);
    for (const example of some) expect(world.splits.train).toContain(example);
    expect(draw(50, 1)).toEqual(some);
    expect(draw(50, 2)).not.toEqual(some);
    // Not always a user's first.
    expect(some.some(({ position }) => position > 2)).toBe(true);
    const all = new Set(world.splits.train.map(({ user }) => user)).size;
    expect(draw(100_000, 1)).toHaveLength(all);
  });
});

describe('the most similar other user', () => {
  it('is the one that all cosines written out name, and never oneself', async () => {
    const dimension = 5;
    // One more than a block of queries.
    const requests = { vectors: units(257, dimension, 'requests'), dimension, users: [] as string[] };
    const past = {
      vectors: units(31, dimension, 'past'),
      dimension,
      users: Array.from({ length: 31 }, (_, i) => `u${i % 7}`),
    };
    requests.users = Array.from({ length: 257 }, (_, i) => `u${i % 9}`);
    // An asker whose own past is the very same vector.
    requests.vectors.set(past.vectors.subarray(0, dimension), 0);
    const progress: number[][] = [];
    const tensors = tf.memory().numTensors;
    const { row, cosine } = await nearestOthers(requests, past, 1, {
      ...hooks,
      onProgress: (...numbers) => void progress.push(numbers),
    });
    expect(tf.memory().numTensors).toBe(tensors);
    expect(progress).toEqual([
      [256, 257],
      [257, 257],
    ]);
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

  it('goes by what is said to the last digit, and ends when it is told to', async () => {
    // Of one who said the very opposite there is a cosine too.
    const asked = { vectors: Float32Array.of(1, 0), dimension: 2, users: ['x'] };
    const past = { vectors: Float32Array.of(-1, 0, -0.8, 0.6), dimension: 2, users: ['a', 'b'] };
    const { row, cosine } = await nearestOthers(asked, past, 1, hooks);
    expect([...row]).toEqual([1]);
    expect(cosine[0]).toBeCloseTo(-0.8, 6);
    const stop = { gate: async () => 'stop' as const };
    await expect(nearestOthers(asked, past, 1, stop)).rejects.toThrow('Similar users was stopped');
  });

  it('is nobody where the past holds nobody else', async () => {
    const vectors = units(2, 3, 'alone');
    const alone = { vectors, dimension: 3, users: ['a', 'a'] };
    expect((await nearestOthers(alone, alone, 1, hooks)).row).toEqual(Int32Array.of(-1, -1));
    expect((await nearestOthers(alone, alone, 1, hooks)).cosine).toEqual(Float32Array.of(0, 0));
    const nobody = { vectors: new Float32Array(0), dimension: 3, users: [] };
    expect((await nearestOthers(alone, nobody, 1, hooks)).row).toEqual(Int32Array.of(-1, -1));
  });

  it('is nobody for a request of which nothing was said, and never one of whom nothing was', async () => {
    const vectors = units(3, 3, 'some');
    const silent = Float32Array.from([0, 0, 0, ...vectors]);
    const past = { vectors: silent, dimension: 3, users: ['a', 'b', 'c', 'd'] };
    const asking = { ...past, users: ['x', 'x', 'x', 'x'] };
    const { row } = await nearestOthers(asking, past, 1, hooks);
    expect([...row]).toEqual([-1, 1, 2, 3]);
    // Though a cosine of 0 would be greater.
    const opposite = { vectors: Float32Array.of(0, 0, 0, -1, 0, 0), dimension: 3, users: ['a', 'b'] };
    const asked = { vectors: Float32Array.of(1, 0, 0), dimension: 3, users: ['x'] };
    expect([...(await nearestOthers(asked, opposite, 1, hooks)).row]).toEqual([1]);
    const onlySilent = { vectors: new Float32Array(3), dimension: 3, users: ['a'] };
    expect([...(await nearestOthers(asked, onlySilent, 1, hooks)).row]).toEqual([-1]);
  });

  it('spreads requests over equals, by the seed', async () => {
    const same = (count: number) => Float32Array.from({ length: 2 * count }, (_, i) => 1 - (i % 2));
    const requests = {
      vectors: same(300),
      dimension: 2,
      users: Array.from({ length: 300 }, (_, i) => `x${i}`),
    };
    const past = { vectors: same(10), dimension: 2, users: Array.from({ length: 10 }, (_, i) => `y${i}`) };
    // Of another meaning, so never chosen.
    past.vectors.set([0, 1], 8);
    const once = (seed: number) => nearestOthers(requests, past, seed, hooks);
    const { row } = await once(1);
    // The first of the equals, going round from a place drawn for each request.
    const wanted = Array.from(row, (_, i) => {
      const start = new Random(1, 'similar users', i).int(10);
      return start === 4 ? 5 : start;
    });
    expect([...row]).toEqual(wanted);
    expect(new Set(row)).toEqual(new Set([0, 1, 2, 3, 5, 6, 7, 8, 9]));
    expect((await once(1)).row).toEqual(row);
    expect((await once(2)).row).not.toEqual(row);
  });
});
