import { describe, expect, it } from 'vitest';
import { isTreated, liftOf } from '../../src/evaluate/lift';
import type { AuctionOutcome } from '../../src/rank/abTest';

const SEED = 3;
const outcome = (happened: number, expected: number): AuctionOutcome => ({
  revenue: { happened, expected },
  value: { happened: 10 * happened, expected: 10 * expected },
});
/** Two requests each of users 0 … 39. */
const test = Array.from({ length: 80 }, (_, request) => ({ user: request % 40 }));
const treated = test.map(({ user }) => isTreated(user, SEED));

describe('the halves', () => {
  it('are drawn by user and seed, and are about equal', () => {
    const half = (seed: number) => Array.from({ length: 400 }, (_, user) => isTreated(user, seed));
    expect(half(1)).toEqual(half(1));
    expect(half(2)).not.toEqual(half(1));
    const count = half(1).filter(Boolean).length;
    expect(count).toBeGreaterThan(160);
    expect(count).toBeLessThan(240);
  });
});

describe('the lift', () => {
  it('of halves sets treated users under the ranker after against control users under the ranker before', () => {
    // What the arms never see would be far off: control users under the new ranker, treated ones under the old.
    const before = treated.map((isIn) => (isIn ? outcome(1000, 1) : outcome(2, 1)));
    const after = treated.map((isIn) => (isIn ? outcome(3, 1) : outcome(7000, 1)));
    const { revenue, value } = liftOf({ before, after, isIn: null }, test, SEED);
    expect(revenue.randomised.mean).toBeCloseTo(3 / 2 - 1, 12);
    expect(value.randomised.mean).toBeCloseTo(3 / 2 - 1, 12);
    // All alike within each arm, so that drawing users again changes nothing.
    expect(revenue.randomised.low).toBeCloseTo(0.5, 12);
    expect(revenue.randomised.high).toBeCloseTo(0.5, 12);
  });

  it('of pairs is of what everybody would bring on average, not of what happened', () => {
    const before = test.map(({ user }) => outcome(user, 4));
    const after = test.map(({ user }) => outcome(0, user < 20 ? 4 : 8));
    const { revenue } = liftOf({ before, after, isIn: null }, test, SEED);
    expect(revenue.paired.mean).toBeCloseTo(6 / 4 - 1, 12);
    expect(revenue.paired.low).toBeGreaterThan(0.2);
    expect(revenue.paired.low).toBeLessThan(0.45);
    expect(revenue.paired.high).toBeGreaterThan(0.55);
    expect(revenue.paired.high).toBeLessThan(0.8);
    expect(revenue.randomised.mean).toBe(-1);
  });

  it('adds up the requests of a user before it means, and draws users, not requests', () => {
    // User 0 has nine requests, user 1 has one: their totals count alike.
    const requests = [...Array.from({ length: 9 }, () => ({ user: 0 })), { user: 1 }];
    const before = requests.map(() => outcome(1, 1));
    const after = requests.map(({ user }) => outcome(1, user === 0 ? 2 : 1));
    const { revenue } = liftOf({ before, after, isIn: null }, requests, SEED);
    expect(revenue.paired.mean).toBeCloseTo((18 + 1) / (9 + 1) - 1, 12);
    // Draws that hold one of the two alone are the bounds.
    expect(revenue.paired.high).toBeCloseTo(1, 12);
    expect(revenue.paired.low).toBeCloseTo(0, 12);
  });

  it('counts the requests that are in, and 0 where there is nothing to compare with', () => {
    const isIn = test.map(({ user }) => user < 5);
    const before = isIn.map((own) => outcome(own ? 1 : 100, own ? 1 : 100));
    const after = isIn.map((own) => outcome(own ? 2 : 1, own ? 3 : 1));
    const lift = liftOf({ before, after, isIn }, test, SEED);
    expect(lift.revenue.paired.mean).toBeCloseTo(2, 12);
    expect(lift.revenue.randomised.mean).toBeCloseTo(1, 12);
    const nothing = test.map(() => outcome(0, 0));
    expect(liftOf({ before: nothing, after, isIn: null }, test, SEED).value.paired).toMatchObject({
      mean: 0,
      low: 0,
      high: 0,
      p: 1,
    });
  });

  it('draws users anew for the long tail, not those that it drew for all', () => {
    const before = test.map(({ user }) => outcome(user + 1, user + 1));
    const after = test.map(({ user }) => outcome(1 + (user % 7), 2 + (user % 5)));
    const all = liftOf({ before, after, isIn: null }, test, SEED).revenue.paired;
    const tail = liftOf({ before, after, isIn: test.map(() => true) }, test, SEED).revenue.paired;
    // The same users, so the same mean; of 40 users no two thousand draws are alike.
    expect(tail.mean).toBe(all.mean);
    expect([tail.low, tail.high]).not.toEqual([all.low, all.high]);
  });

  it('is of means, so that arms of unequal size are alike, and nothing where an arm is empty', () => {
    // Three treated users for each control user.
    const users = (isIn: boolean, count: number) =>
      Array.from({ length: 200 }, (_, user) => user)
        .filter((user) => isTreated(user, SEED) === isIn)
        .slice(0, count)
        .map((user) => ({ user }));
    const [control, treatedUsers] = [users(false, 4), users(true, 12)];
    const requests = [...control, ...treatedUsers];
    const before = requests.map(() => outcome(2, 2));
    const after = requests.map(() => outcome(3, 3));
    const both = liftOf({ before, after, isIn: null }, requests, SEED).revenue.randomised;
    expect(both.mean).toBeCloseTo(0.5, 12);
    const onlyTreated = after.slice(4);
    const alone = liftOf({ before: onlyTreated, after: onlyTreated, isIn: null }, treatedUsers, SEED);
    expect(alone.revenue.randomised).toMatchObject({ mean: 0, low: 0, high: 0 });
    // One user in each arm is a mean too.
    const pair = [control[0], treatedUsers[0]];
    const two = [outcome(2, 2), outcome(2, 2)];
    const three = [outcome(3, 3), outcome(3, 3)];
    const least = liftOf({ before: two, after: three, isIn: null }, pair, SEED);
    expect(least.revenue.randomised.mean).toBeCloseTo(0.5, 12);
  });

  it('is the same twice', () => {
    const before = test.map(({ user }) => outcome(user, user));
    const after = test.map(({ user }) => outcome(user + (user % 3), user + 1));
    const once = () => liftOf({ before, after, isIn: null }, test, SEED);
    expect(once()).toEqual(once());
  });
});
