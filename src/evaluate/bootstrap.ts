/**
 * Paired bootstrap (Efron; Koehn, "Statistical Significance Tests for MT Evaluation", 2004): two methods meet the same users
 * of the same seeds, so it is their differences that are drawn again. Seeds are drawn first, users within each second,
 * because most of the spread is between worlds. With few seeds the interval is rough, and with one it says nothing of others.
 */
import { type Interval as Bounds, intervalOf } from '../numeric/interval';
import { Random } from '../numeric/random';

export interface Interval extends Bounds {
  seeds: number;
  users: number;
}

/**
 * @param differences per seed, one value per user
 * @throws Error when a seed has no users, or there is none
 */
export function pairedBootstrap(
  differences: readonly ArrayLike<number>[],
  seed: number,
  draws = 2000,
): Interval {
  if (differences.length === 0 || differences.some(({ length }) => length === 0))
    throw new Error('A bootstrap needs at least one seed, and at least one user of each.');
  const random = new Random(seed, 'bootstrap');
  const means = Float64Array.from({ length: draws }, () => {
    let sum = 0;
    for (let s = 0; s < differences.length; s++) {
      const users = random.pick(differences);
      let total = 0;
      for (let u = 0; u < users.length; u++) total += users[random.int(users.length)];
      sum += total / users.length;
    }
    return sum / differences.length;
  });
  return {
    ...intervalOf(average(differences.map(average)), means),
    seeds: differences.length,
    users: differences.reduce((sum, { length }) => sum + length, 0),
  };
}

function average(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
