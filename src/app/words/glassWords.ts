/** One plain sentence for each part of the walk through a group, for readers who know none of the words. */
import { aggregationOf, type PolicyOptions } from '../../popo/options';
import { ruleOf } from '../../popo/rules';
import type { GroupWorking, Scaling, WeightsWorking } from '../../popo/workings';

/** A number as it stands in formulas: four decimals, and a true minus sign. */
export function exact(value: number): string {
  return value.toFixed(4).replace(/^-/, '−');
}

/** The same with its sign. */
export function signed(value: number): string {
  return value < 0 ? exact(value) : `+${exact(value)}`;
}

/** What a reader is told of the mean and the spread. */
export function spreadSentence(
  options: Pick<PolicyOptions, 'weighting' | 'aggregation' | 'scaleRewards'>,
): string {
  const { scaleRewards } = options;
  const over = scaleRewards === 'batch' ? 'all answers of this step' : 'the answers of this group';
  const divides = `The spread is how far ${over} lie apart.`;
  switch (aggregationOf(options)) {
    case 'normalize_then_sum':
      return 'Each reward is first compared with its own mean and spread in this group; then they are added under their weights.';
    case 'sum_of_advantages':
      return scaleRewards === 'none'
        ? 'Each reward is first compared with its own mean in this group; then they are added under their weights.'
        : `Each reward is first compared with its own mean, then they are added under their weights. ${divides}`;
    case 'multiply_then_normalize':
      return `Rewards are multiplied under their weights, and the group's mean is what an answer is compared with. ${scaleRewards === 'none' ? '' : divides}`;
    default:
      return `Rewards are added under their weights, and the group's mean is what an answer is compared with. ${scaleRewards === 'none' ? '' : divides}`;
  }
}

/** Where the weights came from. */
export function weightsSentence(
  { by }: WeightsWorking,
  { weighting }: Pick<PolicyOptions, 'weighting'>,
): string {
  const { needs, label, why, draw } = ruleOf(weighting);
  if (by !== 'nothing') return `Just before, ${label} set how much each reward counts: ${why}.`;
  if (draw !== undefined)
    return 'How much each reward counts was drawn for this step, and the model that answered is mixed by it.';
  return needs === 'nothing'
    ? 'How much each reward counts is fixed in this run.'
    : 'Nothing was measured at this step that could move the weights, so they stay.';
}

/** How one answer's value came from its rewards: `0.70 × 0.51 + 0.30 × 0.20`. */
function combinedFormula(terms: readonly number[], weights: readonly number[], isProduct: boolean): string {
  return isProduct
    ? terms.map((term, k) => `${exact(Math.max(term, 0))}^${exact(weights[k])}`).join(' × ')
    : terms.map((term, k) => `${exact(weights[k])} × ${bracketed(term)}`).join(' + ');
}

/** `(0.51 − 0.44) / (0.09 + 0.0001)`; without the division where nothing is divided. */
function scalingFormula(value: number, { mean, std }: Scaling): string {
  const difference = `${exact(value)} − ${bracketed(mean)}`;
  return std === null ? difference : `(${difference}) / (${exact(std)} + 0.0001)`;
}

const bracketed = (value: number) => (value < 0 ? `(${exact(value)})` : exact(value));

/** The whole way from one answer's rewards to its advantage, one line for each step of it. */
export function advantageLines(
  { each, combined, scaling }: GroupWorking,
  answer: { at: number; rewards: readonly number[]; weights: readonly number[]; isProduct: boolean },
): string[] {
  const { at, rewards, weights, isProduct } = answer;
  const terms = each === null ? rewards : each.map(({ scores }) => scores[at]);
  return [
    ...(each ?? []).map((one, k) => `${scalingFormula(rewards[k], one)} = ${exact(one.scores[at])}`),
    `${combinedFormula(terms, weights, isProduct)} = ${exact(combined[at])}`,
    ...(scaling === null ? [] : [scalingFormula(combined[at], scaling)]),
  ];
}
