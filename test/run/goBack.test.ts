/** A run that was stopped because it ran away, taken up again. */
import { describe, expect, it } from 'vitest';
import type { DecidedDivergence } from '../../src/run/divergence';
import { afterStop, GoodCheckpoints, stoppedFor } from '../../src/run/goBack';
import type { RunCheckpoint } from '../../src/run/runState';
import { minusculeConfig, newState } from './tinyRun';

const STOPPED: DecidedDivergence = {
  stage: 'sft',
  kind: 'loss',
  step: 3,
  since: 2,
  value: 9,
  began: 1,
  bound: 2,
  curve: [],
  sentence: 'The loss is far above where it has been.',
  choice: 'stop',
  backTo: null,
};

/** In SFT, whose weights are its steps. */
function at(step: number, divergences: DecidedDivergence[] = []): RunCheckpoint {
  const state = newState(minusculeConfig(), 'test');
  const pool = () => new Float32Array([step]);
  return {
    state: { ...state, stage: 'sft', step, divergences, beginning: new Float32Array([0]) },
    model: { parameters: pool(), moment1: pool(), moment2: pool() },
  };
}

describe('checkpoints of before it ran away', () => {
  it('are not pushed out by one that is kept twice, since its settings were changed at rest', () => {
    const good = new GoodCheckpoints(at(1));
    for (const step of [2, 3, 3, 3]) good.add(at(step));
    const back = good.before({ stage: 'sft', since: 2 }, at(3).state)!;
    expect([back.state.step, back.model?.parameters[0]]).toEqual([2, 2]);
  });
});

describe('a run that was stopped because it ran away', () => {
  const newest = at(3, [{ ...STOPPED, stage: 'warmup', choice: 'go-on' }, STOPPED]);

  it('is known by its last decision, until it goes on', () => {
    expect(stoppedFor(newest.state)).toEqual(STOPPED);
    expect(stoppedFor(at(3).state)).toBeNull();
    expect(stoppedFor({ ...newest.state, stage: 'popo' })).toBeNull();
    for (const choice of ['go-on', 'go-back', null] as const)
      expect(stoppedFor(afterStop(newest, at(2), choice)!.state)).toBeNull();
  });

  it('goes on as it is, and is not asked of that again', () => {
    const { state, model } = afterStop(newest, null, 'go-on')!;
    expect([state.step, state.changes, model]).toEqual([3, [], newest.model]);
    expect(state.divergences.map(({ choice }) => choice)).toEqual(['go-on', 'go-on']);
  });

  it.each([
    ['to the one before, where that is good', at(2), 2],
    ['to the beginning of the stage, where that is none', at(3), 0],
    ['to the beginning of the stage, where there is none', null, 0],
  ])('goes back %s, with half the learning rate', (_where, earlier, step) => {
    const { state, model } = afterStop(newest, earlier, 'go-back')!;
    expect([state.step, model?.parameters[0]]).toEqual([step, step]);
    const { learning_rate } = state.config.sft;
    const change = {
      stage: 'sft',
      step,
      field: 'sft.learning_rate',
      from: learning_rate,
      to: learning_rate / 2,
    };
    expect(state.changes).toEqual([change]);
    expect(state.divergences.at(-1)).toEqual({ ...STOPPED, choice: 'go-back', backTo: step });
    expect(state.divergences).toHaveLength(2);
  });

  it('is asked again where nothing is decided, and is left alone where it was not stopped', () => {
    expect(afterStop(newest, null, null)!.state.divergences).toHaveLength(1);
    const other = at(3);
    expect(afterStop(other, at(2), 'go-back')).toBe(other);
  });
});
