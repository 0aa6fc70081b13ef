import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { generateWorld } from '../../src/data/world';
import { useSlowPath } from '../../src/gpu/tfjs';
import { Random } from '../../src/numeric/random';
import { auc } from '../../src/rank/auc';
import { FeatureColumns } from '../../src/rank/featureColumns';
import { trainOnlineRanker } from '../../src/rank/onlineRanker';
import { ATTENDED, type Enhancement, PLAIN, Requests } from '../../src/rank/requests';

import { dot, plus, product, rowsOf, sigmoid, surprise, times } from './written';

const hooks = { gate: async () => 'go' as const };
const none = { answer: false, intra: false, cross: false };
const every = { answer: true, intra: true, cross: true };
const short = { steps: 4, batchSize: 8, learningRate: 0.01, embeddingSize: 4 };

let world: Dataset;
let later: Dataset;
let columns: FeatureColumns;
beforeAll(async () => {
  await useSlowPath();
  world = await generateWorld({
    world: 'tradeoff',
    seed: 5,
    numL1: 2,
    itemsPerL3: 2,
    numUsers: 40,
    numHeldoutUsers: 10,
  });
  later = await world.newcomers!(260);
  columns = new FeatureColumns(world);
});

function examplesOf(dataset: Dataset) {
  return [...dataset.splits.train, ...dataset.splits.test];
}

/** Codes, crowds and answers that say nothing. */
function random(requests: number): Enhancement {
  const draw = new Random(2, 'enhancement');
  return {
    codes: Int32Array.from({ length: requests * 2 }, () => draw.int(4)),
    subspaces: 2,
    size: 4,
    crowd: (request, column) => Math.sin(3 * request + column),
    answer: (request, column) => Math.cos(request - 2 * column),
  };
}

