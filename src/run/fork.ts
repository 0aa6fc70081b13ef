/**
 * A second line of a run, from where it stands or from where its alignment began. It is a run of its own: what is changed in it from
 * there on is told by its own link, and the first one stays as it is.
 */
import { CheckpointError } from './checkpointError';
import { STAGE_NAMES, type StageName } from './report';
import { copyState, type RunCheckpoint } from './runState';

/** `here`: as it stands, at rest or where it was left. `popo`: before the first step of alignment. */
export type ForkPoint = 'here' | 'popo';

/**
 * The checkpoint that a fork goes on from.
 * @param of the run's id, which its fork remembers
 * @throws {CheckpointError} where the run has not come so far, or is at its end
 */
export function forked({ state, model }: RunCheckpoint, of: string, from: ForkPoint): RunCheckpoint {
  if (from === 'popo') return alignmentOf({ state, model }, of);
  const { stage, step } = state;
  const isEnded = state.made.ranking !== undefined;
  if (isEnded) throw new CheckpointError('This run is at its end: fork it at the beginning of alignment.');
  return { state: { ...copyState(state), fork: { of, stage, step } }, model };
}

function alignmentOf({ state, model }: RunCheckpoint, of: string): RunCheckpoint {
  const isThere = state.stage === 'popo' && state.step === 0;
  const reference = state.made.popo?.reference ?? (isThere ? model?.parameters : null) ?? null;
  if (reference === null)
    throw new CheckpointError('This run has not come to alignment yet, so there is nothing to fork there.');
  const stage = 'popo';
  const copy = copyState(state);
  const before = STAGE_NAMES.slice(0, STAGE_NAMES.indexOf(stage));
  const isBefore = ({ stage: name }: { stage: StageName }) => before.includes(name);
  const made = Object.fromEntries(before.map((name) => [name, copy.made[name]]));
  // The stage sets its optimiser to zero itself.
  const zero = new Float32Array(reference.length);
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
      work: { parts: {} },
      // Only alignment, and what comes after it, tells of parts.
      timings: {},
      fork: { of, stage, step: 0 },
    },
    model: { parameters: reference, moment1: zero, moment2: zero },
  };
}
