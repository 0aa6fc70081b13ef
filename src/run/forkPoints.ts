/** Where a run may be forked. */
import type { RunChange } from './changes';
import type { StageName } from './stageNames';

/** Stages before which a second line may begin: from the first that trains the language model to the last. */
export const FORKED_STAGES = ['warmup', 'rupr', 'orft', 'sft', 'popo'] as const satisfies StageName[];

export type ForkedStage = (typeof FORKED_STAGES)[number];

/** One change of a run: a field changes at a step but once. */
export type ChangePlace = Pick<RunChange, 'stage' | 'step' | 'field'>;

/**
 * `here`: as it stands, at rest or where it was left. A stage: before its first step. A change: before its step, without it and without
 * what was changed after it.
 */
export type ForkPoint = 'here' | ForkedStage | ChangePlace;
