/**
 * A run's state as the store keeps it, all of it or nothing: numbers that are few are JSON (doubles survive it exactly), arrays
 * are pools of f32.
 */
import type { ModelState, WeightPools } from '../model/languageModel';
import type { Checkpoint } from '../store/checkpoints';
import type { RunChange } from './changes';
import { CheckpointError } from './checkpointError';
import { completed, type RunConfig } from './config';
import type { Divergence } from './divergence';
import { stoppedFor } from './goBack';
import type { StageName } from './report';
import type { Fork, RunCheckpoint, RunState } from './runState';
import { unsoundness } from './soundState';

/** What a list of checkpoints shows without reading one. */
export interface RunHeader {
  config: RunConfig;
  /** Headers of older versions lack them. */
  changes?: RunChange[];
  fork?: Fork;
  stage: StageName;
  step: number;
  /** Milliseconds since the epoch; no result depends on it. */
  savedAt: number;
  finished: boolean;
  /** Why it was stopped, where that was because it ran away and nothing else was decided since. */
  stopped?: Divergence;
}

/** Names of pools in the store. */
const STATE = 'state.json';
const MODEL = ['parameters', 'moment1', 'moment2'] as const;

/** Of the ends of a model that is composed of some. */
const endPool = (end: number, name: (typeof MODEL)[number]) => `end ${end} ${name}`;

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
    pools[name] = isWhole(array) ? array.buffer : array.slice().buffer;
  };
  /** What stands twice in the state is kept once: the weights that a stage began with may be its reference too. */
  const kept = new Map<ArrayBufferLike, string>();
  const json = JSON.stringify(state, (_key, value: unknown) => {
    if (!(value instanceof Float32Array)) return value;
    const known = isWhole(value) ? kept.get(value.buffer) : undefined;
    const pool = known ?? `array ${Object.keys(pools).length}`;
    if (known === undefined) keep(pool, value as Float32Array<ArrayBuffer>);
    if (isWhole(value)) kept.set(value.buffer, pool);
    return { pool } satisfies PoolReference;
  });
  if (model !== null) for (const name of MODEL) keep(name, model[name]);
  model?.ends?.forEach((end, k) => {
    for (const name of MODEL) keep(endPool(k, name), end[name]);
  });
  pools[STATE] = new TextEncoder().encode(json).buffer;
  const { config, changes, fork, stage, step } = state;
  const header: RunHeader = { config, changes, stage, step, savedAt: Date.now(), finished };
  if (fork !== undefined) header.fork = fork;
  const stopped = stoppedFor(state);
  if (stopped !== null) header.stopped = stopped;
  return { id, header, pools };
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
  state.config = completed(state.config) as RunConfig;
  if ((state.schema as number) === 3) bringOn(state);
  if (state.schema !== 4) {
    throw new CheckpointError(
      'This checkpoint was kept in an older form, which this app does not read any more. Its report can still be opened. ' +
        'To have the model, train again from its link: it comes out the same.',
    );
  }
  const hasModel = MODEL.some((name) => Object.hasOwn(pools, name));
  const poolsOf = (nameOf: (name: (typeof MODEL)[number]) => string): WeightPools => {
    const [parameters, moment1, moment2] = MODEL.map((name) => floats(nameOf(name)));
    return { parameters, moment1, moment2 };
  };
  const model: ModelState | null = hasModel ? poolsOf((name) => name) : null;
  const ends: WeightPools[] = [];
  while (MODEL.some((name) => Object.hasOwn(pools, endPool(ends.length, name)))) {
    const k = ends.length;
    ends.push(poolsOf((name) => endPool(k, name)));
  }
  if (model !== null && ends.length > 0) model.ends = ends;
  const wrong = unsoundness(state, model);
  if (wrong !== null) throw damaged(wrong);
  return { state, model };
}

/** From form 3, which kept nothing of what is done in parts: baselines begin anew where they were under way. */
function bringOn(state: RunState): void {
  Object.assign(state, { schema: 4, work: { parts: {} } });
  if (state.stage !== 'baselines') return;
  delete state.made.baselines;
  state.step = 0;
}

function isWhole(array: Float32Array): boolean {
  return array.byteLength === array.buffer.byteLength;
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
