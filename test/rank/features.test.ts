import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset, Item } from '../../src/data/dataset';
import { TransitionStatistics } from '../../src/data/transitions';
import { FeatureColumns } from '../../src/rank/featureColumns';
import { Features } from '../../src/rank/features';
import { type Enhancement, leaning, PLAIN, Requests } from '../../src/rank/requests';

const item = (id: string, ...categories: [string, string, string]): Item => ({ id, title: id, categories });
/** 0 and 1 are of one L3; 2 of another of the same L2; 3 of another L2; 4 of another L1 whose names are 0's. */
const items = [
  item('a', 'X', 'Y', 'Z'),
  item('b', 'X', 'Y', 'Z'),
  item('c', 'X', 'Y', 'W'),
  item('d', 'X', 'V', 'Z'),
  item('e', 'U', 'Y', 'Z'),
];
const long = Array.from({ length: 130 }, (_, at) => (at * 7) % 5);

let data: Dataset;
beforeAll(() => {
  const user = (profile: string, ...history: number[]) => ({
    id: profile,
    profile,
    history: Int32Array.from(history),
  });
  const users = [
    user('tall student', 0, 2, 0, 2, 3, 4),
    user('tall parent', 2, 0, 2, 0, 3),
    user('old parent', 0, 2, 3, 3, 0, 2),
    user('', ...long),
  ];
  data = {
    id: 'hand',
    sha256: 'x',
    items,
    users,
    impressions: {
      user: Int32Array.of(0, 1, 0, 0, 2),
      item: Int32Array.of(1, 3, 2, 4, 0),
      historyLength: Int32Array.of(2, 2, 2, 3, 2),
      click: Uint8Array.of(1, 0, 1, 0, 1),
      conversion: Uint8Array.of(0, 0, 1, 0, 1),
    },
    splits: {
      train: users.map(({ id, history }, index) => ({
        sampleId: id,
        user: index,
        position: Math.min(history.length, 6) - 1,
      })),
      validation: [],
      test: [],
    },
    facts: [],
    notes: [],
  };
});

describe('the columns', () => {
  it('tell categories apart by their whole path', () => {
    const { paths, categoryCount } = new FeatureColumns(data);
    expect(paths).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 3],
      [0, 4, 5],
      [6, 7, 8],
    ]);
    expect(categoryCount).toBe(9);
  });

  it('are of the 64 commonest words of profiles, the commonest first and equals by spelling', () => {
    const columns = new FeatureColumns(data);
    // parent and tall twice each; then old, student.
    expect(columns.profileWidth).toBe(4);
    expect(columns.profile('Tall, tall parent!')).toEqual([1, 0]);
    expect(columns.profile('student of an old school')).toEqual([3, 2]);
    const many = Array.from({ length: 70 }, (_, word) => ({
      id: `${word}`,
      profile: `w${10 + word} everybody everybody`,
      history: new Int32Array(0),
    }));
    const cut = new FeatureColumns({ ...data, users: many });
    expect(cut.profileWidth).toBe(64);
    expect(cut.profile('w10 w72 w73 everybody')).toEqual([1, 63, 0]);
    const nobody = new FeatureColumns({ ...data, users: [] });
    expect(nobody.profileWidth).toBe(1);
    expect(nobody.profile('tall')).toEqual([]);
  });
});

