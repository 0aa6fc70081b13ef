/**
 * What a run will take, before it is begun: bytes on the device, bytes of the page, seconds. It is a function of the config and,
 * where they are known, of the data's numbers; `refusal` compares it with a device.
 *
 * Bytes on the device follow the engine's own buffers (plans.ts, training.ts, scoring.ts, generate.ts); what a stage allocates goes at its
 * end. How long texts are is known once the tokenizer is trained; before, it is guessed. On the generated marketplace
 * the guess is within a factor of 2 of what is planned; of imported texts it goes by their letters, and by half of the config's limits
 * where those are not known.
 * Bytes of the page are rougher, and seconds are the least that is thinkable: only what is hopeless is refused for them.
 */
import type { TextLengths } from '../data/textLengths';
import { BYTES_OF, TUNINGS } from '../gpu/kernels/tuning';
import { headDim, type ModelConfig } from '../model/config';
import { packedLength } from '../model/packing';
import { parameterCount, parameterTable } from '../model/parameters';
import {
  type GeneratorShape,
  keptBytes,
  layerFloats,
  type PlannedModel,
  planGeneration,
  planScoring,
  planTraining,
  roomOf,
  sliceBytes,
  sumFloats,
} from '../model/plans';
import { everMeasured } from '../popo/policy';
import { ruleOf } from '../popo/rules';
import { catalogueSize } from './catalogueSize';
import { ConfigError, modelShape, type RunConfig } from './config';
import type { ConfigPath } from './fields/list';
import type { DeviceInfo } from './report';

/** A part of what a run takes, with the field that it follows most closely. */
interface BudgetPart {
  what: string;
  field: ConfigPath;
  amount: number;
  /** The stage that it belongs to, with which it goes; none: it stays. */
  stage?: 'warmup' | 'sft' | 'popo';
}

export interface Budget {
  /** Bytes of the engine's buffers, and of the largest single one of each part. */
  device: BudgetPart[];
  largest: BudgetPart[];
  /** Bytes that the page itself holds. */
  page: BudgetPart[];
  /** Operations on floats; requests to an endpoint, 4 at a time, count as seconds of waiting. */
  operations: BudgetPart[];
  waiting: BudgetPart[];
}

/** What is known of imported data. */
export interface DataNumbers {
  users: number;
  items: number;
  interactions: number;
  lengths?: TextLengths;
}

/** What the tokenizer made of the data. */
export interface TextNumbers {
  /** Tokens of the longest prompt and of the longest completion. */
  prompt: number;
  completion: number;
  vocabulary: number;
  /** Rows that a warm-up batch has beside its examples. */
  packedRows: number;
}

/** What is known beyond the config, as far as it is. */
export interface KnownNumbers {
  data?: DataNumbers | null;
  text?: TextNumbers;
  /** Those in use. */
  kernels?: RunConfig['kernels'];
  /** Of the device: with little room, things are done in turns. */
  limits?: DeviceInfo['limits'];
}

/** What it is compared with. */
export interface BudgetLimits {
  device: Pick<DeviceInfo, 'backend' | 'limits'>;
  /** GiB of memory, as `navigator.deviceMemory` rounds them; null where nobody says. */
  memory: number | null;
}

const GIB = 2 ** 30;
/** Share of the device's memory that a page is given here, and what it is given where nobody says how much there is. */
const PAGE_SHARE = 0.5;
const PAGE_BYTES = 4 * GIB;
/** Most bytes of all buffers, in largest buffers that the GPU allows: WebGPU tells of no memory. */
const BUFFERS = 8;
/** Operations on floats a second, of the quickest GPU and of a processor. */
const GPU_SPEED = 2e13;
const PROCESSOR_SPEED = 1e11;
/** Longest run, in seconds: 30 days. */
const LONGEST = 30 * 86_400;
/** Seconds of one answer of a quick endpoint, and answers at a time. */
const ANSWER_SECONDS = 0.25;
const CONCURRENCY = 4;

