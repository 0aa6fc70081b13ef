/**
 * Where a run stands, in full: what is needed to go on to the same bits in another tab. Numbers that are few are JSON
 * (doubles survive it exactly), arrays are pools of f32, and the store keeps all of it or nothing.
 */
import type { ModelState } from '../model/languageModel';
import type { Checkpoint } from '../store/checkpoints';
import { CheckpointError } from './checkpointError';
import type { RunConfig } from './config';
import type { Made } from './pipeline';
import { STAGE_NAMES, type StageName, type StageReport } from './report';
import { unsoundness } from './soundState';

/** What a list of checkpoints shows without reading one. */
export interface RunHeader {
  config: RunConfig;
  stage: StageName;
  step: number;
  /** Milliseconds since the epoch; no result depends on it. */
  savedAt: number;
  finished: boolean;
}

export interface RunState {
  /** Of this form; another form's checkpoint is refused, not guessed at. */
  schema: 2;
  app: string;
  /** With kernels resolved, and the CoTs named once they were asked for. */
  config: RunConfig;
  /** The stage under way or next, and its next step. */
  stage: StageName;
  step: number;
  /** Stages begun, in order; the last may be under way. */
  stages: StageReport[];
  /** What stages made. That of a stage under way is there only if it can be taken up between its steps. */
  made: Partial<Made>;
  timings: Record<string, number>;
}

export interface RunCheckpoint {
  /** Its arrays are shared between checkpoints: nobody writes into them. */
  state: RunState;
  /** The model's, once there is one. */
  model: ModelState | null;
}

/** A run's state before anything has happened. */
export const NOTHING_DONE: Omit<RunState, 'app' | 'config'> = {
  schema: 2,
  stage: STAGE_NAMES[0],
  step: 0,
  stages: [],
  made: {},
  timings: {},
};

/** A copy that later steps do not reach. Shared are arrays of numbers and the config, which nobody writes into. */
export function copyState(state: RunState): RunState {
  const { stages, made, timings } = state;
  return { ...state, ...(copy({ stages, made, timings }) as Pick<RunState, 'stages' | 'made' | 'timings'>) };
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Float32Array) return value;
  if (Array.isArray(value)) return value.map(copy);
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, copy(held)]));
}

/** Names of pools in the store. */
const STATE = 'state.json';
const MODEL = ['parameters', 'moment1', 'moment2'] as const;

/** Stands in the JSON for an array that lies in a pool. */
interface PoolReference {
  pool: string;
}

/** A checkpoint as the store keeps it. Buffers are not copied. */
export function encodeCheckpoint(
  id: string,
  { state, model }: RunCheckpoint,
  finished: boolean,
): Checkpoint<RunHeader> {
  const pools: Record<string, ArrayBuffer> = {};
  const keep = (name: string, array: Float32Array<ArrayBuffer>) => {
    pools[name] = array.byteLength === array.buffer.byteLength ? array.buffer : array.slice().buffer;
  };
  const json = JSON.stringify(state, (_key, value: unknown) => {
    if (!(value instanceof Float32Array)) return value;
    const pool = `array ${Object.keys(pools).length}`;
    keep(pool, value as Float32Array<ArrayBuffer>);
    return { pool } satisfies PoolReference;
  });
  if (model !== null) for (const name of MODEL) keep(name, model[name]);
  pools[STATE] = new TextEncoder().encode(json).buffer;
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
  const floats = (name: string) => {
    if (!Object.hasOwn(pools, name)) throw damaged(`its part “${name}” is missing`);
    if (pools[name].byteLength % 4 !== 0) throw damaged(`its part “${name}” is cut`);
    return new Float32Array(pools[name]);
  };
  let state: RunState;
  try {
    state = JSON.parse(new TextDecoder().decode(pools[STATE]), (_key, value: unknown) =>
      isReference(value) ? floats(value.pool) : value,
    ) as RunState;
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw damaged('where the run stands cannot be read');
  }
  if (state.app !== app) {
    throw new CheckpointError(
      `This checkpoint was written by version ${String(state.app)} of this app, which is version ${app} now: ` +
        'it cannot be continued to the same bits, so train again from its link.',
    );
  }
  if (state.schema !== 2) {
    throw new CheckpointError(
      'This checkpoint was kept in an older form, which this app does not read any more. Its report can still be opened. ' +
        'To have the model, train again from its link: it comes out the same.',
    );
  }
  const hasModel = MODEL.some((name) => Object.hasOwn(pools, name));
  const [parameters, moment1, moment2] = hasModel ? MODEL.map(floats) : [];
  const model = hasModel ? { parameters, moment1, moment2 } : null;
  const wrong = unsoundness(state, model);
  if (wrong !== null) throw damaged(wrong);
  return { state, model };
}

function isReference(value: unknown): value is PoolReference {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === 1 &&
    typeof (value as Partial<PoolReference>).pool === 'string'
  );
}

function damaged(what: string): CheckpointError {
  return new CheckpointError(`This checkpoint is damaged: ${what}.`, true);
}