describe('what a ranker knows of a request', () => {
  it('is only what was before it: another future changes no input to the bit', () => {
    const examples = examplesOf(later);
    const altered: Dataset = {
      ...later,
      users: later.users.map((user, index) => {
        const first = Math.min(...examples.filter((e) => e.user === index).map(({ position }) => position));
        const history = user.history.slice();
        for (let at = 0; at < history.length; at++) {
          if (at >= first) history[at] = (history[at] + 1) % later.items.length;
        }
        return { ...user, history };
      }),
    };
    const firstOf = new Map<number, number>();
    examples.forEach(({ user, position }, row) => {
      const known = firstOf.get(user);
      if (known === undefined || examples[known].position > position) firstOf.set(user, row);
    });
    const rows = [...firstOf.values()];
    const [before, after] = [later, altered].map(
      (dataset) => new Requests(dataset, examples, columns, PLAIN),
    );
    expect(after.latest(rows)).toEqual(before.latest(rows));
    expect(after.averages(rows)).toEqual(before.averages(rows));
    expect(after.profiles(rows)).toEqual(before.profiles(rows));
    // The behaviours that were changed are inputs of later requests: the test can fail.
    const all = examples.map((_, row) => row);
    expect(after.averages(all)).not.toEqual(before.averages(all));
  });

  it('lists the latest behaviours first and averages them', () => {
    const examples = examplesOf(later);
    const requests = new Requests(later, examples, columns, PLAIN);
    const row = examples.findIndex(({ position }) => position === 3);
    const { history } = later.users[examples[row].user];
    const latest = requests.latest([row]);
    expect([...latest.subarray(0, 4)]).toEqual([history[2], history[1], history[0], -1]);
    expect(latest).toHaveLength(ATTENDED);
    const average = requests.averages([row]);
    expect(average.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
    expect(average[history[0]]).toBeGreaterThan(0.3);
  });
});

describe('the online ranker', () => {
  it('ranks impressions of strangers above chance, and leaves no tensor behind', async () => {
    const many = await world.newcomers!(1200);
    const requests = new Requests(many, examplesOf(many), columns, PLAIN);
    const train = many.splits.train.map((_, row) => row);
    const test = many.splits.test.slice(0, 900).map((_, row) => train.length + row);
    const tensors = tf.memory().numTensors;
    const options = { steps: 120, batchSize: 48, learningRate: 5e-3, embeddingSize: 8 };
    const ranker = await trainOnlineRanker(
      { requests, rows: train, features: none, start: null },
      options,
      1,
      hooks,
    );
    const { ctr, ctcvr } = await ranker.tables(test, hooks);
    ranker.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
    const [scores, labels]: number[][] = [[], []];
    test.forEach((row, request) => {
      const { items, clicks } = requests.slates[row];
      items.forEach((item, shown) => {
        scores.push(ctr[request * requests.items + item]);
        labels.push(clicks[shown]);
      });
    });
    expect(auc(scores, labels)).toBeGreaterThan(0.55);
    ctcvr.forEach((both, cell) => {
      expect(both).toBeLessThanOrEqual(ctr[cell]);
    });
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(ranker.losses.slice(-20))).toBeLessThan(mean(ranker.losses.slice(0, 5)));
  });

  it('begins with random numbers of the spread that each layer wants, and new rows of an old ranker at 0', async () => {
    const examples = examplesOf(later);
    const requests = new Requests(later, examples, columns, random(examples.length));
    const rows = later.splits.train.map((_, row) => row);
    const still = { ...short, steps: 1, learningRate: 0 };
    const fresh = await trainOnlineRanker({ requests, rows, features: every, start: null }, still, 1, hooks);
    const spreadOf = (name: string) => {
      if (/bias$/i.test(name) || name.endsWith('/lag')) return 0;
      if (name === 'hidden/crowd' || name === 'hidden/answer') return 1 / Math.sqrt(3);
      if (name.endsWith('/query') || name.startsWith('hidden/')) return 1 / Math.sqrt(4);
      return name === 'out' ? 1 / Math.sqrt(32) : 0.1;
    };
    const names = Object.keys(fresh.weights);
    expect(names.filter((name) => name.startsWith('hidden/')).sort()).toEqual([
      ...['hidden/answer', 'hidden/code', 'hidden/code/product', 'hidden/crowd', 'hidden/item'],
      ...[
        'hidden/own/average',
        'hidden/own/average/product',
        'hidden/own/latest',
        'hidden/own/latest/product',
      ],
      ...['hidden/profile', 'hidden/profile/product'],
    ]);
    const expected = async (name: string) => {
      const draw = new Random(1, `online ranker/${name}`);
      for (const value of await fresh.weights[name].data())
        expect(value, name).toBeCloseTo(spreadOf(name) * draw.normal(), 6);
    };
    for (const name of names) await expected(name);
    const old = await trainOnlineRanker({ requests, rows, features: none, start: null }, short, 1, hooks);
    const grown = await trainOnlineRanker({ requests, rows, features: every, start: old }, still, 1, hooks);
    for (const name of names) {
      const values = await grown.weights[name].data();
      const known = old.weights[name] && (await old.weights[name].data());
      if (known) expect(values, name).toEqual(known);
      else if (name.startsWith('hidden/'))
        expect(
          values.every((value) => value === 0),
          name,
        ).toBe(true);
      else if (spreadOf(name) > 0)
        expect(
          values.some((value) => value !== 0),
          name,
        ).toBe(true);
    }
    for (const ranker of [fresh, old, grown]) ranker.dispose();
  });

  it('gives the chances that its weights say, written out by hand, and its loss is of these', async () => {
    const examples = examplesOf(later);
    const requests = new Requests(later, examples, columns, random(examples.length));
    const rows = later.splits.train.map((_, row) => row);
    const learning = { requests, rows, features: every, start: null };
    const quick = { ...short, learningRate: 0.1 };
    const ranker = await trainOnlineRanker(learning, { ...quick, steps: 5 }, 1, hooks);
    const [D, count] = [4, later.items.length];
    const w: Record<string, number[][]> = {};
    for (const [name, weight] of Object.entries(ranker.weights)) {
      const values = await weight.data();
      w[name] = rowsOf(
        values,
        weight.shape.length === 1 || name.endsWith('/lag') ? values.length : weight.shape[1]!,
      );
    }
    const table = later.items.map((_, item) =>
      plus(w.item[item], ...columns.paths[item].map((path) => w.category[path])),
    );
    const average = (shares: ArrayLike<number>) => times(Array.from(shares), table);
    const { codes, crowd, answer } = requests.enhancement;
    /** [P(click), P(click ∧ conversion)] of an item at a request. */
    const chances = (row: number, item: number) => {
      const t = table[item];
      let hidden = plus(times(t, w['hidden/item']), w.hiddenBias[0]);
      const take = (feature: string, x: number[]) => {
        hidden = plus(
          hidden,
          times(x, w[`hidden/${feature}`]),
          times(product(x, t), w[`hidden/${feature}/product`]),
        );
      };
      const { user, position } = examples[row];
      const own = later.users[user].history.slice(0, position);
      const latest = Array.from(own).reverse().slice(0, ATTENDED);
      const called = latest.map((seen, lag) =>
        sigmoid(dot(times(table[seen], w['own/query']), t) + w['own/lag'][0][lag]),
      );
      const nothing = Array.from({ length: D }, () => 0);
      take(
        'own/latest',
        plus(nothing, ...latest.map((seen, lag) => table[seen].map((x) => called[lag] * x))),
      );
      take('own/average', average(requests.averages([row])));
      for (const [name, lean] of [['crowd', crowd] as const, ['answer', answer] as const])
        hidden = plus(
          hidden,
          times(
            columns.paths[item].map((column) => lean(row, column)),
            w[`hidden/${name}`],
          ),
        );
      take('profile', times([...requests.profiles([row])], w.profile));
      take('code', plus(w.code[codes[2 * row]], w.code[4 + codes[2 * row + 1]]));
      const relu = hidden.map((x) => Math.max(0, x));
      const [click, buy] = plus(times(relu, w.out), w.outBias[0], w.itemBias[item]).map(sigmoid);
      return [click, click * buy];
    };
    const asked = [0, 7, rows.length + 3];
    const { ctr, ctcvr } = await ranker.tables(asked, hooks);
    asked.forEach((row, at) => {
      for (let item = 0; item < count; item += 5) {
        const [click, bought] = chances(row, item);
        expect(ctr[at * count + item]).toBeCloseTo(click, 5);
        expect(ctcvr[at * count + item]).toBeCloseTo(bought, 5);
      }
    });

    // The next step's loss, of the batch that its number draws.
    const longer = await trainOnlineRanker(learning, { ...quick, steps: 6 }, 1, hooks);
    const draw = new Random(1, 'online ranker', 5);
    let [sum, shown] = [0, 0];
    for (let i = 0; i < quick.batchSize; i++) {
      const row = rows[draw.int(rows.length)];
      const { items, clicks, conversions } = requests.slates[row];
      items.forEach((item, at) => {
        sum += surprise(chances(row, item), clicks[at], conversions[at]);
        shown++;
      });
    }
    expect(longer.losses[5]).toBeCloseTo(sum / shown, 4);
    ranker.dispose();
    longer.dispose();
  });

  it('asks the gate before each block of requests', async () => {
    const requests = new Requests(later, examplesOf(later), columns, PLAIN);
    const rows = later.splits.train.map((_, row) => row);
    const learning = { requests, rows, features: none, start: null };
    const ranker = await trainOnlineRanker(learning, { ...short, steps: 1 }, 1, hooks);
    // 32,768 cells a block, of 64 items.
    let asked = 0;
    const counting = {
      gate: async () => {
        asked++;
        return 'go' as const;
      },
    };
    const wanted = Array.from({ length: 1025 }, (_, i) => rows[i % rows.length]);
    const { ctr } = await ranker.tables(wanted, counting);
    expect(asked).toBe(3);
    expect(ctr.slice(1024 * requests.items)).toEqual(
      ctr.slice((1024 % rows.length) * requests.items).slice(0, requests.items),
    );
    await expect(ranker.tables(rows, { gate: async () => 'stop' })).rejects.toThrow('Ranking was stopped');
    ranker.dispose();
  });

  it('with features starts by ranking as the ranker it goes on from, and then moves away', async () => {
    const examples = examplesOf(later);
    const requests = new Requests(later, examples, columns, random(examples.length));
    const rows = later.splits.train.map((_, row) => row);
    const start = await trainOnlineRanker({ requests, rows, features: none, start: null }, short, 1, hooks);
    const before = await start.tables(rows.slice(0, 9), hooks);
    const still = { ...short, steps: 1, learningRate: 0 };
    const same = await trainOnlineRanker({ requests, rows, features: every, start }, still, 1, hooks);
    const { ctr, ctcvr } = await same.tables(rows.slice(0, 9), hooks);
    ctr.forEach((value, cell) => {
      expect(value).toBeCloseTo(before.ctr[cell], 6);
      expect(ctcvr[cell]).toBeCloseTo(before.ctcvr[cell], 6);
    });
    const moved = await trainOnlineRanker({ requests, rows, features: every, start }, short, 1, hooks);
    const after = await moved.tables(rows.slice(0, 9), hooks);
    const plain = await trainOnlineRanker({ requests, rows, features: none, start }, short, 1, hooks);
    expect(after.ctr).not.toEqual((await plain.tables(rows.slice(0, 9), hooks)).ctr);
    // Every weight that was added has learnt something.
    for (const name of ['code', 'hidden/code', 'hidden/crowd', 'hidden/answer']) {
      const change = tf.tidy(() => tf.sum(tf.abs(tf.sub(moved.weights[name], same.weights[name]))));
      expect((await change.data())[0], name).toBeGreaterThan(0);
      change.dispose();
    }
    for (const ranker of [start, same, moved, plain]) ranker.dispose();
  });

  it('gives the same bits twice, and the same table whatever block a request falls into', async () => {
    const requests = new Requests(later, examplesOf(later), columns, PLAIN);
    const rows = later.splits.train.map((_, row) => row);
    const once = async () => {
      const ranker = await trainOnlineRanker(
        { requests, rows, features: none, start: null },
        short,
        3,
        hooks,
      );
      const whole = await ranker.tables(rows, hooks);
      const alone = await ranker.tables(rows.slice(5, 6), hooks);
      ranker.dispose();
      expect(alone.ctr).toEqual(whole.ctr.slice(5 * requests.items, 6 * requests.items));
      return { losses: ranker.losses, whole };
    };
    expect(await once()).toEqual(await once());
  });

  it('says so when nothing was shown, and ends when it is told to', async () => {
    const requests = new Requests(later, examplesOf(later), columns, PLAIN);
    await expect(
      trainOnlineRanker({ requests, rows: [], features: none, start: null }, short, 1, hooks),
    ).rejects.toThrow('No request');
    const stop = { gate: async () => 'stop' as const };
    const tensors = tf.memory().numTensors;
    await expect(
      trainOnlineRanker({ requests, rows: [0, 1], features: none, start: null }, short, 1, stop),
    ).rejects.toThrow('stopped');
    expect(tf.memory().numTensors).toBe(tensors);
  });
});
