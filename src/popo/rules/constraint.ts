/**
 * Maximise the other rewards, and hold one at a level: the multiplier λ of the constraint E r_s ≥ b moves by dual ascent, and r̃ is the
 * Lagrangian, scaled to weights that sum to 1. λ is read off the weights, so that w stays the only state.
 */
import { moments } from '../advantages';
import type { Evidence, Rule } from './rule';

export const constraint: Rule<'constraint'> = {
  name: 'constraint',
  label: 'Constraint',
  words: 'One reward is held at the level it had before alignment, the others are raised',
  why: 'the reward that is held gains weight while its mean is below its level, and loses weight while it is above',
  caution({ scaleRewards, aggregation }) {
    const held =
      'What is held is the mean over the prompts of training: nobody promises it for users whom it never saw.';
    const isWhole = scaleRewards !== 'group' && /^(sum|multiply)_then_normalize$/.test(aggregation);
    return isWhole
      ? held
      : `${held} Here spreads of single prompts or rewards divide what the multiplier weighs: it means most with popo.scale_rewards=batch and popo.multi_objective_aggregation=sum_then_normalize.`;
  },
  formula: 'λ = max(0, λ(t−1) + η (b − r̄_s)), then w = (λ, 1) / (1 + λ)',
  extraCost: 'none; b is sampled once, on 256 prompts',
  needs: 'level',
  aggregation: null,
  kernel: 5,
  weigh: (evidence) => {
    const lambda = nextMultiplier(evidence);
    return lambda === null ? null : constraintWeights(evidence.weights, evidence.constraint.reward, lambda);
  },
  working(evidence) {
    const { constraint, weights, rewards } = evidence;
    const lambda = nextMultiplier(evidence);
    if (lambda === null || constraint.level === null) return [];
    const only = (value: number) => weights.map((_, k) => (k === constraint.reward ? value : null));
    return [
      {
        label: 'Mean reward of this step',
        values: weights.map((_, k) => meanOf(rewards, k, weights.length)),
      },
      { label: 'Held at', values: only(constraint.level) },
      { label: 'Multiplier before', values: only(multiplierOf(weights, constraint.reward)) },
      { label: `and after, by ${constraint.step} × what is lacking`, values: only(lambda) },
    ];
  },
};

/** No multiplier is larger: beyond, the other weights would be lost in rounding. */
export const MAX_MULTIPLIER = 1e4;

/** λ = w_s / Σ_{j ≠ s} w_j, the inverse of {@link constraintWeights}. */
function multiplierOf(weights: ArrayLike<number>, held: number): number {
  let others = 0;
  for (let k = 0; k < weights.length; k++) if (k !== held) others += weights[k];
  return weights[held] < MAX_MULTIPLIER * others ? weights[held] / others : MAX_MULTIPLIER;
}

/** λ(t) = [λ(t−1) + η (b − r̄_s)]₊, with r̄_s the mean over the step's rollouts; null where there is no level, or nothing beside it. */
function nextMultiplier({ weights, rewards, constraint: { reward, level, step } }: Evidence): number | null {
  if (level === null || weights.length < 2) return null;
  const lacking = level - meanOf(rewards, reward, weights.length);
  return Math.min(Math.max(multiplierOf(weights, reward) + step * lacking, 0), MAX_MULTIPLIER);
}

function meanOf(rewards: ArrayLike<number>, reward: number, K: number): number {
  return moments(rewards, reward, rewards.length / K, K).mean;
}

/** w_s = λ / (1 + λ); the others share the rest as they did before, evenly where they had nothing. */
export function constraintWeights(weights: ArrayLike<number>, held: number, lambda: number): number[] {
  const K = weights.length;
  let others = 0;
  for (let k = 0; k < K; k++) if (k !== held) others += weights[k];
  const rest = 1 / (1 + lambda);
  return Array.from({ length: K }, (_, k) => {
    if (k === held) return lambda * rest;
    return others > 0 ? (weights[k] / others) * rest : rest / (K - 1);
  });
}
