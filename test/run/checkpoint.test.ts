import { describe, expect, it } from 'vitest';
import { parameterTable } from '../../src/model/parameters';
import { Random } from '../../src/numeric/random';
import type { RunHeader } from '../../src/run/checkpoint';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/run/checkpoint';
import { CheckpointError } from '../../src/run/checkpointError';
import { modelShape } from '../../src/run/config';
import { presetConfig } from '../../src/run/presets';
import { STAGE_NAMES } from '../../src/run/report';
import { copyState, NOTHING_DONE, type RunCheckpoint, type RunState } from '../../src/run/runState';
import type { KeptPart } from '../../src/run/workbench';
import { Checkpoints } from '../../src/store/checkpoints';
import { memoryStore } from '../../src/store/memory';
import { v1 } from '../v1';

const APP = '9.9.9';

function checkpoint(): RunCheckpoint {
  const state: RunState = { ...structuredClone(NOTHING_DONE), app: APP, config: presetConfig(v1('tiny')) };
  state.stage = 'warmup';
  state.step = 2;
  state.stages = STAGE_NAMES.slice(0, 5).map((name) => ({
    name,
    seconds: 1,
    steps: name === 'warmup' ? 6 : 1,
    loss: name === 'warmup' ? [5, 4] : [],
    heldOutLoss: [],
    gradNorm: name === 'warmup' ? [1, 2] : [],
  }));
  const shape = modelShape(state.config, 300, 64);
  state.made.data = { draws: [] } as never;
  state.made.tokenizer = { tokenizer: {}, options: {}, shape } as never;
  state.made.ranker = {
    auc: { ctr: 0.1 + 0.2, cvr: 1 / 3, ctcvr: 5e-324 },
    // A window of a larger buffer: only its own numbers are kept.
    rewardTable: new Float32Array([9, 1, 2, 9]).subarray(1, 3),
    ctcvr: null,
  };
  state.made.encoder = { wordVectors: Float32Array.of(3, -0), sentences: Float32Array.of(Number.NaN) };
  const pool = (value: number) => new Float32Array(parameterTable(shape).poolSize).fill(value);
  return { state, model: { parameters: pool(1), moment1: pool(2), moment2: pool(3) } };
}

/** Of a judge after two steps. */
const fitted = (): KeptPart => ({
  standing: {
    losses: Float32Array.of(3, 2),
    weights: Float32Array.of(1, 2, -0, Number.NaN),
    moment1: new Float32Array(4),
    moment2: new Float32Array(4),
  },
  parts: {},
});

/** A run in a stage before the model is trained, with parts of it done. */
function within(stage: 'ranker' | 'encoder', parts: Record<string, KeptPart>): RunCheckpoint {
  const { state, model } = checkpoint();
  state.stage = stage;
  state.stages = state.stages.slice(0, STAGE_NAMES.indexOf(stage) + 1);
  for (const report of state.stages) report.steps = 9;
  delete state.made[stage];
  state.work = { parts };
  return { state, model };
}

const stored = (made: RunCheckpoint) => structuredClone(encodeCheckpoint('id', made, false));
const bits = (array: Float32Array | null | undefined) => array && [...new Uint32Array(array.slice().buffer)];

