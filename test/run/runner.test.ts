import { beforeEach, describe, expect, it, vi } from 'vitest';
import { NotFiniteError, StoppedError } from '../../src/control/hooks';
import type { RunConfig } from '../../src/run/config';
import { Controls } from '../../src/run/controls';
import type { RunDevice } from '../../src/run/device';
import type { RunEvent, StageReport } from '../../src/run/report';
import { type RunContext, runPipeline } from '../../src/run/runner';
import type { RunCheckpoint } from '../../src/run/runState';
import type { StageTools } from '../../src/run/stage';
import { minusculeConfig } from './tinyRun';

interface Made {
  step: number;
}

/** What happens at each step of the one stage that these runs have. */
let onStep: (step: number, tools: StageTools) => Promise<void> | void = () => {};

// Three steps, each of which is kept when it is taken; the real stages have tests of their own.
vi.mock('../../src/run/pipeline', () => {
  const row = (stage: string) => ({ stage, answer_loss: 1, Category_L3_ACC: 0.5, CTCVR: 0.25 });
  const stage = {
    name: 'warmup',
    reads: [],
    steps: () => 3,
    begin: (): Made => ({ step: 0 }),
    async run(_inputs: unknown, tools: StageTools, made: Made) {
      for (let step = tools.from; step < 3; step++) {
        made.step = step + 1;
        tools.own.loss.push(step);
        tools.emit({ type: 'loss', name: 'warmup', step, loss: step, gradNorm: 0, learningRate: 0 });
        tools.reached(step + 1);
        await onStep(step, tools);
      }
    },
    open: (made: Made) => made,
    report: () => ({
      dataset: { id: 'd', sha256: 'a'.repeat(64), users: 1, items: 1, interactions: 1, notes: [] },
      rupr: {},
      orft: { threshold: 1, scored: 1, kept: 1 },
      ranker: { auc: {} },
      popo: { rewardNames: [], steps: [], curve: [] },
      table: [row('warmup')],
      samples: [],
      ranking: null,
    }),
    *events(_report: unknown, { name, loss }: StageReport): Generator<RunEvent> {
      for (const [step, value] of loss.entries())
        yield { type: 'loss', name, step, loss: value, gradNorm: 0, learningRate: 0 };
    },
  };
  return { STAGES: [stage] };
});

beforeEach(() => {
  onStep = () => {};
});

interface FakeDevice extends RunDevice {
  lost: boolean;
  closed: number;
}

function context(resume: RunCheckpoint | null = null, config: RunConfig = minusculeConfig()) {
  const devices: FakeDevice[] = [];
  const asked: RunConfig['kernels'][] = [];
  const events: RunEvent[] = [];
  const saved: [RunCheckpoint, boolean][] = [];
  const made = {
    config,
    controls: new Controls(),
    emit: (event: RunEvent) => void events.push(event),
    async openDevice(kernels: RunConfig['kernels']) {
      asked.push(kernels);
      const info = { backend: 'cpu', vendor: `${devices.length}`, limits: {} };
      const device = {
        info,
        kernels: 'tiled',
        lost: false,
        closed: 0,
        isLost: async () => device.lost,
        close: () => void device.closed++,
      } as unknown as FakeDevice;
      devices.push(device);
      return device;
    },
    async save(checkpoint: RunCheckpoint, report: unknown) {
      saved.push([checkpoint, report !== null]);
      return true;
    },
    resume,
  } as unknown as RunContext;
  return { context: made, devices, asked, events, saved };
}

const toldOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === 'loss' ? [event.step] : []));
const noticesOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === 'notice' ? [event] : []));

/** Keeps a checkpoint, as a pause does. */
async function keep(controls: Controls, tools: StageTools) {
  controls.pause();
  const gate = tools.gate(tools.at());
  await controls.rested();
  controls.resume();
  await gate;
}

