/** A second line of a run, at minuscule sizes: where it begins, and that it is the same run until somebody changes it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { starterOf } from '../../src/commands/starter';
import { forked } from '../../src/run/fork';
import { type Report, STAGE_NAMES } from '../../src/run/report';
import { unpackRun } from '../../src/run/runFile';
import { runPipeline } from '../../src/run/runner';
import type { RunCheckpoint } from '../../src/run/runState';
import { memoryStore } from '../../src/store/memory';
import { createTrainer } from '../../src/worker/trainService';
import { answerWell, minusculeConfig, openCpu, recordedRun } from './tinyRun';

const TIMEOUT = 120_000;

const config = () =>
  minusculeConfig((config) => {
    config.ranking.users = 0;
    answerWell(config);
    Object.assign(config.popo, { steps: 4, probe_every: 0 });
    config.evaluate.curve_every = 100;
  });

describe('a fork', { timeout: TIMEOUT }, () => {
  let whole: { report: Report; checkpoint: RunCheckpoint };
  let early: RunCheckpoint;
  /** At the end of SFT: alignment is next. */
  let sft: RunCheckpoint;
  let middle: RunCheckpoint;

  beforeAll(async () => {
    const run = recordedRun(config(), null, (event, controls) => {
      const isMidway =
        event.type === 'popo'
          ? event.step.step === 1
          : event.type === 'loss' && event.name === 'sft' && event.step === 2;
      if (!isMidway) return;
      controls.pause();
      void controls.rested().then(() => controls.resume());
    });
    const { report, checkpoint } = await runPipeline(run.context);
    whole = { report: report!, checkpoint };
    early = run.saved.find(({ state }) => state.stage === 'sft' && state.step > 0)!;
    sft = run.saved.find(({ state }) => state.stage === 'popo' && state.step === 0)!;
    middle = run.saved.find(({ state }) => state.stage === 'popo' && state.step === 2)!;
  }, TIMEOUT);

  const finish = async (from: RunCheckpoint, changes: Parameters<typeof forked>[2] = 'here') => {
    const run = recordedRun(config(), forked(from, 'first', changes));
    return { report: (await runPipeline(run.context)).report!, events: run.events };
  };

  it.each([
    ['here, in the middle of alignment', () => middle, 'here', 2],
    ['at the beginning of alignment, where it has not begun', () => sft, 'popo', 0],
    ['at the beginning of alignment, from its middle', () => middle, 'popo', 0],
    ['at the beginning of alignment, from the end of the run', () => whole.checkpoint, 'popo', 0],
  ] as const)('%s comes to the same bits, where nothing is changed', async (_where, from, point, step) => {
    const begun = forked(from(), 'first', point);
    expect(begun.state).toMatchObject({ stage: 'popo', step, fork: { of: 'first', stage: 'popo', step } });
    expect(begun.model!.parameters).toHaveLength(whole.checkpoint.model!.parameters.length);
    const { report, events } = await finish(from(), point);
    expect(report.fingerprint).toEqual(whole.report.fingerprint);
    expect(report.link).toBe(whole.report.link);
    const taken = events.flatMap((event) => (event.type === 'popo' ? [event.step.step] : []));
    expect(taken).toEqual([0, 1, 2, 3]);
  });

  it.each(['warmup', 'rupr', 'orft', 'sft'] as const)(
    'at the beginning of %s, from the end of the run, comes to the same bits, where nothing is changed',
    async (stage) => {
      const begun = forked(whole.checkpoint, 'first', stage);
      expect(begun.state).toMatchObject({ stage, step: 0, fork: { of: 'first', stage, step: 0 } });
      // Nothing of what came after is known.
      const before = STAGE_NAMES.slice(0, STAGE_NAMES.indexOf(stage));
      expect(Object.keys(begun.state.made)).toEqual(before);
      expect(begun.state.stages.map(({ name }) => name)).toEqual(before);
      const { report } = await finish(whole.checkpoint, stage);
      expect(report.fingerprint).toEqual(whole.report.fingerprint);
      expect(report.stages.map(({ name, loss }) => [name, loss])).toEqual(
        whole.report.stages.map(({ name, loss }) => [name, loss]),
      );
    },
  );

  it('begins fine-tuning with what warm-up left, which is kept once while it stands there twice', () => {
    const { backbone } = whole.checkpoint.state;
    expect(forked(whole.checkpoint, 'first', 'sft').model!.parameters).toEqual(backbone);
    // As the run itself had it when fine-tuning began, and not as warm-up had begun.
    expect(early.state.beginning!.buffer).toBe(early.state.backbone!.buffer);
    expect(early.state.backbone).toEqual(backbone);
    expect(forked(whole.checkpoint, 'first', 'warmup').model!.parameters).not.toEqual(backbone);
    expect(backbone).not.toEqual(whole.checkpoint.state.made.popo!.reference);
  });

  it('learns otherwise from another rate on, and says so in its link', async () => {
    const change = { stage: 'sft', step: 0, field: 'sft.learning_rate', from: 0.02, to: 0.01 } as const;
    const begun = forked(whole.checkpoint, 'first', 'sft');
    const run = recordedRun(config(), { ...begun, state: { ...begun.state, changes: [change] } });
    const report = (await runPipeline(run.context)).report!;
    const lossOf = (of: Report, name: string) => of.stages.find((stage) => stage.name === name)!.loss;
    expect(lossOf(report, 'warmup')).toEqual(lossOf(whole.report, 'warmup'));
    expect(lossOf(report, 'sft')[0]).toBe(lossOf(whole.report, 'sft')[0]);
    expect(lossOf(report, 'sft')[5]).not.toBe(lossOf(whole.report, 'sft')[5]);
    expect(report.link).toContain('changes=sft:0:sft.learning_rate:0.02:0.01');
  });

  it('made small enough to lie beside the page comes back to the bit, and to the same bits', async () => {
    const about = { id: crypto.randomUUID(), trained: null };
    const { starter, bytes } = await starterOf(whole.checkpoint, about);
    expect(starter).toMatchObject({ link: whole.report.link.split('&dataset=')[0], bytes: bytes.length });
    expect((await starterOf(whole.checkpoint, about)).bytes).toEqual(bytes);
    const taken = (await unpackRun(bytes)).checkpoint;
    const { backbone: _, ...state } = forked(whole.checkpoint, about.id, 'popo').state;
    expect(taken).toEqual({ ...forked(whole.checkpoint, about.id, 'popo'), state });
    const { context } = recordedRun(config(), taken);
    expect((await runPipeline(context)).report!.fingerprint).toEqual(whole.report.fingerprint);
  });

  it('begins alignment with the weights of SFT and nothing of what came after', () => {
    const { state, model } = forked(whole.checkpoint, 'first', 'popo');
    expect(model!.parameters).toBe(whole.checkpoint.state.made.popo!.reference);
    expect(model!.parameters).not.toEqual(whole.checkpoint.model!.parameters);
    expect(Object.keys(state.made)).toEqual([
      'data',
      'tokenizer',
      'ranker',
      'encoder',
      'warmup',
      'rupr',
      'orft',
      'sft',
    ]);
    expect(state.stages.map(({ name }) => name)).not.toContain('popo');
    expect(Object.keys(whole.checkpoint.state.made)).toContain('ranking');
    // The seconds of alignment's parts are not its own.
    expect([Object.keys(whole.checkpoint.state.timings).length > 0, state.timings]).toEqual([true, {}]);
  });

  it('lets go of what was changed in alignment, and keeps what was changed before', () => {
    const at = { step: 1, from: 1, to: 2 };
    const changes = [
      { ...at, stage: 'sft', field: 'sft.learning_rate' },
      { ...at, stage: 'popo', field: 'popo.beta' },
    ] as RunCheckpoint['state']['changes'];
    const changed = { ...whole.checkpoint, state: { ...whole.checkpoint.state, changes } };
    expect(forked(changed, 'first', 'popo').state.changes).toEqual([changes[0]]);
    const halfway = { ...middle, state: { ...middle.state, changes } };
    expect(forked(halfway, 'first', 'here').state.changes).toEqual(changes);
  });

  it('is refused where there is nothing to go on from', () => {
    expect(() => forked(early, 'first', 'popo')).toThrow(/has not come to alignment yet/);
    expect(() => forked(whole.checkpoint, 'first', 'here')).toThrow(
      /is at its end: fork it at the beginning/,
    );
    expect(() => forked(early, 'first', 'sft')).not.toThrow();
    const { backbone: _, ...older } = whole.checkpoint.state;
    expect(() => forked({ ...whole.checkpoint, state: older }, 'first', 'orft')).toThrow(
      /did not keep what its warm-up left/,
    );
    expect(forked(early, 'first', 'here').state).toMatchObject({ stage: 'sft', fork: { of: 'first' } });
  });

  it('stands beside the run that it is of: going on with one drops none of them', async () => {
    const store = memoryStore();
    const trainer = createTrainer({
      openStore: async () => ({ store, problem: null }),
      openDevice: openCpu,
      describeDevice: async () => ({ device: (await openCpu()).info, warning: null }),
    });
    const id = crypto.randomUUID();
    let isForked = false;
    let fork = '';
    await trainer.start(
      config(),
      null,
      (event) => {
        if (event.type !== 'popo' || event.step.step !== 1 || isForked) return;
        isForked = true;
        void trainer.pause().then(async () => {
          fork = (await trainer.fork('here')).id;
          await trainer.stop();
        });
      },
      { id },
    );
    const kept = async () =>
      (await trainer.savedRuns()).map((run) => [run.id, run.finished, run.fork?.of ?? null]);
    expect(new Map((await kept()).map(([name, ...rest]) => [name, rest]))).toEqual(
      new Map([
        [id, [false, null]],
        [fork, [false, id]],
      ]),
    );
    // Another one, that is to lie there; and the first one goes on unchanged, past the run that it is of.
    const other = (await trainer.fork('here', id)).id;
    await trainer.start(
      config(),
      { id: (await trainer.fork('here', id)).id, generation: 'newest' },
      () => {},
    );
    expect((await kept()).map(([name]) => name)).toEqual(expect.arrayContaining([id, fork, other]));
    const turned = await trainer.start(config(), { id: fork, generation: 'newest' }, (event) => {
      if (event.type === 'popo' && event.step.step === 2)
        void trainer.change([{ field: 'popo.temperature', to: 0.9 }]);
    });
    expect(turned!.changes).toEqual([
      { stage: 'popo', step: 3, field: 'popo.temperature', from: 1, to: 0.9 },
    ]);
    const first = await trainer.start(config(), { id, generation: 'newest' }, () => {});
    expect(first!.fingerprint).toEqual(whole.report.fingerprint);
    expect(turned!.popo.steps.slice(0, 3)).toEqual(first!.popo.steps.slice(0, 3));
    expect(turned!.popo.steps[3]).not.toEqual(first!.popo.steps[3]);
    // The run itself has gone past the fork that lies there.
    const ended = await kept();
    expect(ended.filter(([, finished]) => finished)).toHaveLength(3);
    expect(ended).toContainEqual([other, false, id]);
    await expect(trainer.change([{ field: 'popo.beta', to: 1 }])).rejects.toThrow(/No run is on/);
  });
});
