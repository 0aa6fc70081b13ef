/**
 * The config of a run, and what anything from outside (a link, a report, `--set`) must pass to be one. Every number has a range,
 * so that a hostile link cannot ask for absurd sizes, and unknown keys are refused. Fields stand one by one in `fields`; here are
 * the rules that need more than one. Presets stand in `presets.ts`, readable differences from them in `diff.ts`.
 */
import * as v from 'valibot';
import type { ModelConfig } from '../model/config';
import { parameterCount } from '../model/parameters';
import { ruleOf } from '../popo/rules';
import type { ConfigPath, RunConfig } from './fields/list';
import { treeOf } from './fields/paths';
import { RANKING_BEFORE } from './fields/ranking';
import { MAX_SEQUENCE } from './fields/text';

export type { ConfigPath, RunConfig };

/** A config that cannot be run; the message says which field, what is wrong with it and what would be right. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Largest model, in weights: 4 pools of f32 (weights, gradient, two moments) are then 1.6 GB. */
const MAX_PARAMETERS = 100_000_000;
/** Most tokens one training or rollout batch may hold: its activations must fit a device. */
const MAX_BATCH_TOKENS = 4_194_304;
/** Most chains of thought of one run: what a page can hold and read through, and a hundred times what a preset asks for. */
const MAX_COTS = 2_000_000;
/** Most cells of the offline reward table and of other things that are held as one array. */
const MAX_CELLS = 100_000_000;
/** Most weights of the codes' embedding table: with its gradient and two moments 256 MB. */
const MAX_CODE_WEIGHTS = 16_777_216;

const SCHEMA = v.strictObject(treeOf<v.GenericSchema>(({ kind }) => kind.schema, v.strictObject));

/** What no single field can say: [path, rule, message]. */
const RULES: [ConfigPath, (config: RunConfig) => boolean, string][] = [
  [
    'data.sha256',
    ({ data }) => (data.source === 'import') === (data.sha256 !== ''),
    'must name the imported data set, and be empty for a world',
  ],
  [
    'rupr.url',
    ({ rupr }) => (rupr.teacher === 'openai') === (rupr.url !== ''),
    'must be the address of the teacher openai, and be empty for others',
  ],
  [
    'rupr.model',
    ({ rupr }) => (rupr.teacher === 'openai') === (rupr.model !== ''),
    'must name the model of the teacher openai, and be empty for others',
  ],
  [
    'rupr.cots_sha256',
    ({ rupr }) => rupr.teacher === 'openai' || (rupr.teacher === 'file') === (rupr.cots_sha256 !== ''),
    'must name the CoTs of the teacher file (add a JSONL file of them), and be empty for attributes',
  ],
  [
    'rupr.prompts',
    ({ rupr }) => rupr.prompts * rupr.num_cots <= MAX_COTS,
    `and rupr.num_cots together must be at most ${MAX_COTS} CoTs`,
  ],
  [
    'model.num_attention_heads',
    ({ model }) => (model.hidden_size / model.num_attention_heads) % 4 === 0,
    'must divide model.hidden_size into heads whose width is a multiple of 4, because kernels read four numbers at a time',
  ],
  [
    'model.intermediate_size',
    ({ model }) => model.intermediate_size % 4 === 0,
    'must be a multiple of 4, because kernels read four numbers at a time',
  ],
  [
    'model.num_key_value_heads',
    ({ model }) => model.num_attention_heads % model.num_key_value_heads === 0,
    'must divide model.num_attention_heads',
  ],
  [
    'evaluate.sasrec_hidden_size',
    ({ evaluate }) => evaluate.sasrec_hidden_size % 4 === 0,
    'must be a multiple of 4, because kernels read four numbers at a time',
  ],
  [
    'text.max_prompt_length',
    ({ text }) => text.max_prompt_length + text.max_completion_length <= MAX_SEQUENCE,
    `and text.max_completion_length together must be at most ${MAX_SEQUENCE}`,
  ],
  [
    'model.hidden_size',
    (config) =>
      parameterCount(modelShape(config, config.text.vocab_size, sequenceLength(config))) <= MAX_PARAMETERS,
    `asks with the other sizes for a model of more than ${MAX_PARAMETERS / 1e6} million weights`,
  ],
  [
    'warmup.batch_size',
    (config) => warmupRows(config) * sequenceLength(config) <= MAX_BATCH_TOKENS,
    `asks for a batch of more than ${MAX_BATCH_TOKENS} tokens`,
  ],
  [
    'sft.batch_size',
    (config) => config.sft.batch_size * sequenceLength(config) <= MAX_BATCH_TOKENS,
    `asks for a batch of more than ${MAX_BATCH_TOKENS} tokens`,
  ],
  [
    'popo.num_generations',
    (config) =>
      config.popo.prompts_per_step * config.popo.num_generations * sequenceLength(config) <= MAX_BATCH_TOKENS,
    `asks with popo.prompts_per_step for a batch of more than ${MAX_BATCH_TOKENS} tokens`,
  ],
  [
    'data.items_per_l3',
    ({ data }) => data.world === 'compatibility' || data.num_l1 * 16 * data.items_per_l3 <= 100_000,
    'asks with data.num_l1 for more than 100000 items',
  ],
  [
    'data.num_users',
    ({ data }) =>
      (data.num_users + 2 * data.num_heldout_users) * data.num_l1 * 16 * data.items_per_l3 <= 40 * MAX_CELLS,
    'asks with the number of items for a world that is too large for a browser tab',
  ],
  [
    'ranking.subspaces',
    ({ ranking, encoder }) => ranking.users === 0 || ranking.subspaces <= encoder.embedding_size,
    'must be at most encoder.embedding_size, whose numbers it divides',
  ],
  [
    'ranking.bits',
    ({ ranking }) =>
      ranking.users === 0 ||
      ranking.subspaces * 2 ** ranking.bits * ranking.embedding_size <= MAX_CODE_WEIGHTS,
    `asks with ranking.subspaces and ranking.embedding_size for more than ${MAX_CODE_WEIGHTS} weights of codes`,
  ],
  [
    'ranking.batch_size',
    ({ ranking }) =>
      ranking.users === 0 || ranking.batch_size * ranking.subspaces * 2 ** ranking.bits <= MAX_CELLS,
    `asks with ranking.subspaces and ranking.bits for a batch of more than ${MAX_CELLS} cells`,
  ],
  [
    'popo.reward_weights',
    ({ popo }) => popo.reward_weights.length === popo.rewards.length,
    'must hold one weight for each of popo.rewards',
  ],
  [
    'popo.reward_weights',
    ({ popo }) => Math.abs(popo.reward_weights.reduce((a, b) => a + b, 0) - 1) < 1e-6,
    'must sum to 1',
  ],
  [
    'popo.keep',
    ({ popo }) => popo.keep === 'last' || ruleOf(popo.weighting).draw === undefined,
    'must be last where popo.weighting is conditioned, because its ends are kept as they are after the last step',
  ],
  [
    'popo.min_weight',
    ({ popo }) => popo.min_weight * popo.reward_weights.length <= 1,
    'must be at most 1 divided by the number of rewards',
  ],
  [
    'popo.constrained',
    ({ popo }) => popo.weighting !== 'constraint' || popo.rewards.includes(popo.constrained),
    'must be one of popo.rewards where popo.weighting is constraint',
  ],
  [
    'popo.influence',
    ({ popo }) => popo.influence !== 'halves' || popo.prompts_per_step > 1,
    'can be halves only where popo.prompts_per_step is at least 2',
  ],
  [
    'popo.influence_prompts',
    ({ popo }) => popo.influence_prompts <= popo.prompts_per_step,
    'must be at most popo.prompts_per_step',
  ],
  [
    'popo.influence_prompts',
    ({ popo }) => popo.influence !== 'halves' || popo.influence_prompts !== 1,
    'must be 0 or at least 2 where popo.influence is halves, which measures one half on the other',
  ],
  [
    'popo.objective_max_norm',
    ({ popo }) => popo.influence === 'batch' || popo.objective_max_norm === 0,
    'must be 0 unless popo.influence is batch, because only there every gradient is at hand',
  ],
];

