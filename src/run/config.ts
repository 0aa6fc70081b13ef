/**
 * The config of a run: its type, and the schema that anything from outside (a link, a report, `--set`) must pass. Every
 * number has a range, so that a hostile link cannot ask for absurd sizes, and unknown keys are refused. Presets stand in
 * `presets.ts`, readable differences from them in `diff.ts`.
 */
import * as v from 'valibot';
import { MAX_L1 } from '../data/vocabulary';
import type { ModelConfig } from '../model/config';
import { parameterCount } from '../model/parameters';
import { AGGREGATIONS, type Aggregation, type ScaleRewards } from '../popo/advantages';
import type { LossType } from '../popo/objective';
import type { InfluenceEstimate, InfluenceScope } from '../popo/options';
import { REWARDS, type RewardName } from '../popo/rewards';
import { WEIGHTINGS, type Weighting } from '../popo/rules';
import { endpointProblem } from '../sft/endpoint';

export interface RunConfig {
  preset: 'tiny' | 'small' | 'base' | 'medium' | 'large';
  /** Version of the frozen preset that defaults come from. */
  version: 1;
  seed: number;
  data: {
    /** `world` is generated; `import` is a data set of the visitor's, named by its hash. */
    source: 'world' | 'import';
    /** Which embedded world: `tradeoff` (the default) or `hackable`. */
    world: 'tradeoff' | 'hackable';
    num_l1: number;
    items_per_l3: number;
    num_users: number;
    /** Held-out users each for validation and test. */
    num_heldout_users: number;
    /** SHA-256 of an imported data set; empty for a world. */
    sha256: string;
  };
  text: {
    vocab_size: number;
    /** n, behaviours in the prompt, newest first. */
    history_length: number;
    max_prompt_length: number;
    max_completion_length: number;
  };
  model: {
    hidden_size: number;
    num_hidden_layers: number;
    num_attention_heads: number;
    num_key_value_heads: number;
    intermediate_size: number;
    rope_theta: number;
    rms_norm_eps: number;
  };
  optimizer: { beta1: number; beta2: number; eps: number; weight_decay: number; max_grad_norm: number };
  warmup: {
    steps: number;
    batch_size: number;
    learning_rate: number;
    /** Sentences joined to each batch of prompt → answer examples. */
    catalogue_facts: number;
    need_sentences: number;
    catalogue_sentences: number;
  };
  rupr: {
    /** `attributes` is embedded; `openai` is a chat model behind an endpoint; `file` gives CoTs written elsewhere. */
    teacher: 'attributes' | 'openai' | 'file';
    /** Whether the teacher is told the true next item. */
    told: boolean;
    prompts: number;
    /** k chains of thought per prompt. */
    num_cots: number;
    temperature: number;
    /** The endpoint's address and model; empty for other teachers. Its key is no part of a config. */
    url: string;
    model: string;
    /** SHA-256 of the CoTs learnt from, where they are not made here; of `openai`, known after they were asked for. */
    cots_sha256: string;
  };
  orft: {
    /** Which CoTs survive: PPL below the validation median, NLL margin within the prompt, all, or PPL below a number. */
    threshold: 'median' | 'margin' | 'none' | number;
    /** Steps the scorer is tuned on the CoT format before it judges. */
    scorer_steps: number;
  };
  sft: {
    steps: number;
    batch_size: number;
    learning_rate: number /** false: answers only, the control */;
    cot: boolean;
  };
  ranker: {
    steps: number;
    batch_size: number;
    learning_rate: number;
    embedding_size: number;
    /** Last behaviours that target attention looks at; 0: none, and no attention. */
    attended: number;
  };
  encoder: {
    steps: number;
    embedding_size: number;
    /**
     * What measures the semantic reward: the encoder trained on the catalogue, or the Universal Sentence Encoder lite (28 MB, loaded
     * when chosen). Title_Hit-Rate and the features for rankers are always the catalogue encoder's.
     */
    semantic_reward: 'catalogue' | 'use-lite';
  };
  popo: {
    steps: number;
    /** P */
    prompts_per_step: number;
    /** G */
    num_generations: number;
    learning_rate: number;
    /** What a rollout is paid for; see popo/rewards.ts. K is their number. */
    rewards: RewardName[];
    /** See popo/options.ts for this and the six after `eta_over_mu`. */
    weighting: Weighting;
    /** One weight per reward: those of `fixed` and `gdpo`, and w(0) of the others. Sums to 1. */
    reward_weights: number[];
    eta_over_mu: number;
    influence: InfluenceEstimate;
    influence_scope: InfluenceScope;
    influence_prompts: number;
    influence_every: number;
    objective_max_norm: number;
    min_weight: number;
    /** Power of the clamped cosine in the semantic reward; the paper's is 1, which lets a small model collapse. */
    semantic_exponent: number;
    /** Every how many steps each reward's gradient is measured where the weighting does not need it; 0: never. */
    probe_every: number;
    beta: number;
    epsilon: number;
    epsilon_high: number;
    num_iterations: number;
    temperature: number;
    top_k: number;
    loss_type: LossType;
    scale_rewards: ScaleRewards;
    multi_objective_aggregation: Aggregation;
  };
  evaluate: {
    /** Held-out test users of the stage table. */
    users: number;
    /** Held-out validation users of the curves drawn while POPO trains, and every how many steps. */
    curve_users: number;
    curve_every: number;
  };
  ranking: {
    /** People whose requests after training are ranked with and without the model's features; 0: none. */
    users: number;
    /** Of the ranker on the past's impressions, and then of each ranker with other features on the newcomers'. */
    steps: number;
    tuning_steps: number;
    /** Requests a step. */
    batch_size: number;
    learning_rate: number;
    embedding_size: number;
    /** Of the product quantiser: M codes, each one of 2^bits. */
    subspaces: number;
    bits: number;
  };
  /** Kernel variants, pinned so that a link reproduces: chosen per adapter at `auto`, reported resolved. */
  kernels: 'auto' | 'portable' | 'tiled';
}

