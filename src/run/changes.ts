/**
 * What was changed while a run went on: from step `step` of a stage on, a field of its config has another value, to the end of
 * the run. The config stays that of the run's beginning. State, checkpoint, report and link carry the changes, so that whoever
 * opens the link has the same changes at the same steps, and the same bits.
 */
import { RULES, type Weighting } from '../popo/rules';
import { ConfigError, type ConfigPath, parseConfig, type RunConfig } from './config';
import { formatLeaf, type LeafValue, readField } from './diff';
import { leafAt, setLeaf } from './fields/paths';
import { STAGE_NAMES, type StageName } from './stageNames';

export interface RunChange {
  stage: StageName;
  /** The first step that it holds for, counted from 0. */
  step: number;
  field: ConfigPath;
  from: LeafValue;
  to: LeafValue;
}

/** Most changes of a run: a link holds them all. */
export const MOST_CHANGES = 48;

/** A field, and what somebody wants it to be from now on. */
export interface FieldEdit {
  field: ConfigPath;
  to: LeafValue;
}

/** The fields that a stage asks for anew at every step. The first is its learning rate. */
const LIVE: Partial<Record<StageName, readonly [ConfigPath, ...ConfigPath[]]>> = {
  warmup: ['warmup.learning_rate'],
  // The scorer has SFT's.
  orft: ['sft.learning_rate'],
  sft: ['sft.learning_rate'],
  popo: [
    'popo.learning_rate',
    'popo.reward_weights',
    'popo.weighting',
    'popo.eta_over_mu',
    'popo.min_weight',
    'popo.correlation_target',
    'popo.correlation_rate',
    'popo.constrained',
    'popo.constraint_margin',
    'popo.constraint_step',
    'popo.temperature',
    'popo.beta',
    'popo.epsilon',
    'popo.epsilon_high',
    'popo.num_generations',
    'popo.scale_rewards',
    'popo.multi_objective_aggregation',
  ],
};

/**
 * Weights that a rule moves are not the config's: changing them sets w just before the step, so that is done also where the config says
 * so already.
 */
const SETS_STATE: ConfigPath = 'popo.reward_weights';

/** The fields that may change while a stage goes on. */
export function liveFields(stage: StageName): readonly ConfigPath[] {
  return LIVE[stage] ?? [];
}

/** The learning rate of a stage that trains the language model; null for others. */
export function rateOf(stage: StageName): ConfigPath | null {
  return LIVE[stage]?.[0] ?? null;
}

function stepsOf({ warmup, orft, sft, popo }: RunConfig, stage: StageName): number {
  const steps = { warmup: warmup.steps, orft: orft.scorer_steps, sft: sft.steps, popo: popo.steps };
  return steps[stage as keyof typeof steps] ?? 0;
}

/** Whether the first comes no later than the second. */
export function isBy(a: { stage: StageName; step: number }, b: { stage: StageName; step: number }): boolean {
  const apart = STAGE_NAMES.indexOf(a.stage) - STAGE_NAMES.indexOf(b.stage);
  return apart < 0 || (apart === 0 && a.step <= b.step);
}

/** The config in force at a step; the very object where nothing has changed by then. */
export function configAt(
  config: RunConfig,
  changes: readonly RunChange[],
  at: { stage: StageName; step: number },
): RunConfig {
  const past = changes.filter((change) => isBy(change, at));
  if (past.length === 0) return config;
  const changed = structuredClone(config);
  for (const { field, to } of past) setLeaf(changed, field, to);
  return changed;
}

/** What a field is set to just before a step; null where nothing is said of it there. */
export function changedAt(
  changes: readonly RunChange[],
  at: { stage: StageName; step: number },
  field: ConfigPath,
): LeafValue | null {
  const isIt = (one: RunChange) => one.stage === at.stage && one.step === at.step && one.field === field;
  return changes.findLast(isIt)?.to ?? null;
}