/** Tokens of the generated marketplace: of a behaviour, of a profile, of reasoning with its answer. */
const WORLD_TOKENS = { behaviour: 7, profile: 5, completion: 20 };
/** Of texts that were imported: letters of a token, and tokens of a completion beside its item. */
const LETTERS = 4;
const FORM_TOKENS = 20;
/** How many its tokenizer learns: those of every shop, those of each broadest category, and of all that there are. */
const WORLD_VOCABULARY = { all: 80, perL1: 50, most: 480 };
/** Tokens of a sentence that warm-up packs. */
const SENTENCE_TOKENS = 17;

/** Behaviours of a shopper of the generated marketplace. */
const WORLD_BEHAVIOURS = 18;
/** Tokens that the tokenizer of the world `compatibility` learns beside the names of its devices. */
const COMPATIBILITY_VOCABULARY = 260;
/** Bytes of a user and of each behaviour, with its example; of a CoT beside its tokens; of a request that is ranked. */
const USER_BYTES = 400;
const BEHAVIOUR_BYTES = 160;
const COT_BYTES = 700;
const REQUEST_BYTES = 6000;
/** Cells of the reward table, at most (stages/data.ts). */
const MAX_TABLE_CELLS = 100_000_000;

/**
 * Bytes of the engine's parts for a model of this shape. `kernels: auto` is taken for the larger, tiled ones.
 * @param limits of the device; none: there is room for all at once
 */
export function engineBytes(
  shape: ModelConfig,
  kernels: RunConfig['kernels'],
  limits: DeviceInfo['limits'] = {},
) {
  const { hidden_size: D, intermediate_size: F, vocab_size: V, num_hidden_layers: layers } = shape;
  const tuning = TUNINGS[kernels === 'auto' ? 'tiled' : kernels];
  const heads = {
    heads: shape.num_attention_heads,
    kvHeads: shape.num_key_value_heads,
    headDim: headDim(shape),
  };
  const W = D + 2 * heads.kvHeads * heads.headDim;
  const table = parameterTable(shape);
  const { poolSize, decayedSize } = table;
  const { maxBufferSize = 2 ** 40, maxStorageBufferBindingSize = 2 ** 40 } = limits;
  const planned: PlannedModel = {
    tuning,
    sizes: { D, F, V, W, layers, heads, eps: shape.rms_norm_eps },
    table,
    room: roomOf({ maxBufferSize, maxStorageBufferBindingSize }),
    trained: { from: 0, to: poolSize },
  };
  /** Weights the other way round, which the plain kernels write for each product. */
  const scratch = (columns: number) => (tuning.isTiled ? 4 : D * Math.max(columns, W, 2 * F));
  const bytes = (floats: number) => 4 * floats;
  const rounded = BYTES_OF.f16 * decayedSize;
  const read = tuning.dtype === 'f32' ? bytes(poolSize) : 2 * rounded + bytes(poolSize - decayedSize);
  return {
    pool: bytes(poolSize),
    /** Weights, what of them and of the reference is read, gradient, two moments. */
    model: bytes(4 * poolSize + shape.max_position_embeddings * heads.headDim) + read,
    training(batch: number, length: number) {
      const rows = batch * length;
      const items = Math.ceil(rows / 64) + Math.min(V, rows);
      const { columns, keep, slices } = planTraining(planned, rows);
      const head = D + 1 + columns + sumFloats(tuning, planned.sizes, columns) + 8;
      const ofLayers = keep === 'all' ? keptBytes(tuning, planned.sizes) : bytes(layerFloats(planned.sizes));
      const kept = rows * ((layers + 1) * D + head);
      const wide = keep === 'residual' && F >= W ? 0 : Math.max(F, W);
      const gateUp = keep === 'residual' ? 0 : 2 * F;
      const backward = rows * (2 * D + gateUp + wide + heads.heads) + items * (2 + D) + V;
      const { matrices, norms } = sliceBytes(slices);
      return rows * ofLayers + bytes(kept + backward + 12 * rows + scratch(columns)) + matrices + norms;
    },
    largest: (rows: number) => planTraining(planned, rows).largest,
    /** Of an update's own lists: they score in what the step has. */
    policy: (rows: number) => bytes(rows * (2 * D + 1 + 14)),
    scoring(size: number, length: number) {
      const { columns, bytes: turn } = planScoring(planned, { size, length });
      return turn + bytes(scratch(columns));
    },
    generation: (o: GeneratorShape) => planGeneration(planned, o).bytes + bytes(scratch(V)),
  };
}

