import { KEEP, type Rule } from './rule';

/** GDPO (arXiv 2601.05242): weights stay, but each reward is normalised before they are summed. */
export const gdpo: Rule<'gdpo'> = {
  name: 'gdpo',
  label: 'GDPO',
  words: 'Fixed weights, each reward normalised before they are summed',
  formula: '`popo.reward_weights`, with `normalize_then_sum`',
  extraCost: 'none',
  needs: 'nothing',
  aggregation: 'normalize_then_sum',
  kernel: KEEP,
  weigh: () => null,
};
