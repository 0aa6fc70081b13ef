import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Dataset, targetItem } from '../../src/data/dataset';
import { generateWorld } from '../../src/data/world';
import { useSlowPath } from '../../src/gpu/tfjs';
import { Random } from '../../src/numeric/random';
import { auc } from '../../src/rank/auc';
import { Features } from '../../src/rank/features';
import { logLifts, trainRanker } from '../../src/rank/ranker';
import { TargetAttention } from '../../src/rank/targetAttention';
import { withOtherTargets } from '../sft/world';
import { dot, rowsOf, sigmoid, surprise, times } from './written';

const hooks = { gate: async () => 'go' as const };
const short = { steps: 6, batchSize: 32, learningRate: 0.01, embeddingSize: 4, attended: 3 };

let world: Dataset;
beforeAll(async () => {
  await useSlowPath();
  world = await generateWorld({
    world: 'tradeoff',
    seed: 5,
    numL1: 2,
    itemsPerL3: 2,
    numUsers: 700,
    numHeldoutUsers: 60,
  });
});

describe('lift', () => {
  it('is the log of a chance over the item’s mean, so that an item alike for all earns 0', () => {
    const table = Float32Array.of(0.1, 0.2, 0.8, 0.3, 0.2, 0.2);
    const means = [0.2, 0.2, 0.5];
    Array.from(logLifts(table, 3)).forEach((value, at) => {
      expect(value).toBeCloseTo(Math.log(table[at] / means[at % 3]), 5);
    });
    expect(logLifts(Float32Array.of(0, 0), 1)).toEqual(Float32Array.of(0, 0));
  });

  it('is what the reward table holds where it is asked for, between 0 and 1', async () => {
    const examples = world.splits.test.slice(0, 20);
    const options = { ...short, features: 'joined', reward: 'lift' } as const;
    const ranker = await trainRanker(world, options, 1, hooks);
    const lifts = logLifts(await ranker.ctcvr(examples), world.items.length);
    const [low, high] = [Math.min(...lifts), Math.max(...lifts)];
    const table = await ranker.rewardTable(examples);
    table.forEach((value, at) => {
      expect(value).toBeCloseTo((lifts[at] - low) / (high - low), 4);
    });
    ranker.dispose();
  });
});