function guessedText({ data, text, rupr, warmup }: RunConfig, lengths: TextLengths | undefined): TextNumbers {
  const { all, perL1, most } = WORLD_VOCABULARY;
  const isWorld = data.source === 'world';
  const told = isWorld
    ? { ...WORLD_TOKENS, history: text.history_length }
    : lengths && {
        behaviour: 1 + lengths.item / LETTERS,
        profile: lengths.profile / LETTERS,
        completion: FORM_TOKENS + lengths.longestItem / LETTERS,
        history: Math.min(text.history_length, lengths.history),
      };
  // Reasoning from outside is cut at the limit.
  const completion = rupr.teacher === 'attributes' ? told?.completion : text.max_completion_length;
  const within = (limit: number, tokens = limit / 2) => Math.min(limit, Math.ceil(tokens));
  const guess = {
    prompt: within(text.max_prompt_length, told && told.profile + told.behaviour * told.history),
    completion: within(text.max_completion_length, completion),
    vocabulary: !isWorld
      ? text.vocab_size
      : data.world === 'compatibility'
        ? Math.min(text.vocab_size, data.devices + COMPATIBILITY_VOCABULARY)
        : Math.min(text.vocab_size, most, all + perL1 * data.num_l1),
  };
  const sentences = warmup.catalogue_facts + warmup.need_sentences + warmup.catalogue_sentences;
  const length = guess.prompt + guess.completion;
  return { ...guess, packedRows: Math.ceil((sentences * SENTENCE_TOKENS) / length) };
}

/** Of the largest of what is trained beside the model, one after another: its table of items is nearly all of it. */
function judgeCheckpoints({ ranker, encoder, ranking, evaluate }: RunConfig, items: number): BudgetPart {
  const one = (field: ConfigPath, width: number): BudgetPart => ({
    what: 'checkpoints of a judge',
    field,
    // Weights and two moments: as they are gathered, as they were kept, before that, and as they are written.
    amount: 4 * 3 * 4 * items * width,
  });
  return heaviest([
    one('ranker.embedding_size', ranker.embedding_size),
    one('encoder.embedding_size', encoder.embedding_size),
    one('ranking.embedding_size', ranking.users === 0 ? 0 : ranking.embedding_size),
    one('evaluate.sasrec_hidden_size', evaluate.baselines === 'all' ? evaluate.sasrec_hidden_size : 0),
  ]);
}

