/**
 * The stages of a run, in the order they run; `pipeline.ts` lists the stages themselves, and the compiler holds the two together.
 * Names alone, so that the page need not load what a stage stands on.
 */
export const STAGE_NAMES = [
  'data',
  'tokenizer',
  'ranker',
  'encoder',
  'warmup',
  'rupr',
  'orft',
  'sft',
  'popo',
  'evaluate',
  'baselines',
  'features',
  'ranking',
] as const;

export type StageName = (typeof STAGE_NAMES)[number];
