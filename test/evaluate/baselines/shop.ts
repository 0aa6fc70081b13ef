/** Data sets for baselines: by hand, and drawn. */
import type { Dataset, Example } from '../../../src/data/dataset';
import type { Visible } from '../../../src/evaluate/baselines/baseline';
import { Random } from '../../../src/numeric/random';

const item = (index: number, title = `thing ${index}`): Dataset['items'][number] => ({
  id: String(index),
  title,
  categories: ['all', `half ${index % 2}`, `leaf ${index % 4}`],
});

/** Training users with these histories, over as many items as are named. */
export function shop(histories: number[][], items = 1 + Math.max(...histories.flat())): Visible {
  return {
    items: Array.from({ length: items }, (_, index) => item(index)),
    histories: histories.map((history) => Int32Array.from(history)),
  };
}

const example = (user: number, position: number): Example => ({
  sampleId: `${user}/${position}`,
  user,
  position,
});

/** Leave-one-out: the last item of everybody is a test target, the one before it validation. */
export function leaveOneOut(histories: readonly Int32Array[], items: number): Dataset {
  const none = new Int32Array(0);
  return {
    id: 'drawn',
    sha256: '',
    items: Array.from({ length: items }, (_, index) => item(index)),
    users: histories.map((history, user) => ({ id: String(user), profile: '', history })),
    impressions: {
      user: none,
      item: none,
      historyLength: none,
      click: new Uint8Array(0),
      conversion: new Uint8Array(0),
    },
    splits: {
      train: histories.flatMap(({ length }, user) =>
        Array.from({ length: length - 2 }, (_, position) => example(user, position)),
      ),
      validation: histories.map(({ length }, user) => example(user, length - 2)),
      test: histories.map(({ length }, user) => example(user, length - 1)),
    },
    facts: [],
    notes: [],
  };
}

/**
 * Shaped as ratings of films are: nobody rates one twice, some films are known to everybody, a user stays within two of six genres,
 * and films come in series of four, whose next part follows the last one seen three times out of four.
 */
export function films(users: number, seed: number, items = 96): Dataset {
  const random = new Random(seed, 'films');
  // So that nothing can be told from the order of indices.
  const names = random.shuffle(Int32Array.from({ length: items }, (_, film) => film));
  const series = items / 4;
  const genre = (film: number) => Math.floor(film / 4) % 6;
  const fame = Float64Array.from(
    { length: items },
    (_, film) => 1 / (1 + (Math.floor(film / 4) % (series / 6)) + 2 * (film % 4)),
  );
  const histories = Array.from({ length: users }, () => {
    const tastes = [random.int(6), random.int(6)];
    const seen = new Set<number>();
    let last = -1;
    while (seen.size < 14) {
      const next = last + 1;
      const follows = last >= 0 && last % 4 < 3 && !seen.has(next) && random.chance(0.75);
      const weights = fame.map((known, film) =>
        seen.has(film) ? 0 : known * (tastes.includes(genre(film)) ? 8 : 1),
      );
      last = follows ? next : random.categorical(weights);
      seen.add(last);
    }
    return Int32Array.from(seen, (film) => names[film]);
  });
  return leaveOneOut(histories, items);
}
