/**
 * A second line of a run, from where it stands or from where one of its stages began. It is a run of its own: what is changed in it from
 * there on is told by its own link, and the first one stays as it is.
 */
import { initialParameters } from '../model/parameters';
import { CheckpointError } from './checkpointError';
import type { ForkedStage } from './forkPoints';
import { STAGE_NAMES, type StageName } from './report';
import { copyState, type RunCheckpoint, type RunState } from './runState';

/**
 * The checkpoint that a fork goes on from.
 * @param of the run's id, which its fork remembers
 * @throws {CheckpointError} where the run has not come so far, is at its end, or did not keep what it takes
 */
export function forked(checkpoint: RunCheckpoint, of: string, from: 'here' | ForkedStage): RunCheckpoint {
  if (from !== 'here') return beginningOf(from, checkpoint, of);
  const { state, model } = checkpoint;
  const { stage, step } = state;
  const isEnded = state.made.ranking !== undefined;
  if (isEnded) throw new CheckpointError('This run is at its end: fork it at the beginning of a stage.');
  return { state: { ...copyState(state), fork: { of, stage, step } }, model };
}

function beginningOf(stage: ForkedStage, checkpoint: RunCheckpoint, of: string): RunCheckpoint {
  const { state } = checkpoint;
  if (STAGE_NAMES.indexOf(state.stage) < STAGE_NAMES.indexOf(stage))
    throw new CheckpointError(
      `This run has not come to ${WORDS[stage]} yet, so there is nothing to fork there.`,
    );
  const parameters = WEIGHTS[stage](checkpoint);
  if (parameters === null)
    throw new CheckpointError(
      'This run did not keep what its warm-up left, as runs of before did not: fork it at the beginning of alignment.',
    );
  const { backbone, ...copy } = copyState(state);
  const before = STAGE_NAMES.slice(0, STAGE_NAMES.indexOf(stage));
  const isBefore = ({ stage: name }: { stage: StageName }) => before.includes(name);
  const made = Object.fromEntries(before.map((name) => [name, copy.made[name]]));
  // The stage sets its optimiser to zero itself.
  const zero = new Float32Array(parameters.length);
  return {
    state: {
      ...copy,
      stage,
      step: 0,
      stages: copy.stages.filter(({ name }) => before.includes(name)),
      made,
      changes: copy.changes.filter(isBefore),
      divergences: copy.divergences.filter(isBefore),
      beginning: null,
      ...(stage !== 'warmup' && backbone !== undefined && { backbone }),
      work: { parts: {} },
      // Only alignment, and what comes after it, tells of parts.
      timings: {},
      fork: { of, stage, step: 0 },
    },
    model: { parameters, moment1: zero, moment2: zero },
  };
}

const WORDS = {
  warmup: 'warm-up',
  rupr: 'reasoning',
  orft: 'rejection',
  sft: 'fine-tuning',
  popo: 'alignment',
} as const;

type Weights = Float32Array<ArrayBuffer>;

/** The weights with which each stage begins; null where they were not kept. ORFT leaves the model as it found it. */
const WEIGHTS: Record<ForkedStage, (checkpoint: RunCheckpoint) => Weights | null> = {
  warmup: ({ state: { made, config } }) => initialParameters(made.tokenizer!.shape, config.seed),
  rupr: backboneOf,
  orft: backboneOf,
  sft: backboneOf,
  popo({ state, model }) {
    const isThere = state.stage === 'popo' && state.step === 0;
    return state.made.popo?.reference ?? (isThere ? model?.parameters : null) ?? null;
  },
};

/** As warm-up left them; null where that is not kept. */
export function backboneOf({ state }: { state: RunState }): Weights | null {
  return state.backbone ?? null;
}
