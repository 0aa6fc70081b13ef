import { type Dataset, targetItem } from '../../src/data/dataset';
import { generateWorld } from '../../src/data/world';

/** A world small enough for a test of milliseconds. */
export function smallWorld(seed = 3): Promise<Dataset> {
  return generateWorld({
    world: 'tradeoff',
    seed,
    numL1: 2,
    itemsPerL3: 3,
    numUsers: 300,
    numHeldoutUsers: 40,
  });
}

/** The same data set with every example's own target replaced by another item. */
export function withOtherTargets(dataset: Dataset, split: keyof Dataset['splits']): Dataset {
  const users = dataset.users.map((user) => ({ ...user, history: user.history.slice() }));
  for (const example of dataset.splits[split]) {
    users[example.user].history[example.position] =
      (targetItem(dataset, example) + dataset.items.length / 2) % dataset.items.length;
  }
  return { ...dataset, users };
}
