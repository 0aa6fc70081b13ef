import { describe, expect, it } from 'vitest';
import { pairedBootstrap } from '../../src/evaluate/bootstrap';
import { intervalOf } from '../../src/numeric/interval';
import { Random } from '../../src/numeric/random';

/** Every draw written out: as many seeds as there are, with replacement, and of each as many of its users, with replacement. */
function written(differences: number[][], seed: number, draws: number) {
  const random = new Random(seed, 'bootstrap');
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const again = () =>
    mean(
      differences.map(() => {
        const users = differences[random.int(differences.length)];
        return mean(users.map(() => users[random.int(users.length)]));
      }),
    );
  return intervalOf(mean(differences.map(mean)), Float64Array.from({ length: draws }, again));
}

const two = [
  [1, 2, 6],
  [-3.1, 4.2],
];

describe('the paired bootstrap', () => {
  it.each([
    [two, 1],
    // Other draws of the same lengths, other lengths of the same seed: what is kept of the last call is not taken for them.
    [two, 2],
    [[...two, [5]], 2],
    [[[1, 2, 6, 9]], 2],
  ])('draws seeds, then users within each: %j by seed %i', (differences, seed) => {
    const interval = pairedBootstrap(differences, seed, 40);
    const { mean, low, high, p } = written(differences, seed, 40);
    expect(interval.mean).toBeCloseTo(mean, 9);
    // Shares are kept in f32.
    expect(interval.low).toBeCloseTo(low, 5);
    expect(interval.high).toBeCloseTo(high, 5);
    expect(interval.p).toBeCloseTo(p, 9);
    expect(interval.seeds).toBe(differences.length);
    expect(interval.users).toBe(differences.flat().length);
  });

  it('weighs seeds alike, however many users each has, and takes 2,000 draws', () => {
    const { mean, p } = pairedBootstrap([[1, 1, 1, 1], [3]], 1);
    expect(mean).toBe(2);
    // All draws are above 0: one in 2,001 on the other side, twice.
    expect(p).toBeCloseTo(2 / 2001, 12);
  });

  it('takes other values of the same users for what they are', () => {
    const first = pairedBootstrap(two, 1, 40);
    const doubled = pairedBootstrap(
      two.map((users) => users.map((value) => 2 * value)),
      1,
      40,
    );
    expect(doubled.low).toBeCloseTo(2 * first.low, 5);
    expect(pairedBootstrap(two, 1, 40)).toEqual(first);
    expect(pairedBootstrap(two, 1, 10).low).not.toBe(first.low);
  });
});
