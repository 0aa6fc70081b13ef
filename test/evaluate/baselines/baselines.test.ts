import { describe, expect, it } from 'vitest';
import { generateCompatibility } from '../../../src/data/compatibility/world';
import { targetItem } from '../../../src/data/dataset';
import { generateWorld } from '../../../src/data/world';
import { fitBest, oneByOne, ranked } from '../../../src/evaluate/baselines/ask';
import {
  type Baseline,
  choosesAgain,
  neverAsked,
  type Visible,
  visibleOf,
} from '../../../src/evaluate/baselines/baseline';
import { contentNeighbours } from '../../../src/evaluate/baselines/content';
import { ease } from '../../../src/evaluate/baselines/ease';
import { itemBigram } from '../../../src/evaluate/baselines/itemBigram';
import { itemGraph } from '../../../src/evaluate/baselines/itemGraph';
import { itemKnn } from '../../../src/evaluate/baselines/itemKnn';
import { popularity } from '../../../src/evaluate/baselines/popularity';
import { Random } from '../../../src/numeric/random';
import { hitsAt } from '../../../src/rank/rankingMetrics';
import { films, leaveOneOut, shop } from './shop';

const hooks = { gate: async () => 'go' as const };

async function scores({ fit }: Baseline, visible: Visible, setting: number, history: number[]) {
  return (await fit(visible, setting, hooks))(Int32Array.from(history));
}

function expectClose(actual: ArrayLike<number>, wanted: readonly number[], digits = 7) {
  expect(Array.from(actual, (value) => Number(value.toFixed(digits)))).toEqual(
    wanted.map((value) => Number(value.toFixed(digits))),
  );
}

describe('what training may see', () => {
  it('ends before every validation and test target', () => {
    const dataset = leaveOneOut([Int32Array.of(0, 1, 2, 3), Int32Array.of(3, 2, 1)], 4);
    expect(visibleOf(dataset).histories.map((history) => [...history])).toEqual([[0, 1], [3]]);
  });

  it('tells whether anything is chosen twice', () => {
    expect(
      choosesAgain(
        shop([
          [0, 1, 2, 3],
          [3, 2, 1],
        ]),
      ),
    ).toBe(false);
    expect(
      choosesAgain(
        shop([
          [0, 1, 0],
          [3, 2, 1],
        ]),
      ),
    ).toBe(true);
  });
});

