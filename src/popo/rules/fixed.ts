import { KEEP, type Rule } from './rule';

/** The baseline: GRPO on a sum of rewards whose weights never change. */
export const fixed: Rule<'fixed'> = {
  name: 'fixed',
  label: 'Fixed',
  words: 'GRPO with weights that never change: the baseline',
  formula: '`popo.reward_weights`',
  extraCost: 'none',
  needs: 'nothing',
  aggregation: null,
  kernel: KEEP,
  weigh: () => null,
};