/** How large what a run computes on is. Lengths and vocabulary are guessed where the tokenizer has not told them. */
export function sizesOf(
  config: RunConfig,
  { data = null, text = guessedText(config, data?.lengths) }: Pick<KnownNumbers, 'data' | 'text'> = {},
) {
  const { warmup, sft, popo, rupr, ranking, evaluate } = config;
  const length = text.prompt + text.completion;
  const shape = modelShape(config, text.vocabulary, length);
  const { num_users, num_heldout_users } = config.data;
  const isWorld = config.data.source === 'world';
  const users = isWorld ? num_users + 2 * num_heldout_users : (data?.users ?? 0);
  const behaviours = isWorld ? users * WORLD_BEHAVIOURS : (data?.interactions ?? 0);
  // Without the data's numbers as many examples are taken to exist as are asked for.
  const examples = behaviours === 0 ? Number.POSITIVE_INFINITY : behaviours;
  const ends = popo.steps > 0 && ruleOf(popo.weighting).draw !== undefined ? popo.rewards.length : 0;
  return {
    text,
    length,
    shape,
    weights: parameterCount(shape),
    warmupRows: warmup.batch_size + text.packedRows,
    sftRows: sft.batch_size + Math.ceil((sft.catalogue_sentences * SENTENCE_TOKENS) / length),
    groups: popo.prompts_per_step,
    rollouts: popo.prompts_per_step * popo.num_generations,
    packed: packedLength(text.prompt, text.completion, popo.num_generations),
    ends,
    users,
    behaviours,
    examples,
    cots: Math.min(rupr.prompts, examples) * rupr.num_cots,
    judged: Math.min(evaluate.users, examples),
    mixtures: ends === 2 ? 5 : ends > 2 ? ends + 1 : 0,
    curveUsers: Math.min(evaluate.curve_users, examples),
    requests: ranking.users,
  };
}