/** A config that cannot be run; the message says which field, what is wrong with it and what would be right. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Largest model, in weights: 4 pools of f32 (weights, gradient, two moments) are then 1.6 GB. */
const MAX_PARAMETERS = 100_000_000;
/** Longest sequence, prompt and completion together. */
const MAX_SEQUENCE = 4096;
/** Most tokens one training or rollout batch may hold: its activations must fit a device. */
const MAX_BATCH_TOKENS = 4_194_304;
/** Most cells of the offline reward table, CoTs of one run and other things that are held as one array. */
const MAX_CELLS = 100_000_000;

/** Most weights of the codes' embedding table: with its gradient and two moments 256 MB. */
const MAX_CODE_WEIGHTS = 16_777_216;

const whole = (low: number, high: number) =>
  v.pipe(
    v.number(`must be a whole number from ${low} to ${high}`),
    v.check(
      (value) => Number.isInteger(value) && value >= low && value <= high && !Object.is(value, -0),
      `must be a whole number from ${low} to ${high}`,
    ),
  );

const real = (low: number, high: number) =>
  v.pipe(
    v.number(`must be a number from ${low} to ${high}`),
    v.check(
      (value) => value >= low && value <= high && !Object.is(value, -0),
      `must be a number from ${low} to ${high}`,
    ),
  );

const oneOf = <const T extends readonly string[]>(...options: T) =>
  v.picklist(options, `must be one of ${options.join(', ')}`);

const truth = v.boolean('must be true or false');

const hash = v.pipe(
  v.string('must be a SHA-256 in hex, or empty'),
  v.regex(/^(?:[0-9a-f]{64})?$/, 'must be a SHA-256 in hex, or empty'),
);

