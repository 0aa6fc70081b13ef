/** The methods that a study compares, each as what it changes in a preset. */
import type { RunConfig } from '../run/config';
import { applyDiff, type ConfigDiff } from '../run/diff';
import type { PresetName } from '../run/presets';

export interface Method {
  name: string;
  diff: ConfigDiff | ((config: RunConfig) => ConfigDiff);
  /** The row of a run's stage table that is this method's result. */
  row: 'warmup' | 'sft' | 'popo';
}

/** RL's length stays in the config of what needs none, since the draw of examples reads it. */
const stage = (name: string, row: Method['row'], diff: Method['diff'] = {}): Method => ({ name, row, diff });
const rl = (name: string, diff: ConfigDiff): Method => stage(name, 'popo', diff);
const fixed = (semantic: number): Method =>
  rl(`fixed-${semantic}`, {
    'popo.weighting': 'fixed',
    'popo.reward_weights': [semantic, 1 - semantic],
  });

/** Weights that never move; together they draw the empirical front. */
export const SWEEP: readonly Method[] = [0, 0.25, 0.5, 0.75, 1].map(fixed);

/** The rewards' weighted geometric mean in the place of their weighted sum. */
const geometric = (name: string, diff: ConfigDiff): Method =>
  rl(name, { 'popo.multi_objective_aggregation': 'multiply_then_normalize', ...diff });

/** In the order in which they share most of the way. */
export const METHODS: readonly Method[] = [
  stage('backbone', 'warmup'),
  stage('orft', 'sft'),
  rl('popo', { 'popo.weighting': 'popo' }),
  rl('popo-light', { 'popo.weighting': 'popo-light' }),
  ...SWEEP,
  ...[0.25, 0.5, 0.75].map((semantic) =>
    geometric(`geometric-${semantic}`, {
      'popo.weighting': 'fixed',
      'popo.reward_weights': [semantic, 1 - semantic],
    }),
  ),
  geometric('popo-geometric', { 'popo.weighting': 'popo' }),
  rl('fixed-advantages', {
    'popo.weighting': 'fixed',
    'popo.multi_objective_aggregation': 'sum_of_advantages',
  }),
  rl('gdpo', { 'popo.weighting': 'gdpo' }),
  rl('mgda', { 'popo.weighting': 'mgda' }),
  rl('popo-halves', { 'popo.weighting': 'popo', 'popo.influence': 'halves' }),
  rl('popo-inverse', { 'popo.weighting': 'popo', 'popo.eta_over_mu': -0.1 }),
  stage('answers-only', 'sft', { 'sft.cot': false }),
  stage('answers-only-all', 'sft', { 'sft.cot': false, 'orft.threshold': 'none' }),
  // Reasoning makes a sequence less than twice as long: here answers alone have had the greater compute.
  stage('answers-only-twice', 'sft', ({ sft }) => ({
    'sft.cot': false,
    'orft.threshold': 'none',
    'sft.steps': 2 * sft.steps,
  })),
  stage('orft-margin', 'sft', { 'orft.threshold': 'margin' }),
  stage('unfiltered', 'sft', { 'orft.threshold': 'none' }),
  stage('untold', 'sft', { 'rupr.told': false, 'orft.threshold': 'none' }),
];

/** @throws Error for a name that no method has */
export function methodNamed(name: string): Method {
  const method = METHODS.find((known) => known.name === name);
  if (method === undefined)
    throw new Error(
      `There is no method ${name}: choose from ${METHODS.map((known) => known.name).join(', ')}.`,
    );
  return method;
}

/** @throws ConfigError when the preset cannot take the change */
export function methodConfig(
  method: Method,
  preset: PresetName,
  common: ConfigDiff,
  seed: number,
): RunConfig {
  // Methods differ in what a model says; what that is worth to a ranker would only cost time.
  const shared = { 'ranking.users': 0, ...common };
  const diff = typeof method.diff === 'function' ? method.diff(applyDiff(preset, shared)) : method.diff;
  return applyDiff(preset, { ...shared, ...diff, seed });
}