describe('a checkpoint', () => {
  it('comes back from the store to the bit, arrays wherever they lie', () => {
    const made = checkpoint();
    const kept = stored(made);
    expect(kept.header).toMatchObject({ stage: 'warmup', step: 2, finished: false });
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

  it('keeps an array once that stands in the state twice', () => {
    const made = checkpoint();
    const [kept, twice] = [stored(made), structuredClone(made)];
    twice.state.beginning = Float32Array.from(twice.model!.parameters);
    const one = Object.keys(stored(twice).pools).length;
    expect(one).toBe(Object.keys(kept.pools).length + 1);
    twice.state.made.orft = { backbone: twice.state.beginning, result: null };
    const both = stored(twice);
    expect(Object.keys(both.pools)).toHaveLength(one);
    const back = decodeCheckpoint(both, APP).state;
    expect(bits(back.made.orft?.backbone)).toEqual(bits(twice.state.beginning));
    expect(bits(back.beginning)).toEqual(bits(twice.state.beginning));
  });

  it.each<[string, (state: RunState) => void, RegExp]>([
    [
      'of nobody’s wish',
      ({ config }) => Object.assign(config.popo, { keep: 'last' }),
      /best model that nobody asked for/,
    ],
    ['lost', ({ made }) => Object.assign(made.popo!, { best: null }), /best model is missing/],
    [
      'without weights',
      ({ made }) => Object.assign(made.popo!.best!, { parameters: null }),
      /weights of its best model/,
    ],
    [
      'of another point',
      ({ made }) => Object.assign(made.popo!.best!, { step: 0 }),
      /of step 0, which is not the best/,
    ],
    [
      'of another score',
      ({ made }) => Object.assign(made.popo!.best!, { score: 1 }),
      /is not the best of its curve/,
    ],
    [
      'of another length',
      ({ made }) => Object.assign(made.popo!.best!, { parameters: Float32Array.of(1) }),
      /best or last model has 1 numbers/,
    ],
  ])('with a best model %s is damaged', (_name, damage, reason) => {
    const made = checkpoint();
    const { state, model } = made;
    state.config.popo.keep = 'best';
    state.stage = 'popo';
    state.step = 1;
    state.stages = STAGE_NAMES.slice(0, 9).map((name) => ({
      name,
      seconds: 1,
      steps: name === 'popo' ? 6 : 0,
      loss: name === 'popo' ? [0] : [],
      heldOutLoss: [],
    }));
    for (const name of ['warmup', 'rupr', 'orft', 'sft'] as const) state.made[name] = {} as never;
    const point = (step: number, l3: number) =>
      ({ step, row: { Category_L3_ACC: l3, CTCVR: 0.5, distinct_top1: 3 } }) as never;
    state.made.popo = {
      curve: [point(0, 0.2), point(1, 0.4)],
      best: { step: 1, score: 0.2, parameters: model!.parameters },
      last: null,
    } as never;
    expect(decodeCheckpoint(stored(made), APP).state.made.popo?.best?.step).toBe(1);
    damage(state);
    expect(() => decodeCheckpoint(stored(made), APP)).toThrow(reason);
  });

  it.each([
    ['of another number of rewards', [{ temperature: 1, rewards: [0.2] }]],
    ['that no reward can have', [{ temperature: 1, rewards: [0.2, 1.5] }]],
    ['that are no list', { temperature: 1, rewards: [0.2, 0.5] }],
  ])('with levels %s is damaged', (_name, levels) => {
    const made = checkpoint();
    const { state } = made;
    const before = { ...(state.made.popo ?? { best: null, last: null, curve: [] }) };
    state.made.popo = { ...before, levels: [{ temperature: 1, rewards: [0.2, 0.5] }] } as never;
    expect(decodeCheckpoint(stored(made), APP).state.made.popo?.levels).toHaveLength(1);
    state.made.popo = { ...before, levels } as never;
    expect(() => decodeCheckpoint(stored(made), APP)).toThrow(/levels that its rewards are held at are none/);
  });

  it('has no model before there is one', () => {
    const { state } = checkpoint();
    Object.assign(state, { stage: 'data', step: 0, stages: [], made: {} });
    expect(decodeCheckpoint(stored({ state, model: null }), APP).model).toBeNull();
  });

  it('begins before the first step of the first stage', () => {
    const config = presetConfig(v1('tiny'));
    expect({ ...NOTHING_DONE, app: APP, config }).toEqual({
      schema: 4,
      app: APP,
      config,
      stage: 'data',
      step: 0,
      stages: [],
      made: {},
      work: { parts: {} },
      timings: {},
      changes: [],
      divergences: [],
      beginning: null,
    });
  });

  it('is a copy that later steps do not reach, with its arrays shared', () => {
    const { state } = checkpoint();
    const copied = copyState(state);
    state.step = 7;
    state.config = { ...state.config, seed: 99 };
    state.made.encoder = undefined;
    expect(copied.stages).toHaveLength(5);
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

  it('of before some fields of the config came is read, as a run of what was done then', () => {
    const kept = stored(checkpoint());
    const state = JSON.parse(new TextDecoder().decode(kept.pools['state.json'])) as RunState;
    const { config } = structuredClone(state);
    for (const name of ['embedded', 'whiten_above', 'head_steps'])
      Reflect.deleteProperty(state.config.ranking, name);
    expect(state.config).not.toEqual(config);
    kept.pools['state.json'] = new TextEncoder().encode(JSON.stringify(state)).buffer;
    expect(decodeCheckpoint(kept, APP).state.config).toEqual(config);
  });

  it('of the form before this one is read, but baselines that were under way begin anew', () => {
    const read = (change: (state: RunState) => void) => {
      const made = structuredClone(checkpoint());
      change(made.state);
      const kept = stored(made);
      const { work, ...state } = JSON.parse(new TextDecoder().decode(kept.pools['state.json']));
      expect(work).toEqual({ parts: {} });
      kept.pools['state.json'] = new TextEncoder().encode(JSON.stringify({ ...state, schema: 3 })).buffer;
      return decodeCheckpoint(kept, APP).state;
    };
    expect(read(() => {})).toMatchObject({ schema: 4, stage: 'warmup', step: 2, work: { parts: {} } });
    const late = read((state) => {
      Object.assign(state, { stage: 'baselines', step: 3 });
      state.stages = STAGE_NAMES.slice(0, 11).map((name) => ({
        name,
        seconds: 1,
        steps: name === 'baselines' ? 7 : 0,
        loss: [],
        heldOutLoss: [],
      }));
      for (const name of ['warmup', 'rupr', 'orft', 'sft', 'evaluate'] as const)
        state.made[name] = {} as never;
      state.made.popo = { best: null, last: null, curve: [] } as never;
      state.made.baselines = { judged: [], training: null, report: null } as never;
    });
    expect([late.stage, late.step, late.made.baselines]).toEqual(['baselines', 0, undefined]);
  });

  it('within a stage that is done in parts has them to the bit', () => {
    const made = within('ranker', { fit: fitted(), auc: { result: { ctr: 0.1 + 0.2 }, parts: {} } });
    const { work } = decodeCheckpoint(stored(made), APP).state;
    expect(work).toEqual(made.state.work);
    // A checkpoint does not change as the parts go on.
    const copied = copyState(made.state);
    made.state.work.parts.fit = { result: 1, parts: {} };
    expect(copied.work.parts.fit.standing).toBeDefined();
  });

  it.each<[string, (state: RunState) => void, RegExp]>([
    ['no parts', (state) => Object.assign(state, { work: 5 }), /what ranker has done of its parts is lost/],
    [
      'a part lost',
      ({ work }) => Object.assign(work.parts, { fit: 7 }),
      /what ranker, fit has done of its parts is lost/,
    ],
    [
      'parts of a stage that has not begun',
      (state) => {
        state.stages.pop();
        state.step = 0;
      },
      /parts of ranker are done before it began/,
    ],
    [
      'too many losses',
      ({ work }) => Object.assign(work.parts.fit.standing as object, { losses: new Float32Array(10) }),
      /ranker, fit has 10 losses, more than its stage has steps \(9\)/,
    ],
    [
      'a moment lost',
      ({ work }) => delete (work.parts.fit.standing as { moment2?: object }).moment2,
      /ranker, fit has moments of another length than its weights/,
    ],
    [
      'a cut moment',
      ({ work }) => Object.assign(work.parts.fit.standing as object, { moment1: new Float32Array(3) }),
      /ranker, fit has moments of another length/,
    ],
  ])('within a stage with %s is damaged, and says how', (_name, damage, reason) => {
    const made = within('ranker', { fit: fitted() });
    expect(decodeCheckpoint(stored(made), APP).state.step).toBe(2);
    damage(made.state);
    expect(() => decodeCheckpoint(stored(made), APP)).toThrow(reason);
  });

  it.each(['state.json', 'array 0', 'parameters', 'moment1', 'moment2'])('is damaged without %s', (pool) => {
    const kept = stored(checkpoint());
    delete kept.pools[pool];
    expect(() => decodeCheckpoint(kept, APP)).toThrow(/damaged/);
  });

  it.each<[string, (state: RunState) => void, RegExp]>([
    [
      'a step after the last',
      ({ stages }) => stages.at(-1)!.loss.push(3),
      /warmup has 3 losses after 2 steps/,
    ],
    [
      'a step out of range',
      (state) => Object.assign(state, { step: 999_999 }),
      /step 999999 of warmup is none of its 6/,
    ],
    ['half a step', (state) => Object.assign(state, { step: 0.5 }), /step 0.5 of warmup/],
    ['an unknown stage', (state) => Object.assign(state, { stage: 'lunch' }), /no stage “lunch”/],
    [
      'another stage',
      (state) => Object.assign(state, { stage: 'sft' }),
      /reports are not those of a run in sft/,
    ],
    ['a report lost', ({ stages }) => stages.splice(1, 1), /reports are not those of a run in warmup/],
    ['no reports', (state) => Object.assign(state, { stages: 5 }), /record of stages is lost/],
    ['nothing made', (state) => Object.assign(state, { made: null }), /record of stages is lost/],
    ['a judge lost', ({ made }) => delete made.encoder, /what encoder made is missing/],
    ['a wrong config', ({ config }) => Object.assign(config, { seed: -1 }), /config is not one \(seed must/],
    ['a field lost', ({ config }) => delete (config.popo as { beta?: number }).beta, /damaged: its config/],
    [
      'norms lost',
      ({ stages }) => stages.at(-1)!.gradNorm!.pop(),
      /warmup has 1 gradient norms after 2 steps/,
    ],
    ['its changes lost', (state) => Object.assign(state, { changes: 3 }), /record of changes is lost/],
    [
      'a change that cannot be',
      (state) =>
        state.changes.push({ stage: 'warmup', step: 3, field: 'warmup.learning_rate', from: 1, to: 0.5 }),
      /does not begin at the value that the field has then/,
    ],
    [
      'a cut beginning',
      (state) => Object.assign(state, { beginning: Float32Array.of(1) }),
      /stage began with are 1 numbers/,
    ],
    ['losses lost', ({ stages }) => stages.at(-1)!.loss.pop(), /warmup has 1 losses after 2 steps/],
    [
      'another shape',
      ({ made }) => Object.assign(made.tokenizer!.shape, { vocab_size: 301 }),
      /parameters has/,
    ],
  ])('with %s is damaged, and says how', (_name, damage, reason) => {
    const made = structuredClone(checkpoint());
    damage(made.state);
    expect(() => decodeCheckpoint(stored(made), APP)).toThrow(reason);
  });

  it('is damaged with a model of another length', () => {
    for (const pool of ['parameters', 'moment1', 'moment2']) {
      const kept = stored(checkpoint());
      kept.pools[pool] = kept.pools[pool].slice(4);
      expect(() => decodeCheckpoint(kept, APP), pool).toThrow(
        new RegExp(`damaged: ${pool} has \\d+ numbers`),
      );
      kept.pools[pool] = kept.pools[pool].slice(0, 5);
      expect(() => decodeCheckpoint(kept, APP), pool).toThrow(/is cut/);
    }
  });

  it('is refused after any of 200 random damages, and read where there is none', async () => {
    const random = new Random(5, 'damage');
    const below = (count: number) => Math.floor(random.uniform() * count);
    const store = memoryStore();
    const checkpoints = new Checkpoints<RunHeader>(store);
    await checkpoints.save(stored(checkpoint()));
    const whole = (await store.get('checkpoints', 'id'))!;
    const read = async () => decodeCheckpoint((await checkpoints.load('id'))!, APP);
    expect((await read()).state.step).toBe(2);
    const names = Object.keys(whole.parts);
    for (let k = 0; k < 200; k++) {
      const record = structuredClone(whole);
      const parts = record.parts as Record<string, ArrayBuffer>;
      const header = record.header as { caller: object; pools: Record<string, string> };
      const name = names[below(names.length)];
      const bytes = new Uint8Array(parts[name]);
      const damages = [
        () => bytes.set([bytes.at(-1)! ^ (1 << below(8))], bytes.length - 1),
        () => bytes.fill(0),
        () => Object.assign(parts, { [name]: parts[name].slice(0, below(bytes.length)) }),
        () => delete parts[name],
        () => Object.assign(parts, { [name]: parts[names[(names.indexOf(name) + 1) % names.length]] }),
        () => Object.assign(header.caller, { step: 3 + below(1_000_000) }),
        () => Object.assign(header.caller, { stage: 'sft' }),
        () => delete header.pools[name],
        () => Object.assign(header, { seal: 'f'.repeat(64) }),
      ];
      damages[k % damages.length]();
      await store.put('checkpoints', record);
      await expect(read(), `damage ${k} of ${name}`).rejects.toThrow(/^This checkpoint is damaged: .*\.$/);
    }
  });
});
