import { describe, expect, it } from 'vitest';
import { longTailOf } from '../../src/evaluate/longTail';

const users = (...behaviours: number[]) => behaviours.map((position, user) => ({ user, position }));

describe('the long tail', () => {
  it('is the quarter of users with the fewest behaviours', () => {
    const { behaviours, users: tail } = longTailOf(users(8, 7, 6, 5, 4, 3, 2, 1));
    expect(behaviours).toBe(2);
    expect([...tail].sort()).toEqual([6, 7]);
  });

  it('is a quarter at least: one more where the quarter is no whole number, and all equals at its border', () => {
    expect(longTailOf(users(1, 2, 3, 4, 5)).behaviours).toBe(2);
    expect(longTailOf(users(1, 2, 3, 4)).behaviours).toBe(1);
    const { behaviours, users: tail } = longTailOf(users(3, 3, 3, 9, 9, 9, 9, 9));
    expect(behaviours).toBe(3);
    expect(tail.size).toBe(3);
  });

  it('goes by what is known of a user at the last request, whatever the order', () => {
    const requests = [
      { user: 0, position: 9 },
      { user: 0, position: 1 },
      { user: 1, position: 2 },
      { user: 1, position: 3 },
    ];
    const { behaviours, users: tail } = longTailOf(requests);
    expect(behaviours).toBe(3);
    expect([...tail]).toEqual([1]);
  });

  it('sorts numbers as numbers, and is nobody of nobody', () => {
    expect(longTailOf(users(10, 9, 100, 11)).behaviours).toBe(9);
    expect(longTailOf([])).toEqual({ behaviours: 0, users: new Set() });
  });
});