describe('by hand', () => {
  const visible = shop([
    [0, 1, 2],
    [0, 1],
    [1, 0, 3],
    [2, 1],
  ]);

  it('popularity counts choices', async () => {
    expectClose(await scores(popularity, visible, 0, [3]), [3, 4, 2, 1]);
  });

  it('the bigram counts what followed, backed off to what is popular', async () => {
    // 0 is followed by 1 twice and by 3 once; 10 choices in all.
    expectClose(await scores(itemBigram, visible, 5, [2, 0]), [
      (5 * 0.3) / 8,
      (2 + 5 * 0.4) / 8,
      (5 * 0.2) / 8,
      (1 + 5 * 0.1) / 8,
    ]);
    expectClose(await scores(itemBigram, visible, 5, []), [0.3, 0.4, 0.2, 0.1]);
  });

  it('the graph goes one step, and a second at a quarter, from the last two items', async () => {
    // From 2: to 1 always, then to 2 or 0, each half. From 0, at half: 1 with ⅔, then 2 or 0; 3 with ⅓.
    const [zero, one, two, three] = await scores(itemGraph, visible, 0, [0, 2]);
    const second = 0.25 * 0.5 + 0.5 * (2 / 3) * 0.25 * 0.5;
    expect(zero).toBeCloseTo(second, 5);
    expect(one).toBeCloseTo(1 + 0.5 * (2 / 3), 5);
    expect(two).toBeCloseTo(second, 5);
    expect(three).toBeCloseTo(0.5 / 3, 5);
  });

  it('the graph’s cosines are of categories and title words, the rarer the weightier', async () => {
    // Items 0 and 4 share both categories that tell anything; all have “thing”; each has a number of its own.
    const wide = shop([[0], [5]], 8);
    const [itself, other, sameHalf, , sameLeaf] = await scores(itemGraph, wide, 1, [0]);
    const [half, leaf, number] = [Math.log(2) ** 2, Math.log(4) ** 2, Math.log(8) ** 2];
    expect(itself).toBeCloseTo(1, 5);
    expect(other).toBeCloseTo(0, 5);
    expect(sameHalf).toBeCloseTo(half / (half + leaf + number), 5);
    expect(sameLeaf).toBeCloseTo((half + leaf) / (half + leaf + number), 5);
  });

  it('ItemKNN adds shrunk cosines of who chose what', async () => {
    // Users of 0: a b c; of 1: all; of 2: a d; of 3: c.
    const shrunk = (common: number, a: number, b: number) => common / (Math.sqrt(a * b) + 10);
    expectClose(await scores(itemKnn, visible, 10, [0, 2, 0]), [
      shrunk(1, 2, 3),
      shrunk(3, 3, 4) + shrunk(2, 2, 4),
      shrunk(1, 3, 2),
      shrunk(1, 3, 1),
    ]);
  });

  it('EASE of two items is the ridge regression of each on the other', async () => {
    // XᵀX = [[3, 2], [2, 4]], so B[0][1] = 2 / (3 + λ) and B[1][0] = 2 / (4 + λ).
    const two = shop([[0, 1], [1, 0], [0], [1], [1]]);
    expectClose(await scores(ease, two, 1, [0]), [0, 2 / 4]);
    expectClose(await scores(ease, two, 1, [1]), [2 / 5, 0]);
  });

  it('content neighbours lie towards the newest items', async () => {
    const vectors = Float32Array.of(1, 0, 0, 1, 0.6, 0.8, 0.8, 0.6);
    expectClose(await scores(contentNeighbours(vectors, 2), visible, 0.5, [0, 1]), [0.5, 1, 1.1, 1], 4);
    expectClose(await scores(contentNeighbours(vectors, 2), visible, 0, [0, 1]), [0, 1, 0.8, 0.6], 4);
  });
});

/** (XᵀX + λI)⁻¹ by Gauss and Jordan, and B from it. */
function plainEase({ items, histories }: Visible, lambda: number): number[][] {
  const n = items.length;
  const rows = Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: n }, (_, j) => {
      const both = histories.filter((history) => history.includes(i) && history.includes(j)).length;
      return both + (i === j ? lambda : 0);
    }),
    ...Array.from({ length: n }, (_, j) => Number(i === j)),
  ]);
  for (let p = 0; p < n; p++) {
    const pivot = rows[p][p];
    rows[p] = rows[p].map((value) => value / pivot);
    for (let i = 0; i < n; i++) {
      const factor = rows[i][p];
      if (i !== p) rows[i] = rows[i].map((value, j) => value - factor * rows[p][j]);
    }
  }
  const P = rows.map((row) => row.slice(n));
  return P.map((row, i) => row.map((value, j) => (i === j ? 0 : -value / P[j][j])));
}

it.each([
  ['more users than items', 40, 9],
  ['more items than users', 9, 40],
])('EASE has the closed form’s scores with %s', async (_name, users, items) => {
  const random = new Random(5, 'ease', users);
  const histories = Array.from({ length: users }, () => Array.from({ length: 6 }, () => random.int(items)));
  const visible = shop(histories, items);
  const B = plainEase(visible, 3);
  for (const history of [[1, 2, 1, 5], histories[0], []]) {
    const wanted = Array.from({ length: items }, (_, j) =>
      [...new Set(history)].reduce((sum, i) => sum + B[i][j], 0),
    );
    const actual = await scores(ease, visible, 3, history);
    wanted.forEach((value, j) => {
      expect(actual[j]).toBeCloseTo(value, 7);
    });
  }
});

