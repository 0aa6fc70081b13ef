/** Judges beside the stages after them: the same bits wherever they are trained, whenever they are done, and however the run is cut. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openJudgeThread } from '../../src/commands/judgeThread';
import { visibleToTraining } from '../../src/data/visibility';
import type { Controls } from '../../src/run/controls';
import { loadDataset } from '../../src/run/datasets';
import { openReferenceDevice } from '../../src/run/device';
import { forked } from '../../src/run/fork';
import { type JudgeLine, type Judges, judgesThrough, serveJudges } from '../../src/run/judgeLine';
import { beginJudge, type JudgeName, type JudgeTask } from '../../src/run/judging';
import { type Report, type RunEvent, STAGE_NAMES } from '../../src/run/report';
import { runPipeline } from '../../src/run/runner';
import type { RunCheckpoint } from '../../src/run/runState';
import { unsoundness } from '../../src/run/soundState';
import type { KeptPart } from '../../src/run/workbench';
import { minusculeConfig, recordedRun } from './tinyRun';

/** As where the language model leaves cores idle, on whatever machine this is. */
const openApart = async () => ({ ...(await openReferenceDevice()), leavesCores: true });

/** Without what the clock decides, and without memory, which runs of one process share. */
function timeless({ timings: _timings, memory: _memory, stages, ...rest }: Report) {
  return { ...rest, stages: stages.map(({ seconds: _seconds, ...stage }) => stage) };
}

/** Both ends of a line in one thread, through what a worker's messages go through. */
function lineHere(tamper: (message: { type: string; name: JudgeName }) => boolean = () => true) {
  const sent: string[] = [];
  let ended = 0;
  let crash = () => {};
  const later = (work: () => void) => void setTimeout(work);
  let toWorker: (message: unknown) => void = () => {};
  let toRun: (message: unknown) => void = () => {};
  serveJudges(
    (message) => {
      const copy = structuredClone(message) as { type: string; name: JudgeName };
      later(() => {
        if (ended > 0 || !tamper(copy)) return;
        sent.push(`${copy.type} ${copy.name}`);
        toRun(copy);
      });
    },
    (take) => {
      toWorker = take;
    },
  );
  const line: JudgeLine = {
    post(message) {
      const copy = structuredClone(message);
      later(() => toWorker(copy));
    },
    listen(onMessage, onCrash) {
      toRun = onMessage;
      crash = onCrash;
    },
    end: () => void ended++,
  };
  return { line, sent, crash: () => crash(), ended: () => ended };
}

/** Judges that come to no end, and say that they have come so far. */
function held() {
  const begun: JudgeName[] = [];
  let ended = 0;
  const judges: Judges = {
    isApart: true,
    begin(name) {
      begun.push(name);
      return { done: new Promise(() => {}), standing: async () => ({ parts: { so: FAR } }) };
    },
    end: () => void ended++,
  };
  return { judges, begun, ended: () => ended };
}

/** A part that no judge has. */
const FAR: KeptPart = { parts: {}, standing: Float32Array.of(7) };

/** Writes down what was kept of each judge that is begun. */
const watched = (openJudges: () => Judges, given: KeptPart[]) => (): Judges => {
  const judges = openJudges();
  return {
    isApart: true,
    begin(name, task, kept, onProgress) {
      given.push(structuredClone(kept));
      return judges.begin(name, task, kept, onProgress);
    },
    end: () => judges.end(),
  };
};

type Press = (event: RunEvent, controls: Controls) => void;

const run = (openJudges: (() => Judges) | undefined, resume: RunCheckpoint | null = null, press?: Press) => {
  const recorded = recordedRun(minusculeConfig(), resume, press, openApart);
  return { ...recorded, outcome: runPipeline({ ...recorded.context, openJudges }) };
};

const order = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === 'stage' ? [`${event.name} ${event.status}`] : []));

