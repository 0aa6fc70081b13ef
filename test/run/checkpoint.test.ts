import { describe, expect, it } from 'vitest';
import {
  copyState,
  decodeCheckpoint,
  encodeCheckpoint,
  NOTHING_DONE,
  type RunCheckpoint,
  type RunState,
} from '../../src/run/checkpoint';
import { CheckpointError } from '../../src/run/checkpointError';
import { presetConfig } from '../../src/run/presets';

const APP = '9.9.9';

function checkpoint(): RunCheckpoint {
  const state: RunState = { ...structuredClone(NOTHING_DONE), app: APP, config: presetConfig('tiny') };
  state.stage = 'encoder';
  state.step = 2;
  state.made.ranker = {
    auc: { ctr: 0.1 + 0.2, cvr: 1 / 3, ctcvr: 5e-324 },
    // A window of a larger buffer: only its own numbers are kept.
    rewardTable: new Float32Array([9, 1, 2, 9]).subarray(1, 3),
    ctcvr: null,
  };
  state.made.encoder = { wordVectors: Float32Array.of(3, -0), sentences: Float32Array.of(Number.NaN) };
  const pool = (value: number) => Float32Array.of(value, value);
  return { state, model: { parameters: pool(1), moment1: pool(2), moment2: pool(3) } };
}

const stored = (made: RunCheckpoint) => structuredClone(encodeCheckpoint('id', made, false));
const bits = (array: Float32Array | null | undefined) => array && [...new Uint32Array(array.slice().buffer)];

describe('a checkpoint', () => {
  it('comes back from the store to the bit, arrays wherever they lie', () => {
    const made = checkpoint();
    const kept = stored(made);
    expect(kept.header).toMatchObject({ stage: 'encoder', step: 2, finished: false });
    const back = decodeCheckpoint(kept, APP);
    expect(back.state.made.ranker).toEqual({
      auc: made.state.made.ranker?.auc,
      rewardTable: Float32Array.of(1, 2),
      ctcvr: null,
    });
    expect(bits(back.state.made.encoder?.wordVectors)).toEqual(bits(Float32Array.of(3, -0)));
    expect(bits(back.state.made.encoder?.sentences)).toEqual(bits(Float32Array.of(Number.NaN)));
    expect(back.model).toEqual(made.model);
    expect(back.state.config).toEqual(made.state.config);
  });

  it('has no model before there is one', () => {
    expect(decodeCheckpoint(stored({ ...checkpoint(), model: null }), APP).model).toBeNull();
  });

  it('has no model where a part of one is missing', () => {
    for (const pool of ['parameters', 'moment1', 'moment2']) {
      const kept = stored(checkpoint());
      delete kept.pools[pool];
      expect(decodeCheckpoint(kept, APP).model, pool).toBeNull();
    }
  });

  it('begins before the first step of the first stage', () => {
    const config = presetConfig('tiny');
    expect({ ...NOTHING_DONE, app: APP, config }).toEqual({
      schema: 2,
      app: APP,
      config,
      stage: 'data',
      step: 0,
      stages: [],
      made: {},
      timings: {},
    });
  });

  it('is a copy that later steps do not reach, with its arrays shared', () => {
    const { state } = checkpoint();
    const copied = copyState(state);
    state.step = 7;
    state.config = { ...state.config, seed: 99 };
    state.made.encoder = undefined;
    expect(copied.stages).toEqual([]);
    expect(copied.config.popo.reward_weights).toEqual([0.5, 0.5]);
    expect([copied.step, copied.config.seed]).toEqual([2, 1]);
    expect(copied.made.encoder?.wordVectors).toHaveLength(2);
    expect(copied.made.ranker?.rewardTable).toBe(state.made.ranker?.rewardTable);
  });

  it.each([
    [
      'of another version',
      (state: Record<string, unknown>) => Object.assign(state, { app: '0.0.1' }),
      /written by version 0\.0\.1/,
    ],
    [
      'of an older form',
      (state: Record<string, unknown>) => Object.assign(state, { schema: 1 }),
      /kept in an older form.*report can still be opened/,
    ],
  ])('%s is refused with the reason', (_name, change, reason) => {
    const kept = stored(checkpoint());
    const text = new TextDecoder().decode(kept.pools['state.json']);
    const state = change(JSON.parse(text) as Record<string, unknown>);
    kept.pools['state.json'] = new TextEncoder().encode(JSON.stringify(state)).buffer;
    expect(() => decodeCheckpoint(kept, APP)).toThrow(CheckpointError);
    expect(() => decodeCheckpoint(kept, APP)).toThrow(reason);
  });

  it.each(['state.json', 'array 0'])('is damaged without %s', (pool) => {
    const kept = stored(checkpoint());
    delete kept.pools[pool];
    expect(() => decodeCheckpoint(kept, APP)).toThrow(/damaged/);
  });
});
