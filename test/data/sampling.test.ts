/** A log that is larger than what is held: users are sampled whole, the same ones whatever the order of rows. */
import { describe, expect, test } from 'vitest';
import { importDataset } from '../../src/data/importDataset';
import { InteractionLog } from '../../src/data/interactions';
import { fnv1a, threefry } from '../../src/numeric/random';
import { file } from './sources';

const [USERS, EACH, LIMIT] = [1000, 20, 2000];

interface Row {
  user: string;
  line: string;
}

const ROWS: Row[] = Array.from({ length: USERS * EACH }, (_, index) => {
  const [user, step] = [Math.floor(index / EACH), index % EACH];
  const event = step % 4 === 3 ? 'impression' : step % 4 === 2 ? 'purchase' : 'view';
  return { user: `u${user}`, line: `u${user},i${(user * 7 + step) % 40},${1_500_000_000 + step},${event}` };
});

const tableOf = (rows: readonly Row[]) =>
  file('log.csv', ['user,item,time,event', ...rows.map(({ line }) => line)].join('\n'));

/** A seeded shuffle. */
function shuffled(rows: readonly Row[], seed: number): Row[] {
  let state = seed;
  const keyed = rows.map((row) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return { row, key: state };
  });
  return keyed.sort((a, b) => a.key - b.key).map(({ row }) => row);
}

/** Users with a low number are kept longest. */
function draw(user: string): number {
  return threefry(0x5a31, 0, fnv1a(user), 0)[0];
}

/** Longest that the log became. */
async function read(rows: readonly Row[], maxInteractions = LIMIT) {
  const { add } = InteractionLog.prototype;
  let longest = 0;
  InteractionLog.prototype.add = function (this: InteractionLog, ...row) {
    add.apply(this, row);
    longest = Math.max(longest, this.length);
  };
  try {
    return { ...(await importDataset([tableOf(rows)], undefined, { maxInteractions })), longest };
  } finally {
    InteractionLog.prototype.add = add;
  }
}

const sampled =
  /a sample of 1 in (\d+) users was drawn as it was read, by a seeded hash of their ids; (\d+) of 20000 rows are of others/;

describe('sampling', () => {
  test('keeps users whole, within the limit, and says how many rows are of others', async () => {
    const { dataset, preview, longest } = await read(ROWS);
    expect(longest).toBeLessThanOrEqual(LIMIT);
    const kept = dataset.users.length;
    // 1 in 16 of 1000 users is 62; at 1 in 8 there would be more rows than are held.
    expect(kept).toBeGreaterThan(40);
    expect(kept * EACH).toBeLessThan(LIMIT);
    for (const { history } of dataset.users) expect(history).toHaveLength(15);
    const [, share, others] = sampled.exec(dataset.notes.join(' '))!;
    expect(Number(share)).toBe(16);
    expect(Number(others)).toBe((USERS - kept) * EACH);
    expect(preview.counts).toMatchObject({
      rows: 20_000,
      interactions: kept * 15,
      users: kept,
      conversions: kept * 5,
    });
    // Counts of events are of those who are held.
    expect(preview.events).toEqual([
      { value: 'view', rows: kept * 10, meaning: 'behaviour' },
      { value: 'purchase', rows: kept * 5, meaning: 'conversion' },
      { value: 'impression', rows: kept * 5, meaning: 'neither' },
    ]);
  });

  test.each([1, 2, 3, 4, 5, 6])('draws the same users from rows in another order (%i)', async (seed) => {
    const [first, second] = [await read(ROWS), await read(shuffled(ROWS, seed))];
    expect(second.longest).toBeLessThanOrEqual(LIMIT);
    expect(second.dataset.sha256).toBe(first.dataset.sha256);
  });

  test('draws the same where those who are kept come first, or last', async () => {
    // Limits at which what is kept fills between half and all of the room.
    for (const limit of [1400, 1700, 2600, 3200]) {
      const { dataset } = await read(ROWS, limit);
      const keptFirst = [...ROWS].sort((a, b) => draw(a.user) - draw(b.user));
      expect((await read(keptFirst, limit)).dataset.sha256).toBe(dataset.sha256);
      expect((await read(keptFirst.reverse(), limit)).dataset.sha256).toBe(dataset.sha256);
    }
  });

  test('is not done, nor said, where all fits', async () => {
    const { dataset } = await read(ROWS, 20_001);
    expect(dataset.users).toHaveLength(USERS);
    expect(dataset.notes.join(' ')).not.toMatch(/sample of/);
    expect((await read(ROWS, 20_000)).dataset.notes.join(' ')).toMatch(/sample of 1 in 2 users/);
  });
});