/** Fields one by one; `rules` below are those that need more than one field. */
const fields = v.strictObject({
  preset: oneOf('tiny', 'small', 'base', 'medium', 'large'),
  version: v.literal(1, 'must be 1, the only version of the presets that this app knows'),
  seed: whole(0, 4_294_967_295),
  data: v.strictObject({
    source: oneOf('world', 'import'),
    world: oneOf('tradeoff', 'hackable'),
    num_l1: whole(1, MAX_L1),
    items_per_l3: whole(1, 64),
    num_users: whole(8, 200_000),
    num_heldout_users: whole(1, 50_000),
    sha256: hash,
  }),
  text: v.strictObject({
    vocab_size: whole(64, 65_536),
    history_length: whole(1, 256),
    max_prompt_length: whole(8, MAX_SEQUENCE),
    max_completion_length: whole(8, 1024),
  }),
  model: v.strictObject({
    hidden_size: whole(8, 2048),
    num_hidden_layers: whole(1, 48),
    num_attention_heads: whole(1, 64),
    num_key_value_heads: whole(1, 64),
    intermediate_size: whole(8, 8192),
    rope_theta: real(10, 10_000_000),
    rms_norm_eps: real(1e-8, 1e-3),
  }),
  optimizer: v.strictObject({
    beta1: real(0, 0.9999),
    beta2: real(0, 0.99999),
    eps: real(1e-12, 1e-3),
    weight_decay: real(0, 1),
    max_grad_norm: real(1e-3, 1e6),
  }),
  warmup: v.strictObject({
    steps: whole(0, 1_000_000),
    batch_size: whole(1, 1024),
    learning_rate: real(0, 1),
    catalogue_facts: whole(0, 256),
    need_sentences: whole(0, 256),
    catalogue_sentences: whole(0, 256),
  }),
  rupr: v.strictObject({
    teacher: oneOf('attributes', 'openai', 'file'),
    told: truth,
    prompts: whole(1, 1_000_000),
    num_cots: whole(1, 16),
    temperature: real(0, 10),
    url: v.pipe(
      v.string('must be a text'),
      v.rawCheck(({ dataset, addIssue }) => {
        const problem = dataset.typed && dataset.value !== '' ? endpointProblem(dataset.value) : null;
        if (problem !== null) addIssue({ message: problem });
      }),
    ),
    model: v.pipe(
      v.string('must be a text'),
      v.regex(/^[\w.:/@+-]{0,120}$/, 'must be at most 120 letters, digits and . _ - : / @ +'),
    ),
    cots_sha256: hash,
  }),
  orft: v.strictObject({
    threshold: v.union(
      [oneOf('median', 'margin', 'none'), real(1, 1e6)],
      'must be median, margin, none, or a perplexity from 1 to 1000000',
    ),
    scorer_steps: whole(0, 100_000),
  }),
  sft: v.strictObject({
    steps: whole(0, 1_000_000),
    batch_size: whole(1, 1024),
    learning_rate: real(0, 1),
    cot: truth,
  }),
  ranker: v.strictObject({
    steps: whole(1, 1_000_000),
    batch_size: whole(1, 65_536),
    learning_rate: real(0, 1),
    embedding_size: whole(1, 512),
    attended: whole(0, 64),
  }),
  encoder: v.strictObject({
    steps: whole(0, 1_000_000),
    embedding_size: whole(1, 1024),
    semantic_reward: v.picklist(['catalogue', 'use-lite']),
  }),
  popo: v.strictObject({
    steps: whole(0, 1_000_000),
    prompts_per_step: whole(1, 1024),
    num_generations: whole(1, 64),
    learning_rate: real(0, 1),
    rewards: v.pipe(
      v.array(oneOf(...REWARDS), `must be a list of ${REWARDS.join(', ')}`),
      v.minLength(1, 'must name at least one reward'),
      v.check((names) => new Set(names).size === names.length, 'must name each reward once'),
    ),
    weighting: oneOf(...WEIGHTINGS),
    reward_weights: v.pipe(v.array(real(0, 1), 'must be a list of weights')),
    eta_over_mu: real(-1000, 1000),
    influence: oneOf('batch', 'halves', 'momentum'),
    influence_scope: oneOf('all', 'last_layer'),
    influence_prompts: whole(0, 1024),
    influence_every: whole(1, 1_000_000),
    objective_max_norm: real(0, 1e6),
    min_weight: real(0, 1),
    semantic_exponent: real(0.1, 10),
    probe_every: whole(0, 1_000_000),
    beta: real(0, 100),
    epsilon: real(0, 10),
    epsilon_high: real(0, 10),
    num_iterations: whole(1, 16),
    temperature: real(0.01, 10),
    top_k: whole(0, 65_536),
    loss_type: oneOf('grpo', 'bnpo', 'dapo', 'dr_grpo'),
    scale_rewards: oneOf('group', 'batch', 'none'),
    multi_objective_aggregation: oneOf(...AGGREGATIONS),
  }),
  evaluate: v.strictObject({
    users: whole(1, 100_000),
    curve_users: whole(1, 10_000),
    curve_every: whole(1, 1_000_000),
  }),
  ranking: v.strictObject({
    users: whole(0, 100_000),
    steps: whole(1, 1_000_000),
    tuning_steps: whole(1, 1_000_000),
    batch_size: whole(1, 4096),
    learning_rate: real(0, 1),
    embedding_size: whole(1, 256),
    subspaces: whole(1, 64),
    bits: whole(1, 12),
  }),
  kernels: oneOf('auto', 'portable', 'tiled'),
});