describe('judges beside a run', { timeout: 300_000 }, () => {
  let inPlace: Report;

  beforeAll(async () => {
    inPlace = (await run(undefined).outcome).report!;
  }, 300_000);

  const open: (() => void)[] = [];
  afterEach(() => {
    for (const close of open.splice(0)) close();
  });

  it('have the bits that they have in place, from a thread of their own', async () => {
    const { outcome, events, saved } = run(openJudgeThread);
    const { report } = await outcome;
    expect(report!.timings.beside).toBeGreaterThan(0);
    expect(timeless(report!)).toEqual(timeless(inPlace));
    // Warm-up begins before either is done.
    const told = order(events);
    expect(told.indexOf('warmup started')).toBeLessThan(told.indexOf('ranker finished'));
    expect(told.indexOf('encoder finished')).toBeLessThan(told.indexOf('warmup finished'));
    // As told, one after another: each stage once.
    for (const name of STAGE_NAMES)
      expect(told.filter((each) => each === `${name} finished`)).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'ranker')).toEqual([
      { type: 'ranker', auc: report!.ranker.auc },
    ]);
    const beyond = saved.filter(
      ({ state }) => STAGE_NAMES.indexOf(state.stage) > STAGE_NAMES.indexOf('warmup'),
    );
    expect(beyond.length).toBeGreaterThan(0);
    for (const { state } of beyond) expect(state).not.toHaveProperty('beside');
  });

  it('take no time of their own in the total', async () => {
    const { report } = await run(() => judgesThrough(lineHere().line)).outcome;
    const { timings, stages } = report!;
    const [ranker, encoder] = ['ranker', 'encoder'].map(
      (name) => stages.find((stage) => stage.name === name)!.seconds,
    );
    expect(timings.beside).toBeCloseTo(ranker + encoder, 9);
    const others = stages.filter(({ name }) => name !== 'ranker' && name !== 'encoder');
    expect(timings.total).toBeCloseTo(
      others.reduce((sum, { seconds }) => sum + seconds, 0),
      9,
    );
  });

  it('are awaited where warm-up needs them, and the run can be stopped and taken up meanwhile', async () => {
    const { judges, begun, ended } = held();
    let losses = 0;
    const first = run(
      () => judges,
      null,
      (event, controls) => {
        if (event.type === 'loss' && ++losses === 6) setTimeout(() => controls.stop(), 300);
      },
    );
    expect((await first.outcome).report).toBeNull();
    expect(begun).toEqual(['ranker', 'encoder']);
    expect(ended()).toBe(1);
    const last = first.saved.at(-1)!;
    expect(last.state).toMatchObject({ stage: 'warmup', step: 6 });
    expect(last.state.beside).toEqual({ ranker: { parts: { so: FAR } }, encoder: { parts: { so: FAR } } });
    expect(last.state.made.ranker).toBeUndefined();
    expect(order(first.events)).not.toContain('ranker finished');
    // Taken up by a session that has a worker, and by one that has none.
    for (const openJudges of [() => judgesThrough(lineHere().line), undefined]) {
      const given: KeptPart[] = [];
      const second = run(openJudges && watched(openJudges, given), last);
      expect(timeless((await second.outcome).report!)).toEqual(timeless(inPlace));
      if (openJudges !== undefined) expect(given.map(({ parts }) => parts.so)).toEqual([FAR, FAR]);
      expect(order(second.events).slice(0, 2)).toEqual(['data started', 'data finished']);
      expect(order(second.events).filter((each) => each.startsWith('ranker'))).toEqual([
        'ranker started',
        'ranker resumed',
        'ranker finished',
      ]);
    }
    // What was cut off in place goes on beside the run.
    const cut = run(undefined, null, (event, controls) => {
      if (event.type === 'progress' && event.name === 'ranker') controls.stop();
    });
    await cut.outcome;
    const within = cut.saved.at(-1)!;
    expect(within.state.stage).toBe('ranker');
    const third = run(() => judgesThrough(lineHere().line), within);
    expect(timeless((await third.outcome).report!)).toEqual(timeless(inPlace));
    // A second line of it, too.
    const fork = forked(last, 'other', 'here');
    const { report } = await run(() => judgesThrough(lineHere().line), fork).outcome;
    expect(report!.fingerprint.exact).toBe(inPlace.fingerprint.exact);
    const again = forked(last, 'other', 'warmup');
    const other = await run(undefined, again).outcome;
    expect(other.report!.fingerprint.exact).toBe(inPlace.fingerprint.exact);
  });

  it('say at a gate how far they are, over the line, and go on from there to the same bits', async () => {
    const config = minusculeConfig(({ ranker }) => {
      ranker.steps = 200;
    });
    const dataset = await loadDataset(config, async () => null);
    const examples = dataset.splits.test;
    const task: JudgeTask = { dataset, config, rewarded: examples, chances: examples };
    const { line, sent } = lineHere();
    const judges = judgesThrough(line);
    const steps: number[] = [];
    const first = judges.begin('ranker', task, { parts: {} }, (done) => void steps.push(done));
    const second = judges.begin('encoder', task, { parts: { so: FAR } }, () => {});
    // The second waits for its turn, with what it was given.
    expect(await second.standing()).toEqual({ parts: { so: FAR } });
    const kept = (await first.standing())!;
    expect(steps.length === 0 || steps.at(-1)! < 200).toBe(true);
    const { losses } = kept.parts.fit.standing as { losses: Float32Array };
    expect(losses.length).toBeGreaterThan(0);
    expect(losses.length).toBeLessThan(200);
    const whole = await first.done;
    expect(whole.losses).toHaveLength(200);
    expect(await first.standing()).toBeNull();
    await second.done;
    expect(await second.standing()).toBeNull();
    expect(sent.filter((each) => each.startsWith('standing'))).toEqual([
      'standing encoder',
      'standing ranker',
    ]);
    const again: number[] = [];
    const other = beginJudge('ranker', task, kept, (done) => void again.push(done));
    expect(await other.done).toEqual(whole);
    expect(again[0]).toBeGreaterThan(losses.length);
  });

  it('fail the run in the sentence that they fail with', async () => {
    const failing = (name: JudgeName): Judges => ({
      isApart: true,
      begin: (own, ...rest) =>
        own === name
          ? { done: Promise.reject(new Error('There is nothing to judge by.')), standing: async () => null }
          : beginJudge(own, ...rest),
      end() {},
    });
    for (const name of ['ranker', 'encoder'] as const) {
      const { outcome, events } = run(() => failing(name));
      await expect(outcome).rejects.toThrow('There is nothing to judge by.');
      expect(order(events)).not.toContain('warmup finished');
    }
    const config = minusculeConfig();
    const recorded = recordedRun(config, null, undefined, openApart);
    const loadDataset = async () => {
      const dataset = await recorded.context.loadDataset();
      // Nothing that training may see was shown.
      const visible = visibleToTraining(dataset);
      const historyLength = dataset.impressions.historyLength.map(
        (_, row) => visible[dataset.impressions.user[row]],
      );
      return { ...dataset, impressions: { ...dataset.impressions, historyLength } };
    };
    const openJudges = () => judgesThrough(lineHere().line);
    await expect(runPipeline({ ...recorded.context, loadDataset, openJudges })).rejects.toThrow(
      /has no impressions of training users, so no ranker can be trained/,
    );
  });

  it('are trained in the run\u2019s own thread where the worker breaks down', async () => {
    const { line, crash, sent } = lineHere(() => false);
    const { outcome } = run(
      () => judgesThrough(line),
      null,
      (event) => {
        if (event.type === 'loss' && event.step === 2) crash();
      },
    );
    const { report } = await outcome;
    expect(timeless(report!)).toEqual(timeless(inPlace));
    // That took the run's own time.
    expect(report!.timings.beside).toBeUndefined();
    expect(sent).toEqual([]);
  });

  it('stay in place where the model takes all cores', async () => {
    const openBusy = async () => ({ ...(await openReferenceDevice()), leavesCores: false });
    const recorded = recordedRun(minusculeConfig(), null, undefined, openBusy);
    const openJudges = () => {
      throw new Error('Nobody asked for a worker.');
    };
    const { report } = await runPipeline({ ...recorded.context, openJudges });
    expect(timeless(report!)).toEqual(timeless(inPlace));
    expect(report!.timings.beside).toBeUndefined();
    const told = order(recorded.events);
    expect(told.indexOf('ranker finished')).toBeLessThan(told.indexOf('warmup started'));
  });
});

