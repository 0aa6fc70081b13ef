/** The methods that a study compares, each as what it changes in a preset. */
import { BASELINE_NAMES, type BaselineName } from '../evaluate/baselines/names';
import type { RunConfig } from '../run/config';
import { applyDiff, type ConfigDiff } from '../run/diff';
import { type PresetRef, presetConfig } from '../run/presets';
import { atWeights, type Derivation, soup } from './derived';

export interface Method {
  name: string;
  /** What it is, in a few words. */
  words: string;
  diff: ConfigDiff | ((config: RunConfig) => ConfigDiff);
  /** The row of a run's stage table that is this method's result. */
  row: 'warmup' | 'sft' | 'popo' | 'counting' | BaselineName;
  /** Of a model that is computed from runs of other methods; its config is that of the first of them. */
  derived?: Derivation;
}

/** RL's length stays in the config of what needs none, since the draw of examples reads it. */
const stage = (name: string, words: string, row: Method['row'], diff: Method['diff'] = {}): Method => ({
  name,
  words,
  row,
  diff,
});
const rl = (name: string, words: string, diff: Method['diff']): Method =>
  stage(name, `RL, ${words}`, 'popo', diff);
/** RL with weights that never move, of the semantic and the ID reward. */
export const fixedWeight = (semantic: number, words: string): Method =>
  rl(`fixed-${semantic}`, words, {
    'popo.weighting': 'fixed',
    'popo.reward_weights': [semantic, 1 - semantic],
  });
/** Beside meaning and taste a reward that neither the semantic nor the ID reward can be traded for. */
const novelty = (weighting: 'fixed' | 'popo' | 'mgda', words: string): Method =>
  rl(`${weighting}-novelty`, words, {
    'popo.weighting': weighting,
    'popo.rewards': ['semantic', 'id', 'novelty'],
    'popo.reward_weights': [1 / 3, 1 / 3, 1 / 3],
  });
/** Groups of 16 of as many rollouts a step, so of fewer prompts. */
const sixteen = (weighting: 'fixed' | 'popo', words: string): Method =>
  rl(`${weighting}-16`, words, ({ popo }) => ({
    'popo.weighting': weighting,
    'popo.num_generations': 16,
    'popo.prompts_per_step': Math.max(1, Math.round((popo.prompts_per_step * popo.num_generations) / 16)),
  }));

/** Weights that never move; together they draw the empirical front of two rewards. */
export const SWEEP: readonly Method[] = [
  fixedWeight(0, 'ID reward alone'),
  fixedWeight(0.25, 'semantic weight .25'),
  fixedWeight(0.5, 'semantic weight .5'),
  fixedWeight(0.75, 'semantic weight .75'),
  fixedWeight(1, 'semantic reward alone'),
];

/** Shares of the second end in a soup of two. */
const SHARES = [0.25, 0.5, 0.75];

/** Nothing is trained for these once there are both ends. */
const soups = (name: string, words: string, ends: readonly [Method, Method]): Method[] =>
  SHARES.map((share) => ({
    name: `${name}-${share}`,
    words: `${words}, ${share} of the semantic end`,
    row: 'popo',
    diff: ends[0].diff,
    derived: soup([ends[0].name, ends[1].name], share),
  }));

/** One run for all weights, handed over at equal ones. */
const CONDITIONED = rl('conditioned', 'one run for all weights, at equal ones', {
  'popo.weighting': 'conditioned',
  'popo.reward_weights': [0.5, 0.5],
  // It hands over a mixture, and no earlier one.
  'popo.keep': 'last',
});
const conditionedAt = (semantic: number): Method => ({
  ...CONDITIONED,
  name: `conditioned-${semantic}`,
  words: `that run at semantic weight ${semantic}`,
  derived: atWeights(CONDITIONED.name, semantic),
});

/** The rewards' weighted geometric mean in the place of their weighted sum. */
const geometric = (name: string, words: string, diff: ConfigDiff): Method =>
  rl(name, words, { 'popo.multi_objective_aggregation': 'multiply_then_normalize', ...diff });

/** The same with advantages divided by the batch's spread, so that a prompt counts by how much its answers differ. */
const byBatch = ({ name, words, diff }: Method): Method => ({
  name: `${name}-batch`,
  words: `${words}, scaled by the batch`,
  row: 'popo',
  diff: { ...(diff as ConfigDiff), 'popo.scale_rewards': 'batch' },
});

/** Recommenders without language, on the same users. They are the last thing that a run needs, so that they cost no model. */
const BASELINES = BASELINE_NAMES.map((name) =>
  stage(name, 'no language', name, /content|sasrec/.test(name) ? { 'evaluate.baselines': 'all' } : {}),
);