describe('the bags', () => {
  it('hold an item’s id and its paths', () => {
    const features = new Features(data);
    expect(features.width).toBe(5 + 9);
    const marks = (row: ArrayLike<number>) =>
      Array.from(row).flatMap((value, at) => (value === 1 ? [at] : []));
    expect(marks(features.itemBags([3]))).toEqual([3, 5, 9, 10]);
    const two = features.itemBags([4, 0]);
    expect(marks(two)).toEqual([4, 11, 12, 13, 14, 19, 20, 21]);
  });

  it('hold the mean of a history’s last fifty, and nothing without a history', () => {
    const features = new Features(data);
    const bags = features.historyBags([
      { user: 0, historyLength: 3 },
      { user: 0, historyLength: 0 },
      { user: 3, historyLength: 128 },
    ]);
    const ids = (row: number) => Array.from(bags.subarray(row * features.width, row * features.width + 5));
    expect(ids(0)).toEqual([expect.closeTo(2 / 3, 6), 0, expect.closeTo(1 / 3, 6), 0, 0]);
    expect(bags[5]).toBeCloseTo(1, 6);
    expect(bags.subarray(features.width, 2 * features.width).every((value) => value === 0)).toBe(true);
    const last = long.slice(78, 128);
    ids(2).forEach((share, id) => {
      expect(share).toBeCloseTo(last.filter((one) => one === id).length / 50, 5);
    });
  });

  it('hold the latest behaviours one by one, of each context in its own rows', () => {
    const features = new Features(data);
    const contexts = [
      { user: 0, historyLength: 5 },
      { user: 1, historyLength: 1 },
    ];
    const bags = features.latestBags(contexts, 2);
    const expected = [...features.itemBags([3, 2, 2]), ...new Float32Array(features.width)];
    expect(Array.from(bags)).toEqual(expected);
  });

  it('hold a profile’s words', () => {
    const features = new Features(data);
    expect(features.profileWidth).toBe(4);
    const bags = features.profileBags([
      { user: 2, historyLength: 0 },
      { user: 3, historyLength: 1 },
      { user: 0, historyLength: 1 },
    ]);
    expect(Array.from(bags)).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
  });
});

describe('cross features', () => {
  it('are the strongest call of the last two and of the last four, and whether one of them is of the L2', () => {
    const statistics = new TransitionStatistics(data);
    const { leafOf } = statistics;
    const features = new Features(data);
    const contexts = [0, 1, 2, 3, 4, 5].flatMap((historyLength) =>
      [0, 1, 2].map((user) => ({ user, historyLength })),
    );
    const shown = contexts.map((_, row) => (row * 3) % 5);
    const pairs = features.crossPairs(contexts, shown);
    const table = features.crossTable(contexts);
    expect(pairs).toHaveLength(contexts.length * 3);
    contexts.forEach(({ user, historyLength }, row) => {
      const { history } = data.users[user];
      const last = Array.from(history.subarray(Math.max(0, historyLength - 4), historyLength)).reverse();
      items.forEach((other, target) => {
        const calls = last.map((seen) => {
          const lift = statistics.logLift(leafOf[seen], leafOf[target], statistics.profileWords(user));
          // A sigmoid that is 1/2 where the one follows the other e times as often as it comes at all.
          return 1 / (1 + Math.exp(-2 * (lift - 1)));
        });
        const near = last.some(
          (seen) =>
            items[seen].categories[0] === other.categories[0] &&
            items[seen].categories[1] === other.categories[1],
        );
        const expected = [Math.max(0, ...calls.slice(0, 2)), Math.max(0, ...calls), Number(near)];
        const got = table.subarray((row * 5 + target) * 3, (row * 5 + target + 1) * 3);
        expected.forEach((value, k) => {
          expect(got[k]).toBeCloseTo(value, 6);
          if (target === shown[row]) expect(pairs[row * 3 + k]).toBeCloseTo(value, 6);
        });
      });
    });
  });
});

describe('the sight `joined`', () => {
  const branded = () => ({
    ...data,
    items: items.map((each, index) => ({ ...each, title: `${['Velmo', 'Osira'][index % 2]} only${index}` })),
  });

  it('marks words that titles of several needs share, and no others', () => {
    const { titleWords, wordCount } = new FeatureColumns(branded());
    expect(wordCount).toBe(2);
    // Velmo stands in three titles, so it comes first.
    expect(titleWords).toEqual([[0], [1], [0], [1], [0]]);
    const [plain, joined] = [new Features(branded()), new Features(branded(), 'joined')];
    expect(joined.width).toBe(plain.width + 2);
    const bags = joined.itemBags([0, 1]);
    expect(Array.from(bags.subarray(plain.width, joined.width))).toEqual([1, 0]);
    expect(Array.from(bags.subarray(joined.width + plain.width))).toEqual([0, 1]);
    expect(Array.from(bags.subarray(0, plain.width))).toEqual(Array.from(plain.itemBags([0])));
    expect(new FeatureColumns(data).wordCount).toBe(0);
  });

  it('adds the sum and the second largest of the last four behaviours’ log lifts', () => {
    const statistics = new TransitionStatistics(data);
    const { leafOf } = statistics;
    const [plain, joined] = [new Features(data), new Features(data, 'joined')];
    const contexts = [0, 1, 3, 6].map((historyLength) => ({ user: 2, historyLength }));
    const [few, all] = [plain.crossTable(contexts), joined.crossTable(contexts)];
    expect([plain.crosses, joined.crosses]).toEqual([3, 5]);
    contexts.forEach(({ user, historyLength }, row) => {
      const last = data.users[user].history.subarray(Math.max(0, historyLength - 4), historyLength);
      items.forEach((_, target) => {
        const lifts = Array.from(last, (seen) =>
          statistics.logLift(leafOf[seen], leafOf[target], statistics.profileWords(user)),
        );
        const at = row * items.length + target;
        const got = all.subarray(at * 5, at * 5 + 5);
        expect(Array.from(got.subarray(0, 3))).toEqual(Array.from(few.subarray(at * 3, at * 3 + 3)));
        expect(got[3]).toBeCloseTo(
          lifts.reduce((sum, lift) => sum + lift, 0),
          5,
        );
        const withoutBest = lifts.filter((_lift, index) => index !== lifts.indexOf(Math.max(...lifts)));
        expect(got[4]).toBeCloseTo(withoutBest.length === 0 ? 0 : Math.max(...withoutBest), 5);
      });
    });
  });
});

