import { unzipSync } from 'fflate';
import { describe, expect, it, vi } from 'vitest';
import { readSafetensors } from '../../src/model/safetensors';
import type { RunConfig } from '../../src/run/config';
import { compareFingerprints } from '../../src/run/fingerprint';
import type { RunEvent } from '../../src/run/report';
import { unpackRun } from '../../src/run/runFile';
import { memoryStore } from '../../src/store/memory';
import { type Store, StoreError, storeSentence } from '../../src/store/store';
import type { ResumeFrom, TrainerApi } from '../../src/worker/protocol';
import { createTrainer, type TrainServices } from '../../src/worker/trainService';
import { minusculeConfig, openCpu } from '../run/tinyRun';
import { LockTable } from './lockTable';

/** A trainer on a store of the test's. */
function trainerOn(store: Store, tabs: Pick<TrainServices, 'locks' | 'tellTabs'> = {}) {
  return createTrainer({
    openStore: async () => ({ store, problem: null }),
    openDevice: openCpu,
    describeDevice: async () => ({ device: (await openCpu()).info, warning: 'slow' }),
    ...tabs,
  });
}

/** Trains until `isThere`, then stops; resolves when it has. */
async function trainedUntil(
  trainer: TrainerApi,
  config: RunConfig,
  from: ResumeFrom | null,
  isThere: (event: RunEvent) => boolean,
): Promise<void> {
  let stopping: Promise<void> | null = null;
  await trainer.start(config, from, (event) => {
    if (isThere(event)) stopping ??= trainer.stop();
  });
  await stopping;
}

const atStep = (stage: string, step: number) => (event: RunEvent) =>
  event.type === 'loss' && event.name === stage && event.step === step;

