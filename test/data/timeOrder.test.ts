/** Each user's order in time, ties and copies. */
import { describe, expect, test } from 'vitest';
import { InteractionLog } from '../../src/data/interactions';
import { byId, orderInTime, withoutCopies } from '../../src/data/timeOrder';

type Row = readonly [user: string, item: string, time: number];

function logOf(rows: readonly Row[]): InteractionLog {
  const log = new InteractionLog();
  for (const [user, item, time] of rows) log.add(user, item, time, 0);
  return log;
}

/** Items by user, in their order. */
function ordered(rows: readonly Row[]): Record<string, string[]> {
  const log = logOf(rows);
  const order = orderInTime(log);
  return Object.fromEntries(
    log.userIds.map((id, user) => [
      id,
      Array.from(
        order.rows.subarray(order.offsets[user], order.offsets[user + 1]),
        (row) => log.itemIds[log.item[row]],
      ),
    ]),
  );
}

describe('the order in time', () => {
  test('is by time, each user’s own; ties stay as the file has them', () => {
    const rows: Row[] = [
      ['b', 'i3', 5],
      ['a', 'i9', 2],
      ['a', 'i4', 2],
      ['b', 'i1', 4],
      ['a', 'i7', 1],
      ['a', 'i5', 2],
    ];
    expect(ordered(rows)).toEqual({ b: ['i1', 'i3'], a: ['i7', 'i9', 'i4', 'i5'] });
    // Of four neighbours two are tied: one descends, one ascends.
    expect(orderInTime(logOf(rows))).toMatchObject({ ties: 0.5, isShuffled: false });
  });

  test('knows no ties where times differ, or where nobody has two rows', () => {
    expect(
      orderInTime(
        logOf([
          ['a', 'x', 1],
          ['a', 'y', 2],
        ]),
      ).ties,
    ).toBe(0);
    expect(
      orderInTime(
        logOf([
          ['a', 'x', 1],
          ['b', 'y', 1],
        ]),
      ).ties,
    ).toBe(0);
    expect(orderInTime(logOf([]))).toMatchObject({ ties: 0, isShuffled: false });
  });

  test('of one item twice at one time tells nothing of ids', () => {
    expect(
      orderInTime(
        logOf([
          ['a', 'x', 1],
          ['a', 'x', 1],
        ]),
      ),
    ).toMatchObject({ ties: 1, isShuffled: false });
  });
});

describe('ties that ascend by id', () => {
  const users = ['ann', 'bob', 'cid', 'dan'];
  const rows: Row[] = users.flatMap((user) =>
    Array.from({ length: 12 }, (_, item): Row => [user, String(item + 1), item < 10 ? 7 : 8]),
  );

  test('are shuffled, for each user otherwise, within their time', () => {
    expect(orderInTime(logOf(rows))).toMatchObject({ ties: 10 / 11, isShuffled: true });
    const order = ordered(rows);
    const ids = Array.from({ length: 10 }, (_, item) => String(item + 1));
    for (const user of users) {
      expect(order[user].slice(0, 10)).not.toEqual(ids);
      expect(order[user].slice(0, 10).sort((a, b) => Number(a) - Number(b))).toEqual(ids);
      expect(order[user].slice(10).sort()).toEqual(['11', '12']);
    }
    expect(new Set(users.map((user) => order[user].join(' '))).size).toBe(4);
  });

  test('are the same however users and times stand in the file', () => {
    const order = ordered(rows);
    expect(ordered([...rows].sort((a, b) => (a[0] === b[0] ? 0 : a[0] < b[0] ? 1 : -1)))).toEqual(order);
    expect(ordered([...rows].sort((a, b) => b[2] - a[2]))).toEqual(order);
    expect(ordered([...rows].sort((a, b) => Number(a[1]) - Number(b[1])))).toEqual(order);
    expect(ordered([...rows, ['eve', '3', 1]])).toMatchObject(order);
  });

  test('are told by nine in ten of those that tell', () => {
    // Twenty tied neighbours: two that descend leave it at nine in ten, three do not.
    const withDescents = (count: number): Row[] =>
      Array.from({ length: 20 }, (_, pair): Row[] => {
        const [low, high] = [String(10 + pair), String(50 + pair)];
        const [first, second] = pair < count ? [high, low] : [low, high];
        return [
          ['a', first, pair],
          ['a', second, pair],
        ];
      }).flat();
    expect(orderInTime(logOf(withDescents(2))).isShuffled).toBe(true);
    expect(orderInTime(logOf(withDescents(3))).isShuffled).toBe(false);
  });
});

test('ids go by value where they are numbers, then by code units', () => {
  const ids = ['b', '10', '9', 'a', '09', 'B'];
  const order = ids.map((_, index) => index).sort(byId(ids));
  expect(order.map((index) => ids[index])).toEqual(['09', '9', '10', 'B', 'a', 'b']);
});

test('a copy says all that an earlier row says', () => {
  const log = logOf([
    ['a', 'x', 1],
    ['a', 'x', 1],
    ['b', 'x', 1],
    ['a', 'x', 2],
    ['a', 'y', 1],
    ['a', 'x', 1],
    ['a', 'x', 1],
    ['a', 'x', 1],
  ]);
  log.value[5] = 3;
  log.mark[6] = 77;
  const { mask, copies } = withoutCopies(log);
  expect([...mask]).toEqual([1, 0, 1, 1, 1, 1, 1, 0]);
  expect(copies).toBe(2);
});
