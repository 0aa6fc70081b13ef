import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { generateWorld } from '../../src/data/world';
import { useCpu } from '../../src/gpu/tfjs';
import { Random } from '../../src/numeric/random';
import { auc } from '../../src/rank/auc';
import { FeatureColumns } from '../../src/rank/featureColumns';
import { trainOnlineRanker } from '../../src/rank/onlineRanker';
import { ATTENDED, type Enhancement, PLAIN, Requests } from '../../src/rank/requests';

const hooks = { gate: async () => 'go' as const };
const none = { intra: false, cross: false };
const both = { intra: true, cross: true };
const short = { steps: 4, batchSize: 8, learningRate: 0.01, embeddingSize: 4 };

let world: Dataset;
let later: Dataset;
let columns: FeatureColumns;
beforeAll(async () => {
  await useCpu();
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

/** Codes and neighbours that say nothing. */
function random(requests: number): Enhancement {
  const draw = new Random(2, 'enhancement');
  return {
    codes: Int32Array.from({ length: requests * 2 }, () => draw.int(4)),
    subspaces: 2,
    size: 4,
    similar: Array.from({ length: requests }, (_, row) =>
      Int32Array.from({ length: row % 13 }, () => draw.int(later.items.length)),
    ),
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

  it('with features starts by ranking as the ranker it goes on from, and then moves away', async () => {
    const examples = examplesOf(later);
    const requests = new Requests(later, examples, columns, random(examples.length));
    const rows = later.splits.train.map((_, row) => row);
    const start = await trainOnlineRanker({ requests, rows, features: none, start: null }, short, 1, hooks);
    const before = await start.tables(rows.slice(0, 9), hooks);
    const still = { ...short, steps: 1, learningRate: 0 };
    const same = await trainOnlineRanker({ requests, rows, features: both, start }, still, 1, hooks);
    const { ctr, ctcvr } = await same.tables(rows.slice(0, 9), hooks);
    ctr.forEach((value, cell) => {
      expect(value).toBeCloseTo(before.ctr[cell], 6);
      expect(ctcvr[cell]).toBeCloseTo(before.ctcvr[cell], 6);
    });
    const moved = await trainOnlineRanker({ requests, rows, features: both, start }, short, 1, hooks);
    const after = await moved.tables(rows.slice(0, 9), hooks);
    const plain = await trainOnlineRanker({ requests, rows, features: none, start }, short, 1, hooks);
    expect(after.ctr).not.toEqual((await plain.tables(rows.slice(0, 9), hooks)).ctr);
    // Every weight that was added has learnt something.
    for (const name of ['code', 'hidden/code', 'hidden/similar/latest', 'hidden/similar/average/product']) {
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
