import { describe, expect, it } from 'vitest';
import { type Dataset, targetItem } from '../../src/data/dataset';
import { leaves } from '../../src/data/vocabulary';
import { generateWorld, type WorldOptions } from '../../src/data/world';
import { MAX_L1 } from '../../src/data/worldLimits';

const tiny: WorldOptions = {
  world: 'tradeoff',
  seed: 7,
  numL1: 2,
  itemsPerL3: 3,
  numUsers: 600,
  numHeldoutUsers: 80,
};
const small: WorldOptions = { ...tiny, numL1: 4, itemsPerL3: 6, numUsers: 3000, numHeldoutUsers: 500 };

const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const leafOf = (data: Dataset, item: number) => data.items[item].categories[2];

describe('vocabulary', () => {
  it('names every category and noun once, composed departments included', () => {
    const all = leaves(MAX_L1);
    const names = all.flatMap((leaf) => [leaf.noun.toLowerCase(), leaf.categories[2].toLowerCase()]);
    const wider = new Set(
      all.flatMap((leaf) => leaf.categories.slice(0, 2).map((name) => name.toLowerCase())),
    );
    expect(all).toHaveLength(MAX_L1 * 16);
    expect(new Set([...names, ...wider]).size).toBe(all.length * 2 + MAX_L1 * 5);
  });
});