/** In the order in which they share most of the way. */
export const METHODS: readonly Method[] = [
  stage('counting', 'what follows what, no model', 'counting'),
  ...BASELINES,
  stage('backbone', 'warm-up only', 'warmup'),
  stage('orft', 'SFT on filtered reasoning', 'sft'),
  rl('popo', 'weights by gradients', { 'popo.weighting': 'popo' }),
  rl('popo-light', 'weights by spread', { 'popo.weighting': 'popo-light' }),
  ...SWEEP,
  ...soups('soup', 'soup of the two ends', [SWEEP[0], SWEEP[4]]),
  // Ends that were paid for both may serve better (arXiv 2502.10762).
  ...soups('soup-mixed', 'soup of the runs of weights .25 and .75', [SWEEP[1], SWEEP[3]]),
  geometric('geometric-0.25', 'rewards multiplied, semantic weight .25', {
    'popo.weighting': 'fixed',
    'popo.reward_weights': [0.25, 0.75],
  }),
  geometric('geometric-0.5', 'rewards multiplied', {
    'popo.weighting': 'fixed',
    'popo.reward_weights': [0.5, 0.5],
  }),
  geometric('geometric-0.75', 'rewards multiplied, semantic weight .75', {
    'popo.weighting': 'fixed',
    'popo.reward_weights': [0.75, 0.25],
  }),
  geometric('popo-geometric', 'rewards multiplied, weights by gradients', { 'popo.weighting': 'popo' }),
  rl('fixed-advantages', 'advantages added', {
    'popo.weighting': 'fixed',
    'popo.multi_objective_aggregation': 'sum_of_advantages',
  }),
  rl('gdpo', 'rewards normalised apart', { 'popo.weighting': 'gdpo' }),
  rl('mgda', 'shortest gradient mixture', { 'popo.weighting': 'mgda' }),
  rl('correlation', 'weights by correlation with the sum', { 'popo.weighting': 'correlation' }),
  rl('constraint', 'taste raised, meaning held, scaled by the batch', {
    'popo.weighting': 'constraint',
    'popo.constrained': 'semantic',
    'popo.scale_rewards': 'batch',
  }),
  CONDITIONED,
  ...[0, 0.25, 0.75, 1].map(conditionedAt),
  rl('popo-halves', 'unbiased influence', { 'popo.weighting': 'popo', 'popo.influence': 'halves' }),
  // Two ways to a step that costs at most 1.15 times one with fixed weights.
  rl('popo-quarter', 'unbiased influence, on a quarter of the prompts', ({ popo }) => ({
    'popo.weighting': 'popo',
    'popo.influence': 'halves',
    'popo.influence_prompts': Math.max(2, Math.round(popo.prompts_per_step / 4)),
  })),
  // Weights that are moved every fourth step, by four times as much.
  rl('popo-every-4', 'influence every fourth step', ({ popo }) => ({
    'popo.weighting': 'popo',
    'popo.influence_every': 4,
    'popo.eta_over_mu': 4 * popo.eta_over_mu,
  })),
  rl('popo-inverse', 'towards the weaker', { 'popo.weighting': 'popo', 'popo.eta_over_mu': -0.1 }),
  ...[0.5, 0.75, 1].map((weight) => byBatch(fixedWeight(weight, `semantic weight ${weight}`))),
  byBatch(
    geometric('geometric-0.5', 'rewards multiplied', {
      'popo.weighting': 'fixed',
      'popo.reward_weights': [0.5, 0.5],
    }),
  ),
  byBatch(rl('popo', 'weights by gradients', { 'popo.weighting': 'popo' })),
  // Rollouts that are drawn flatter than the model is find what fine-tuning seldom says.
  ...[0.7, 1.3, 1.6].map((temperature) =>
    rl(`popo-temperature-${temperature}`, `rollouts at temperature ${temperature}`, {
      'popo.weighting': 'popo',
      'popo.temperature': temperature,
    }),
  ),
  // Popularity alone earns nothing there. A run of its own, since the ranker says which it is.
  rl('popo-lift', 'ID reward over its mean over users', {
    'popo.weighting': 'popo',
    'ranker.reward': 'lift',
  }),
  rl('fixed-0-lift', 'that reward alone', {
    'popo.weighting': 'fixed',
    'popo.reward_weights': [0, 1],
    'ranker.reward': 'lift',
  }),
  novelty('fixed', 'three equal weights, one on novelty'),
  novelty('popo', 'novelty too, weights by gradients'),
  novelty('mgda', 'novelty too, shortest mixture'),
  stage('answers-only', 'SFT without reasoning, same prompts', 'sft', { 'sft.cot': false }),
  stage('answers-only-all', 'SFT without reasoning, all prompts', 'sft', {
    'sft.cot': false,
    'orft.threshold': 'none',
  }),
  // Reasoning makes a sequence less than twice as long: here answers alone have had the greater compute.
  stage('answers-only-twice', 'SFT without reasoning, twice the steps', 'sft', ({ sft }) => ({
    'sft.cot': false,
    'orft.threshold': 'none',
    'sft.steps': 2 * sft.steps,
  })),
  stage('orft-margin', 'SFT, filtered within each prompt', 'sft', { 'orft.threshold': 'margin' }),
  stage('unfiltered', 'SFT on all reasoning', 'sft', { 'orft.threshold': 'none' }),
  stage('untold', 'SFT, teacher not told the item', 'sft', { 'rupr.told': false, 'orft.threshold': 'none' }),
  // The draw of examples reads how many prompts RL takes, so these are runs of their own.
  sixteen('fixed', 'equal weights, groups of 16'),
  sixteen('popo', 'weights by gradients, groups of 16'),
];

