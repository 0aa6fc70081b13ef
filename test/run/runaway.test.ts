/** Training that really runs away, at minuscule sizes: seen, gone back from, and the same for whoever opens the link. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { RunChange } from '../../src/run/changes';
import type { RunConfig } from '../../src/run/config';
import type { Divergence, DivergenceChoice } from '../../src/run/divergence';
import { compareFingerprints } from '../../src/run/fingerprint';
import { parseLink } from '../../src/run/link';
import type { Report, RunEvent } from '../../src/run/report';
import { type RunContext, runPipeline } from '../../src/run/runner';
import { memoryStore } from '../../src/store/memory';
import { createTrainer } from '../../src/worker/trainService';
import { minusculeConfig, openCpu, type Recorded, recordedRun } from './tinyRun';

const TIMEOUT = 180_000;

/** SFT at the highest learning rate that a config may have: at these sizes a hundred times the preset's is still learnt with. */
function wild(change: (config: RunConfig) => void = () => {}): RunConfig {
  return minusculeConfig((config) => {
    config.ranking.users = 0;
    Object.assign(config.warmup, { steps: 8, learning_rate: 0.05 });
    Object.assign(config.sft, { steps: 16, learning_rate: 1 });
    Object.assign(config.popo, { steps: 1, weighting: 'fixed', probe_every: 0 });
    change(config);
  });
}

/** A run that is decided by `choose`. */
function decidedRun(
  config: RunConfig,
  choose: (found: Divergence, times: number) => DivergenceChoice,
  changes: readonly RunChange[] = [],
): Recorded & { asked: Divergence[] } {
  const asked: Divergence[] = [];
  const run = recordedRun(config);
  const decide: RunContext['decide'] = async (found) => {
    asked.push(found);
    return choose(found, asked.length);
  };
  return { ...run, context: { ...run.context, changes, decide }, asked };
}

describe('training that runs away', { timeout: TIMEOUT }, () => {
  let run: ReturnType<typeof decidedRun>;
  let report: Report;

  beforeAll(async () => {
    run = decidedRun(wild(), (_found, times) => (times === 1 ? 'go-back' : 'go-on'));
    report = (await runPipeline(run.context)).report!;
  }, TIMEOUT);

  it('is seen in SFT, and goes back to before it with half the learning rate', () => {
    const [first] = run.asked;
    expect(first).toMatchObject({ stage: 'sft', kind: 'loss' });
    expect(first.step).toBeLessThan(20);
    expect(report.divergences![0]).toMatchObject({ ...first, choice: 'go-back', backTo: 0 });
    expect(report.changes).toEqual([{ stage: 'sft', step: 0, field: 'sft.learning_rate', from: 1, to: 0.5 }]);
    // What it is told is told anew from the start.
    const again = run.events.findIndex(({ type }) => type === 'again');
    const rates = (events: typeof run.events) =>
      events.flatMap((event) => (event.type === 'loss' && event.name === 'sft' ? [event.learningRate] : []));
    expect(rates(run.events.slice(0, again))[0]).toBe(1);
    expect(rates(run.events.slice(again))[0]).toBe(0.5);
    expect(rates(run.events.slice(again))).toHaveLength(16);
    expect(report.stages.find(({ name }) => name === 'sft')).toMatchObject({
      steps: 16,
      loss: { length: 16 },
    });
    expect(report.config.sft.learning_rate).toBe(1);
  });

  it('is asked of once of each kind in a stage, where it goes on', () => {
    const kinds = run.asked.slice(1).map(({ stage, kind }) => `${stage} ${kind}`);
    expect(new Set(kinds).size).toBe(kinds.length);
    expect(report.divergences!.map(({ choice }) => choice)).toEqual(['go-back', ...kinds.map(() => 'go-on')]);
  });

  it('comes to the same bits for whoever opens its link', async () => {
    const opened = parseLink(report.link);
    expect(opened.problem).toBeNull();
    expect(opened.changes).toEqual(report.changes);
    expect(opened.changes[0]).toEqual({
      stage: 'sft',
      step: 0,
      field: 'sft.learning_rate',
      from: 1,
      to: 0.5,
    });
    const replay = decidedRun(opened.config, () => 'go-on', opened.changes);
    const same = (await runPipeline(replay.context)).report!;
    expect(compareFingerprints(opened.expected!, same.fingerprint).verdict).toBe('identical');
    // Without the changes it is another run, and says so.
    const bare = report.link.replace(/changes=[^&]*&/, '');
    expect(parseLink(bare).changes).toEqual([]);
    expect(same.link).toBe(report.link);
  });

  it('stops in the worker where that is decided, which a reloaded page knows; it goes back from there to the same bits', async () => {
    const store = memoryStore();
    const worker = () =>
      createTrainer({
        openStore: async () => ({ store, problem: null }),
        openDevice: openCpu,
        describeDevice: async () => ({ device: (await openCpu()).info, warning: null }),
      });
    const trainer = worker();
    const events: RunEvent[] = [];
    const ended = await trainer.start(wild(), null, (event) => {
      events.push(event);
      if (event.type === 'divergence' && event.decided === null)
        setTimeout(() => {
          void trainer.change([{ field: 'sft.learning_rate', to: 0.25 }]);
          void trainer.decide('stop');
        });
    });
    expect(ended).toBeNull();
    const told = events.filter((event) => event.type === 'divergence');
    expect(told.map(({ decided }) => decided?.choice ?? null)).toEqual([null, 'stop']);
    const [saved] = await trainer.savedRuns();
    // What was set while it was asked is kept, as of the step that would have been next.
    const set = { stage: 'sft', field: 'sft.learning_rate', from: 1, to: 0.25 };
    expect(saved).toMatchObject({ stage: 'sft', changes: [set], finished: false });
    expect(saved.changes![0].step).toBeGreaterThan(told[0].found.step);
    expect(saved.step).toBeLessThanOrEqual(told[0].found.step);
    expect(saved.stopped).toMatchObject(told[0].found);

    const reloaded = worker();
    const [{ id, config, stopped }] = await reloaded.savedRuns();
    expect(stopped).toEqual(saved.stopped);
    const asked: string[] = [];
    const again = await reloaded.start(config, { id, generation: 'newest', choice: 'go-back' }, (event) => {
      if (event.type !== 'divergence' || event.decided !== null) return;
      asked.push(event.found.kind);
      setTimeout(() => void reloaded.decide('go-on'));
    });
    expect(again?.divergences?.map(({ choice }) => choice)).toEqual(['go-back', ...asked.map(() => 'go-on')]);
    // It was set for another course than the one that it goes back to.
    expect(again?.changes).toEqual(report.changes);
    expect(compareFingerprints(report.fingerprint, again!.fingerprint).verdict).toBe('identical');
    expect((await reloaded.savedRuns())[0].stopped).toBeUndefined();
  });
});
