/**
 * Where a run stands, in full: what is needed to go on to the same bits in another tab. Numbers that are few are JSON
 * (doubles survive it exactly), arrays are pools of f32, and the store keeps all of it or nothing.
 */
import type { MetricsRow } from '../evaluate/metrics';
import type { ModelConfig } from '../model/config';
import type { Cot } from '../sft/cot';
import type { Checkpoint } from '../store/checkpoints';
import type { RunConfig } from './config';
import {
  type PopoStep,
  type Report,
  type Sample,
  STAGE_NAMES,
  type StageName,
  type StageReport,
} from './report';

/** What a list of checkpoints shows without reading one. */
export interface RunHeader {
  config: RunConfig;
  stage: StageName;
  step: number;
  /** Milliseconds since the epoch; no result depends on it. */
  savedAt: number;
  finished: boolean;
}

/** The part of a checkpoint that is JSON. */
export interface RunState {
  /** Of this shape; another app's checkpoint is refused, not guessed at. */
  schema: 1;
  app: string;
  /** With kernels resolved, and the CoTs named once they were asked for. */
  config: RunConfig;
  /** SHA-256 of the data. */
  dataset: string;
  /** The stage under way or next, and its next step. */
  stage: StageName;
  step: number;
  /** Stages begun, in order; the last may be under way. */
  stages: StageReport[];
  tokenizer: unknown;
  /** The model's shape, once there is a tokenizer. */
  model: ModelConfig | null;
  ranker: Report['ranker'] | null;
  cots: Cot[];
  rupr: Report['rupr'] | null;
  orft: Report['orft'] | null;
  /** Indices into `cots` of those that SFT learns from. */
  kept: number[];
  popo: PopoStep[];
  /** What the policy optimiser carries from step to step besides the model's moments. */
  weights: number[];
  curve: Report['popo']['curve'];
  table: MetricsRow[];
  counting: Report['counting'];
  ranking: Report['ranking'];
  samples: Sample[];
  timings: Record<string, number>;
}

/** The arrays of a checkpoint by name; those of the model are absent until there is one. */
export type RunArrays = Record<string, Float32Array<ArrayBuffer>>;

export interface RunCheckpoint {
  state: RunState;
  arrays: RunArrays;
}

/** A checkpoint that this app cannot continue; the message says why and what to do. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}

const STATE = 'state.json';

/** A state before anything has happened. */
export function newState(config: RunConfig, app: string): RunState {
  return {
    schema: 1,
    app,
    config,
    dataset: '',
    stage: STAGE_NAMES[0],
    step: 0,
    stages: [],
    tokenizer: null,
    model: null,
    ranker: null,
    cots: [],
    rupr: null,
    orft: null,
    kept: [],
    popo: [],
    weights: config.popo.reward_weights,
    curve: [],
    table: [],
    counting: undefined,
    ranking: null,
    samples: [],
    timings: {},
  };
}

/** A checkpoint as the store keeps it. Buffers are not copied. */
export function encodeCheckpoint(
  id: string,
  { state, arrays }: RunCheckpoint,
  finished: boolean,
): Checkpoint<RunHeader> {
  const json = new TextEncoder().encode(JSON.stringify(state));
  const pools: Record<string, ArrayBuffer> = { [STATE]: json.buffer };
  for (const [name, array] of Object.entries(arrays)) {
    const whole = array.byteLength === array.buffer.byteLength;
    pools[name] = whole ? array.buffer : array.slice().buffer;
  }
  const { config, stage, step } = state;
  return { id, header: { config, stage, step, savedAt: Date.now(), finished }, pools };
}

/**
 * The inverse of `encodeCheckpoint`.
 * @throws {CheckpointError} when it is damaged or was written by another version of the app
 */
export function decodeCheckpoint(
  { pools }: Pick<Checkpoint<RunHeader>, 'pools'>,
  app: string,
): RunCheckpoint {
  const { [STATE]: json, ...buffers } = pools;
  let state: RunState;
  try {
    state = JSON.parse(new TextDecoder().decode(json)) as RunState;
  } catch {
    throw new CheckpointError('This checkpoint is damaged: delete it and train again from its link.');
  }
  if (state.schema !== 1 || state.app !== app) {
    throw new CheckpointError(
      `This checkpoint was written by version ${String(state.app)} of this app, which is version ${app} now: ` +
        'it cannot be continued to the same bits, so train again from its link.',
    );
  }
  const arrays = Object.fromEntries(
    Object.entries(buffers).map(([name, buffer]) => [name, new Float32Array(buffer)]),
  );
  return { state, arrays };
}
