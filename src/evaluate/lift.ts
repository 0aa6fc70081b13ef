/** What the simulated A/B test (rank/abTest.ts) says of a ranker against the one without features. */
import { type Interval, intervalOf } from '../numeric/interval';
import { Random } from '../numeric/random';
import type { AuctionOutcome } from '../rank/abTest';
import { DRAWS, type Pair } from './judgement';

/** Relative change of a total against the ranker without features: 0.05 is 5 % more. */
export interface Lift {
  /** Half of the users saw each ranker, as in the field. */
  randomised: Interval;
  /** Everybody saw both, and luck is averaged out, as only a simulation can. */
  paired: Interval;
}

/**
 * Of users' totals. Control users count with what the ranker before brought, treated ones with what the ranker after did.
 * @param test [requests] whose each outcome is
 */
export function liftOf(
  { before, after, isIn }: Pair<readonly AuctionOutcome[]>,
  test: readonly { user: number }[],
  seed: number,
): { revenue: Lift; value: Lift } {
  const lift = (of: keyof AuctionOutcome): Lift => {
    const totals = (kind: 'happened' | 'expected') => {
      const byUser = new Map<number, [number, number]>();
      test.forEach(({ user }, request) => {
        if (isIn !== null && !isIn[request]) return;
        const [a, b] = byUser.get(user) ?? [0, 0];
        byUser.set(user, [a + before[request][of][kind], b + after[request][of][kind]]);
      });
      return [...byUser];
    };
    const everyone = totals('happened');
    const control = everyone.filter(([user]) => !isTreated(user, seed)).map(([, [a]]) => a);
    const treated = everyone.filter(([user]) => isTreated(user, seed)).map(([, [, b]]) => b);
    const random = new Random(seed, 'lift', isIn === null ? 0 : 1);
    const again = <T>(values: readonly T[]) => values.map(() => random.pick(values));
    const mean = (values: readonly number[]) =>
      values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
    const randomised = (a: readonly number[], b: readonly number[]) => relative(mean(a), mean(b));
    const paired = (users: readonly (readonly [number, number])[]) =>
      relative(mean(users.map(([a]) => a)), mean(users.map(([, b]) => b)));
    const both = totals('expected').map(([, pair]) => pair);
    return {
      randomised: intervalOf(
        randomised(control, treated),
        Float64Array.from({ length: DRAWS }, () => randomised(again(control), again(treated))),
      ),
      paired: intervalOf(
        paired(both),
        Float64Array.from({ length: DRAWS }, () => paired(again(both))),
      ),
    };
  };
  return { revenue: lift('revenue'), value: lift('value') };
}

/** Which half a user is in. */
export function isTreated(user: number, seed: number): boolean {
  return new Random(seed, 'a/b', user).chance(0.5);
}

/** after / before − 1; 0 where there is nothing to compare with. */
function relative(before: number, after: number): number {
  return before === 0 ? 0 : after / before - 1;
}