describe('a run', () => {
  it('opens the device for the kernels of its config, and writes down those that it got', async () => {
    const run = context(
      null,
      minusculeConfig((config) => {
        config.kernels = 'portable';
      }),
    );
    const { report } = await runPipeline(run.context);
    expect(run.asked).toEqual(['portable']);
    expect(report?.config.kernels).toBe('tiled');
    expect(report?.link).toContain('kernels=tiled');
    // The caller's config is its own.
    expect(run.context.config.kernels).toBe('portable');
    expect(run.events[0]).toEqual({ type: 'device', device: run.devices[0].info });
  });

  it('does not begin where the device cannot do it, and gives the device back', async () => {
    const large = minusculeConfig(({ sft, model }) => {
      sft.batch_size = 1024;
      Object.assign(model, { hidden_size: 1024, num_hidden_layers: 8 });
    });
    const run = context(null, large);
    await expect(runPipeline(run.context)).rejects.toThrow(
      /^sft\.batch_size \(now 1024\) asks for a run of \d+(\.\d)? GiB of memory/,
    );
    expect(run.events).toEqual([]);
    expect(run.saved).toEqual([]);
    expect(run.devices[0].closed).toBe(1);
  });

  it('keeps its last checkpoint as finished, and closes the device', async () => {
    const run = context();
    const { report, checkpoint } = await runPipeline(run.context);
    expect(report?.device).toEqual(run.devices[0].info);
    expect(report?.memory).toEqual({ bytesPlanned: 0, bytesAllocated: 0 });
    expect(run.saved.map(([, finished]) => finished)).toEqual([false, true]);
    expect(run.saved[1][0]).toBe(checkpoint);
    expect(run.devices[0].closed).toBe(1);
  });

  it('goes on from a checkpoint, with the kernels that it says, and tells first what was before', async () => {
    const first = context();
    let half: RunCheckpoint | null = null;
    onStep = async (step, tools) => {
      if (step !== 1) return;
      await keep(first.context.controls, tools);
      [half] = first.saved.at(-1)!;
    };
    await runPipeline(first.context);
    half!.state.config.kernels = 'portable';
    onStep = () => {};
    const second = context(half);
    const { report } = await runPipeline(second.context);
    expect(second.asked).toEqual(['portable']);
    expect(toldOf(second.events)).toEqual([0, 1, 2]);
    expect(second.events.map(({ type }) => type).slice(0, 4)).toEqual(['device', 'stage', 'loss', 'loss']);
    expect(report?.stages[0].loss).toEqual([0, 1, 2]);
  });

  it('has no report when it was stopped, but where it stands', async () => {
    const run = context();
    onStep = async (step, tools) => {
      if (step !== 1) return;
      run.context.controls.stop();
      if ((await tools.gate(2)) === 'stop') throw new StoppedError('warmup');
    };
    const { report, checkpoint } = await runPipeline(run.context);
    expect(report).toBeNull();
    expect([checkpoint.state.stage, checkpoint.state.step]).toEqual(['warmup', 2]);
    expect(run.saved.map(([, finished]) => finished)).toEqual([false]);
    expect(run.devices[0].closed).toBe(1);
    expect(run.asked).toHaveLength(1);
  });

  it('throws what a stage throws while the device is there', async () => {
    const run = context();
    onStep = () => {
      throw new Error('out of luck');
    };
    await expect(runPipeline(run.context)).rejects.toThrow('out of luck');
    expect(run.asked).toHaveLength(1);
    expect(run.devices[0].closed).toBe(1);
    expect(noticesOf(run.events)).toEqual([]);
  });
});

describe('a lost device', () => {
  it('is followed by another, from the last checkpoint, and nothing is told twice', async () => {
    const run = context();
    let losses = 0;
    onStep = async (step, tools) => {
      if (step === 0) await keep(run.context.controls, tools);
      if (step !== 1 || losses > 0) return;
      losses++;
      run.devices[0].lost = true;
      throw new Error('gone');
    };
    const { report } = await runPipeline(run.context);
    expect(run.asked).toEqual(['auto', 'tiled']);
    expect(run.devices.map(({ closed }) => closed)).toEqual([1, 1]);
    expect(toldOf(run.events)).toEqual([0, 1, 2]);
    expect(report?.stages[0].loss).toEqual([0, 1, 2]);
    expect(report?.device.vendor).toBe('1');
    const [notice] = noticesOf(run.events);
    expect(notice.level).toBe('warning');
    expect(notice.message).toBe(
      'The GPU was lost. The run continues on a new device from its last checkpoint: warmup, step 1.',
    );
  });

  it('is replaced as often as it takes while the run gets further', async () => {
    const run = context();
    const losses = [2, 3, 2];
    onStep = async (step, tools) => {
      if (losses[step]-- === 0) return keep(run.context.controls, tools);
      run.devices.at(-1)!.lost = true;
      throw new Error('gone');
    };
    const { report } = await runPipeline(run.context);
    expect(report?.stages[0].loss).toEqual([0, 1, 2]);
    expect(run.devices).toHaveLength(8);
  });

  it('is replaced three times at one point, and then the run gives up', async () => {
    const run = context();
    onStep = () => {
      run.devices.at(-1)!.lost = true;
      throw new Error('gone');
    };
    await expect(runPipeline(run.context)).rejects.toThrow('gone');
    expect(run.devices.map(({ closed }) => closed)).toEqual([1, 1, 1, 1]);
    expect(noticesOf(run.events).map(({ message }) => /^.*?\./.exec(message)?.[0])).toEqual([
      'The GPU was lost.',
      'The GPU was lost again (2 of at most 3 times at this point).',
      'The GPU was lost again (3 of at most 3 times at this point).',
    ]);
  });

  it('costs a new run nothing but its beginning', async () => {
    const run = context();
    let isFirst = true;
    onStep = () => {
      if (!isFirst) return;
      isFirst = false;
      run.devices[0].lost = true;
      throw new Error('gone');
    };
    const { report } = await runPipeline(run.context);
    expect(report?.stages[0].loss).toEqual([0, 1, 2]);
  });
});

