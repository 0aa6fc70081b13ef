/**
 * How a step came to its numbers, from the step's own record: what stands in the formulas of advantages and weights. In f64; the
 * record's own numbers are those of a kernel in f32. Pure: the page imports it.
 */
import {
  combineRewards,
  computeAdvantages,
  moments,
  objectiveAdvantages,
  type ScaleRewards,
} from './advantages';
import { aggregationOf, type PolicyOptions } from './options';
import { ruleOf } from './rules';
import type { Evidence, Needs, WorkingRow } from './rules/rule';
import type { PopoStep } from './trainer';
import { clipGram, nextWeights, pairsOf } from './weighting';

/** What is subtracted and divided by: (value − mean) / (std + `STD_EPSILON`); nothing is divided where std is null. */
export interface Scaling {
  mean: number;
  std: number | null;
  /** Whose std it is. */
  of: ScaleRewards;
}

/** How the G answers of one prompt came to their advantages. K rewards. */
export interface GroupWorking {
  /** Of each reward by itself, [K], where they are scaled before they are added: its scaling, and what it gives each answer, [G]. */
  each: (Scaling & { scores: number[] })[] | null;
  /** [G]: rewards under the weights, or the scores of `each` under them. */
  combined: number[];
  /** What becomes of `combined`; null where it is the advantage as it stands. */
  scaling: Scaling | null;
  /** [G], from these numbers. */
  advantages: number[];
  /** Mean and std of each reward in this group, [K]. */
  rewards: { mean: number; std: number }[];
}

type AdvantageFields = Pick<PolicyOptions, 'weighting' | 'aggregation' | 'scaleRewards'>;

/** @param prompt whose group, counted from 0 */
export function groupWorking(
  { rewards, weightsAfter }: Pick<PopoStep, 'rewards' | 'weightsAfter'>,
  prompt: number,
  fields: AdvantageFields,
): GroupWorking {
  const G = rewards[prompt].length;
  const K = weightsAfter.length;
  const flat = rewards.flat(2);
  const aggregation = aggregationOf(fields);
  const options = { ...fields, aggregation, groupSize: G, weights: weightsAfter };
  const own = (values: ArrayLike<number>) => Array.from(values).slice(prompt * G, (prompt + 1) * G);
  /** Of a column of `width` that has a value for each answer of the batch. */
  const scaling = (values: ArrayLike<number>, of: ScaleRewards, [k, width] = [0, 1]): Scaling => {
    const { mean, std } = moments(values, prompt * G * width + k, G, width);
    const N = values.length / width;
    return { mean, of, std: of === 'none' ? null : of === 'batch' ? moments(values, k, N, width).std : std };
  };
  const advantages = own(computeAdvantages(flat, options));
  const spread = weightsAfter.map((_, k) => moments(flat, prompt * G * K + k, G, K));
  const common = { advantages, rewards: spread };
  if (aggregation === 'sum_then_normalize' || aggregation === 'multiply_then_normalize') {
    const combined = combineRewards(flat, options);
    return {
      ...common,
      each: null,
      combined: own(combined),
      scaling: scaling(combined, fields.scaleRewards),
    };
  }
  // GDPO scales each reward within its group, whatever `scaleRewards` says, and their sum over the batch.
  const isGdpo = aggregation === 'normalize_then_sum';
  const of = isGdpo ? 'group' : fields.scaleRewards;
  const single = { ...options, aggregation: 'sum_of_advantages', scaleRewards: of } as const;
  const scores = objectiveAdvantages(flat, single);
  const each = scores.map((values, k) => ({ ...scaling(flat, of, [k, K]), scores: own(values) }));
  const combined = computeAdvantages(flat, single);
  const batch = { ...moments(combined, 0, combined.length), of: 'batch' } as const;
  return { ...common, each, combined: own(combined), scaling: isGdpo ? batch : null };
}

/** How w(t) followed from w(t−1). K rewards. */
export interface WeightsWorking {
  /** What the rule looked at; `nothing` also where it had measured nothing at this step. */
  by: Needs;
  /** exp(η/μ · (I_i − max I)), [K], and w_i(t−1) times it, where `by` is `influence`. */
  factors: number[] | null;
  products: number[] | null;
  /** What else the rule tells of its way. */
  rows: WorkingRow[];
  /** What the rule makes of it, with sum 1, before `minWeight`; null where w(t−1) stays. */
  weighed: number[] | null;
  /** w(t), [K], from these numbers. */
  weights: number[];
}

type WeightFields = Pick<
  PolicyOptions,
  | 'weighting'
  | 'etaOverMu'
  | 'minWeight'
  | 'objectiveMaxNorm'
  | 'correlationRate'
  | 'correlationTarget'
  | 'constraint'
>;

export function weightsWorking(
  step: Pick<PopoStep, 'rewards' | 'weightsBefore' | 'influence' | 'gradNorms' | 'gradCosines' | 'level'>,
  fields: WeightFields,
): WeightsWorking {
  const { weighting, etaOverMu, minWeight, objectiveMaxNorm } = fields;
  const rule = ruleOf(weighting);
  const { influence, weightsBefore, rewards } = step;
  const gram = gramOf(step);
  const evidence: Evidence = {
    ...fields,
    constraint: { ...fields.constraint, level: step.level ?? null },
    weights: weightsBefore,
    rewards: rewards.flat(2),
    groupSize: rewards[0].length,
    gram: gram && clipGram(gram, weightsBefore.length, objectiveMaxNorm),
    influence,
  };
  const weighed = rule.weigh(evidence);
  const isByInfluence = rule.needs === 'influence' && influence !== null;
  // As `popoWeights` has it: against the largest influence, so that no exponent overflows.
  const largest = Math.max(...(influence ?? []).filter((_, k) => weightsBefore[k] > 0));
  const factors = isByInfluence ? influence.map((one) => Math.exp(etaOverMu * (one - largest))) : null;
  return {
    by: weighed === null ? 'nothing' : rule.needs,
    factors,
    products: factors?.map((factor, k) => weightsBefore[k] * factor) ?? null,
    rows: rule.working?.(evidence) ?? [],
    weighed,
    weights: nextWeights(rule, evidence, minWeight),
  };
}

/** ⟨g_i, g_j⟩ [K, K] of norms and cosines; null where they were not measured. */
function gramOf({ gradNorms, gradCosines }: Pick<PopoStep, 'gradNorms' | 'gradCosines'>): number[] | null {
  if (gradNorms === null || gradCosines === null || gradCosines === undefined) return null;
  const K = gradNorms.length;
  const gram = Array.from({ length: K * K }, (_, at) => (at % (K + 1) === 0 ? gradNorms[at % K] ** 2 : 0));
  pairsOf(K).forEach(([i, j], pair) => {
    const product = (gradCosines[pair] ?? 0) * gradNorms[i] * gradNorms[j];
    gram[i * K + j] = product;
    gram[j * K + i] = product;
  });
  return gram;
}

/** How many times as likely an answer is as it was, from P of each of its pieces then and now: the product of their ratios. */
export function likelihoodRatio(before: readonly number[], now: readonly number[]): number {
  return Math.exp(before.reduce((sum, p, at) => sum + Math.log(now[at] / p), 0));
}
