/** Where a run stands, in full: what is needed to go on to the same bits in another tab. */
import type { ModelState } from '../model/languageModel';
import type { RunChange } from './changes';
import type { RunConfig } from './config';
import type { DecidedDivergence } from './divergence';
import type { Made } from './pipeline';
import { STAGE_NAMES, type StageName, type StageReport } from './report';
import type { KeptPart } from './workbench';

export interface Fork {
  /** The other run's id. */
  of: string;
  stage: StageName;
  step: number;
}

export interface RunState {
  /** Of this form; another form's checkpoint is refused, not guessed at (form 3 lacked `work`, and is read). */
  schema: 4;
  app: string;
  /** That of its beginning, with kernels resolved, and the CoTs named once they were asked for. */
  config: RunConfig;
  /** The stage under way or next, and its next step. */
  stage: StageName;
  step: number;
  /** Stages begun, in order; the last may be under way. */
  stages: StageReport[];
  /** What stages made. That of a stage under way is there only if it changes from step to step. */
  made: Partial<Made>;
  /** What the stage under way has done of its parts; nothing once it is finished. */
  work: KeptPart;
  /** Judges that go on beside the stage under way, and what they have done of their parts; absent where none does. */
  beside?: Partial<Record<StageName, KeptPart>>;
  timings: Record<string, number>;
  /** From given steps on, those to come included; of stages that are done or under way, what they were trained under. */
  changes: RunChange[];
  divergences: DecidedDivergence[];
  /** Of which run it is a second line, and from where on; absent where it is none. */
  fork?: Fork;
  /** The model's weights when the stage under way began, to go back to; null where it does not train the model. */
  beginning: Float32Array<ArrayBuffer> | null;
  /** The model's weights as warm-up left them, to begin a second line with and to be asked. Absent before, and in runs that were kept before it was. */
  backbone?: Float32Array<ArrayBuffer>;
}

export interface RunCheckpoint {
  /** Its arrays are shared between checkpoints: nobody writes into them. */
  state: RunState;
  /** The model's, once there is one. */
  model: ModelState | null;
}

/** A run's state before anything has happened. */
export const NOTHING_DONE: Omit<RunState, 'app' | 'config'> = {
  schema: 4,
  stage: STAGE_NAMES[0],
  step: 0,
  stages: [],
  made: {},
  work: { parts: {} },
  timings: {},
  changes: [],
  divergences: [],
  beginning: null,
};

/** A copy that later steps do not reach. Shared are arrays of numbers and the config, which nobody writes into. */
export function copyState(state: RunState): RunState {
  const { stages, made, work, beside, timings, changes, divergences } = state;
  const parts = { stages, made, work, ...(beside && { beside }), timings, changes, divergences };
  return { ...state, ...(copy(parts) as typeof parts) };
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Float32Array) return value;
  if (Array.isArray(value)) return value.map(copy);
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, copy(held)]));
}
