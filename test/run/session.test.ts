import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Controls } from '../../src/run/controls';
import type { RunDevice } from '../../src/run/device';
import type { RunEvent, StageName } from '../../src/run/report';
import type { RunCheckpoint } from '../../src/run/runState';
import { RunSession } from '../../src/run/session';
import type { SessionTools, StageTools } from '../../src/run/stage';
import type { AnyStage } from '../../src/run/stageList';
import { RecordingModel } from './stages/recorded';
import { minusculeConfig, newState, recordedRun } from './tinyRun';

/** The clock, in seconds. */
let now = 0;
beforeEach(() => {
  now = 50;
  vi.spyOn(performance, 'now').mockImplementation(() => now * 1000);
});
afterEach(() => {
  vi.restoreAllMocks();
});

function fresh(): RunCheckpoint {
  return { state: newState(minusculeConfig(), '1.0.0'), model: null };
}

/** A checkpoint within a stage. */
function within(stage: StageName, step: number, made: object = {}): RunCheckpoint {
  const checkpoint = fresh();
  Object.assign(checkpoint.state, { stage, step, made: { [stage]: made } });
  return checkpoint;
}

function opened(checkpoint: RunCheckpoint, isStored = true) {
  const controls = new Controls();
  const events: RunEvent[] = [];
  const saved: RunCheckpoint[] = [];
  const models: RecordingModel[] = [];
  const asked: unknown[][] = [];
  const gone: RecordingModel[] = [];
  const device = {
    async createModel(...all: unknown[]) {
      asked.push(all);
      const model = new RecordingModel();
      model.memory = () => ({ bytesPlanned: 7, bytesAllocated: 8 });
      model.destroy = () => void gone.push(model);
      models.push(model);
      return model;
    },
  } as unknown as RunDevice;
  const run = { onSave: async () => {} };
  const session = new RunSession({
    checkpoint,
    controls,
    device,
    services: recordedRun(checkpoint.state.config).context,
    emit: (event) => void events.push(event),
    async save(made) {
      saved.push(made);
      await run.onSave();
      return isStored;
    },
  });
  return Object.assign(run, { session, controls, events, saved, models, asked, gone, device });
}

interface Made {
  count: number;
}

/** A stage that counts its beginnings, runs and openings. */
function stageOf(
  name: StageName,
  steps: number,
  run: (tools: StageTools, made: Made) => Promise<void> = async () => {},
) {
  const calls: unknown[][] = [];
  const stage = {
    name,
    reads: [],
    steps: () => steps,
    begin: () => {
      calls.push(['begin']);
      return { count: 0 };
    },
    async run(inputs: unknown, tools: StageTools, made: Made) {
      calls.push(['run', { ...(inputs as object) }]);
      await run(tools, made);
    },
    async open(made: Made, inputs: unknown, tools: SessionTools) {
      calls.push(['open', { ...made }, { ...(inputs as object) }, tools.config.seed]);
      return { live: name };
    },
  };
  return { stage: stage as unknown as AnyStage, calls };
}

/** One that starts over when it is cut off. */
function wholeStageOf(
  name: StageName,
  steps: number,
  run: (tools: StageTools) => Promise<unknown>,
): AnyStage {
  return {
    name,
    reads: [],
    steps: () => steps,
    run: (_inputs: unknown, tools: StageTools) => run(tools),
    open: (made: unknown) => made,
  } as unknown as AnyStage;
}

const stagesOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === 'stage' ? [event] : []));
const progressOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) =>
    event.type === 'progress' ? [[event.step, event.steps, event.secondsLeft] as const] : [],
  );

