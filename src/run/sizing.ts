/**
 * `auto`: a config whose size follows the data. It is a preset with readable differences from it, so that a link says what was
 * chosen, and these rules may become better without any link meaning something else.
 */
import { ruleOf } from '../popo/rules';
import type { RunConfig } from './config';
import { applyDiff, type ConfigDiff } from './diff';
import { type PresetName, presetConfig } from './presets';

/** What is known of a data set before it is trained on. */
export interface DataSize {
  items: number;
  /** Examples in train, validation and test. */
  examples: readonly [train: number, validation: number, test: number];
}

/** What `auto` leaves as it was chosen. */
type Chosen = Pick<RunConfig, 'seed' | 'data'> & { popo: Pick<RunConfig['popo'], 'weighting'> };

/** Training examples from which on a preset has enough to learn from. */
const ENOUGH: readonly (readonly [PresetName, number])[] = [
  ['medium', 500_000],
  ['base', 50_000],
  ['small', 5000],
  ['tiny', 0],
];
/** How often warm-up describes each item, on average; a small preset describes its own worlds' items far more often. */
const DESCRIPTIONS = 8;
/** Warm-up is lengthened by so much at most. */
const LONGEST = 4;
/** Most tokens: more make the last layer the largest part of a small model. */
const MOST_TOKENS = 4096;
/** Users that choose between points of alignment and that results are told of, where there are so many. */
const VALIDATION_USERS = 256;
const TEST_USERS = 1000;

/**
 * @param isSlow whether a processor trains, which gets the smallest preset
 * @returns `chosen`, with everything else sized
 */
export function sizedConfig({ items, examples }: DataSize, isSlow: boolean, chosen: Chosen): RunConfig {
  const [train, validation, test] = examples;
  const preset = {
    preset: isSlow ? 'tiny' : ENOUGH.find(([, least]) => train >= least)![0],
    version: 2,
  } as const;
  const usual = presetConfig(preset);
  const { steps, catalogue_facts } = usual.warmup;
  const wanted = Math.ceil((DESCRIPTIONS * items) / catalogue_facts);
  const diff: ConfigDiff = {
    seed: chosen.seed,
    'popo.weighting': chosen.popo.weighting,
    // Titles of a large catalogue share fewer pieces of words.
    'text.vocab_size': within(2 ** Math.round(Math.log2(items / 2)), usual.text.vocab_size, MOST_TOKENS),
    'warmup.steps': within(100 * Math.ceil(wanted / 100), steps, LONGEST * steps),
    'rupr.prompts': within(train, 1, usual.rupr.prompts),
    // In real data a few items sell best to everybody: popularity is not paid for, and what collapses is not handed over.
    'ranker.reward': 'lift',
    'popo.keep': ruleOf(chosen.popo.weighting).draw === undefined ? 'best' : 'last',
    'evaluate.users': within(test, 1, TEST_USERS),
    'evaluate.curve_users': within(validation, 1, VALIDATION_USERS),
  };
  for (const field of ['source', 'world', 'sha256', 'map'] as const)
    diff[`data.${field}`] = chosen.data[field];
  return applyDiff(preset, diff);
}

function within(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** Whether a config is the one that `auto` would choose. */
export function isSized(config: RunConfig, data: DataSize, isSlow: boolean): boolean {
  return JSON.stringify(sizedConfig(data, isSlow, config)) === JSON.stringify(config);
}