/** Of a semantic weight that the sweep leaves out, as `fixed-0.35`. */
const FINER = /^fixed-(0\.\d{0,2}[1-9])$/;

/** Whether it is a fixed weight between those of the sweep. */
export function isFiner(name: string): boolean {
  return FINER.test(name) && SWEEP.every((swept) => swept.name !== name);
}

/** @throws Error for a name that no method has */
export function methodNamed(name: string): Method {
  const weight = isFiner(name) ? FINER.exec(name)![1] : null;
  const method =
    weight === null
      ? METHODS.find((known) => known.name === name)
      : fixedWeight(Number(weight), `semantic weight ${weight.slice(1)}`);
  if (method === undefined)
    throw new Error(
      `There is no method ${name}: choose from ${METHODS.map((known) => known.name).join(', ')}, or a weight between, as fixed-0.35.`,
    );
  return method;
}

/** The methods, before each derived one those that it is made from, each once. */
export function withSources(methods: readonly Method[]): readonly Method[] {
  const all = methods.flatMap((method) => [...(method.derived?.from.map(methodNamed) ?? []), method]);
  return all.filter(({ name }, index) => all.findIndex((other) => other.name === name) === index);
}

/**
 * The methods that can be run on the rewards that a study names, with those that derived ones are made from: a weight for each of two says
 * nothing of another number.
 * @returns also a sentence on those that cannot, and on those that nobody asked for; null for neither
 */
export function fitting(
  methods: readonly Method[],
  preset: PresetRef,
  common: ConfigDiff,
): { methods: readonly Method[]; leftOut: string | null } {
  const rewards = rewardsOf(preset, common);
  const fits = ({ diff }: Method) => {
    const changed = typeof diff === 'function' ? {} : diff;
    const { 'popo.rewards': own, 'popo.reward_weights': weights, 'popo.constrained': held } = changed;
    if (held !== undefined && !rewards.includes(held as string)) return false;
    return weights === undefined || own !== undefined || (weights as number[]).length === rewards.length;
  };
  const without = methods.filter((method) => !fits(method)).map(({ name }) => name);
  const all = withSources(methods.filter(fits));
  const asked = new Set(methods.map(({ name }) => name));
  const more = all.map(({ name }) => name).filter((name) => !asked.has(name));
  const notes = [
    without.length > 0 &&
      `Left out, because they weigh two rewards and popo.rewards names ${rewards.length}: ${without.join(', ')}.`,
    more.length > 0 && `Run too, because others are made from them: ${more.join(', ')}.`,
  ].filter((note) => note !== false);
  return { methods: all, leftOut: notes.length === 0 ? null : notes.join(' ') };
}

/** @throws ConfigError when the preset cannot take the change */
export function methodConfig(method: Method, preset: PresetRef, common: ConfigDiff, seed: number): RunConfig {
  const { length } = rewardsOf(preset, common);
  const even: ConfigDiff =
    length === presetConfig(preset).popo.rewards.length
      ? {}
      : { 'popo.reward_weights': new Array<number>(length).fill(1 / length) };
  // Methods differ in what a model says; what that is worth to a ranker would only cost time.
  const shared = { 'ranking.users': 0, ...even, ...common };
  const diff = typeof method.diff === 'function' ? method.diff(applyDiff(preset, shared)) : method.diff;
  return applyDiff(preset, { ...shared, ...diff, seed });
}

/** What rollouts are paid for where a method does not say. */
function rewardsOf(preset: PresetRef, common: ConfigDiff): readonly string[] {
  return (common['popo.rewards'] as string[] | undefined) ?? presetConfig(preset).popo.rewards;
}