/** Waits until a promise has had every chance to settle. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('a stage of a session', () => {
  it('is begun, run and opened for those after it, which get what it opened', async () => {
    const { session, events, saved } = opened(fresh());
    const first = stageOf('data', 1, async (_tools, made) => {
      made.count = 3;
    });
    const second = wholeStageOf('tokenizer', 2, async () => ({ words: 9 }));
    await session.pass(first.stage);
    expect(first.calls).toEqual([['begin'], ['run', {}], ['open', { count: 3 }, {}, 5]]);
    expect(session.state).toMatchObject({ stage: 'tokenizer', step: 0, made: { data: { count: 3 } } });
    await session.pass(second);
    const third = stageOf('ranker', 1);
    await session.pass(third.stage);
    expect(third.calls[1]).toEqual(['run', { data: { live: 'data' }, tokenizer: { words: 9 } }]);
    expect(session.state.made).toMatchObject({ data: { count: 3 }, tokenizer: { words: 9 } });
    expect(stagesOf(events).map(({ name, status, steps }) => [name, status, steps])).toEqual([
      ['data', 'started', 1],
      ['data', 'finished', 1],
      ['tokenizer', 'started', 2],
      ['tokenizer', 'finished', 2],
      ['ranker', 'started', 1],
      ['ranker', 'finished', 1],
    ]);
    expect(saved.map(({ state }) => [state.stage, state.step])).toEqual([
      ['tokenizer', 0],
      ['ranker', 0],
      ['encoder', 0],
    ]);
    expect(session.last).toBe(saved[2]);
  });

  it('that an earlier session finished is opened, and neither run nor told', async () => {
    const checkpoint = within('tokenizer', 0);
    checkpoint.state.made = { data: { count: 4 } } as never;
    const { session, events, saved } = opened(checkpoint);
    const { stage, calls } = stageOf('data', 1);
    await session.pass(stage);
    expect(calls).toEqual([['open', { count: 4 }, {}, 5]]);
    expect([events, saved]).toEqual([[], []]);
    const next = stageOf('tokenizer', 1);
    await session.pass(next.stage);
    expect(next.calls.slice(0, 2)).toEqual([['begin'], ['run', { data: { live: 'data' } }]]);
  });

  it('goes on where the checkpoint stands, with what it had made', async () => {
    const checkpoint = within('warmup', 2, { count: 5 });
    const { session, events } = opened(checkpoint);
    let seen: unknown;
    const { stage, calls } = stageOf('warmup', 6, async (tools, made) => {
      seen = [tools.name, tools.from, tools.steps, tools.at()];
      made.count++;
    });
    await session.pass(stage);
    expect(seen).toEqual(['warmup', 2, 6, 2]);
    expect(calls.map(([what]) => what)).toEqual(['run', 'open']);
    expect(session.state.made.warmup).toEqual({ count: 6 });
    // The checkpoint that it came from is as it was.
    expect(checkpoint.state.made.warmup).toEqual({ count: 5 });
    expect(stagesOf(events)[0]).toMatchObject({ status: 'resumed' });
  });

  it('begins at 0 where the checkpoint stands in the stage before it', async () => {
    const { session } = opened(within('encoder', 2));
    let seen: unknown;
    const { stage } = stageOf('warmup', 6, async (tools) => {
      seen = [tools.from, tools.at()];
      tools.reached(4);
      seen = [seen, tools.at()];
    });
    await session.pass(stage);
    expect(seen).toEqual([[0, 0], 4]);
  });

  it('is the last: the run stays at its end', async () => {
    const { session } = opened(within('ranking', 0));
    await session.pass(stageOf('ranking', 4).stage);
    expect([session.state.stage, session.state.step]).toEqual(['ranking', 4]);
  });

  it('has one report, which a later session goes on with', async () => {
    const checkpoint = within('warmup', 2);
    const own = { name: 'warmup' as const, seconds: 30, steps: 6, loss: [4, 3], heldOutLoss: [5] };
    checkpoint.state.stages = [own];
    const { session, events } = opened(checkpoint);
    const { stage } = stageOf('warmup', 6, async (tools) => {
      tools.own.loss.push(2);
      now += 12;
    });
    await session.pass(stage);
    expect(session.state.stages).toEqual([{ ...own, loss: [4, 3, 2], seconds: 42 }]);
    expect(stagesOf(events)[1]).toMatchObject({ status: 'finished', seconds: 42 });
    await session.pass(stageOf('rupr', 3).stage);
    expect(session.state.stages[1]).toEqual({
      name: 'rupr',
      seconds: 0,
      steps: 3,
      loss: [],
      heldOutLoss: [],
      gradNorm: [],
    });
  });

  it('adds up what parts took, and writes down what it decided', async () => {
    const { session } = opened(fresh());
    const { stage } = stageOf('data', 1, async (tools) => {
      tools.spend('rollout', 2);
      tools.spend('rollout', 3);
      tools.spend('update', 1);
      tools.settle({ ...tools.config, rupr: { ...tools.config.rupr, cots_sha256: 'd'.repeat(64) } });
    });
    await session.pass(stage);
    expect(session.last.state.timings).toEqual({ rollout: 5, update: 1 });
    expect(session.last.state.config.rupr.cots_sha256).toBe('d'.repeat(64));
  });
});

describe('the progress of a stage', () => {
  it('tells the time left by what this session’s newest steps took, and its end in any case', async () => {
    const { session, events } = opened(within('warmup', 2));
    const { stage } = stageOf('warmup', 8, async ({ hooks }) => {
      hooks.onProgress(2, 8);
      // The first step compiles, and one step says little.
      now += 30;
      hooks.onProgress(3, 8);
      now += 3;
      hooks.onProgress(4, 8);
      now += 5;
      hooks.onProgress(5, 8);
    });
    await session.pass(stage);
    expect(progressOf(events)).toEqual([
      [2, 8, null],
      [3, 8, null],
      [4, 8, null],
      [5, 8, 12],
      [8, 8, 0],
    ]);
    expect(events.find(({ type }) => type === 'progress')).toMatchObject({ name: 'warmup' });
  });

  it('is told ten times a second at most', async () => {
    const { session, events } = opened(fresh());
    const { stage } = stageOf('data', 100, async ({ hooks }) => {
      for (let done = 1; done <= 32; done++) {
        now += 1 / 32;
        hooks.onProgress(done, 100);
      }
    });
    await session.pass(stage);
    // 3/32 s is less than a tenth of a second, 4/32 s is more.
    expect(progressOf(events).map(([step]) => step)).toEqual([1, 5, 9, 13, 17, 21, 25, 29, 100]);
  });
});

describe('a pause', () => {
  it('keeps a checkpoint of a stage that can be taken up, then waits, and does not count as its time', async () => {
    const { session, controls, events, saved } = opened(fresh());
    const gates: string[] = [];
    const { stage } = stageOf('data', 4, async (tools) => {
      now += 5;
      tools.reached(1);
      gates.push(await tools.gate(1));
      now += 3;
      tools.reached(2);
    });
    controls.pause();
    const passed = session.pass(stage);
    await controls.rested();
    expect(saved.map(({ state }) => [state.stage, state.step])).toEqual([['data', 1]]);
    expect(saved[0].state.stages[0].seconds).toBe(5);
    expect(events.at(-1)).toEqual({ type: 'checkpoint', stage: 'data', step: 1, stored: true });
    expect(session.last).toBe(saved[0]);
    now += 1000;
    controls.resume();
    await passed;
    expect(gates).toEqual(['go']);
    expect(stagesOf(events)[1]).toMatchObject({ status: 'finished', seconds: 8 });
    // What came later did not reach what was kept.
    expect(saved[0].state.step).toBe(1);
  });

  it('lets steps in flight come to their end first', async () => {
    const { session, controls, saved } = opened(fresh());
    let tools: StageTools | null = null;
    const { stage } = stageOf('data', 9, async (given) => {
      tools = given;
      await given.gate(3);
    });
    controls.pause();
    const passed = session.pass(stage);
    await vi.waitFor(() => expect(tools).not.toBeNull());
    await settle();
    tools!.reached(2);
    await settle();
    expect(saved).toEqual([]);
    tools!.reached(3);
    await controls.rested();
    expect(saved.map(({ state }) => state.step)).toEqual([3]);
    controls.resume();
    await passed;
  });

  it('waits for no step by the hook alone, which knows of none', async () => {
    const { session, controls, saved } = opened(within('warmup', 2));
    const { stage } = stageOf('warmup', 9, async ({ hooks }) => void (await hooks.gate()));
    controls.pause();
    const passed = session.pass(stage);
    await controls.rested();
    expect(saved.map(({ state }) => state.step)).toEqual([2]);
    controls.resume();
    await passed;
  });

  it('keeps nothing of a stage that starts over', async () => {
    const { session, controls, saved, events } = opened(fresh());
    const stage = wholeStageOf('data', 4, async ({ hooks }) => {
      await hooks.gate();
      return {};
    });
    controls.pause();
    const passed = session.pass(stage);
    await controls.rested();
    expect(saved).toEqual([]);
    now += 70;
    controls.resume();
    await passed;
    expect(stagesOf(events)[1]).toMatchObject({ seconds: 0 });
  });

  it('is not in the way of a run that goes on, nor is a checkpoint', async () => {
    const { session, saved } = opened(fresh());
    let gate = '';
    const { stage } = stageOf('data', 4, async (tools) => {
      gate = await tools.gate(1);
      expect(saved).toEqual([]);
    });
    await session.pass(stage);
    expect(gate).toBe('go');
    expect(saved).toHaveLength(1);
  });

  it('is no stop: one that is told to stop keeps a checkpoint, and hears so', async () => {
    const { session, controls, saved } = opened(fresh());
    const heard: string[] = [];
    const { stage } = stageOf('data', 4, async (tools) => {
      tools.reached(2);
      heard.push(await tools.gate(2));
      throw new Error('left');
    });
    controls.stop();
    await expect(session.pass(stage)).rejects.toThrow('left');
    expect(heard).toEqual(['stop']);
    expect(saved.map(({ state }) => [state.stage, state.step])).toEqual([['data', 2]]);
  });
});

describe('a checkpoint in passing', () => {
  /** Passes gates at these times; what was kept by then, after each. */
  async function passing(times: readonly number[], cost = 0, isResumable = true) {
    const run = opened(fresh());
    const { session, saved } = run;
    const counts: number[] = [];
    run.onSave = async () => {
      now += cost;
    };
    const body = async (tools: StageTools) => {
      for (const [step, at] of times.entries()) {
        now = 50 + at;
        tools.reached(step);
        await tools.gate(step);
        await settle();
        counts.push(saved.length);
      }
      return {};
    };
    const resumable = stageOf('data', 99, async (tools) => void (await body(tools))).stage;
    const stage = isResumable ? resumable : wholeStageOf('data', 99, body);
    await session.pass(stage);
    return { ...run, counts };
  }

  it('is made every five seconds where it costs nothing, while training goes on', async () => {
    const { counts, saved, events } = await passing([1, 4, 5, 7, 9, 10, 12]);
    expect(counts).toEqual([0, 0, 1, 1, 1, 2, 2]);
    expect(saved[0].state).toMatchObject({ stage: 'data', step: 2 });
    expect(saved[0].state.stages[0].seconds).toBe(5);
    expect(events).toContainEqual({ type: 'checkpoint', stage: 'data', step: 2, stored: true });
  });

  it('is as seldom as it has to be to take a fiftieth of the time', async () => {
    // The first takes half a second, so the next one comes 25 s after it.
    const { counts } = await passing([4, 5, 10, 20, 29, 30, 31], 0.5);
    expect(counts).toEqual([0, 1, 1, 1, 1, 2, 2]);
  });

  it('leaves no more than a minute at risk, whatever it costs', async () => {
    // Five seconds each: of the steps, which take 10 s, the one at 50 s is the last whose successor would not be too late.
    const { counts } = await passing([10, 20, 30, 40, 50, 60, 70], 5);
    expect(counts).toEqual([1, 1, 1, 1, 1, 2, 2]);
  });

  it('is made at the next boundary where it is asked for, once', async () => {
    const { session, controls, saved } = opened(fresh());
    const counts: number[] = [];
    const { stage } = stageOf('data', 9, async (tools) => {
      for (let step = 0; step < 3; step++) {
        if (step === 1) controls.keep();
        tools.reached(step);
        await tools.gate(step);
        await settle();
        counts.push(saved.length);
      }
    });
    await session.pass(stage);
    expect(counts).toEqual([0, 1, 1]);
  });

  it('is not begun while another is being written, nor does training wait for that', async () => {
    const run = opened(fresh());
    let written = () => {};
    run.onSave = () => new Promise((resolve) => (written = resolve));
    const gates: number[] = [];
    const { stage } = stageOf('data', 9, async (tools) => {
      for (let step = 0; step < 4; step++) {
        now += 10;
        tools.reached(step);
        await tools.gate(step);
        gates.push(run.saved.length);
      }
      written();
      await settle();
      run.onSave = async () => {};
    });
    await run.session.pass(stage);
    expect(gates).toEqual([1, 1, 1, 1]);
    // One in passing, and one at the end of the stage.
    expect(run.saved).toHaveLength(2);
  });

  it('is not made of a stage that starts over', async () => {
    const { counts } = await passing([30, 60, 90], 0, false);
    expect(counts).toEqual([0, 0, 0]);
  });

  it('waits for the steps in flight, and is of the state after them', async () => {
    const { session, saved } = opened(fresh());
    let given: StageTools | null = null;
    const { stage } = stageOf('data', 9, async (tools) => {
      given = tools;
      now += 20;
      await tools.gate(3);
    });
    const passed = session.pass(stage);
    await vi.waitFor(() => expect(given).not.toBeNull());
    await settle();
    expect(saved).toEqual([]);
    given!.reached(3);
    await passed;
    expect(saved.map(({ state }) => state.step)).toEqual([3, 0]);
  });
});

