/** Changes of a run that are undone, at minuscule sizes: where the second line begins, and that it never had the change. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { FieldEdit, RunChange } from '../../src/run/changes';
import type { ChangePlace } from '../../src/run/forkPoints';
import type { Report, RunEvent } from '../../src/run/report';
import { NEAR } from '../../src/run/undo';
import { memoryStore } from '../../src/store/memory';
import type { ResumeFrom, StartExtras } from '../../src/worker/protocol';
import { createTrainer } from '../../src/worker/trainService';
import { minusculeConfig, openCpu } from './tinyRun';

const TIMEOUT = 180_000;
const STEPS = 9;

const config = minusculeConfig((config) => {
  config.ranking.users = 0;
  // Enough for some answers to be well formed, so that alignment has something to move by.
  Object.assign(config.warmup, { steps: 40, batch_size: 8, learning_rate: 0.02 });
  Object.assign(config.sft, { steps: 60, batch_size: 8, learning_rate: 0.02, cot: false });
  Object.assign(config.popo, { prompts_per_step: 2, num_generations: 3, rewards: ['format', 'id'] });
  Object.assign(config.popo, { steps: STEPS, probe_every: 0 });
  config.evaluate.curve_every = 100;
});

describe('undoing a change', { timeout: TIMEOUT }, () => {
  const store = memoryStore();
  const trainer = createTrainer({
    openStore: async () => ({ store, problem: null }),
    openDevice: openCpu,
    describeDevice: async () => ({ device: (await openCpu()).info, warning: null }),
  });
  const base = crypto.randomUUID();
  let untouched: Report;

  /** Trains on as though somebody lived with whatever becomes of the answers. */
  const train = (
    from: ResumeFrom | null,
    onEvent: (event: RunEvent) => void = () => {},
    extras: StartExtras = {},
  ) =>
    trainer.start(
      config,
      from,
      (event) => {
        // It is asked just after it says so.
        if (event.type === 'divergence' && event.decided === null) setTimeout(() => trainer.decide('go-on'));
        onEvent(event);
      },
      extras,
    );

  /** Trains on to the end, with these edits once the step before theirs is taken. */
  async function finish(
    from: ResumeFrom,
    edits: Record<number, FieldEdit[]> = {},
    onEvent: (event: RunEvent) => void = () => {},
  ): Promise<Report> {
    const report = await train(from, (event) => {
      onEvent(event);
      if (event.type !== 'popo') return;
      const now = edits[event.step.step + 1];
      if (now !== undefined) void trainer.change(now);
    });
    return report!;
  }

  /** A second line of the untouched run, from where its alignment began, that is changed so on its way to the end. */
  async function changed(edits: Record<number, FieldEdit[]>): Promise<{ id: string; report: Report }> {
    const fork = await trainer.fork('popo', base);
    return { id: fork.id, report: await finish(fork, edits) };
  }

  const points = async (id: string) =>
    (await store.list('points')).map((record) => record.id).filter((key) => key.startsWith(id));
  const standing = async ({ id }: ResumeFrom) => {
    const { stage, step, changes, fork } = (await trainer.savedRuns()).find((run) => run.id === id)!;
    return { stage, step, changes, fork };
  };
  const placeOf = ({ stage, step, field }: RunChange): ChangePlace => ({ stage, step, field });

  const WARM: FieldEdit = { field: 'popo.temperature', to: 0.7 };
  const HELD: FieldEdit = { field: 'popo.beta', to: 0.5 };
  const WEIGHED: FieldEdit = { field: 'popo.reward_weights', to: [0.9, 0.1] };

  beforeAll(async () => {
    untouched = (await train(null, () => {}, { id: base }))!;
    expect(await points(base)).toEqual([]);
  }, TIMEOUT);

  it('goes on from just before it, to the bits of a run that never had it, and of one that had those before it', async () => {
    const once = await changed({ 1: [WARM] });
    const twice = await changed({ 1: [WARM], 7: [WEIGHED, HELD] });
    expect(twice.report.fingerprint.exact).not.toBe(once.report.fingerprint.exact);
    expect(await points(twice.id)).toEqual([`${twice.id} popo 1`, `${twice.id} popo 7`]);
    const [warm, weighed, held] = twice.report.changes!;

    const second = await trainer.fork(placeOf(weighed), twice.id);
    expect(await standing(second)).toEqual({
      stage: 'popo',
      step: 7,
      changes: [warm],
      fork: { of: twice.id, stage: 'popo', step: 7 },
    });
    expect((await finish(second)).fingerprint).toEqual(once.report.fingerprint);

    // Of two at one step the first stays.
    const third = await trainer.fork(placeOf(held), twice.id);
    expect(await standing(third)).toMatchObject({ step: 7, changes: [warm, weighed] });
    const without = await changed({ 1: [WARM], 7: [WEIGHED] });
    expect((await finish(third)).fingerprint).toEqual(without.report.fingerprint);

    const first = await trainer.fork(placeOf(warm), twice.id);
    expect(await standing(first)).toMatchObject({ step: 1, changes: [] });
    const again = await finish(first);
    expect(again.fingerprint).toEqual(untouched.fingerprint);
    expect(again.link).toBe(untouched.link);
    // What other runs kept there were other bits.
    const late = await changed({ 7: [HELD] });
    for (const key of await points(late.id)) await store.delete('points', key);
    expect(await standing(await trainer.fork(placeOf(late.report.changes![0]), late.id))).toMatchObject({
      step: 1,
    });
    await expect(trainer.fork({ ...placeOf(warm), step: 2 }, twice.id)).rejects.toThrow(
      'This run was not changed so, so there is nothing to undo.',
    );
  });

  it('of a change soon after another goes back to that one, takes the steps between them again, and rests there', async () => {
    const soon = 1 + NEAR - 1;
    const once = await changed({ 1: [WARM] });
    const twice = await changed({ 1: [WARM], [soon]: [HELD] });
    expect(await points(twice.id)).toEqual([`${twice.id} popo 1`]);
    const [warm, held] = twice.report.changes!;
    const line = await trainer.fork(placeOf(held), twice.id);
    expect(await standing(line)).toMatchObject({ step: 1, changes: [warm], fork: { step: soon } });
    let taken = 0;
    const running = finish(line, {}, (event) => {
      if (event.type === 'popo') taken = event.step.step + 1;
    });
    await trainer.pauseAt(placeOf(held));
    expect(taken).toBe(soon);
    await trainer.resume();
    expect((await running).fingerprint).toEqual(once.report.fingerprint);
  });

  it('goes back to the beginning of the stage where nothing nearer is kept, or what is kept is damaged', async () => {
    // Points of other runs with the same bits would do as well.
    for (const { id } of await trainer.savedRuns()) if (id !== base) await trainer.deleteRun(id);
    expect(await store.list('points')).toEqual([]);
    const once = await changed({ 1: [WARM] });
    const twice = await changed({ 1: [WARM], 7: [HELD] });
    const [warm, held] = twice.report.changes!;
    const [, late] = await points(twice.id);
    const record = (await store.get('points', late))!;
    new Uint8Array(record.parts.parameters as ArrayBuffer)[0] ^= 1;
    await store.put('points', record);
    // The one before it is as good, and takes more steps.
    expect(await standing(await trainer.fork(placeOf(held), twice.id))).toMatchObject({ step: 1 });
    for (const { id } of await store.list('points')) await store.delete('points', id);
    const line = await trainer.fork(placeOf(held), twice.id);
    expect(await standing(line)).toMatchObject({ step: 0, changes: [warm], fork: { step: 7 } });
    expect((await finish(line)).fingerprint).toEqual(once.report.fingerprint);
  });

  it('of what was set at rest goes on from there, in a run of another tab too', async () => {
    const fork = await trainer.fork('popo', base);
    let isDone = false;
    const other = createTrainer({
      openStore: async () => ({ store, problem: null }),
      openDevice: openCpu,
      describeDevice: async () => ({ device: (await openCpu()).info, warning: null }),
    });
    await train(fork, (event) => {
      if (event.type !== 'popo' || event.step.step !== 1 || isDone) return;
      isDone = true;
      void trainer.pause().then(async () => {
        await trainer.change([HELD]);
        await trainer.stop();
      });
    });
    expect(await standing(fork)).toMatchObject({ step: 2, changes: [{ field: 'popo.beta', step: 2 }] });
    const line = await other.fork({ stage: 'popo', step: 2, field: 'popo.beta' }, fork.id);
    expect(await standing(line)).toMatchObject({ step: 2, changes: [] });
    expect((await finish(line)).fingerprint).toEqual(untouched.fingerprint);
  });

  it('of a learning rate in fine-tuning, whose steps are many in flight, comes to the same bits', async () => {
    const fork = await trainer.fork('sft', base);
    const slower: FieldEdit = { field: 'sft.learning_rate', to: 0.01 };
    const report = await train(fork, (event) => {
      if (event.type === 'loss' && event.name === 'sft' && event.step === 30) void trainer.change([slower]);
    });
    expect(report!.fingerprint.exact).not.toBe(untouched.fingerprint.exact);
    const [change] = report!.changes!;
    expect(change).toMatchObject({ stage: 'sft', field: 'sft.learning_rate' });
    const line = await trainer.fork(placeOf(change), fork.id);
    expect(await standing(line)).toMatchObject({ stage: 'sft', step: change.step, changes: [] });
    expect((await finish(line)).fingerprint).toEqual(untouched.fingerprint);
  });
});