/** What no single field can say: [path, rule, message]. */
const RULES: [string, (config: RunConfig) => boolean, string][] = [
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
    'model.num_attention_heads',
    ({ model }) => (model.hidden_size / model.num_attention_heads) % 4 === 0,
    'must divide hidden_size into heads whose width is a multiple of 4, because kernels read four numbers at a time',
  ],
  [
    'model.intermediate_size',
    ({ model }) => model.intermediate_size % 4 === 0,
    'must be a multiple of 4, because kernels read four numbers at a time',
  ],
  [
    'model.num_key_value_heads',
    ({ model }) => model.num_attention_heads % model.num_key_value_heads === 0,
    'must divide num_attention_heads',
  ],
  [
    'text.max_prompt_length',
    ({ text }) => text.max_prompt_length + text.max_completion_length <= MAX_SEQUENCE,
    `and max_completion_length together must be at most ${MAX_SEQUENCE}`,
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
    `asks with prompts_per_step for a batch of more than ${MAX_BATCH_TOKENS} tokens`,
  ],
  [
    'data.items_per_l3',
    ({ data }) => data.num_l1 * 16 * data.items_per_l3 <= 100_000,
    'asks with num_l1 for more than 100000 items',
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
    `asks with subspaces and embedding_size for more than ${MAX_CODE_WEIGHTS} weights of codes (subspaces · 2^bits · embedding_size)`,
  ],
  [
    'ranking.batch_size',
    ({ ranking }) =>
      ranking.users === 0 || ranking.batch_size * ranking.subspaces * 2 ** ranking.bits <= MAX_CELLS,
    `asks with subspaces and bits for a batch of more than ${MAX_CELLS} cells (batch_size · subspaces · 2^bits)`,
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
    'popo.min_weight',
    ({ popo }) => popo.min_weight * popo.reward_weights.length <= 1,
    'must be at most 1 divided by the number of rewards',
  ],
  [
    'popo.influence',
    ({ popo }) => popo.influence !== 'halves' || popo.prompts_per_step > 1,
    'can be halves only with at least 2 prompts_per_step',
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
  const result = v.safeParse(fields, input);
  if (!result.success) {
    const [issue] = result.issues;
    const path = v.getDotPath(issue) ?? 'config';
    throw new ConfigError(
      issue.type === 'strict_object' ? describeKey(issue, path) : `${path} ${issue.message}.`,
    );
  }
  const config: RunConfig = result.output;
  for (const [path, holds, message] of RULES) {
    if (!holds(config)) throw new ConfigError(`${path} ${message}.`);
  }
  return config;
}

function describeKey(issue: { expected: string | null }, path: string): string {
  if (issue.expected === 'never') return `${path} is not a field of the config.`;
  return `${path} is missing or is not an object.`;
}