/** Without the data's numbers as many examples are taken to exist as are asked for. */
export function budgetOf(
  config: RunConfig,
  { data = null, text, kernels = config.kernels, limits }: KnownNumbers = {},
): Budget {
  const { warmup, sft, orft, popo, rupr, evaluate, ranking } = config;
  const sizes = sizesOf(config, { data, text });
  const { length, shape, weights, warmupRows, sftRows, groups, rollouts, packed, ends } = sizes;
  const { users, behaviours, examples, cots } = sizes;
  const engine = engineBytes(shape, kernels, limits);
  const { num_generations: generations, rewards } = popo;
  const measured = everMeasured({
    weighting: popo.weighting,
    probeEvery: popo.probe_every,
    objectiveMaxNorm: popo.objective_max_norm,
  });
  // The first is the update's own gradient, until that is known.
  const rewardPools = Math.max(measured.gram ? rewards.length : 1, measured.influence ? 2 : 1) - 1;
  const generation = { promptLength: sizes.text.prompt, maxNew: sizes.text.completion };
  // One group once more, for whoever looks on.
  const judging = engine.scoring(rollouts, length) + engine.scoring(generations, length);
  const answering = engine.generation({ prompts: rollouts, generations: 1, ...generation });
  const device: BudgetPart[] = [
    { what: 'the parameters with their moments', field: 'model.hidden_size', amount: engine.model },
    { what: 'a model for each reward', field: 'model.hidden_size', amount: 3 * ends * engine.pool },
    {
      what: 'a warm-up batch',
      field: 'warmup.batch_size',
      amount: engine.training(warmupRows, length),
      stage: 'warmup',
    },
    { what: 'an SFT batch', field: 'sft.batch_size', amount: engine.training(sftRows, length), stage: 'sft' },
    {
      what: 'a POPO batch',
      field: 'popo.prompts_per_step',
      amount: engine.training(groups, packed) + engine.policy(groups * packed),
      stage: 'popo',
    },
    { what: 'judging rollouts', field: 'popo.num_generations', amount: judging },
    // For the answers of held-out users.
    { what: 'writing answers', field: 'popo.num_generations', amount: answering },
    {
      what: 'writing rollouts',
      field: 'popo.num_generations',
      amount: engine.generation({ prompts: groups, generations, ...generation }),
      stage: 'popo',
    },
    {
      what: 'gradients of single rewards',
      field: 'popo.rewards',
      amount: rewardPools * engine.pool,
      stage: 'popo',
    },
  ];
  const largest: BudgetPart[] = [
    { what: 'the parameters', field: 'model.hidden_size', amount: engine.pool },
    { what: 'a warm-up batch', field: 'warmup.batch_size', amount: engine.largest(warmupRows * length) },
    { what: 'an SFT batch', field: 'sft.batch_size', amount: engine.largest(sftRows * length) },
    {
      what: 'a POPO batch',
      field: 'popo.num_generations',
      amount: engine.largest(groups * packed),
    },
  ];

  const isWorld = config.data.source === 'world';
  const items = catalogueSize(config, data?.items ?? 0);
  const rows = Math.min(popo.steps * groups, examples) + evaluate.curve_users;
  const page: BudgetPart[] = [
    { what: 'chains of thought', field: 'rupr.prompts', amount: cots * (COT_BYTES + 8 * length) },
    // Once more in the rows that it is put together from.
    { what: 'the reward table', field: 'popo.steps', amount: 8 * Math.min(rows * items, MAX_TABLE_CELLS) },
    judgeCheckpoints(config, items),
    {
      what: isWorld ? 'shoppers' : 'your data',
      field: isWorld ? 'data.num_users' : 'data.sha256',
      amount: users * USER_BYTES + behaviours * BEHAVIOUR_BYTES,
    },
    {
      what: 'what is told of rollouts',
      field: 'popo.steps',
      amount: popo.steps * rollouts * (rewards.length + 1) * 16,
    },
    { what: 'requests to rank', field: 'ranking.users', amount: ranking.users * REQUEST_BYTES },
    // Checkpoints: what is trained, what it is held to, a copy that is being written, where to go back to, and what warm-up left; then the
    // best and the last.
    {
      what: 'checkpoints',
      field: 'model.hidden_size',
      // Of ends: what is trained, a copy that is being written, and where to go back to.
      amount: (13 + (popo.keep === 'best' ? 2 : 0) + 9 * ends) * engine.pool,
    },
  ];

  /** Forward and backward are 6 operations a weight and token, forward alone 2. */
  const learnt = (steps: number, tokens: number) => 6 * weights * steps * tokens;
  const judged = sizes.judged * (3 + sizes.mixtures);
  const curve = Math.ceil(popo.steps / evaluate.curve_every) * sizes.curveUsers;
  const operations: BudgetPart[] = [
    { what: 'warm-up', field: 'warmup.steps', amount: learnt(warmup.steps, warmupRows * length) },
    { what: 'ORFT', field: 'orft.scorer_steps', amount: learnt(orft.scorer_steps, sft.batch_size * length) },
    { what: 'SFT', field: 'sft.steps', amount: learnt(sft.steps, sftRows * length) },
    {
      what: 'POPO',
      field: 'popo.steps',
      amount: learnt(popo.steps * popo.num_iterations, groups * packed),
    },
    { what: 'judging chains of thought', field: 'rupr.prompts', amount: 2 * weights * cots * length },
    { what: 'the stage table', field: 'evaluate.users', amount: 2 * weights * judged * length },
    { what: 'the held-out curve', field: 'evaluate.curve_every', amount: 2 * weights * curve * length },
  ];
  const asks = rupr.teacher === 'openai' && rupr.cots_sha256 === '';
  const waiting: BudgetPart[] = [
    {
      what: 'the answers of the teacher',
      field: 'rupr.prompts',
      amount: asks ? (cots * ANSWER_SECONDS) / CONCURRENCY : 0,
    },
  ];
  return { device, largest, page, operations, waiting };
}

/** Bytes of all buffers on the device. */
export function deviceBytes({ device }: Budget): number {
  const of = (stage: BudgetPart['stage']) => total(device.filter((part) => part.stage === stage));
  return of(undefined) + Math.max(of('warmup'), of('sft'), of('popo'));
}

/** Bytes that the page itself holds. */
export function pageBytes(budget: Budget, backend: string): number {
  return total(pageParts(budget, backend));
}

/** Without the engine the page holds the weights too, those of ends beside them, and the largest batch: nothing is allocated for good. */
function pageParts({ page, device }: Budget, backend: string): BudgetPart[] {
  const [model, ends, ...batches] = device;
  return backend === 'webgpu' ? page : [...page, model, ends, heaviest(batches)];
}