describe('a stage that is done in parts', () => {
  /** Three parts of ten seconds; what stands of the second is read when it is kept. */
  const partly = (log: string[], seen: (tools: StageTools) => void = () => {}) =>
    wholeStageOf('ranker', 30, async (tools) => {
      const { hooks } = tools;
      seen(tools);
      const all: unknown[] = [];
      for (const part of ['one', 'two', 'three']) {
        const result = await hooks.work.part(part, async (own) => {
          let done = (own.kept as { done: number } | null)?.done ?? 0;
          log.push(`${part} from ${done}`);
          own.keep(async () => ({ done }));
          for (; done < 10; done++) {
            if ((await hooks.gate()) === 'stop') throw new Error('stopped');
            now += 1;
            hooks.onProgress(10 * all.length + done + 1, 30);
          }
          return `${part} is done`;
        });
        all.push(result);
      }
      return all;
    });

  it('is kept in passing, and goes on with the part that was under way', async () => {
    const { session, saved, events } = opened(within('ranker', 0));
    const log: string[] = [];
    await session.pass(partly(log));
    // Every five seconds, and at its end.
    expect(saved.map(({ state }) => state.step)).toEqual([5, 10, 15, 20, 25, 0]);
    expect(saved[2].state.work.parts).toEqual({
      one: { result: 'one is done', parts: {} },
      two: { standing: { done: 5 }, parts: {} },
    });
    expect(events).toContainEqual({ type: 'checkpoint', stage: 'ranker', step: 15, stored: true });
    const later = opened(saved[2]);
    let from = 0;
    await later.session.pass(partly(log, (tools) => (from = tools.from)));
    expect(log).toEqual(['one from 0', 'two from 0', 'three from 0', 'two from 5', 'three from 0']);
    expect(from).toBe(15);
    expect(stagesOf(later.events)[0]).toMatchObject({ status: 'resumed' });
    expect(later.session.state.made.ranker).toEqual(session.state.made.ranker);
    // What was kept is as it was.
    expect(Object.keys(saved[2].state.work.parts)).toEqual(['one', 'two']);
  });

  it('leaves nothing of its parts in checkpoints after its end', async () => {
    const { session, saved } = opened(within('ranker', 0));
    await session.pass(partly([]));
    expect(saved.at(-1)!.state.stage).toBe('encoder');
    expect(saved.at(-1)!.state.work).toEqual({ parts: {} });
    expect(session.state.made.ranker).toEqual(['one is done', 'two is done', 'three is done']);
  });

  it('rests where it stands, and is kept then', async () => {
    const { session, controls, saved } = opened(within('ranker', 0));
    controls.pause();
    const passed = session.pass(partly([]));
    await controls.rested();
    expect(saved.map(({ state }) => state.work.parts)).toEqual([
      { one: { standing: { done: 0 }, parts: {} } },
    ]);
    controls.resume();
    await passed;
  });
});

