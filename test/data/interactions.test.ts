import fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupRows, InteractionLog, kCore } from '../../src/data/interactions';

function logOf(pairs: [number, number][]): InteractionLog {
  const log = new InteractionLog();
  for (const [user, item] of pairs) log.add(`u${user}`, `i${item}`, 0, 0);
  return log;
}

/** The definition, word for word: count, drop, count again. */
function plainCore(pairs: [number, number][], k: number): boolean[] {
  const kept = pairs.map(() => true);
  for (let changed = true; changed; ) {
    changed = false;
    const users = new Map<number, number>();
    const items = new Map<number, number>();
    pairs.forEach(([user, item], row) => {
      if (!kept[row]) return;
      users.set(user, (users.get(user) ?? 0) + 1);
      items.set(item, (items.get(item) ?? 0) + 1);
    });
    pairs.forEach(([user, item], row) => {
      if (kept[row] && (users.get(user)! < k || items.get(item)! < k)) {
        kept[row] = false;
        changed = true;
      }
    });
  }
  return kept;
}

test('k-core is what counting and dropping again and again leaves', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 60 }),
      fc.integer({ min: 0, max: 4 }),
      (pairs, k) => {
        expect(Array.from(kCore(logOf(pairs), k), (flag) => flag === 1)).toEqual(plainCore(pairs, k));
      },
    ),
  );
});

test('a long chain of drops takes linear time', () => {
  // Each user links two items; dropping the first item drops all, one after the other.
  const links = 200_000;
  const pairs = Array.from({ length: 2 * links }, (_, i): [number, number] => [i >> 1, (i + 1) >> 1]);
  const kept = kCore(logOf(pairs), 2);
  expect(kept.some((flag) => flag === 1)).toBe(false);
});

test('a log grows and groups its rows in order', () => {
  const log = new InteractionLog();
  for (let row = 0; row < 5000; row++) log.add(`u${row % 3}`, `i${row % 7}`, row, row / 2);
  expect(log.length).toBe(5000);
  expect(log.userIds).toEqual(['u0', 'u1', 'u2']);
  expect([log.time[4999], log.value[4999], log.item[4999]]).toEqual([4999, 2499.5, 4999 % 7]);
  const { offsets, rows } = groupRows(log.user, log.length, 3);
  expect([...offsets]).toEqual([0, 1667, 3334, 5000]);
  expect([...rows.subarray(1667, 1670)]).toEqual([1, 4, 7]);
});
