/**
 * Methods of one seed share most of their way, so a study continues one run's checkpoint under another's config. That is
 * allowed only at a stage's beginning and only where nothing differs that a stage before it has read: each stage says what
 * it reads, and a test holds it to that.
 */

import type { RunConfig } from '../run/config';
import { type ConfigDiff, configPaths, diffFromPreset } from '../run/diff';
import { roundsWeights } from '../run/fields/run';
import { STAGES } from '../run/pipeline';
import { STAGE_NAMES, type StageName } from '../run/report';
import { copyState, type RunCheckpoint } from '../run/runState';

/** Whether the stages before `stage` read the field, themselves or as part of a section. */
function isRead(path: string, stage: StageName): boolean {
  return STAGES.slice(0, STAGE_NAMES.indexOf(stage)).some(({ reads }) =>
    reads.some((read) => path === read || path.startsWith(`${read}.`)),
  );
}

/** Whether the run of `config` would have come to this very checkpoint. */
export function canFork({ state }: RunCheckpoint, config: RunConfig): boolean {
  if (state.step !== 0 || state.config.preset !== config.preset || state.config.version !== config.version)
    return false;
  const [before, after] = [state.config, config].map(diffFromPreset);
  return configPaths().every(
    (path) =>
      JSON.stringify(before[path]) === JSON.stringify(after[path]) ||
      // A checkpoint's kernels are resolved.
      (path === 'kernels'
        ? config.kernels === 'auto' && !roundsWeights(state.config.kernels)
        : !isRead(path, state.stage)),
  );
}

/**
 * The stage up to which runs of one preset share their way: nothing differs that a stage before it reads.
 * @param diffs of the two configs from their preset
 */
export function partingStage([first, second]: readonly [ConfigDiff, ConfigDiff]): StageName {
  const differing = configPaths().filter(
    (path) => first[path] !== second[path] && JSON.stringify(first[path]) !== JSON.stringify(second[path]),
  );
  return STAGE_NAMES.findLast((stage) => differing.every((path) => !isRead(path, stage))) ?? STAGE_NAMES[0];
}

/**
 * The checkpoint as the run of `config` would have left it; pools are shared, not copied.
 * @throws Error when it would not have come there
 */
export function fork({ state, model }: RunCheckpoint, config: RunConfig): RunCheckpoint {
  if (!canFork({ state, model }, config))
    throw new Error(
      'This checkpoint cannot go on under that config: a stage before it has read a field that differs.',
    );
  const { kernels } = state.config;
  return { state: { ...copyState(state), config: { ...structuredClone(config), kernels } }, model };
}

/** The furthest of the checkpoints that `config` can go on from, or null. */
export function furthest(checkpoints: readonly RunCheckpoint[], config: RunConfig): RunCheckpoint | null {
  const order = ({ state }: RunCheckpoint) => STAGE_NAMES.indexOf(state.stage);
  return checkpoints
    .filter((checkpoint) => canFork(checkpoint, config))
    .reduce<RunCheckpoint | null>(
      (best, next) => (best === null || order(next) > order(best) ? next : best),
      null,
    );
}

/** Those of the checkpoints that one of `configs` would go on from; each holds a model's pools, so the others are let go. */
export function stillWanted(
  checkpoints: readonly RunCheckpoint[],
  configs: readonly RunConfig[],
): RunCheckpoint[] {
  const wanted = new Set(configs.map((config) => furthest(checkpoints, config)));
  return checkpoints.filter((checkpoint) => wanted.has(checkpoint));
}
