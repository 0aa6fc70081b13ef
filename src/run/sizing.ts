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
  users: number;
  items: number;
  /** Rows that were kept. */
  interactions: number;
  /** Examples in train, validation and test. */
  examples: readonly [train: number, validation: number, test: number];
}

/** What is known of what trains. */
export interface SizedDevice {
  /** A processor, which gets the smallest preset. */
  isSlow: boolean;
  /** Of WebGPU, by name; those that are not told are taken for large. */
  limits: Readonly<Record<string, number>>;
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
/** More examples of one user say little that is new, so no more are counted. */
const EXAMPLES_OF_A_USER = 50;
/** Bytes of a storage binding that every adapter has; one that has no more is a small one, and gets `small` at most. */
const LEAST_BINDING = 128 * 1024 * 1024;
/** How often alignment asks each user, on average and at most. */
const ALIGNMENTS_OF_A_USER = 8;
/** How often the ranker of the ID reward sees each row, at least. */
const PASSES = 2;
/** How often warm-up describes each item, on average; a small preset describes its own worlds' items far more often. */
const DESCRIPTIONS = 8;
/** Warm-up and the ranker are lengthened by so much at most. */
const LONGEST = 4;
/** Most tokens: more make the last layer the largest part of a small model. */
const MOST_TOKENS = 4096;
/** Users that choose between points of alignment and that results are told of, where there are so many. */
const VALIDATION_USERS = 256;
const TEST_USERS = 1000;

/** @returns `chosen`, with everything else sized */
export function sizedConfig(data: DataSize, device: SizedDevice, chosen: Chosen): RunConfig {
  const { users, items, interactions, examples } = data;
  const [train, validation, test] = examples;
  const preset = { preset: sizedPreset(data, device), version: 2 } as const;
  const usual = presetConfig(preset);
  const { steps, catalogue_facts } = usual.warmup;
  const { ranker, popo, ranking } = usual;
  const hundreds = (steps: number) => 100 * Math.ceil(steps / 100);
  const wanted = Math.ceil((DESCRIPTIONS * items) / catalogue_facts);
  const diff: ConfigDiff = {
    seed: chosen.seed,
    'popo.weighting': chosen.popo.weighting,
    // Titles of a large catalogue share fewer pieces of words.
    'text.vocab_size': within(2 ** Math.round(Math.log2(items / 2)), usual.text.vocab_size, MOST_TOKENS),
    'warmup.steps': within(hundreds(wanted), steps, LONGEST * steps),
    'rupr.prompts': within(train, 1, usual.rupr.prompts),
    // In real data a few items sell best to everybody: popularity is not paid for, and what collapses is not handed over.
    'ranker.reward': 'lift',
    'ranker.steps': within(
      hundreds((PASSES * interactions) / ranker.batch_size),
      ranker.steps,
      LONGEST * ranker.steps,
    ),
    'popo.steps': within(Math.ceil((ALIGNMENTS_OF_A_USER * users) / popo.prompts_per_step), 1, popo.steps),
    'ranking.users': within(users, 1, ranking.users),
    'popo.keep': ruleOf(chosen.popo.weighting).draw === undefined ? 'best' : 'last',
    'evaluate.users': within(test, 1, TEST_USERS),
    'evaluate.curve_users': within(validation, 1, VALIDATION_USERS),
  };
  for (const field of ['source', 'world', 'sha256', 'map'] as const)
    diff[`data.${field}`] = chosen.data[field];
  return applyDiff(preset, diff);
}

function sizedPreset({ users, examples: [train] }: DataSize, device: SizedDevice): PresetName {
  if (device.isSlow) return 'tiny';
  const telling = Math.min(train, EXAMPLES_OF_A_USER * users);
  const enough = ENOUGH.findIndex(([, least]) => telling >= least);
  const most = isSmallDevice(device) ? ENOUGH.findIndex(([name]) => name === 'small') : 0;
  return ENOUGH[Math.max(enough, most)][0];
}

/** Whether it has no larger bindings than every adapter has. */
export function isSmallDevice({ limits }: SizedDevice): boolean {
  return (limits.maxStorageBufferBindingSize ?? Number.POSITIVE_INFINITY) <= LEAST_BINDING;
}

function within(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** Whether a config is the one that `auto` would choose. */
export function isSized(config: RunConfig, data: DataSize, device: SizedDevice): boolean {
  return JSON.stringify(sizedConfig(data, device, config)) === JSON.stringify(config);
}
