/** The methods that a study compares, each as what it changes in a preset, and what of each the paper reports. */
import type { RunConfig } from '../run/config';
import { applyDiff, type ConfigDiff } from '../run/diff';
import type { PresetName } from '../run/presets';

export interface Method {
  name: string;
  diff: ConfigDiff;
  /** The row of a run's stage table that is this method's result. */
  row: 'warmup' | 'sft' | 'popo';
}

/** RL's length stays in the config of what needs none, since the draw of examples reads it. */
const stage = (name: string, row: Method['row'], diff: ConfigDiff = {}): Method => ({ name, row, diff });
const rl = (name: string, diff: ConfigDiff): Method => stage(name, 'popo', diff);
const fixed = (semantic: number): Method =>
  rl(`fixed-${semantic}`, {
    'popo.weighting': 'fixed',
    'popo.reward_weights': [semantic, 1 - semantic],
  });

/** In the order in which they share most of the way. */
export const METHODS: readonly Method[] = [
  stage('backbone', 'warmup'),
  stage('orft', 'sft'),
  rl('popo', { 'popo.weighting': 'popo' }),
  rl('popo-light', { 'popo.weighting': 'popo-light' }),
  ...[0, 0.25, 0.5, 0.75, 1].map(fixed),
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
  return applyDiff(preset, { 'ranking.users': 0, ...common, ...method.diff, seed });
}

export interface Comparison {
  table: 1 | 3 | 4;
  method: string;
  control: string;
  /** Relative change that the paper reports, by metric. */
  paper: Partial<
    Record<
      'Category_L1_ACC' | 'Category_L3_ACC' | 'Title_Hit-Rate@50' | 'Title_Hit-Rate@100' | 'CTCVR',
      number
    >
  >;
}

/** Of the paper's tables: see the design's figures; entries it does not give stay out. */
export const COMPARISONS: readonly Comparison[] = [
  {
    table: 1,
    method: 'orft',
    control: 'backbone',
    paper: {
      Category_L1_ACC: 0.2012 / 0.156 - 1,
      Category_L3_ACC: 0.0245 / 0.0251 - 1,
      'Title_Hit-Rate@50': 0.0449 / 0.0496 - 1,
      'Title_Hit-Rate@100': 0.0606 / 0.0646 - 1,
      CTCVR: 0.003723 / 0.003417 - 1,
    },
  },
  {
    table: 1,
    method: 'popo',
    control: 'orft',
    paper: {
      Category_L1_ACC: 0.2433 / 0.2012 - 1,
      Category_L3_ACC: 0.0347 / 0.0245 - 1,
      'Title_Hit-Rate@50': 0.0567 / 0.0449 - 1,
      'Title_Hit-Rate@100': 0.072 / 0.0606 - 1,
      CTCVR: 0.003816 / 0.003723 - 1,
    },
  },
  {
    table: 1,
    method: 'popo',
    control: 'popo-light',
    paper: {
      Category_L1_ACC: 0.2433 / 0.2347 - 1,
      Category_L3_ACC: 0.0347 / 0.0307 - 1,
      'Title_Hit-Rate@50': 0.0567 / 0.0558 - 1,
      'Title_Hit-Rate@100': 0.072 / 0.0762 - 1,
      CTCVR: 0.003816 / 0.003802 - 1,
    },
  },
  {
    table: 3,
    method: 'unfiltered',
    control: 'untold',
    paper: { Category_L1_ACC: 0.198, Category_L3_ACC: 0.324 },
  },
  {
    table: 4,
    method: 'popo',
    control: 'fixed-0.5',
    paper: { Category_L1_ACC: 0.116, Category_L3_ACC: 0.29, CTCVR: 0.0074 },
  },
];
