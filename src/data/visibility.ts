import type { Dataset, Example } from './dataset';

/** The users of a data set, and which of their behaviours are asked for. */
export interface Histories {
  users: readonly Pick<Dataset['users'][number], 'history'>[];
  splits: Record<keyof Dataset['splits'], readonly Pick<Example, 'user' | 'position'>[]>;
}

/**
 * [users] How many of each user's first behaviours training may see: up to the last training target, never a
 * validation or test target or what came after it. 0 for users outside training.
 */
export function visibleToTraining(dataset: Histories): Int32Array {
  const visible = new Int32Array(dataset.users.length);
  for (const { user, position } of dataset.splits.train) {
    visible[user] = Math.max(visible[user], position + 1);
  }
  for (const split of [dataset.splits.validation, dataset.splits.test]) {
    for (const { user, position } of split) visible[user] = Math.min(visible[user], position);
  }
  return visible;
}
