/** What a run's rewards are looked up in. */
import { type Dataset, targetItem } from '../data/dataset';
import type { RewardSources } from '../popo/rewards';
import { itemNovelty } from '../popo/rewards/novelty';
import type { RunConfig } from './config';
import type { TrainingInputs } from './stages/trainingInputs';

export function rewardSources(
  { data: { dataset }, ranker, encoder }: Pick<TrainingInputs, 'data' | 'ranker' | 'encoder'>,
  { popo }: RunConfig,
): RewardSources {
  return {
    rewards: popo.rewards,
    likeness: encoder.likeness,
    rewardTable: ranker.rewardTable,
    items: dataset.items.length,
    novelty: itemNovelty(purchaseCounts(dataset)),
    semanticExponent: popo.semantic_exponent,
  };
}

/** How often training users chose each item. */
export function purchaseCounts(dataset: Dataset): Uint32Array {
  const counts = new Uint32Array(dataset.items.length);
  for (const example of dataset.splits.train) counts[targetItem(dataset, example)]++;
  return counts;
}