/** The least time thinkable, in seconds. */
export function leastSeconds({ operations, waiting }: Budget, { backend }: BudgetLimits['device']): number {
  return total(operations) / speedOf(backend) + total(waiting);
}

/** Why a device cannot do it, as one sentence with both numbers and the field to change; null when it can. */
export function refusal(budget: Budget, config: RunConfig, { device, memory }: BudgetLimits): string | null {
  const isGpu = device.backend === 'webgpu';
  const { maxBufferSize = Number.POSITIVE_INFINITY, maxStorageBufferBindingSize = Number.POSITIVE_INFINITY } =
    device.limits;
  const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  const onPage = pageParts(budget, device.backend);
  const allowed = memory === null ? PAGE_BYTES : Math.min(PAGE_BYTES, memory * GIB * PAGE_SHARE);
  const buffer = heaviest(budget.largest);
  if (isGpu && buffer.amount > most)
    return said(
      buffer,
      config,
      `${gigabytes(buffer.amount)} in one buffer`,
      `this GPU allows ${gigabytes(most)}`,
    );
  const buffers = deviceBytes(budget);
  if (isGpu && buffers > BUFFERS * maxBufferSize)
    return said(
      heaviest(budget.device),
      config,
      `a run of ${gigabytes(buffers)} of GPU memory`,
      `at most ${gigabytes(BUFFERS * maxBufferSize)} are risked on this GPU`,
    );
  if (total(onPage) > allowed)
    return said(
      heaviest(onPage),
      config,
      `a run of ${gigabytes(total(onPage))} of memory`,
      `a page is given ${gigabytes(allowed)} on this device`,
    );
  const seconds = leastSeconds(budget, device);
  if (seconds > LONGEST) {
    const speed = speedOf(device.backend);
    const parts = budget.operations.map((part) => ({ ...part, amount: part.amount / speed }));
    return said(
      heaviest([...parts, ...budget.waiting]),
      config,
      `a run of at least ${days(seconds)}`,
      `${days(LONGEST)} are the most`,
    );
  }
  return null;
}

/** @throws {ConfigError} where the device cannot do it */
export function assertAffordable(
  config: RunConfig,
  device: BudgetLimits['device'],
  known: KnownNumbers,
): void {
  const problem = refusal(budgetOf(config, { limits: device.limits, ...known }), config, {
    device,
    memory: memoryOfDevice(),
  });
  if (problem !== null) throw new ConfigError(problem);
}

/** GiB that the browser tells of; null in Node and in browsers that tell nobody. */
export function memoryOfDevice(): number | null {
  const deviceMemory = (globalThis.navigator as { deviceMemory?: unknown } | undefined)?.deviceMemory;
  return typeof deviceMemory === 'number' ? deviceMemory : null;
}

function said({ what, field }: BudgetPart, config: RunConfig, asked: string, allowed: string): string {
  const [head, tail] = field.split('.');
  const section = config[head as keyof RunConfig] as unknown as Record<string, unknown>;
  const value = String(section[tail]);
  return `${field} (now ${value}) asks for ${asked}, most of it for ${what}, and ${allowed}: lower it.`;
}

function heaviest(parts: readonly BudgetPart[]): BudgetPart {
  return parts.reduce((most, part) => (part.amount > most.amount ? part : most));
}

function total(parts: readonly BudgetPart[]): number {
  return parts.reduce((sum, { amount }) => sum + amount, 0);
}

function speedOf(backend: string): number {
  return backend === 'webgpu' ? GPU_SPEED : PROCESSOR_SPEED;
}

export function gigabytes(bytes: number): string {
  return bytes < GIB ? `${Math.ceil(bytes / 2 ** 20)} MiB` : `${(bytes / GIB).toFixed(1)} GiB`;
}

function days(seconds: number): string {
  return `${Math.round(seconds / 86_400)} days`;
}
