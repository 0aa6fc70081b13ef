/** Where a run may be forked. */
import type { StageName } from './stageNames';

/** Stages before which a second line may begin: from the first that trains the language model to the last. */
export const FORKED_STAGES = ['warmup', 'rupr', 'orft', 'sft', 'popo'] as const satisfies StageName[];

export type ForkedStage = (typeof FORKED_STAGES)[number];

/** `here`: as it stands, at rest or where it was left. A stage: before its first step. */
export type ForkPoint = 'here' | ForkedStage;
