/**
 * Conditioned parameters (CLP, arXiv 2407.15762): one run for all weights. Each step draws w uniformly from the simplex, answers and
 * learns with θ(w) = Σ_k w_k θ_k, and end k follows AdamW under w_k times the gradient (`split` of model/languageModel.ts). The ends
 * are the paper's θ₀ + Δ_k: since w sums to 1, so does their mixture.
 */
import { Random } from '../../numeric/random';
import { KEEP, type Rule } from './rule';

export const conditioned: Rule<'conditioned'> = {
  name: 'conditioned',
  label: 'Conditioned',
  words:
    'Weights drawn anew at each step, one model for each reward: any mixture of them can be chosen after the run',
  caution: () =>
    'Weights are drawn at each step, so they settle nowhere. What is measured and handed over is the mixture at popo.reward_weights.',
  formula: 'w ~ Dirichlet(1), θ(w) = Σ_k w_k θ_k',
  extraCost: 'memory for K models with their moments',
  needs: 'nothing',
  aggregation: null,
  kernel: KEEP,
  draw: drawWeights,
  weigh: () => null,
};

/**
 * w ~ Dirichlet(1, …, 1), [K]: exponential draws over their sum. In f32, so that what is reported is what a GPU mixes by.
 * @param at.step counted from 0
 */
export function drawWeights(at: { seed: number; step: number; numRewards: number }): number[] {
  const random = new Random(at.seed, 'conditioned-weights', at.step);
  // 1 − u is above 0; where all are 0 the draw is 2^−24 to the K rare, and the first reward has it all.
  const draws = Array.from({ length: at.numRewards }, () => -Math.log(1 - random.uniform()));
  const total = draws.reduce((sum, draw) => sum + draw, 0);
  return draws.map((draw, k) => Math.fround(total > 0 ? draw / total : Number(k === 0)));
}
