import type { Dataset, Impressions } from '../../src/data/dataset';
import { identify, type Splits } from '../../src/data/hash';
import { sampleImpressions } from '../../src/data/impressions';
import { smallWorld } from '../sft/world';

/**
 * Purchases split as importers split them: of each user the last is the test target and the one before it validation's, so that
 * all three splits have the same users. `impressions` are those of training positions.
 */
export async function leaveOneOutData(): Promise<Dataset> {
  const world = await smallWorld();
  const users = world.users.filter(({ history }) => history.length > 5).slice(0, 150);
  const splits: Splits = { train: [], validation: [], test: [] };
  users.forEach(({ history: { length } }, user) => {
    for (let position = 1; position < length - 2; position++) splits.train.push({ user, position });
    splits.validation.push({ user, position: length - 2 });
    splits.test.push({ user, position: length - 1 });
  });
  const histories = users.map(({ history }) => history);
  const conversions = histories.map((history) => Uint8Array.from(history, (item) => item % 2));
  const shownAt = (examples: Splits['train']) =>
    sampleImpressions({ histories, conversions, items: world.items.length }, examples, 2);
  return identify({
    id: 'left-one-out',
    items: world.items,
    users,
    impressions: shownAt(splits.train),
    heldOutImpressions: shownAt([...splits.validation, ...splits.test]),
    splits,
    facts: [],
    notes: [],
  });
}

/** The same data with other items from the behaviour `last` before the end on: 2 is validation's target, 1 the test's. */
export function withAnotherFuture(dataset: Dataset, last: number): Dataset {
  const { length } = dataset.items;
  const users = dataset.users.map((user) => ({
    ...user,
    history: user.history.map((item, at) =>
      at < user.history.length - last ? item : (item + length / 2) % length,
    ),
  }));
  return { ...dataset, users };
}

/** Both, one behind the other. */
export function joined(a: Impressions, b: Impressions): Impressions {
  return {
    user: Int32Array.of(...a.user, ...b.user),
    item: Int32Array.of(...a.item, ...b.item),
    historyLength: Int32Array.of(...a.historyLength, ...b.historyLength),
    click: Uint8Array.of(...a.click, ...b.click),
    conversion: Uint8Array.of(...a.conversion, ...b.conversion),
  };
}
