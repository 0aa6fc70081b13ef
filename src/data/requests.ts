/** The moments at which a generated world's newcomers are shown something. */
import type { Impressions } from './dataset';
import type { Splits } from './hash';

/** Each moment once, of impressions that stand together by moment. Users of even index are for training, those of odd index for test. */
export function requestsOf({ user, historyLength }: Pick<Impressions, 'user' | 'historyLength'>): Splits {
  const requests: Splits = { train: [], validation: [], test: [] };
  for (let row = 0; row < user.length; row++) {
    if (row > 0 && user[row - 1] === user[row] && historyLength[row - 1] === historyLength[row]) continue;
    const split = user[row] % 2 === 0 ? requests.train : requests.test;
    split.push({ user: user[row], position: historyLength[row] });
  }
  return requests;
}