describe('generateWorld', () => {
  it('has the sizes that were asked for, and titles that name one item each', async () => {
    for (const [options, items] of [
      [tiny, 96],
      [{ ...small, numUsers: 50, numHeldoutUsers: 5 }, 384],
      [{ ...tiny, numL1: 8, itemsPerL3: 8, numUsers: 20 }, 1024],
    ] as const) {
      const data = await generateWorld(options);
      expect(data.items).toHaveLength(items);
      expect(new Set(data.items.map((item) => item.title.toLowerCase())).size).toBe(items);
      expect(data.users).toHaveLength(options.numUsers + 2 * options.numHeldoutUsers);
      expect(data.facts).toHaveLength(items);
      for (const item of data.items) {
        const noun = item.title.split(' ').at(-1)!.toLowerCase();
        expect(item.categories[2].toLowerCase().startsWith(noun.slice(0, -1))).toBe(true);
      }
    }
  });

  it('keeps the word vocabulary near 230 at small', async () => {
    const data = await generateWorld({ ...small, numUsers: 200, numHeldoutUsers: 1 });
    const texts = [
      ...data.items.flatMap((item) => [item.title, ...item.categories]),
      ...data.users.map((user) => user.profile),
    ];
    const words = new Set(texts.flatMap((text) => text.toLowerCase().split(' ')));
    expect(words.size).toBeGreaterThan(150);
    expect(words.size).toBeLessThan(240);
  });

  it('is a pure function of its options', async () => {
    const once = await generateWorld(tiny);
    const again = await generateWorld({ ...tiny });
    expect(again.sha256).toBe(once.sha256);
    expect(JSON.stringify(again)).toBe(JSON.stringify(once));
    expect((await generateWorld({ ...tiny, seed: 8 })).sha256).not.toBe(once.sha256);
    expect((await generateWorld({ ...tiny, world: 'hackable' })).sha256).not.toBe(once.sha256);
  });

  it('keeps held-out users when there are more training users', async () => {
    const few = await generateWorld({ ...tiny, numUsers: 10 });
    const many = await generateWorld({ ...tiny, numUsers: 30 });
    const histories = (data: Dataset) =>
      data.splits.test.map(({ user }) => [data.users[user].profile, ...data.users[user].history]);
    expect(histories(many)).toEqual(histories(few));
  });

  it('keeps training, validation and test users apart, and shows impressions to training users only', async () => {
    const data = await generateWorld(tiny);
    const { train, validation, test } = data.splits;
    const sets = [train, validation, test].map((split) => new Set(split.map((example) => example.user)));
    expect(new Set(sets.flatMap((set) => [...set])).size).toBe(sets.reduce((sum, set) => sum + set.size, 0));
    expect(validation).toHaveLength(tiny.numHeldoutUsers);
    expect(test).toHaveLength(tiny.numHeldoutUsers);
    const ids = [...train, ...validation, ...test].map((example) => example.sampleId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(Math.max(...data.impressions.user)).toBeLessThan(tiny.numUsers);
    for (const example of [...train, ...validation, ...test]) {
      expect(example.position).toBeLessThan(data.users[example.user].history.length);
      expect(data.items[targetItem(data, example)]).toBeDefined();
    }
  });

  it('draws impressions whose outcomes follow the oracle', async () => {
    for (const world of ['tradeoff', 'hackable'] as const) {
      const data = await generateWorld({ ...small, world });
      const { user, item, historyLength, click, conversion } = data.impressions;
      const requests = new Set(Array.from(user, (value, index) => `${value}:${historyLength[index]}`)).size;
      expect(user.length / requests).toBeGreaterThan(3);
      expect(user.length / requests).toBeLessThan(5);
      expect(user.length).toBeGreaterThan(10_000);
      const bins = Array.from({ length: 5 }, () => ({ n: 0, expected: 0, observed: 0 }));
      for (let i = 0; i < user.length; i++) {
        expect(conversion[i] === 1 && click[i] === 0).toBe(false);
        const truth = data.oracle!.ctcvr(user[i], historyLength[i], item[i]);
        const bin = bins[Math.min(4, Math.floor(truth * 8))];
        bin.n++;
        bin.expected += truth;
        bin.observed += conversion[i];
      }
      for (const bin of bins) {
        expect(bin.n).toBeGreaterThan(100);
        expect(Math.abs(bin.observed - bin.expected)).toBeLessThan(4 * Math.sqrt(bin.expected) + 1);
      }
    }
  });

  it('makes needs predictable from life stage and newest item, up to a ceiling', async () => {
    const data = await generateWorld(small);
    const counts = new Map<string, Map<string, number>>();
    const keyOf = (user: number, position: number) =>
      `${data.users[user].profile.split(' ')[0]} ${leafOf(data, data.users[user].history[position - 1])}`;
    for (const example of data.splits.train) {
      const next = leafOf(data, targetItem(data, example));
      const row = counts.get(keyOf(example.user, example.position)) ?? new Map<string, number>();
      row.set(next, (row.get(next) ?? 0) + 1);
      counts.set(keyOf(example.user, example.position), row);
    }
    const accuracy = mean(
      data.splits.test.map((example) => {
        const row = [...(counts.get(keyOf(example.user, example.position)) ?? [])];
        row.sort((a, b) => b[1] - a[1]);
        return row[0]?.[0] === leafOf(data, targetItem(data, example)) ? 1 : 0;
      }),
    );
    expect(accuracy).toBeGreaterThan(0.36);
    expect(accuracy).toBeLessThan(0.48);
    // Without the life stage and the newest item, the commonest L3 says little.
    const popular = new Map<string, number>();
    for (const { user, position } of data.splits.test) {
      const leaf = leafOf(data, data.users[user].history[position]);
      popular.set(leaf, (popular.get(leaf) ?? 0) + 1);
    }
    expect(Math.max(...popular.values()) / data.splits.test.length).toBeLessThan(0.1);
  });

  it('names as evidence an item of the history from which the need follows', async () => {
    const data = await generateWorld(small);
    let withEvidence = 0;
    const next = new Map<string, Set<string>>();
    for (const example of data.splits.train) {
      const evidence = data.oracle!.evidence(example.user, example.position);
      if (evidence.length === 0) continue;
      withEvidence++;
      const { history, profile } = data.users[example.user];
      expect(history.subarray(0, example.position)).toContain(evidence[0]);
      const key = `${profile.split(' ')[0]} ${leafOf(data, evidence[0])}`;
      next.set(key, (next.get(key) ?? new Set()).add(leafOf(data, targetItem(data, example))));
    }
    expect(withEvidence / data.splits.train.length).toBeGreaterThan(0.7);
    // From one evidence: the successor, or a sibling of the same L2. Never more.
    for (const leavesAfter of next.values()) expect(leavesAfter.size).toBeLessThanOrEqual(4);
  });

  it('trades needs against outcomes: only `hackable` pays more for the popular than for the needed', async () => {
    const gains: Record<string, { best: number; needed: number }> = {};
    for (const world of ['tradeoff', 'hackable'] as const) {
      const data = await generateWorld({ ...small, world, numUsers: 10 });
      const ctcvr = (user: number, position: number, item: number) =>
        data.oracle!.ctcvr(user, position, item);
      const average = data.items.map((_, item) =>
        mean(data.splits.validation.map(({ user, position }) => ctcvr(user, position, item))),
      );
      gains[world] = {
        best: Math.max(...average),
        needed: mean(
          data.splits.test.map(({ user, position }) =>
            ctcvr(user, position, data.users[user].history[position]),
          ),
        ),
      };
    }
    expect(gains.tradeoff.needed).toBeGreaterThan(gains.tradeoff.best);
    expect(gains.hackable.best).toBeGreaterThan(gains.hackable.needed);
  });

  it('is generated in about a second at 6,000 users', async () => {
    const started = performance.now();
    await generateWorld({ ...small, numUsers: 6000, numHeldoutUsers: 1000 });
    expect(performance.now() - started).toBeLessThan(8000);
  });

  it('names the option that is out of range', async () => {
    await expect(generateWorld({ ...tiny, numL1: 65 })).rejects.toThrow(/numL1 is 65/);
    await expect(generateWorld({ ...tiny, itemsPerL3: 0.5 })).rejects.toThrow(/itemsPerL3/);
    await expect(generateWorld({ ...tiny, world: '__proto__' as 'tradeoff' })).rejects.toThrow(/no world/);
  });
});
