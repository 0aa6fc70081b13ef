/**
 * Methods of one seed share most of their way, so a study continues one run's checkpoint under another's config. That is
 * allowed only at a stage's beginning and only where nothing differs but fields that are known to be read from that stage
 * on: a field that is not listed here is taken to have been read, so forgetting one costs time and never a wrong result.
 */
import type { RunCheckpoint } from '../run/checkpoint';
import type { RunConfig } from '../run/config';
import { configPaths, diffFromPreset } from '../run/diff';
import { STAGE_NAMES, type StageName } from '../run/report';

/** By stage, fields that no stage before it reads. */
const FIRST_READ: Partial<Record<StageName, readonly string[]>> = {
  rupr: ['rupr.told'],
  orft: ['orft.threshold', 'orft.scorer_steps'],
  sft: ['sft.cot', 'sft.steps'],
  popo: [
    // Before RL it is read once, for the rewards that the samples of warm-up and SFT show (run/heldOut.ts). A cell keeps no sample,
    // and a fingerprint hashes none; the judges are trained and the ID reward is tabulated whatever is paid for.
    'popo.rewards',
    'popo.weighting',
    'popo.reward_weights',
    'popo.eta_over_mu',
    'popo.influence',
    'popo.influence_scope',
    'popo.influence_prompts',
    'popo.influence_every',
    'popo.objective_max_norm',
    'popo.min_weight',
    'popo.probe_every',
    'popo.scale_rewards',
    'popo.multi_objective_aggregation',
  ],
};

/** Whether the run of `config` would have come to this very checkpoint. */
export function canFork({ state }: RunCheckpoint, config: RunConfig): boolean {
  if (state.step !== 0 || state.config.preset !== config.preset) return false;
  const at = STAGE_NAMES.indexOf(state.stage);
  const unread = new Set(STAGE_NAMES.slice(at).flatMap((stage) => FIRST_READ[stage] ?? []));
  const [before, after] = [state.config, config].map(diffFromPreset);
  return configPaths().every(
    (path) =>
      unread.has(path) ||
      // A checkpoint's kernels are resolved.
      (path === 'kernels' && config.kernels === 'auto') ||
      JSON.stringify(before[path]) === JSON.stringify(after[path]),
  );
}

/**
 * The checkpoint as the run of `config` would have left it; pools are shared, not copied.
 * @throws Error when it would not have come there
 */
export function fork(checkpoint: RunCheckpoint, config: RunConfig): RunCheckpoint {
  if (!canFork(checkpoint, config))
    throw new Error(
      'This checkpoint cannot go on under that config: a stage before it has read a field that differs.',
    );
  const state = structuredClone(checkpoint.state);
  const { kernels } = state.config;
  state.config = { ...structuredClone(config), kernels };
  // Past RL they are its result.
  if (STAGE_NAMES.indexOf(state.stage) <= STAGE_NAMES.indexOf('popo'))
    state.weights = [...config.popo.reward_weights];
  return { state, arrays: { ...checkpoint.arrays } };
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