describe('asking', () => {
  const dataset = leaveOneOut([Int32Array.of(0, 1, 2, 0), Int32Array.of(2, 1, 0, 1)], 3);
  const asked = { dataset, examples: dataset.splits.test };

  it('ranks the item that came next, and answers with the best', async () => {
    const ask = oneByOne(() => Float64Array.of(0.2, 0.1, 0.3), hooks);
    expect(await ranked(ask, { ...asked, again: true })).toEqual({ answers: [2, 2], ranks: [1, 2] });
  });

  it('passes over what was chosen where nothing is chosen twice', async () => {
    const once = leaveOneOut([Int32Array.of(2, 1, 0), Int32Array.of(0, 2, 1)], 3);
    const ask = oneByOne(() => Float64Array.of(0.2, 0.1, 0.3), hooks);
    const found = await ranked(ask, { dataset: once, examples: once.splits.test, again: false });
    expect(found).toEqual({ answers: [0, 1], ranks: [0, 0] });
  });

  it('takes the setting that ranks validation best', async () => {
    const made: number[] = [];
    const baseline: Baseline = {
      name: 'popularity',
      settings: () => [0, 1, 2],
      fit(_visible, setting) {
        made.push(setting);
        return () => Float64Array.from({ length: 3 }, (_, item) => Number(item === setting));
      },
    };
    // Validation asks for 2, and for 0.
    const validation = (examples: typeof dataset.splits.validation) => ({ dataset, examples, again: true });
    const [two, zero] = dataset.splits.validation;
    const best = async (...examples: (typeof two)[]) =>
      (await fitBest(baseline, visibleOf(dataset), validation(examples), hooks)).setting;
    expect(await best(two)).toBe(2);
    expect(made).toEqual([0, 1, 2]);
    expect(await best(zero)).toBe(0);
    expect(await best()).toBe(0);
  });

  it('stops when told to', async () => {
    const stopped = oneByOne(() => new Float64Array(3), { gate: async () => 'stop' });
    await expect(ranked(stopped, { ...asked, again: true })).rejects.toThrow(/was stopped/);
  });
});

it('stand in the order of published comparisons where order matters', async () => {
  const dataset = films(600, 3);
  const visible = visibleOf(dataset);
  const again = choosesAgain(visible);
  expect(again).toBe(false);
  const ndcg: Record<string, number> = {};
  for (const baseline of [popularity, itemKnn, ease, itemBigram, itemGraph]) {
    const validation = { dataset, examples: dataset.splits.validation.slice(0, 200), again };
    const { scorer } = await fitBest(baseline, visible, validation, hooks);
    const { ranks } = await ranked(oneByOne(scorer, hooks), {
      dataset,
      examples: dataset.splits.test,
      again,
    });
    ndcg[baseline.name] = hitsAt(ranks, 10).ndcg;
  }
  expect(ndcg.ease).toBeGreaterThan(ndcg['item-knn']);
  expect(ndcg['item-knn']).toBeGreaterThan(ndcg.popularity);
  expect(ndcg['item-graph']).toBeGreaterThan(ndcg.ease);
});

describe('what is never asked for', () => {
  it('is in the world of devices all but gear and treats, and in a world whose every behaviour is asked for nothing', async () => {
    const devices = await generateCompatibility({ seed: 3, devices: 16, numUsers: 400, numHeldoutUsers: 8 });
    const departments = new Set(neverAsked(devices).map((item) => devices.items[item].categories[0]));
    expect([...departments].sort()).toEqual(['Devices', 'Everyday', 'Occasions']);
    expect(neverAsked(devices)).toHaveLength(16 + 6 + 8);
    const sizes = { seed: 3, numL1: 1, itemsPerL3: 2, numUsers: 60, numHeldoutUsers: 8 };
    expect(neverAsked(await generateWorld({ world: 'tradeoff', ...sizes }))).toEqual([]);
  });

  it('is no answer, and ranks behind everything that is', async () => {
    const dataset = await generateCompatibility({ seed: 3, devices: 16, numUsers: 40, numHeldoutUsers: 8 });
    const without = neverAsked(dataset);
    // Scores that would answer with a device.
    const scorer = () => Float64Array.from(dataset.items, (_, item) => -item);
    const examples = dataset.splits.test;
    const { answers, ranks } = await ranked(oneByOne(scorer, hooks), {
      dataset,
      examples,
      again: true,
      without,
    });
    const first = dataset.items.findIndex((_, item) => !without.includes(item));
    expect(new Set(answers)).toEqual(new Set([first]));
    examples.forEach((example, at) => {
      const target = targetItem(dataset, example);
      const before = without.filter((item) => item < target).length;
      expect(ranks[at]).toBe(target - before);
    });
  });
});
