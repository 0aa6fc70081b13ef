import { describe, expect, it } from 'vitest';
import { generateCompatibility } from '../../src/data/compatibility/world';
import type { Dataset } from '../../src/data/dataset';
import { deploymentOf } from '../../src/data/deployment';
import { generateWorld } from '../../src/data/world';

const options = {
  world: 'tradeoff' as const,
  seed: 5,
  numL1: 2,
  itemsPerL3: 2,
  numUsers: 60,
  numHeldoutUsers: 20,
};

const worlds = {
  tradeoff: (numUsers = options.numUsers) => generateWorld({ ...options, numUsers }),
  compatibility: (numUsers = options.numUsers) =>
    generateCompatibility({ seed: 5, devices: 40, numUsers, numHeldoutUsers: 20 }),
};

describe.each(Object.entries(worlds))('a deployment of the world %s', (_name, generate) => {
  it('is of newcomers: none of its histories is a history of the past, and the world stays what it was', async () => {
    const world = await generate();
    const later = (await deploymentOf(world, 40, 5))!;
    const past = new Set(world.users.map(({ profile, history }) => `${profile} ${history}`));
    expect(later.users).toHaveLength(40);
    for (const { profile, history } of later.users) expect(past.has(`${profile} ${history}`)).toBe(false);
    expect(later.items).toBe(world.items);
    expect(world.sha256).toBe((await generate()).sha256);
    expect((await deploymentOf(world, 40, 5))!.sha256).toBe(later.sha256);
  });

  it('parts users into those a ranker learns from and those it is judged on; each request shows something', async () => {
    const later = (await deploymentOf(await generate(), 40, 5))!;
    const { train, test } = later.splits;
    const [learnt, judged] = [train, test].map((requests) => new Set(requests.map(({ user }) => user)));
    expect(train.length).toBeGreaterThan(30);
    expect(test.length).toBeGreaterThan(30);
    expect([...learnt].filter((user) => judged.has(user))).toEqual([]);
    const { user, historyLength } = later.impressions;
    const shown = new Set(Array.from(user, (who, row) => `${who} ${historyLength[row]}`));
    const asked = [...train, ...test].map((request) => `${request.user} ${request.position}`);
    expect(new Set(asked)).toEqual(shown);
    expect(asked).toHaveLength(shown.size);
    for (const { user: who, position } of [...train, ...test]) {
      expect(position).toBeLessThan(later.users[who].history.length);
    }
  });

  it('has outcomes that follow its own oracle', async () => {
    const later = (await deploymentOf(await generate(10), 1500, 5))!;
    const { user, item, historyLength, conversion } = later.impressions;
    let [expected, variance, happened] = [0, 0, 0];
    for (let row = 0; row < user.length; row++) {
      const p = later.oracle!.ctcvr(user[row], historyLength[row], item[row]);
      expected += p;
      variance += p * (1 - p);
      happened += conversion[row];
    }
    expect(Math.abs(happened - expected)).toBeLessThan(4 * Math.sqrt(variance));
  });
});

describe('a deployment of imported data', () => {
  it('asks at the held-out positions of some users, and is nothing without their impressions', async () => {
    const world = await generateWorld(options);
    const history = Int32Array.of(0, 1, 2, 3, 4);
    const imported: Dataset = {
      ...world,
      oracle: undefined,
      newcomers: undefined,
      users: ['a', 'b', 'c'].map((id) => ({ id, profile: '', history })),
      splits: {
        train: [0, 1, 2].map((user) => ({ sampleId: `t${user}`, user, position: 2 })),
        validation: [0, 1, 2].map((user) => ({ sampleId: `v${user}`, user, position: 3 })),
        test: [0, 1, 2].map((user) => ({ sampleId: `w${user}`, user, position: 4 })),
      },
    };
    expect(await deploymentOf(imported, 2, 1)).toBeNull();
    imported.heldOutImpressions = {
      user: Int32Array.of(0, 0, 1, 1, 2, 2),
      item: Int32Array.of(3, 4, 3, 4, 3, 4),
      historyLength: Int32Array.of(3, 4, 3, 4, 3, 4),
      click: Uint8Array.of(1, 1, 1, 1, 1, 1),
      conversion: Uint8Array.of(0, 1, 0, 1, 0, 1),
    };
    const later = (await deploymentOf(imported, 2, 1))!;
    expect(later.splits.train.map(({ position }) => position)).toEqual([3, 3]);
    expect(later.splits.test.map(({ position }) => position)).toEqual([4, 4]);
    expect([...later.impressions.historyLength].sort()).toEqual([3, 3, 4, 4]);
    expect(new Set(later.impressions.user)).toEqual(new Set(later.splits.test.map(({ user }) => user)));
    expect([...later.impressions.conversion].sort()).toEqual([0, 0, 1, 1]);
  });
});
