/**
 * Every reward there is, and how a completion is paid. All lie in [0, 1]; an answer that does not parse or resolves to no catalogue
 * item gets 0 for every reward, never some item's score. The paper has the first two; K of them, in any order, are a run's.
 */
import { format } from './format';
import { type IdSources, id } from './id';
import { type NoveltySources, novelty } from './novelty';
import type { Completion, Reward, RewardWords } from './reward';
import { type SemanticSources, semantic } from './semantic';

/** Their order is that of the page. */
const LIST = [semantic, id, format, novelty] as const;

export type RewardName = (typeof LIST)[number]['name'];

/** Their names, as the config and reports have them. */
export const REWARDS: readonly RewardName[] = LIST.map(({ name }) => name);

/** The run's rewards, and what any reward may look up. */
export interface RewardSources extends SemanticSources, IdSources, NoveltySources {
  /** Their number is K. */
  rewards: readonly RewardName[];
}

function rewardOf(reward: RewardName): Reward<RewardName, RewardSources> {
  return LIST.find(({ name }) => name === reward)!;
}

/** Names what is measured of two rewards, alike whichever is told first: `semantic_id`. */
export function pairName(one: RewardName, other: RewardName): string {
  return REWARDS.filter((name) => name === one || name === other).join('_');
}

export const rewardWords = (reward: RewardName): RewardWords => rewardOf(reward).words;

/** Rewards [N, K] of N parsed completions, in the order of `sources.rewards`. */
export function scoreCompletions(completions: readonly Completion[], sources: RewardSources): Float32Array {
  const scorers = sources.rewards.map(rewardOf);
  const K = scorers.length;
  const rewards = new Float32Array(completions.length * K);
  completions.forEach((completion, row) => {
    const { valid, answer, item } = completion.parsed;
    if (!valid || answer === null || item < 0) return;
    scorers.forEach((reward, k) => {
      rewards[row * K + k] = reward.score(completion, sources);
    });
  });
  return rewards;
}
