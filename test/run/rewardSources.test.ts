import { describe, expect, it } from 'vitest';
import { targetItem } from '../../src/data/dataset';
import { purchaseCounts, rewardSources } from '../../src/run/rewardSources';
import { given } from './stages/recorded';

describe('what rewards are looked up in', () => {
  it('counts how often training users chose each item', async () => {
    const { dataset } = await given();
    const { train } = dataset.splits;
    const expected = dataset.items.map(
      (_, item) => train.filter((example) => targetItem(dataset, example) === item).length,
    );
    expect(Array.from(purchaseCounts(dataset))).toEqual(expected);
    expect(Math.max(...expected)).toBeGreaterThan(1);
  });

  it('finds new what few chose, by the same counts', async () => {
    const { dataset, inputs, config } = await given();
    const counts = Array.from(purchaseCounts(dataset));
    const { novelty } = rewardSources(inputs, config);
    const byCount = counts.map((count, item) => [count, novelty[item]]).sort(([a], [b]) => a - b);
    expect(byCount[0][1]).toBe(1);
    byCount.slice(1).forEach(([count, value], at) => {
      const [before, more] = byCount[at];
      if (count > before) expect(value).toBeLessThan(more);
      else expect(value).toBe(more);
    });
  });
});