describe('the training worker', { timeout: 180_000 }, () => {
  it('trains, keeps, lists, exports and deletes a run', async () => {
    const store = memoryStore();
    const trainer = trainerOn(store);
    expect((await trainer.describeDevice()).device.backend).toBe('wasm');
    await expect(trainer.exportModel()).rejects.toThrow(/no model to export yet/);
    const told: RunEvent[] = [];
    const report = (await trainer.start(minusculeConfig(), null, (event) => void told.push(event)))!;
    // A page looks on, so what each update made of its answers is measured.
    const groups = told.flatMap((event) => (event.type === 'group' ? [event.group] : []));
    expect(groups).toHaveLength(report.config.popo.steps);
    for (const { answers } of groups)
      for (const { pieces, after } of answers) expect(after).toHaveLength(pieces.length);
    const [saved] = await trainer.savedRuns();
    // Every prompt of every step in words, those that were measured as they were told.
    for (const told of groups) {
      const { prompts_per_step: P, num_generations: G } = report.config.popo;
      for (let prompt = 0; prompt < P; prompt++) {
        const said = (await trainer.group(saved.id, told.step, prompt))!;
        expect(said.answers).toHaveLength(G);
        const isMeasured = prompt === told.prompt;
        expect(said.answers.every(({ after }) => (after !== undefined) === isMeasured)).toBe(true);
        if (isMeasured)
          expect(said.answers.map(({ pieces }) => pieces)).toEqual(told.answers.map((a) => a.pieces));
        else expect(said.text).not.toBe(told.text);
      }
      expect(await trainer.group(saved.id, told.step, P)).toBeNull();
    }
    expect(await trainer.group('another', 0, 0)).toBeNull();
    expect(saved).toMatchObject({ config: report.config, stage: 'ranking', finished: true });

    const last = report.table.find(({ stage }) => stage === 'popo')!;
    const aligned = report.spreads!.find(({ stage }) => stage === 'popo')!;
    expect(saved.result).toEqual({
      stage: 'popo',
      users: last.users,
      l3: last.Category_L3_ACC,
      ctcvr: last.CTCVR,
      ctcvrInterval: aligned.ctcvr,
    });
    // What each user adds to them is kept with the model.
    for (const name of ['Title_Hit-Rate@25', 'valid_rate', 'exact_title_rate'] as const)
      expect(aligned.changes[name]?.users).toBe(last.users);
    expect(saved.bytes).toBeGreaterThan(1000);

    // Another worker, after a reload. A run that is looked at from the side is not the one on show.
    const later = trainerOn(store);
    await later.openRun(saved.id, false);
    await expect(later.exportModel()).rejects.toThrow(/no model to export yet/);
    const opened = (await later.openRun(saved.id))!;
    expect(opened.report).toEqual(report);
    const toldOf = (type: RunEvent['type']) => opened.events.filter((event) => event.type === type);
    expect(toldOf('model')).toHaveLength(1);
    expect(toldOf('spreads').at(-1)).toEqual({ type: 'spreads', spreads: report.spreads });
    expect(report.spreads?.map(({ stage, from }) => [stage, from])).toEqual([
      ['warmup', null],
      ['sft', 'warmup'],
      ['popo', 'sft'],
    ]);
    const note = { name: 'mine', text: 'as it came' };
    await trainer.noteRun(saved.id, { ...note, pinned: true });
    // That it is pinned is kept here, and goes nowhere else.
    expect((await later.savedRuns())[0].note).toEqual({ ...note, pinned: true });
    const [same, gone] = await later.pairRuns(saved.id, [saved.id, 'nowhere']);
    expect(same.changes?.CTCVR).toMatchObject({ mean: 0, users: report.table[0].users });
    expect(gone.why).toMatch(/^This run is not in storage any more/);
    expect((await unpackRun((await later.exportRun()).bytes)).about.note).toEqual(note);
    const elsewhere = trainerOn(memoryStore());
    await elsewhere.importRun(new File([(await later.exportRun()).bytes], 'run.zip'));
    expect((await elsewhere.savedRuns())[0]).toMatchObject({ id: saved.id, note, result: saved.result });
    await elsewhere.deleteRun(saved.id);
    await trainer.noteRun(saved.id, { name: ' ', text: '' });
    expect((await later.savedRuns())[0].note).toBeUndefined();
    const files = await later.exportModel();
    expect(files.map(({ name }) => name)).toEqual([
      'model.safetensors',
      'config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(files.map(({ bytes }) => bytes.length)).toEqual(
      (await trainer.exportModel()).map(({ bytes }) => bytes.length),
    );
    const { name, bytes } = await later.continueElsewhere('trl');
    expect(name).toBe('continue-on-trl.zip');
    expect(Object.keys(unzipSync(bytes))).toEqual(expect.arrayContaining(['grpo.yaml', 'rewards.py']));
    expect((await unpackRun((await later.exportRun()).bytes)).checkpoint.state.config).toEqual(report.config);
    expect(readSafetensors(files[0].bytes).tensors[0].name).toBe('model.embed_tokens.weight');

    // Another run's report, whose checkpoint is gone: its model is not this one's.
    const other = minusculeConfig((draft) => Object.assign(draft, { seed: 6 }));
    await later.start(other, null, () => {});
    const kept = (await later.savedRuns()).find(({ config }) => config.seed === 6)!;
    // Which of its two records it is depends on how often it was kept.
    for (const key of [saved.id, `${saved.id} (2)`]) await store.delete('checkpoints', key);
    const third = trainerOn(store);
    await third.openRun(kept.id);
    expect(await third.exportModel()).toHaveLength(4);
    expect((await third.openRun(saved.id))?.report).toEqual(report);
    await expect(third.exportModel()).rejects.toThrow(/^This run is not in storage any more/);
    await expect(third.exportCots()).rejects.toThrow(/not in storage any more/);
    await later.deleteRun(kept.id);

    await later.deleteRun(saved.id);
    expect(await later.savedRuns()).toEqual([]);
    expect(await later.openRun(saved.id)).toBeNull();
  });

  it('pauses, steps, stops, and another worker goes on to the same bits', async () => {
    const store = memoryStore();
    const trainer = trainerOn(store);
    const events: RunEvent[] = [];
    let pausing: Promise<void> | null = null;
    const config = minusculeConfig((draft) => Object.assign(draft.sft, { steps: 12 }));
    const running = trainer.start(config, null, (event) => {
      events.push(event);
      if (event.type === 'loss' && event.name === 'sft' && event.step === 1) pausing ??= trainer.pause();
    });
    while (pausing === null) await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(trainer.start(minusculeConfig(), null, () => {})).rejects.toThrow(/A run is on already/);
    await pausing;
    const losses = () => events.filter((event) => event.type === 'loss' && event.name === 'sft').length;
    const paused = losses();
    expect(events.at(-1)).toEqual({ type: 'checkpoint', stage: 'sft', step: paused, stored: false });
    await trainer.step();
    expect(losses()).toBe(paused + 1);
    // What is set at rest is kept with where it stands, and the checkpoint before stays.
    for (const [to, changes] of [[0.5, 1] as const, [config.sft.learning_rate, 0] as const]) {
      await trainer.change([{ field: 'sft.learning_rate', to }]);
      await vi.waitFor(async () => expect((await trainer.savedRuns())[0].changes).toHaveLength(changes));
      expect((await trainer.savedRuns())[0]).toMatchObject({ step: paused + 1, earlier: { step: paused } });
    }
    await trainer.stop();
    expect(await running).toBeNull();
    const [saved] = await trainer.savedRuns();
    expect(saved).toMatchObject({ stage: 'sft', step: paused + 1, finished: false });

    const replayed: RunEvent[] = [];
    const resumed = await trainerOn(store).start(
      saved.config,
      { id: saved.id, generation: 'newest' },
      (event) => replayed.push(event),
    );
    const whole = await trainerOn(memoryStore()).start(config, null, () => {});
    expect(compareFingerprints(whole!.fingerprint, resumed!.fingerprint).verdict).toBe('identical');
    // A page that starts empty is told the whole story.
    const told = replayed.flatMap((event) => (event.type === 'loss' ? [`${event.name} ${event.step}`] : []));
    expect(told).toHaveLength(6 + 2 + 12);
    expect(new Set(told).size).toBe(told.length);
    expect(replayed.filter((event) => event.type === 'metrics' && event.step === 6)).toHaveLength(1);
  });

  it('trains on when storage is full, and says so once', async () => {
    const store: Store = {
      ...memoryStore(),
      put: async () => {
        throw new StoreError('quota', storeSentence('quota', 'write'));
      },
    };
    const events: RunEvent[] = [];
    const trainer = trainerOn(store);
    const report = await trainer.start(minusculeConfig(), null, (event) => events.push(event));
    expect(report).not.toBeNull();
    const notices = events.filter((event) => event.type === 'notice');
    expect(notices).toHaveLength(1);
    expect(notices[0].message).toMatch(/Training goes on.*full/);
    expect(events.some((event) => event.type === 'checkpoint' && event.stored)).toBe(false);
    expect(await trainer.exportModel()).toHaveLength(4);
  });

  it('says that the run is kept again once storage has room', async () => {
    const store = memoryStore();
    let isFull = true;
    const filling: Store = {
      ...store,
      async put(collection, record) {
        if (isFull) throw new StoreError('quota', storeSentence('quota', 'write'));
        return store.put(collection, record);
      },
    };
    const notices: RunEvent[] = [];
    await trainedUntil(trainerOn(filling), minusculeConfig(), null, (event) => {
      if (event.type === 'stage' && event.name === 'ranker') isFull = false;
      if (event.type === 'notice') notices.push(event);
      return event.type === 'stage' && event.name === 'warmup';
    });
    expect(notices).toEqual([
      expect.objectContaining({ level: 'warning', about: 'keeping' }),
      { type: 'notice', level: 'info', message: 'This run is being kept again.', about: 'keeping' },
    ]);
  });

  it('goes on from the checkpoint before a damaged one, to the same bits', async () => {
    const store = memoryStore();
    const config = minusculeConfig((draft) => Object.assign(draft.sft, { steps: 12 }));
    await trainedUntil(trainerOn(store), config, null, atStep('sft', 4));
    const [saved] = await trainerOn(store).savedRuns();
    expect(saved).toMatchObject({ stage: 'sft', earlier: { stage: 'sft' } });
    const earlier = saved.earlier!.step;
    expect(earlier).toBeLessThan(saved.step);
    for (const { id: key } of await store.list('checkpoints')) {
      const record = (await store.get('checkpoints', key))!;
      const { caller } = record.header as { caller: { step: number } };
      if (caller.step !== saved.step) continue;
      // One bit.
      new Uint8Array(record.parts.moment2 as ArrayBuffer)[5] ^= 4;
      await store.put('checkpoints', record);
    }
    const { id } = saved;
    const trainer = trainerOn(store);
    await expect(trainer.start(config, { id, generation: 'newest' }, () => {})).rejects.toThrow(
      'This checkpoint is damaged: its part “moment2” is not what was written. ' +
        `The one before it, at step ${earlier} of sft, is kept too: resume that one.`,
    );
    const resumed = await trainer.start(config, { id, generation: 'earlier' }, () => {});
    const whole = await trainerOn(memoryStore()).start(config, null, () => {});
    expect(compareFingerprints(whole!.fingerprint, resumed!.fingerprint).verdict).toBe('identical');
  });

  it('says to begin again where both checkpoints are damaged', async () => {
    const store = memoryStore();
    await trainedUntil(trainerOn(store), minusculeConfig(), null, atStep('sft', 1));
    const [{ id }] = await trainerOn(store).savedRuns();
    for (const { id: key } of await store.list('checkpoints')) {
      const record = (await store.get('checkpoints', key))!;
      await store.put('checkpoints', {
        ...record,
        parts: { ...record.parts, parameters: new ArrayBuffer(4) },
      });
    }
    const trainer = trainerOn(store);
    for (const [generation, advice] of [
      ['newest', /resume that one\.$/],
      ['earlier', /Delete the run and train again from its link\.$/],
    ] as const)
      await expect(trainer.start(minusculeConfig(), { id, generation }, () => {})).rejects.toThrow(advice);
  });

  it('keeps of one config only the unfinished run that got furthest', async () => {
    const store = memoryStore();
    const config = minusculeConfig();
    for (const step of [2, 0, 4]) await trainedUntil(trainerOn(store), config, null, atStep('warmup', step));
    const other = minusculeConfig((draft) => Object.assign(draft, { seed: 8 }));
    await trainedUntil(trainerOn(store), other, null, atStep('warmup', 1));
    const left = await trainerOn(store).savedRuns();
    expect(left.map(({ config, stage }) => [config.seed, stage])).toEqual([
      [8, 'warmup'],
      [5, 'warmup'],
    ]);
    expect(left[1].step).toBeGreaterThanOrEqual(5);
    // The finished one outlasts what begins after it.
    await trainerOn(store).start(config, null, () => {});
    await trainedUntil(trainerOn(store), config, null, atStep('warmup', 2));
    const all = await trainerOn(store).savedRuns();
    expect(all.filter((run) => run.config.seed === 5).map(({ finished }) => finished)).toEqual([false, true]);
  });

  it('has one entry after thirty starts', async () => {
    const store = memoryStore();
    for (let start = 0; start < 30; start++)
      await trainedUntil(
        trainerOn(store),
        minusculeConfig(),
        null,
        (event) => event.type === 'stage' && event.name === 'tokenizer',
      );
    expect(await trainerOn(store).savedRuns()).toHaveLength(1);
  });

  it('says once that what was kept is gone, and keeps the run again', async () => {
    const store = memoryStore();
    let closed = () => {};
    const trainer = createTrainer({
      openStore: async (onClosed) => {
        closed = onClosed;
        return { store, problem: null };
      },
      openDevice: openCpu,
      describeDevice: async () => ({ device: (await openCpu()).info, warning: null }),
    });
    const config = minusculeConfig((draft) => Object.assign(draft.warmup, { steps: 30 }));
    const told: string[] = [];
    const keptAt: number[] = [];
    let deleting: Promise<unknown> = Promise.resolve();
    await trainedUntil(trainer, config, null, (event) => {
      if (atStep('warmup', 4)(event))
        deleting = store.list('checkpoints').then(async (all) => {
          for (const { id } of all) await store.delete('checkpoints', id);
          closed();
        });
      if (event.type === 'notice') told.push(event.message);
      if (event.type === 'checkpoint' && event.stage === 'warmup') keptAt.push(event.step);
      return event.type === 'stage' && event.name === 'rupr';
    });
    await deleting;
    expect(told).toEqual([
      'What was kept of this run has been deleted, by the browser or by hand; training goes on, and the run is kept again from here.',
    ]);
    // At once, not at the stage's end.
    expect(keptAt.some((step) => step > 4 && step < 12)).toBe(true);
    expect(await trainer.savedRuns()).toHaveLength(1);
  });

  it('carries a run to another browser, which comes to the same bits', async () => {
    const [here, there] = [memoryStore(), memoryStore()];
    const config = minusculeConfig((draft) => Object.assign(draft.sft, { steps: 12 }));
    const trainer = trainerOn(here);
    await trainedUntil(trainer, config, null, atStep('sft', 4));
    const [left] = await trainer.savedRuns();
    const unfinished = await trainer.exportRun(left.id);
    const file = (bytes: Uint8Array<ArrayBuffer>) => new File([bytes], 'run.zip');
    const elsewhere = trainerOn(there);
    expect((await elsewhere.importRun(file(unfinished.bytes))).message).toBe(
      `The run of tiny, seed 5, at step ${left.step} of sft, is kept here now: resume it below.`,
    );
    expect(await elsewhere.savedRuns()).toMatchObject([
      { id: left.id, stage: 'sft', step: left.step, finished: false },
    ]);
    expect((await elsewhere.importRun(file(unfinished.bytes))).message).toMatch(/is kept here already\.$/);
    const whole = await trainer.start(config, { id: left.id, generation: 'newest' }, () => {});
    const other = await elsewhere.start(config, { id: left.id, generation: 'newest' }, () => {});
    expect(compareFingerprints(whole!.fingerprint, other!.fingerprint).verdict).toBe('identical');

    // A finished run keeps its place when an earlier state of it comes along.
    const { id, message } = await elsewhere.importRun(file(unfinished.bytes));
    expect(message).toMatch(/Another state of this run is kept here too, and was left alone\./);
    expect(id).not.toBe(left.id);
    const finished = (await elsewhere.savedRuns()).find((run) => run.id === left.id);
    expect(finished?.finished).toBe(true);

    // The finished one, with its report and its model, in a third.
    const done = await trainer.exportRun(left.id);
    expect(done.bytes.length).toBeLessThan(unfinished.bytes.length);
    const third = trainerOn(memoryStore());
    expect((await third.importRun(file(done.bytes))).message).toMatch(
      /, finished, is kept here now: open it below\.$/,
    );
    expect((await third.openRun(left.id))?.report).toEqual(whole);
    expect(await third.exportModel()).toEqual(await trainer.exportModel());
    expect((await third.importRun(file(done.bytes))).message).toMatch(/, finished, is kept here already\.$/);
    expect(await third.savedRuns()).toHaveLength(1);
  });

  it('lets one tab at a time train, resume or delete a run, and tells the others', async () => {
    const store = memoryStore();
    const table = new LockTable();
    let told = 0;
    const here = trainerOn(store, { locks: table.of({}), tellTabs: () => told++ });
    const there = trainerOn(store, { locks: table.of({}) });
    await trainedUntil(here, minusculeConfig(), null, atStep('warmup', 2));
    const [{ id, step }] = await here.savedRuns();
    expect(told).toBeGreaterThan(5);
    let paused: Promise<void> | null = null;
    const from = { id, generation: 'newest' } as const;
    const running = here.start(minusculeConfig(), from, (event) => {
      if (event.type === 'stage') paused ??= here.pause();
    });
    await vi.waitFor(() => expect(paused).not.toBeNull());
    await paused;
    expect((await here.savedRuns())[0]).toMatchObject({ id, isElsewhere: false });
    expect((await there.savedRuns())[0]).toMatchObject({ id, isElsewhere: true });
    await expect(there.start(minusculeConfig(), from, () => {})).rejects.toThrow(
      /trained in another tab.*close/,
    );
    await expect(there.deleteRun(id)).rejects.toThrow(/in another tab/);
    await expect(here.deleteRun(id)).rejects.toThrow('This run is on: press Reset first.');
    // Any other goes meanwhile.
    const { id: fork } = await here.fork('here', id);
    await here.deleteRun(fork);
    expect((await there.savedRuns()).map((run) => run.id)).not.toContain(fork);
    // A new run of the same config leaves it alone, however far it gets.
    await trainedUntil(there, minusculeConfig(), null, atStep('sft', 2));
    expect((await there.savedRuns()).map((run) => run.id)).toContain(id);
    await here.stop();
    await running;
    expect((await there.savedRuns()).find((run) => run.id === id)).toMatchObject({
      isElsewhere: false,
      step,
    });
    expect((await there.start(minusculeConfig(), from, () => {}))?.stages).toHaveLength(13);
    await there.deleteRun(id);
  });

  it('keeps the run at the next step when it is asked to', async () => {
    const store = memoryStore();
    const trainer = trainerOn(store);
    const kept: number[] = [];
    const config = minusculeConfig((draft) => Object.assign(draft.warmup, { steps: 30 }));
    await trainedUntil(trainer, config, null, (event) => {
      if (atStep('warmup', 2)(event)) void trainer.keep();
      if (event.type === 'checkpoint' && event.stage === 'warmup' && event.step > 0) kept.push(event.step);
      return event.type === 'stage' && event.name === 'rupr';
    });
    await trainer.keep();
    expect(kept.some((step) => step > 2 && step < 12)).toBe(true);
  });

  it('refuses what it cannot run, and is free for the next run', async () => {
    const trainer = trainerOn(memoryStore());
    const missing = minusculeConfig((config) =>
      Object.assign(config.data, { source: 'import', sha256: 'ab'.repeat(32) }),
    );
    await expect(trainer.start(missing, null, () => {})).rejects.toThrow(/import the same files first/);
    await expect(
      trainer.start(minusculeConfig(), { id: 'gone', generation: 'newest' }, () => {}),
    ).rejects.toThrow(/not in storage/);
    const broken = { ...minusculeConfig(), seed: -1 };
    await expect(trainer.start(broken, null, () => {})).rejects.toThrow(/seed must be a whole number/);
    await trainer.pause();
    await trainer.step();
    await trainer.stop();
    expect((await trainer.describeDevice()).warning).toBe('slow');
  });
});
