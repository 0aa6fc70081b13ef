import { beforeAll, describe, expect, it } from 'vitest';
import { onceEach, replayedEvents, reportedEvents } from '../../src/run/events';
import type { Report, RunEvent } from '../../src/run/report';
import { runPipeline } from '../../src/run/runner';
import { minusculeConfig, type Recorded, recordedRun } from './tinyRun';

/** What a page draws, without what only a run under way has: progress, checkpoints, words of groups, rates and clocks. */
function drawn(events: readonly RunEvent[]) {
  const shown = events.flatMap((event): unknown[] => {
    switch (event.type) {
      case 'progress':
      case 'checkpoint':
      case 'model':
      case 'group':
        return [];
      case 'stage':
        return event.status === 'finished' ? [{ ...event, seconds: 0 }] : [{ ...event, status: 'started' }];
      case 'loss':
        return [{ ...event, gradNorm: 0, learningRate: 0 }];
      case 'cots':
        // A report keeps examples, whose perplexities are all that it can tell again.
        return [{ ...event, ppl: event.ppl.length }];
      default:
        return [event];
    }
  });
  const text = shown.map((event) => JSON.stringify(event));
  return { ordered: text, sorted: [...text].sort() };
}

describe('what is told once', () => {
  const loss = (name: string, step: number) =>
    ({ type: 'loss', name, step, loss: 1, gradNorm: 0, learningRate: 0 }) as RunEvent;
  const sample = (stage: string, step: number, sampleId: string) =>
    ({ type: 'sample', sample: { stage, step, sampleId } }) as RunEvent;
  const metrics = (stage: string) => ({ type: 'metrics', row: { stage }, step: 1 }) as RunEvent;
  const curve = (step: number) => ({ type: 'curve', row: {}, step }) as RunEvent;
  const popo = (step: number) => ({ type: 'popo', step: { step } }) as RunEvent;

  it('is each step, row and sample by its own name, however often it is taken', () => {
    const told: RunEvent[] = [];
    const emit = onceEach((event) => told.push(event));
    const all = [
      loss('warmup', 0),
      loss('warmup', 1),
      loss('sft', 0),
      popo(0),
      popo(1),
      metrics('warmup'),
      metrics('sft'),
      curve(0),
      curve(1),
      sample('popo', 0, 'a'),
      sample('popo', 0, 'b'),
      sample('popo', 1, 'a'),
      sample('sft', 0, 'a'),
      { type: 'cots' } as RunEvent,
      { type: 'counting' } as RunEvent,
    ];
    for (const event of [...all, ...structuredClone(all)]) emit(event);
    expect(told).toEqual(all);
  });

  it('is not what may come again: stages, progress, checkpoints, devices and notices', () => {
    const told: RunEvent[] = [];
    const emit = onceEach((event) => told.push(event));
    const again = ['stage', 'progress', 'checkpoint', 'device', 'notice', 'model', 'ranker', 'teacher'].map(
      (type) => ({ type }) as RunEvent,
    );
    for (const event of [...again, ...again]) emit(event);
    expect(told).toEqual([...again, ...again]);
  });
});

describe('a run told anew', { timeout: 180_000 }, () => {
  let live: Recorded;
  let report: Report;

  beforeAll(async () => {
    live = recordedRun(minusculeConfig());
    report = (await runPipeline(live.context)).report!;
  }, 180_000);

  it('says the same when its report is opened as when it was watched', () => {
    const again = [...reportedEvents(report)];
    expect(drawn(again).sorted).toEqual(drawn(live.events).sorted);
    // Each stage tells its own between its beginning and its end, in the order of the run.
    const stages = (events: readonly RunEvent[]) =>
      events.flatMap((event) => (event.type === 'stage' ? [`${event.name} ${event.status}`] : []));
    expect(stages(again)).toEqual(stages(live.events));
  });

  it('says the same when it is resumed as when it was not cut', async () => {
    for (const next of ['warmup', 'popo', 'evaluate', 'ranking']) {
      const checkpoint = live.saved.find(({ state }) => state.stage === next)!;
      const resumed = recordedRun(minusculeConfig(), checkpoint);
      await runPipeline(resumed.context);
      expect(drawn(resumed.events).sorted, `from ${next}`).toEqual(drawn(live.events).sorted);
    }
  });

  it('stands at once at the step that it is taken up from', () => {
    const { state } = live.saved.find(({ state }) => state.stage === 'evaluate')!;
    const toldOf = (step: number) => [...replayedEvents({ ...state, stage: 'popo', step })];
    const { steps } = report.config.popo;
    expect(toldOf(1).filter(({ type }) => type === 'progress')).toEqual([
      { type: 'progress', name: 'popo', step: 1, steps, secondsLeft: null },
    ]);
    // After the stage was told to have begun, and it is not told to have ended.
    expect(
      toldOf(1)
        .flatMap((event) => (event.type === 'stage' ? `${event.name} ${event.status}` : []))
        .at(-1),
    ).toBe('popo started');
    expect(toldOf(1).at(-1)?.type).toBe('progress');
    expect(toldOf(0).some(({ type }) => type === 'progress')).toBe(false);
  });

  it('counts losses from step 0, also in a report that is opened', () => {
    const steps = [...reportedEvents(report)].flatMap((event) =>
      event.type === 'loss' && event.name === 'warmup' ? [event.step] : [],
    );
    expect(steps).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('keeps the held-out curve, the table and counting apart', () => {
    let current = '';
    const told: string[] = [];
    for (const event of reportedEvents(report)) {
      if (event.type === 'stage') current = event.name;
      if (event.type === 'ranker') told.push(`${current}: ${event.auc.ctcvr}`);
      if (event.type === 'metrics') told.push(`${current}: ${event.row.stage} ${event.step}`);
      if (event.type === 'curve') told.push(`${current}: curve ${event.step}`);
      if (event.type === 'counting') told.push(`${current}: ${event.row.stage}`);
    }
    expect(told).toEqual([
      `ranker: ${report.ranker.auc.ctcvr}`,
      'warmup: warmup 6',
      'sft: sft 5',
      'popo: curve 0',
      'popo: curve 2',
      'popo: curve 3',
      // Four users, asked and scored.
      'evaluate: popo 8',
      'evaluate: counting',
    ]);
  });

  it('takes a stage that an older report lacks for done', () => {
    const older = { ...report, stages: report.stages.filter(({ name }) => name !== 'features') };
    expect([...reportedEvents(older)]).toContainEqual({
      type: 'stage',
      name: 'features',
      status: 'finished',
      steps: 0,
      seconds: 0,
    });
  });
});