describe('the model of a session', () => {
  const weights = {
    parameters: Float32Array.of(6),
    moment1: Float32Array.of(7),
    moment2: Float32Array.of(8),
  };

  /** A stage that makes the model and trains it once. */
  function making() {
    return stageOf('tokenizer', 1, async (tools) => {
      const model = (await tools.createModel({ hidden_size: 8 } as never, 30)) as RecordingModel;
      await model.trainStep([{ size: 0, length: 0, tokens: [], lengths: [] } as never], {} as never);
    }).stage;
  }

  it('is made by the device from the run’s seed, and read back at every checkpoint', async () => {
    const { session, asked, models, saved } = opened(within('tokenizer', 0));
    expect(session.memory()).toEqual({ bytesPlanned: 0, bytesAllocated: 0 });
    await session.pass(making());
    expect(asked).toEqual([[{ hidden_size: 8 }, 5, 30]]);
    expect(models[0].calls).toEqual(['train', 'snapshot']);
    expect(saved[0].model?.parameters).toEqual(Float32Array.of(1));
    expect(session.memory()).toEqual({ bytesPlanned: 7, bytesAllocated: 8 });
    // What a stage made goes with it; the most that there was is what the run took.
    expect(models[0].tidied).toBe(1);
    models[0].memory = () => ({ bytesPlanned: 5, bytesAllocated: 5 });
    expect(session.memory()).toEqual({ bytesPlanned: 7, bytesAllocated: 8 });
    models[0].memory = () => ({ bytesPlanned: 9, bytesAllocated: 9 });
    expect(session.memory()).toEqual({ bytesPlanned: 9, bytesAllocated: 9 });
  });

  it('gets the weights that the checkpoint holds', async () => {
    const { session, models } = opened({ ...within('tokenizer', 0), model: weights });
    await session.pass(making());
    expect(models[0].calls).toEqual(['restore', 'train', 'snapshot']);
    expect(models[0].restored).toEqual([weights]);
  });

  it('is kept as it was in a checkpoint before it is made anew', async () => {
    const { session, saved } = opened({ ...within('data', 0), model: weights });
    await session.pass(stageOf('data', 1).stage);
    expect(saved[0].model).toBe(weights);
  });

  it('is freed at the end, where there is one', async () => {
    const { session, gone, models } = opened(within('tokenizer', 0));
    await session.close();
    expect(gone).toEqual([]);
    await session.pass(making());
    await session.close();
    expect(gone).toEqual(models);
  });

  it('is said to be stored only where it was', async () => {
    const { session, events } = opened(fresh(), false);
    await session.pass(stageOf('data', 1).stage);
    expect(events).toContainEqual({ type: 'checkpoint', stage: 'tokenizer', step: 0, stored: false });
  });
});