describe('a checkpoint with judges beside it', { timeout: 300_000 }, () => {
  it('is damaged where they cannot be', async () => {
    const { judges } = held();
    let losses = 0;
    const { outcome, saved } = run(
      () => judges,
      null,
      (event, controls) => {
        if (event.type === 'loss' && ++losses === 6) controls.stop();
      },
    );
    await outcome;
    const { state, model } = saved.at(-1)!;
    expect(unsoundness(state, model)).toBeNull();
    const wrong = (change: object) => unsoundness({ ...state, ...change }, model);
    expect(wrong({ beside: undefined })).toBe('what ranker made is missing');
    expect(wrong({ beside: { ranker: { parts: {} } } })).toBe('what encoder made is missing');
    expect(wrong({ beside: { ...state.beside, data: { parts: {} } } })).toBe(
      'data cannot go on beside other stages',
    );
    expect(wrong({ stage: 'rupr', step: 0, work: { parts: {} } })).toBe('ranker is not done in rupr');
    expect(wrong({ beside: [] })).toBe('what ranker made is missing');
    const losing = { parts: { fit: { parts: {}, standing: { losses: new Float32Array(4) } } } };
    expect(wrong({ beside: { ...state.beside, ranker: losing } })).toMatch(/^ranker, fit has 4 losses/);
  });
});
