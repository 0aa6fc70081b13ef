/** A list of stages whose types fit together: each asks only for what those before it open. */
import type { RunConfig } from './config';
import type { STAGE_NAMES, StageName } from './report';
import type { Stage, StageTools } from './stage';

/** A stage of a list, whatever it needs and makes: the list's types have seen to it that these fit. */
export type AnyStage = Omit<Stage<StageName, never, never, unknown>, 'run' | 'begin'> &
  (
    | { run(inputs: never, tools: StageTools): Promise<unknown> }
    | { begin(config: RunConfig): unknown; run(inputs: never, tools: StageTools, made: never): Promise<void> }
  );

type Flat<T> = { [K in keyof T]: T[K] };

/**
 * @template Opened what the stages so far open, by their names
 * @template Made what they keep in checkpoints, by their names
 * @template Left names of the stages that are to follow
 */
class StageList<Opened, Made, Left extends readonly StageName[]> {
  readonly stages: readonly AnyStage[];

  constructor(stages: readonly AnyStage[]) {
    this.stages = stages;
  }

  /** The stage that comes next; its name must be the next of STAGE_NAMES. */
  add<Name extends Left[0], Own, Live>(
    stage: Stage<Name, Opened, Own, Live>,
  ): StageList<
    Flat<Opened & Record<Name, Live>>,
    Flat<Made & Record<Name, Own>>,
    Left extends readonly [StageName, ...infer Rest extends readonly StageName[]] ? Rest : []
  > {
    return new StageList([...this.stages, stage]);
  }
}

export type { StageList };

/** The records that a list's stages make, by their names. */
export type MadeOf<List> = List extends StageList<infer _Opened, infer Made, infer _Left> ? Made : never;

/** An empty list. */
export function stageList(): StageList<unknown, unknown, typeof STAGE_NAMES> {
  return new StageList([]);
}
