/**
 * Paired bootstrap (Efron; Koehn, "Statistical Significance Tests for MT Evaluation", 2004): two methods meet the same users
 * of the same seeds, so it is their differences that are drawn again. Seeds are drawn first, users within each second,
 * because most of the spread is between worlds. With few seeds the interval is rough, and with one it says nothing of others.
 */
import { type Interval, intervalOf } from '../numeric/interval';
import { Random } from '../numeric/random';

/** An interval, and how much it rests on. */
export interface PairedInterval extends Interval {
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
): PairedInterval {
  if (differences.length === 0 || differences.some(({ length }) => length === 0))
    throw new Error('A bootstrap needs at least one seed, and at least one user of each.');
  const lengths = differences.map(({ length }) => length);
  const weights = resamples(lengths, seed, draws);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const means = Float64Array.from({ length: draws }, (_, draw) => {
    let sum = 0;
    let at = draw * total;
    for (const users of differences) for (let u = 0; u < users.length; u++) sum += weights[at++] * users[u];
    return sum;
  });
  return {
    ...intervalOf(average(differences.map(average)), means),
    seeds: differences.length,
    users: differences.reduce((sum, { length }) => sum + length, 0),
  };
}

/** Drawing costs more than adding up, and a study asks the same users many questions: the last draws are kept. */
let last: { key: string; weights: Float32Array } | null = null;

/** [draws × users of all seeds]: what each user counts for in the mean of each draw. */
function resamples(lengths: readonly number[], seed: number, draws: number): Float32Array {
  const key = JSON.stringify([lengths, seed, draws]);
  if (last?.key === key) return last.weights;
  const random = new Random(seed, 'bootstrap');
  const starts = lengths.map((_, s) => lengths.slice(0, s).reduce((sum, length) => sum + length, 0));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const weights = new Float32Array(draws * total);
  for (let draw = 0; draw < draws; draw++) {
    for (let pick = 0; pick < lengths.length; pick++) {
      const s = random.int(lengths.length);
      const from = draw * total + starts[s];
      const share = 1 / (lengths[s] * lengths.length);
      for (let u = 0; u < lengths[s]; u++) weights[from + random.int(lengths[s])] += share;
    }
  }
  last = { key, weights };
  return weights;
}

function average(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
