import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { visibleToTraining } from '../../src/data/visibility';
import { Random } from '../../src/numeric/random';
import { crowdsOf, meanCosine, pastMoments } from '../../src/rank/similarUsers';
import { smallWorld } from '../sft/world';

const hooks = { gate: async () => 'go' as const };
/** Three items: 0 and 1 of one department, 2 of another. */
const columns = {
  paths: [
    [0, 2],
    [0, 3],
    [1, 4],
  ],
  width: 5,
};

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

  it('tell the item that followed them, and never one that is held out or after the last that training was asked for', async () => {
    const world = await smallWorld();
    const planted = world.items.length - 1;
    const visible = visibleToTraining(world);
    /** Another future for everybody: the last item of the catalogue, bought by nobody before. */
    const users = world.users.map((user, index) => ({
      ...user,
      history: user.history.map((item, at) => (at >= visible[index] ? planted : Math.min(item, planted - 1))),
    }));
    const later: Dataset = { ...world, users };
    expect(users.some(({ history }) => history.includes(planted))).toBe(true);
    const { examples, next } = pastMoments(later, 100_000, 1);
    expect([...next]).toEqual(examples.map(({ user, position }) => users[user].history[position]));
    expect([...next]).not.toContain(planted);
    // Where a training example stands at or after one that is held out, its moment is no past.
    const user = examples[0].user;
    const first = Math.min(
      ...world.splits.train.filter((example) => example.user === user).map(({ position }) => position),
    );
    const held = { sampleId: 'held', user, position: first };
    const splits = { ...world.splits, validation: [...world.splits.validation, held] };
    const left = pastMoments({ ...world, splits }, 100_000, 1).examples;
    expect(left.filter((example) => example.user === user && example.position >= first)).toEqual([]);
    expect(left.length).toBeGreaterThan(50);
  });
});

describe('the crowd of a request', () => {
  it('is everybody else by the softmax of all cosines, written out', async () => {
    const dimension = 5;
    const requests = {
      vectors: units(67, dimension, 'requests'),
      dimension,
      users: Array.from({ length: 67 }, (_, i) => `u${i % 9}`),
    };
    const past = {
      vectors: units(31, dimension, 'past'),
      dimension,
      users: Array.from({ length: 31 }, (_, i) => `u${i % 7}`),
      next: Array.from({ length: 31 }, (_, i) => (i * i) % 3),
    };
    // An asker whose own past is the very same vector.
    requests.vectors.set(past.vectors.subarray(0, dimension), 0);
    const { shares, usual, cosine, size } = await crowdsOf({ requests, past, columns }, hooks);
    const shareOf = (weights: readonly number[], column: number) =>
      past.next.reduce((sum, item, j) => sum + (columns.paths[item].includes(column) ? weights[j] : 0), 0);
    for (let column = 0; column < columns.width; column++)
      expect(usual[column]).toBeCloseTo(
        shareOf(
          past.next.map(() => 1 / 31),
          column,
        ),
        6,
      );
    requests.users.forEach((user, i) => {
      const cosines = past.users.map((other, j) => {
        let product = 0;
        for (let d = 0; d < dimension; d++)
          product += requests.vectors[i * dimension + d] * past.vectors[j * dimension + d];
        return other === user ? null : product;
      });
      const powers = cosines.map((value) => (value === null ? 0 : Math.exp(value / 0.05)));
      const total = powers.reduce((a, b) => a + b, 0);
      const weights = powers.map((power) => power / total);
      for (let column = 0; column < columns.width; column++)
        expect(shares[i * columns.width + column]).toBeCloseTo(shareOf(weights, column), 4);
      expect(cosine[i]).toBeCloseTo(Math.max(...cosines.map((value) => value ?? -2)), 5);
      expect(size[i]).toBeCloseTo(1 / weights.reduce((sum, weight) => sum + weight * weight, 0), 3);
    });
  });

  it('counts equals alike, whoever comes first', async () => {
    const past = {
      vectors: Float32Array.of(1, 0, 1, 0, 1, 0, 0, 1),
      dimension: 2,
      users: ['a', 'b', 'c', 'd'],
      next: [0, 1, 1, 2],
    };
    const requests = { vectors: Float32Array.of(1, 0, 0, -1), dimension: 2, users: ['x', 'y'] };
    const { shares, size, cosine } = await crowdsOf({ requests, past, columns }, hooks);
    const thirds = [1, 0, 1 / 3, 2 / 3, 0];
    // The fourth said something else, e^−20 times as much.
    thirds.forEach((share, column) => void expect(shares[column]).toBeCloseTo(share, 5));
    expect(size[0]).toBeCloseTo(3, 5);
    // Of those who said nothing like it, the nearest are near enough.
    thirds.forEach((share, column) => void expect(shares[5 + column]).toBeCloseTo(share, 5));
    expect(cosine[1]).toBe(0);
  });

  it('is nobody, and so everybody’s share, where nothing was said of the request or of anybody else', async () => {
    const vectors = units(2, 3, 'some');
    const past = {
      vectors: Float32Array.from([0, 0, 0, ...vectors]),
      dimension: 3,
      users: ['a', 'b', 'b'],
      next: [0, 2, 2],
    };
    const requests = {
      vectors: Float32Array.from([0, 0, 0, ...vectors]),
      dimension: 3,
      users: ['x', 'x', 'b'],
    };
    const { shares, usual, size, cosine } = await crowdsOf({ requests, past, columns }, hooks);
    const of = (row: number) => [...shares.subarray(row * 5, row * 5 + 5)];
    expect([...usual].map((share) => Number(share.toFixed(6)))).toEqual([
      0.333333, 0.666667, 0.333333, 0, 0.666667,
    ]);
    // Nothing was said of the first; of the third, by nobody else: the first of the past is silent.
    expect([of(0), of(2)]).toEqual([[...usual], [...usual]]);
    expect(of(1)).toEqual([0, 1, 0, 0, 1]);
    expect([size[0], size[2], cosine[0], cosine[2]]).toEqual([0, 0, 0, 0]);
    expect(size[1]).toBeGreaterThan(0);
    const nobody = { vectors: new Float32Array(0), dimension: 3, users: [], next: [] };
    const alone = await crowdsOf({ requests, past: nobody, columns }, hooks);
    expect([...alone.shares, ...alone.size].every((value) => value === 0)).toBe(true);
  });

  it('passes the gate, and ends when it is told to', async () => {
    const vectors = units(65, 2, 'gate');
    const requests = { vectors, dimension: 2, users: Array.from({ length: 65 }, () => 'x') };
    const past = { vectors: units(1, 2, 'one'), dimension: 2, users: ['a'], next: [0] };
    let passed = 0;
    const counting = {
      gate: async () => {
        passed++;
        return 'go' as const;
      },
    };
    await crowdsOf({ requests, past, columns }, counting);
    expect(passed).toBe(2);
    const stop = { gate: async () => 'stop' as const };
    await expect(crowdsOf({ requests, past, columns }, stop)).rejects.toThrow('Similar users was stopped');
  });
});

describe('the mean cosine', () => {
  it('is of all pairs of different rows of which something was said', () => {
    const vectors = Float32Array.of(1, 0, 0, 0, 0.6, 0.8, 0, -1);
    expect(meanCosine({ vectors, dimension: 2 })).toBeCloseTo((0.6 + 0 - 0.8) / 3, 6);
    expect(meanCosine({ vectors: Float32Array.of(1, 0, 0, 0), dimension: 2 })).toBe(0);
  });
});