/**
 * The changes of a run with some more, which hold from a step on. What was said of a field for that very step is void; so are changes of
 * it that were to come, since they were made for another course.
 * @throws {ConfigError} as `checkChanges`: then none of the edits holds
 */
export function withEdits(
  run: { config: RunConfig; changes: readonly RunChange[] },
  at: { stage: StageName; step: number },
  edits: readonly FieldEdit[],
): RunChange[] {
  let changes = [...run.changes];
  for (const { field, to } of edits) {
    const isBefore = (one: RunChange) => isBy(one, at) && !(one.field === field && isBy(at, one));
    const past = changes.filter(isBefore);
    const later = changes.filter((one) => !isBy(one, at) && one.field !== field);
    const from = leafAt(configAt(run.config, past, at), field);
    const isNothing = field !== SETS_STATE && JSON.stringify(from) === JSON.stringify(to);
    changes = [...past, ...(isNothing ? [] : [{ ...at, field, from, to }]), ...later];
  }
  checkChanges(run.config, changes);
  return changes;
}

/** @throws {ConfigError} where a change is none of this config's, with the first that is wrong */
export function checkChanges(config: RunConfig, changes: readonly RunChange[]): void {
  if (changes.length > MOST_CHANGES) throw new ConfigError(`it changes more than ${MOST_CHANGES} times.`);
  changes.forEach((change, index) => {
    const { stage, step, field, from, to } = change;
    const name = `its change of ${field} at ${stage}, step ${step + 1},`;
    if (!LIVE[stage]?.includes(field)) throw new ConfigError(`${name} is none that this stage can make.`);
    if (!Number.isInteger(step) || step < 0 || step >= stepsOf(config, stage))
      throw new ConfigError(`${name} is beyond the stage's steps.`);
    if (index > 0 && !isBy(changes[index - 1], change)) throw new ConfigError(`${name} is out of order.`);
    const before = configAt(config, changes.slice(0, index), change);
    if (JSON.stringify(leafAt(before, field)) !== JSON.stringify(from))
      throw new ConfigError(`${name} does not begin at the value that the field has then.`);
    // What it trains would be there for none of the steps before.
    const isDrawn = (value: LeafValue) =>
      RULES.some((rule) => rule.name === value && rule.draw !== undefined);
    if (field === 'popo.weighting' && from !== to && (isDrawn(from) || isDrawn(to)))
      throw new ConfigError(
        `${name} cannot be made: conditioned trains a model for each reward from the first step of alignment on, so choose it, or another, before a run.`,
      );
    const after = structuredClone(before);
    setLeaf(after, field, to);
    parseConfig(after);
  });
}

/** As a link has them: `sft:120:sft.learning_rate:0.004:0.002;…` */
export function formatChanges(changes: readonly RunChange[]): string {
  return changes
    .map(({ stage, step, field, from, to }) =>
      [stage, step, field, formatLeaf(from), formatLeaf(to)].join(':'),
    )
    .join(';');
}

/** The inverse of `formatChanges`. @throws {ConfigError} as `checkChanges`, or when it cannot be read */
export function readChanges(text: string, config: RunConfig): RunChange[] {
  const changes = text.split(';').map((part) => {
    const [stage, step, path, from, to, ...rest] = part.split(':');
    if (to === undefined || rest.length > 0 || !/^\d{1,7}$/.test(step))
      throw new ConfigError('its changes are not of the form stage:step:field:from:to.');
    const [field, before] = readField(path, from);
    return { stage: stage as StageName, step: Number(step), field, from: before, to: readField(path, to)[1] };
  });
  checkChanges(config, changes);
  return changes;
}

/** To go by another rule: one that holds a reward is told of one that the run has. */
export function weightingEdits(to: Weighting, { popo: { rewards, constrained } }: RunConfig): FieldEdit[] {
  const lacks = to === 'constraint' && !rewards.includes(constrained);
  return [
    ...(lacks ? [{ field: 'popo.constrained', to: rewards[0] } as const] : []),
    { field: 'popo.weighting', to },
  ];
}