describe('requests', () => {
  const asked = [
    { user: 0, position: 2 },
    { user: 2, position: 2 },
    { user: 3, position: 128 },
    { user: 1, position: 0 },
  ];
  const enhancement = (): Enhancement => ({
    codes: Int32Array.of(0, 2, 1, 1, 2, 0, 0, 0),
    subspaces: 2,
    size: 3,
    crowd: (request, column) => 10 * request + column,
    answer: (request, column) => -request - column / 10,
  });
  const made = (with_ = enhancement()) => new Requests(data, asked, new FeatureColumns(data), with_);

  it('have what was shown at their moment, with clicks and conversions', () => {
    expect(made().slates).toEqual([
      { items: [1, 2], clicks: [1, 1], conversions: [0, 1] },
      { items: [0], clicks: [1], conversions: [1] },
      { items: [], clicks: [], conversions: [] },
      { items: [], clicks: [], conversions: [] },
    ]);
    expect(made(PLAIN).items).toBe(5);
  });

  it('have the ten latest behaviours and the mean of the last fifty', () => {
    const none = Array.from({ length: 10 }, () => -1);
    expect(Array.from(made().latest([0, 3, 2]))).toEqual([
      ...[2, 0, ...none.slice(2)],
      ...none,
      ...long.slice(118, 128).reverse(),
    ]);
    const means = made().averages([0, 2]);
    expect(Array.from(means.subarray(0, 5))).toEqual([0.5, 0, 0.5, 0, 0]);
    const last = long.slice(78, 128);
    for (let id = 0; id < 5; id++)
      expect(means[5 + id]).toBeCloseTo(last.filter((one) => one === id).length / 50, 5);
  });

  it('lean to each of their items’ categories, and to nothing where there is no item', () => {
    const { paths } = new FeatureColumns(data);
    const crowd = made().leanings('crowd', [2, 0], [3, -1, 0, 1]);
    expect(Array.from(crowd)).toEqual([
      ...paths[3].map((column) => 20 + column),
      ...[0, 0, 0],
      ...paths[0],
      ...paths[1],
    ]);
    expect(paths[3]).not.toEqual(paths[1]);
    const answer = made().leanings('answer', [3], [4]);
    paths[4].forEach((column, level) => void expect(answer[level]).toBeCloseTo(-3 - column / 10, 6));
    expect(Array.from(made(PLAIN).leanings('crowd', [1], [2]))).toEqual([0, 0, 0]);
  });

  it('lean by the log of the ratio of shares, smoothed by .02', () => {
    expect(leaning(0.5, 0.02)).toBeCloseTo(Math.log(0.52 / 0.04), 12);
    expect(leaning(0, 0.1)).toBeCloseTo(Math.log(0.02 / 0.12), 12);
    expect(leaning(0.3, 0.3)).toBe(0);
  });

  it('have one mark in the block of each code', () => {
    expect(Array.from(made().codes([1, 0, 2]))).toEqual([
      ...[0, 1, 0, 0, 1, 0],
      ...[1, 0, 0, 0, 0, 1],
      ...[0, 0, 1, 1, 0, 0],
    ]);
  });

  it('have their user’s profile', () => {
    expect(Array.from(made().profiles([1, 2, 3]))).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0]);
  });
});
