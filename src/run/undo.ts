/**
 * A second line of a run from just before something in it was changed, without that change and without what was changed after it. It goes on
 * from the nearest state before it that is kept, and takes the steps in between again, to the same bits.
 */
import { isBy, type RunChange } from './changes';
import type { RunHeader } from './checkpoint';
import { CheckpointError } from './checkpointError';
import { forked } from './fork';
import type { ChangePlace, ForkedStage } from './forkPoints';
import type { RunCheckpoint, RunState } from './runState';

/** A state is kept before a change, but for changes that come so few steps after the last that was kept: a few steps are soon taken again. */
export const NEAR = 5;

/** Where a state stands, and what it stands under. */
type Standing = Pick<RunHeader, 'config' | 'changes' | 'stage' | 'step'>;

/** @throws {CheckpointError} where the run has no such change */
function changesBefore(changes: readonly RunChange[], { stage, step, field }: ChangePlace): RunChange[] {
  const at = changes.findIndex((one) => one.stage === stage && one.step === step && one.field === field);
  if (at < 0) throw new CheckpointError('This run was not changed so, so there is nothing to undo.');
  return changes.slice(0, at);
}

/** Whether this run, or one with the same bits up to there, stood there before the step of a change. */
export function leadsTo(
  standing: Standing,
  { config, changes }: Pick<RunState, 'config' | 'changes'>,
  change: ChangePlace,
): boolean {
  if (standing.stage !== change.stage || standing.step > change.step) return false;
  // What holds from there on says nothing of how a run came there.
  const past = (all: readonly RunChange[]) => JSON.stringify(all.filter((one) => !isBy(standing, one)));
  return (
    past(standing.changes ?? []) === past(changes) &&
    JSON.stringify(standing.config) === JSON.stringify(config)
  );
}

/**
 * The checkpoint that goes on without a change: its step is the change's, or an earlier one.
 * @param of the run's id, which its fork remembers
 * @param kept a state that leads to the change; null goes back to the beginning of its stage
 * @throws {CheckpointError} where the run has no such change, or did not keep what its stage began with
 */
export function undone(
  run: RunCheckpoint,
  of: string,
  change: ChangePlace,
  kept: RunCheckpoint | null,
): RunCheckpoint {
  const changes = changesBefore(run.state.changes, change);
  const { state, model } = forked(kept ?? run, of, kept === null ? (change.stage as ForkedStage) : 'here');
  const { stage, step } = change;
  return { state: { ...state, changes, fork: { of, stage, step } }, model };
}