describe('training that runs away', () => {
  /** Seven good steps, and then none. */
  const values = [2, 2, 2, 2, 2, 2, 2, 50, 50, 50, 50];
  const diverging = async (tools: StageTools) => {
    tools.watch({ loss: { values } });
    if ((await tools.gate(tools.at())) === 'stop') throw new StoppedError('warmup');
  };

  it('goes on from a checkpoint before it with half the learning rate, and tells that anew', async () => {
    const run = context();
    const rates: [number, number][] = [];
    const asked: string[] = [];
    onStep = async (step, tools) => {
      rates.push([step, tools.configAt(step).warmup.learning_rate]);
      if (step === 0) await keep(run.context.controls, tools);
      if (step === 1 && asked.length === 0) await diverging(tools);
    };
    const decide: RunContext['decide'] = async ({ sentence }) => {
      asked.push(sentence);
      return 'go-back';
    };
    const { report } = await runPipeline({ ...run.context, decide });
    expect(asked).toHaveLength(1);
    expect(rates).toEqual([
      [0, 5e-3],
      [1, 5e-3],
      [1, 2.5e-3],
      [2, 2.5e-3],
    ]);
    expect(report?.changes).toEqual([
      { stage: 'warmup', step: 1, field: 'warmup.learning_rate', from: 5e-3, to: 2.5e-3 },
    ]);
    expect(report?.divergences).toMatchObject([{ kind: 'loss', choice: 'go-back', backTo: 1 }]);
    expect(report?.link).toContain('changes=warmup:1:warmup.learning_rate:0.005:0.0025');
    expect(toldOf(run.events)).toEqual([0, 1, 0, 1, 2]);
    // It is kept at once, so that a reload does not come back to where it ran away.
    const back = run.saved.find(([{ state }]) => state.changes.length > 0)!;
    expect([back[0].state.stage, back[0].state.step]).toEqual(['warmup', 1]);
    expect(run.devices.map(({ closed }) => closed)).toEqual([1, 1]);
  });

  it('goes on where nobody is asked, and the report says so', async () => {
    const run = context();
    onStep = (step, tools) => (step > 0 ? diverging(tools) : undefined);
    const { report } = await runPipeline(run.context);
    // The same kind is not told of again.
    expect(report?.divergences).toMatchObject([{ kind: 'loss', choice: 'go-on', backTo: null }]);
    expect(report?.changes).toEqual([]);
    expect(report?.stages[0].loss).toEqual([0, 1, 2]);
  });

  it('keeps nothing new while it asks, and when it is stopped meanwhile only why', async () => {
    const run = context();
    onStep = (_step, tools) => diverging(tools);
    const decide = () => {
      run.context.controls.stop();
      return new Promise<never>(() => {});
    };
    const { report, checkpoint } = await runPipeline({ ...run.context, decide });
    expect(report).toBeNull();
    expect(run.saved).toHaveLength(1);
    const [[{ state }]] = run.saved;
    expect([state.stage, state.step]).toEqual(['data', 0]);
    expect(state.divergences).toMatchObject([{ stage: 'warmup', kind: 'loss', choice: 'stop' }]);
    expect(checkpoint).toBe(run.saved[0][0]);
  });

  it('keeps what is changed while it asks at once, beside what was kept last, and when it is stopped then', async () => {
    const run = context();
    const { controls } = run.context;
    const lower = (to: number) => controls.change([{ field: 'warmup.learning_rate', to }]);
    const savedBefore: number[] = [];
    onStep = async (step, tools) => {
      if (step === 0) await keep(controls, tools);
      if (step === 1) await diverging(tools);
    };
    const decide = async () => {
      lower(1e-3);
      lower(2e-3);
      // The tab may go now.
      await vi.waitFor(() => expect(run.saved).toHaveLength(2));
      savedBefore.push(run.saved.length);
      lower(4e-3);
      controls.stop();
      return new Promise<never>(() => {});
    };
    const { checkpoint } = await runPipeline({ ...run.context, decide });
    expect(savedBefore).toEqual([2]);
    const change = { stage: 'warmup', step: 2, field: 'warmup.learning_rate', from: 5e-3 };
    const told = run.saved.map(([{ state }]) => [state.stage, state.step, state.changes.map(({ to }) => to)]);
    expect(told.slice(0, 2)).toEqual([
      ['warmup', 1, []],
      ['warmup', 1, [2e-3]],
    ]);
    expect(told.at(-1)).toEqual(['warmup', 1, [4e-3]]);
    expect(checkpoint).toBe(run.saved.at(-1)![0]);
    expect(checkpoint.state).toMatchObject({
      changes: [{ ...change, to: 4e-3 }],
      divergences: [{ choice: 'stop' }],
    });
    // Whoever takes it up has the steps up to there as they were, and those after it as they were set.
    const rates: [number, number][] = [];
    onStep = (step, tools) => void rates.push([step, tools.configAt(step).warmup.learning_rate]);
    const { report } = await runPipeline(context(checkpoint).context);
    expect(rates).toEqual([
      [1, 5e-3],
      [2, 4e-3],
    ]);
    expect(report?.changes).toEqual([{ ...change, to: 4e-3 }]);
  });

  it('keeps what was changed before it ran away, and since it was kept last, when it is stopped then', async () => {
    const run = context();
    onStep = async (step, tools) => {
      if (step === 0) await keep(run.context.controls, tools);
      if (step !== 1) return;
      run.context.controls.change([{ field: 'warmup.learning_rate', to: 1e-3 }]);
      await diverging(tools);
    };
    await runPipeline({ ...run.context, decide: async () => 'stop' });
    const { state } = run.saved.at(-1)![0];
    expect([state.stage, state.step, state.changes.map(({ to }) => to)]).toEqual(['warmup', 1, [1e-3]]);
    expect(state.divergences).toMatchObject([{ choice: 'stop' }]);
  });

  it('keeps what was changed since it was kept last where a step fails for good', async () => {
    const run = context();
    onStep = async (step, tools) => {
      if (step !== 1) return keep(run.context.controls, tools);
      run.context.controls.change([{ field: 'warmup.learning_rate', to: 1e-3 }]);
      throw new Error('out of memory');
    };
    await expect(runPipeline(run.context)).rejects.toThrow('out of memory');
    const { state } = run.saved.at(-1)![0];
    expect([state.stage, state.step, state.changes.map(({ to }) => to)]).toEqual(['warmup', 1, [1e-3]]);
  });

  it('without any number ends as it always did, unless somebody is asked', async () => {
    const broken = () => {
      throw new NotFiniteError('Step 1 of warmup is not finite.');
    };
    onStep = broken;
    await expect(runPipeline(context().context)).rejects.toThrow('Step 1 of warmup is not finite.');
    const run = context();
    const asked: string[] = [];
    const decide: RunContext['decide'] = async ({ kind, sentence }) => {
      asked.push(`${kind}: ${sentence}`);
      return 'stop';
    };
    expect((await runPipeline({ ...run.context, decide })).report).toBeNull();
    expect(asked).toEqual(['not-finite: Step 1 of warmup is not finite.']);
  });

  it('takes changes that a link tells of, and refuses those that cannot be', async () => {
    const run = context();
    const change = { stage: 'warmup', step: 2, field: 'warmup.learning_rate', from: 5e-3, to: 1e-3 } as const;
    const rates: number[] = [];
    onStep = (step, tools) => void rates.push(tools.configAt(step).warmup.learning_rate);
    const { report } = await runPipeline({ ...run.context, changes: [change] });
    expect(rates).toEqual([5e-3, 5e-3, 1e-3]);
    expect(report?.changes).toEqual([change]);
    const bare = (await runPipeline(context().context)).report!;
    expect(report?.fingerprint.inputs).not.toBe(bare.fingerprint.inputs);
    const wrong = [{ ...change, from: 4e-3 }];
    await expect(runPipeline({ ...context().context, changes: wrong })).rejects.toThrow(/does not begin at/);
  });
});