describe('the ranker', () => {
  it('ranks held-out impressions well above chance, and its favourites are truly liked', async () => {
    const tensors = tf.memory().numTensors;
    const ranker = await trainRanker(world, { ...short, steps: 60, batchSize: 128 }, 1, hooks);
    expect(ranker.losses).toHaveLength(60);
    expect(ranker.auc.ctr).toBeGreaterThan(0.58);
    expect(ranker.auc.ctcvr).toBeGreaterThan(0.62);
    const examples = world.splits.test;
    const ctcvr = await ranker.ctcvr(examples);
    const items = world.items.length;
    const truth = (row: number, item: number) =>
      world.oracle!.ctcvr(examples[row].user, examples[row].position, item);
    let favourite = 0;
    let average = 0;
    examples.forEach((_, row) => {
      const scores = ctcvr.subarray(row * items, (row + 1) * items);
      favourite += truth(row, scores.indexOf(Math.max(...scores)));
      for (let item = 0; item < items; item++) average += truth(row, item) / items;
    });
    expect(favourite).toBeGreaterThan(2 * average);
    const table = await ranker.rewardTable(examples);
    expect(Math.min(...table)).toBe(0);
    expect(Math.max(...table)).toBe(1);
    const [low, high] = [Math.min(...ctcvr), Math.max(...ctcvr)];
    table.forEach((value, i) => {
      expect(value).toBeCloseTo((ctcvr[i] - low) / (high - low), 5);
    });
    ranker.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('gives the same bits twice, others for another seed', async () => {
    const run = async (seed: number) => {
      const ranker = await trainRanker(world, short, seed, hooks);
      const table = await ranker.rewardTable(world.splits.test.slice(0, 5));
      ranker.dispose();
      return { losses: ranker.losses, auc: ranker.auc, table };
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect((await run(2)).losses).not.toEqual(first.losses);
  });

  it('begins as the towers written out by hand, and its loss and AUC are of their chances', async () => {
    const D = 4;
    const features = new Features(world);
    const drawn = (name: string, rows: number, columns: number, spread: number) => {
      const random = new Random(1, `ranker/${name}`);
      return rowsOf(
        Array.from({ length: rows * columns }, () => spread * random.normal()),
        columns,
      );
    };
    const embedding = drawn('embedding', features.width, D, 0.3 / Math.sqrt(D));
    const profile = drawn('profile', features.profileWidth, D, 0.3);
    const hidden = drawn('hidden', 2 * D, 2 * D, 1 / Math.sqrt(2 * D));
    const user = drawn('user', 4 * D, 2 * D, 1 / Math.sqrt(4 * D));
    const item = drawn('item', D, 2 * D, 1 / Math.sqrt(D));
    const items = world.items.map((_, index) =>
      times(times([...features.itemBags([index])], embedding), item),
    );
    /** [P(click), P(click ∧ conversion)] of an item before a position. */
    const chances = (who: number, historyLength: number, index: number) => {
      const context = [{ user: who, historyLength }];
      const both = [
        ...times([...features.historyBags(context)], embedding),
        ...times([...features.profileBags(context)], profile),
      ];
      const relu = times(both, hidden).map((x) => Math.max(0, x));
      const tower = times([...relu, ...both], user);
      const [click, buy] = [0, D].map((from) =>
        sigmoid(dot(tower.slice(from, from + D), items[index].slice(from, from + D))),
      );
      return [click, click * buy];
    };

    const still = { ...short, steps: 1, learningRate: 0 };
    const ranker = await trainRanker(world, still, 1, hooks);
    const examples = world.splits.test.slice(0, 4);
    const table = await ranker.ctcvr(examples);
    examples.forEach(({ user: who, position }, row) => {
      world.items.forEach((_, index) => {
        expect(table[row * world.items.length + index]).toBeCloseTo(chances(who, position, index)[1], 6);
      });
    });

    const { impressions } = world;
    const rows = Array.from(impressions.user.keys());
    const isAside = (row: number) => new Random(1, 'ranker/aside', impressions.user[row]).int(10) === 0;
    const aside = rows.filter(isAside);
    const train = rows.filter((row) => !isAside(row));
    expect(aside.length / rows.length).toBeCloseTo(0.1, 1);
    const of = (row: number) =>
      chances(impressions.user[row], impressions.historyLength[row], impressions.item[row]);
    const random = new Random(1, 'ranker', 0);
    const batch = Array.from({ length: short.batchSize }, () => train[random.int(train.length)]);
    const loss = batch.reduce(
      (sum, row) => sum + surprise(of(row), impressions.click[row], impressions.conversion[row]),
      0,
    );
    expect(ranker.losses[0]).toBeCloseTo(loss / batch.length, 5);
    const label = (column: Uint8Array, of: readonly number[]) => of.map((row) => column[row]);
    const bought = aside.filter((row) => impressions.click[row] === 1);
    expect(ranker.auc.ctr).toBeCloseTo(
      auc(
        aside.map((row) => of(row)[0]),
        label(impressions.click, aside),
      ),
      3,
    );
    expect(ranker.auc.cvr).toBeCloseTo(
      auc(
        bought.map((row) => of(row)[1] / of(row)[0]),
        label(impressions.conversion, bought),
      ),
      3,
    );
    expect(ranker.auc.ctcvr).toBeCloseTo(
      auc(
        aside.map((row) => of(row)[1]),
        label(impressions.conversion, aside),
      ),
      3,
    );
    ranker.dispose();
  });

  it('says the same of an impression by itself as in its table, after it has learnt', async () => {
    const ranker = await trainRanker(world, { ...short, steps: 25, learningRate: 0.05 }, 1, hooks);
    const { user, item, historyLength, conversion } = world.impressions;
    const aside = Array.from(user.keys()).filter(
      (row) => new Random(1, 'ranker/aside', user[row]).int(10) === 0,
    );
    const examples = aside.map((row) => ({ sampleId: '', user: user[row], position: historyLength[row] }));
    expect(examples.length).toBeGreaterThan(300);
    const table = await ranker.ctcvr(examples);
    ranker.dispose();
    const scores = aside.map((row, i) => table[i * world.items.length + item[row]]);
    const labels = aside.map((row) => conversion[row]);
    expect(ranker.auc.ctcvr).toBeCloseTo(auc(scores, labels), 6);
  });

  it('min-max normalises a table whose chances are all alike to 0', async () => {
    const one = { ...world, items: world.items.slice(0, 1) };
    const users = world.users.map((who) => ({ ...who, profile: '', history: who.history.map(() => 0) }));
    const impressions = { ...world.impressions, item: world.impressions.item.map(() => 0) };
    const ranker = await trainRanker({ ...one, users, impressions }, { ...short, steps: 1 }, 1, hooks);
    const same = [world.splits.train[0], world.splits.train[0]];
    expect([...(await ranker.rewardTable(same))]).toEqual([0, 0]);
    ranker.dispose();
  });

  it('learns nothing from held-out users or behaviours', async () => {
    const base = await trainRanker(world, short, 1, hooks);
    const changed = await trainRanker(withOtherTargets(world, 'test'), short, 1, hooks);
    expect(changed.losses).toEqual(base.losses);
    // Leave-one-out: the last behaviour of a training user is a test target, so impressions at it are not used.
    const { impressions } = world;
    const user = impressions.user[0];
    const position = impressions.historyLength[0];
    const splits = { ...world.splits, test: [{ sampleId: 'x', user, position }] };
    const flipped = {
      ...impressions,
      click: impressions.click.map((v, i) => (impressions.user[i] === user ? 1 - v : v)),
    };
    const held = await trainRanker({ ...world, splits }, short, 1, hooks);
    const heldFlipped = await trainRanker(
      {
        ...world,
        splits,
        impressions: {
          ...flipped,
          click: flipped.click.map((v, i) =>
            impressions.historyLength[i] < position ? impressions.click[i] : v,
          ),
        },
      },
      short,
      1,
      hooks,
    );
    expect(heldFlipped.losses).toEqual(held.losses);
    base.dispose();
    changed.dispose();
    held.dispose();
    heldFlipped.dispose();
  });

  it('says what is missing without impressions, and stops when asked', async () => {
    const none = { ...world, splits: { ...world.splits, train: [] } };
    await expect(trainRanker(none, short, 1, hooks)).rejects.toThrow(/no impressions of training users/);
    const stop = { gate: async () => 'stop' as const };
    const tensors = tf.memory().numTensors;
    await expect(trainRanker(world, short, 1, stop)).rejects.toThrow(/Ranker was stopped/);
    expect(tf.memory().numTensors).toBe(tensors);
  });
});

describe('target attention', () => {
  const [L, D, rows, items] = [3, 2, 2, 5];
  const numbers = (count: number, salt: number) =>
    Array.from({ length: count }, (_, i) => Math.sin(salt + 1.7 * i));
  let salt = 0;
  const attention = () =>
    new TargetAttention(L, D, (_, a, b) =>
      tf.tidy(() => tf.variable(tf.tensor2d(numbers(a * b, ++salt), [a, b]))),
    );

  it('sums over behaviours how strongly each calls, times what that is worth', async () => {
    const made = attention();
    const latest = numbers(rows * L * D, 10);
    const targets = numbers(items * D, 20);
    const [query, lag, value] = await Promise.all(
      [made.weights.query, made.weights.lag, made.weights.value].map((weight) => weight.data()),
    );
    const expected = [0, 1].map((tower) =>
      Array.from({ length: rows * items }, (_, at) => {
        const [row, item] = [Math.floor(at / items), at % items];
        let logit = 0;
        for (let l = 0; l < L; l++) {
          const behaviour = latest.slice((row * L + l) * D, (row * L + l + 1) * D);
          const target = targets.slice(item * D, (item + 1) * D);
          const bilinear = (matrix: ArrayLike<number>, width: number, from: number) =>
            behaviour.reduce(
              (sum, x, i) =>
                sum + target.reduce((inner, y, j) => inner + x * matrix[i * width + from + j] * y, 0),
              0,
            );
          logit += bilinear(value, 2 * D, tower * D) / (1 + Math.exp(-bilinear(query, D, 0) - lag[l]));
        }
        return logit;
      }),
    );
    const tables = tf.tidy(() =>
      made
        .logits(tf.tensor2d(latest, [rows * L, D]), tf.tensor3d(targets, [1, items, D]))
        .map((t) => t.arraySync()),
    );
    tables.forEach((table, tower) => {
      table.flat().forEach((logit, at) => {
        expect(logit).toBeCloseTo(expected[tower][at], 5);
      });
    });
    // Row i with item i alone.
    const pairs = tf.tidy(() =>
      made
        .logits(tf.tensor2d(latest, [rows * L, D]), tf.tensor3d(targets.slice(0, rows * D), [rows, 1, D]))
        .map((t) => Array.from(t.dataSync())),
    );
    pairs.forEach((pair, tower) => {
      pair.forEach((logit, row) => {
        expect(logit).toBeCloseTo(expected[tower][row * items + row], 5);
      });
    });
  });

  it('changes nothing at first, and then learns', async () => {
    const losses = async (attended: number) => {
      const ranker = await trainRanker(world, { ...short, steps: 40, attended }, 1, hooks);
      ranker.dispose();
      return ranker.losses;
    };
    const [without, with3] = [await losses(0), await losses(3)];
    expect(with3[0]).toBeCloseTo(without[0], 6);
    expect(with3.at(-1)).not.toBe(without.at(-1));
  });
});

describe('features', () => {
  it('mark an item’s id and its three categories', () => {
    const features = new Features(world);
    const bags = features.itemBags([0, 1, world.items.length - 1]);
    const row = (r: number) => bags.subarray(r * features.width, (r + 1) * features.width);
    expect(row(0).reduce((sum, value) => sum + value, 0)).toBe(4);
    // Items 0 and 1 share all categories but not the id.
    expect(row(0).reduce((sum, value, i) => sum + value * row(1)[i], 0)).toBe(3);
    expect(row(0).reduce((sum, value, i) => sum + value * row(2)[i], 0)).toBe(0);
  });

  it('mark the last behaviours, the newest first, and nothing where there are fewer', () => {
    const features = new Features(world);
    const { history } = world.users[0];
    const bags = features.latestBags([{ user: 0, historyLength: 2 }], 3);
    expect(Array.from(bags.subarray(0, 2 * features.width))).toEqual(
      Array.from(features.itemBags([history[1], history[0]])),
    );
    expect(bags.subarray(2 * features.width).every((value) => value === 0)).toBe(true);
  });

  it('say more of the target than of other items', () => {
    const features = new Features(world);
    const examples = world.splits.test;
    const contexts = examples.map(({ user, position }) => ({ user, historyLength: position }));
    const table = features.crossTable(contexts);
    const count = world.items.length;
    let target = 0;
    let all = 0;
    examples.forEach((example, row) => {
      target += table[(row * count + targetItem(world, example)) * 3 + 1];
      for (let item = 0; item < count; item++) all += table[(row * count + item) * 3 + 1] / count;
    });
    expect(target).toBeGreaterThan(1.5 * all);
    const pairs = features.crossPairs(contexts.slice(0, 3), [4, 5, 6]);
    expect(Array.from(pairs)).toEqual(
      [4, 5, 6].flatMap((item, row) =>
        Array.from(table.subarray((row * count + item) * 3, (row * count + item) * 3 + 3)),
      ),
    );
  });
});