/** Longest sequence that a run may have; the data's longest prompt may make it less. */
export function sequenceLength(config: RunConfig): number {
  return config.text.max_prompt_length + config.text.max_completion_length;
}

/** Rows of one warm-up batch, were none of its sentences packed together. */
function warmupRows({ warmup }: RunConfig): number {
  return warmup.batch_size + warmup.catalogue_facts + warmup.need_sentences + warmup.catalogue_sentences;
}

/**
 * The model's shape, once the data has said how many tokens there are and how long its sequences are. The vocabulary is
 * rounded up to a multiple of 4, which kernels need; the tokens added never occur.
 */
export function modelShape(
  config: RunConfig,
  vocabSize: number,
  length = sequenceLength(config),
): ModelConfig {
  return { ...config.model, vocab_size: Math.ceil(vocabSize / 4) * 4, max_position_embeddings: length };
}

/**
 * Checks a value from outside. Every problem is named by its path.
 * @throws {ConfigError} with one sentence that names the first wrong field.
 */
export function parseConfig(input: unknown): RunConfig {
  const result = v.safeParse(SCHEMA, completed(input));
  if (!result.success) {
    const [issue] = result.issues;
    const path = v.getDotPath(issue) ?? 'config';
    throw new ConfigError(
      issue.type === 'strict_object' ? describeKey(issue, path) : `${path} ${issue.message}.`,
    );
  }
  // The type is inferred from the very entries that the schema is made of.
  const config = result.output as unknown as RunConfig;
  for (const [path, holds, message] of RULES) {
    if (!holds(config)) throw new ConfigError(`${path} ${message}.`);
  }
  return config;
}

/** A config that was kept before some fields came, with these as they were in effect; any other as it is. */
export function completed(config: unknown): unknown {
  if (!isRecord(config) || !isRecord(config.ranking)) return config;
  const lacksAll = Object.keys(RANKING_BEFORE).every(
    (name) => !Object.hasOwn(config.ranking as object, name),
  );
  return lacksAll ? { ...config, ranking: { ...config.ranking, ...RANKING_BEFORE } } : config;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function describeKey(issue: { expected: string | null }, path: string): string {
  if (issue.expected === 'never') return `${path} is not a field of the config.`;
  return `${path} is missing or is not an object.`;
}
