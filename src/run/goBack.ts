/** Checkpoints of the stage under way from before it ran away, and how a run goes on from one: with half the learning rate. */
import { configAt, isBy, MOST_CHANGES, type RunChange, rateOf } from './changes';
import type { DecidedDivergence, Divergence, DivergenceChoice } from './divergence';
import { leafAt } from './fields/paths';
import { copyState, type RunCheckpoint, type RunState } from './runState';

/** How many are remembered: the newest may be of after it began. */
const REMEMBERED = 2;

export class GoodCheckpoints {
  #kept: RunCheckpoint[] = [];

  /** @param first where the session begins, which is good as far as anybody knows */
  constructor(first: RunCheckpoint) {
    this.add(first);
  }

  add(checkpoint: RunCheckpoint): void {
    const { stage, step } = checkpoint.state;
    const ofStage = this.#kept.filter(({ state }) => state.stage === stage && state.step !== step);
    this.#kept = [...ofStage.slice(1 - REMEMBERED), checkpoint];
  }

  /**
   * The newest from before the divergence, else the stage's beginning, with half the learning rate from there on. Changes of it that
   * were to come are dropped, since they were made for another course.
   * @returns null where the beginning is not known, or the run has been changed too often
   */
  before({ stage, since }: Pick<Divergence, 'stage' | 'since'>, now: RunState): RunCheckpoint | null {
    const field = rateOf(stage);
    const good = this.#kept.findLast(({ state }) => state.stage === stage && state.step <= since);
    const from = good ?? beginningOf(now);
    if (field === null || from === null) return null;
    const state = copyState(from.state);
    const at = { stage, step: state.step };
    const rate = Number(leafAt(configAt(now.config, now.changes, at), field));
    const change: RunChange = { ...at, field, from: rate, to: rate / 2 };
    const [past, later] = [
      now.changes.filter((one) => isBy(one, at)),
      now.changes.filter((one) => !isBy(one, at)),
    ];
    state.changes = [...past, change, ...later.filter((one) => one.field !== field)];
    if (state.changes.length > MOST_CHANGES) return null;
    return { state, model: from.model };
  }
}

/** Why a run was stopped where it stands; null where it was not, or has gone on since. */
export function stoppedFor({ stage, divergences }: RunState): DecidedDivergence | null {
  const last = divergences.at(-1);
  return last?.choice === 'stop' && last.stage === stage ? last : null;
}

/**
 * A run that was stopped because it ran away, as it goes on from there: what is decided now stands in the place of what was.
 * @param earlier the checkpoint before the newest, where there is one
 * @param choice null where nothing is decided: then it is asked again, once it is seen again
 * @returns null where it cannot go back
 */
export function afterStop(
  newest: RunCheckpoint,
  earlier: RunCheckpoint | null,
  choice: Exclude<DivergenceChoice, 'stop'> | null,
): RunCheckpoint | null {
  const stopped = stoppedFor(newest.state);
  if (stopped === null) return newest;
  const past = newest.state.divergences.slice(0, -1);
  const of = (checkpoint: RunCheckpoint, divergences: DecidedDivergence[]): RunCheckpoint => ({
    ...checkpoint,
    state: { ...copyState(checkpoint.state), divergences },
  });
  if (choice === null) return of(newest, past);
  if (choice === 'go-on') return of(newest, [...past, { ...stopped, choice }]);
  const good = new GoodCheckpoints(earlier ?? newest);
  if (earlier !== null) good.add(newest);
  const back = good.before(stopped, newest.state);
  return back && of(back, [...past, { ...stopped, choice, backTo: back.state.step }]);
}

/** The stage under way as it was before its first step, whose optimiser it sets to zero itself. */
function beginningOf(now: RunState): RunCheckpoint | null {
  const { beginning, stage } = now;
  if (beginning === null) return null;
  const state = copyState(now);
  const { [stage]: _, ...made } = state.made;
  const stages = state.stages.filter(({ name }) => name !== stage);
  const zero = new Float32Array(beginning.length);
  const model = { parameters: beginning, moment1: zero, moment2: zero };
  return { state: { ...state, step: 0, stages, made, work: { parts: {} } }, model };
}
