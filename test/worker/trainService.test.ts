import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/model/safetensors';
import { compareFingerprints } from '../../src/run/fingerprint';
import type { RunEvent } from '../../src/run/report';
import { memoryStore } from '../../src/store/memory';
import { type Store, StoreError, storeSentence } from '../../src/store/store';
import { createTrainer } from '../../src/worker/trainService';
import { minusculeConfig, openCpu } from '../run/tinyRun';

/** A trainer on a store of the test's. */
function trainerOn(store: Store) {
  return createTrainer({
    openStore: async () => ({ store, problem: null }),
    openDevice: openCpu,
    describeDevice: async () => ({ device: (await openCpu()).info, warning: 'slow' }),
  });
}

describe('the training worker', { timeout: 180_000 }, () => {
  it('trains, keeps, lists, exports and deletes a run', async () => {
    const store = memoryStore();
    const trainer = trainerOn(store);
    expect((await trainer.describeDevice()).device.backend).toBe('cpu');
    await expect(trainer.exportModel()).rejects.toThrow(/no model to export yet/);
    const report = (await trainer.start(minusculeConfig(), null, () => {}))!;
    const [saved] = await trainer.savedRuns();
    expect(saved).toMatchObject({ config: report.config, stage: 'ranking', finished: true });

    // Another worker, after a reload.
    const later = trainerOn(store);
    expect((await later.openRun(saved.id))?.report).toEqual(report);
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
    expect(readSafetensors(files[0].bytes).tensors[0].name).toBe('model.embed_tokens.weight');

    // Another run's report, whose checkpoint is gone: its model is not this one's.
    const other = minusculeConfig((draft) => Object.assign(draft, { seed: 6 }));
    await later.start(other, null, () => {});
    const kept = (await later.savedRuns()).find(({ config }) => config.seed === 6)!;
    await store.delete('checkpoints', saved.id);
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
    await trainer.stop();
    expect(await running).toBeNull();
    const [saved] = await trainer.savedRuns();
    expect(saved).toMatchObject({ stage: 'sft', step: paused + 1, finished: false });

    const replayed: RunEvent[] = [];
    const resumed = await trainerOn(store).start(saved.config, saved.id, (event) => replayed.push(event));
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

  it('refuses what it cannot run, and is free for the next run', async () => {
    const trainer = trainerOn(memoryStore());
    const missing = minusculeConfig((config) =>
      Object.assign(config.data, { source: 'import', sha256: 'ab'.repeat(32) }),
    );
    await expect(trainer.start(missing, null, () => {})).rejects.toThrow(/import the same files first/);
    await expect(trainer.start(minusculeConfig(), 'gone', () => {})).rejects.toThrow(/not in storage/);
    const broken = { ...minusculeConfig(), seed: -1 };
    await expect(trainer.start(broken, null, () => {})).rejects.toThrow(/seed must be a whole number/);
    await trainer.pause();
    await trainer.step();
    await trainer.stop();
    expect((await trainer.describeDevice()).warning).toBe('slow');
  });
});
