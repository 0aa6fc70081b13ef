import { describe, expect, it, vi } from 'vitest';
import { createSession, type Services, type Session } from '../../src/app/state/session';
import { compilingWords } from '../../src/app/words/runWords';
import type { ImportPreview } from '../../src/data/preview';
import type { DeviceSpeed } from '../../src/gpu/speed';
import type { RunChange } from '../../src/run/changes';
import type { RunConfig } from '../../src/run/config';
import type { Divergence, DivergenceChoice } from '../../src/run/divergence';
import { reportedEvents } from '../../src/run/events';
import { parseLink } from '../../src/run/link';
import { defaultConfig, type PresetName, presetConfig } from '../../src/run/presets';
import type { Report, RunEvent, StageName } from '../../src/run/report';
import { withResult } from '../../src/run/result/resultField';
import type { PlannedRun } from '../../src/study/plan';
import type {
  ImporterApi,
  ImportSummary,
  SavedRun,
  StudyEvent,
  StudyRequest,
  TrainerApi,
} from '../../src/worker/protocol';
import { fakePopoSteps, fakeReport } from '../page/fakeTrainer';
import { v1 } from '../v1';

const PREVIEW = { layout: 'interactions', doubts: [] } as unknown as ImportPreview;

const ALONE = { earlier: null, isElsewhere: false };
const DEVICE = { backend: 'webgpu', vendor: 'test', architecture: '', description: '', limits: {} } as const;

const IMPORT: ImportSummary = {
  sha256: 'c'.repeat(64),
  id: 'mine',
  users: 1,
  items: 1,
  interactions: 1,
  examples: [1, 1, 1],
  notes: [],
  problems: [],
  map: '',
};

/** A trainer whose run ends, fails and speaks when the test says so. */
function stage({
  deaf = false,
  report = null as Report | null,
  runs = [] as SavedRun[],
  imports = [] as ImportSummary[],
  limit = 0,
  warning = null as string | null,
  speed = null as DeviceSpeed | null,
  plan = [] as PlannedRun[],
} = {}) {
  const limits: Record<string, number> =
    limit === 0 ? {} : { maxBufferSize: limit, maxStorageBufferBindingSize: limit };
  /** What the worker keeps. */
  const kept = { report, runs };
  let runsChanged = () => {};
  const free = new Map<string, () => void>();
  let crash: (message: string) => void = () => {};
  let finish: { resolve(report: Report | null): void; reject(error: Error): void } | null = null;
  let emit: (event: RunEvent) => void = () => {};
  let tellStudy: (event: StudyEvent) => void = () => {};
  let endStudy: { resolve(failed: number): void; reject(error: Error): void } | null = null;
  let read: ImportSummary | null = null;
  const frames: (() => void)[] = [];
  let now = 0;
  const calls: string[] = [];
  const started: (readonly RunChange[])[] = [];
  const ids: (string | undefined)[] = [];
  const requests: StudyRequest[] = [];
  const trainer: TrainerApi = {
    describeDevice: async () => ({ device: { ...DEVICE, limits }, warning }),
    measure: async () => speed,
    measureWhole: async () => null,
    endMeasuring: async () => {},
    start(_config, from, onEvent, { teacherKey, changes = [], id } = {}) {
      started.push(changes);
      ids.push(id);
      const where = from && (from.generation === 'newest' ? from.id : `${from.id} earlier`);
      calls.push(`start ${where}${teacherKey ? ` with ${teacherKey}` : ''}`);
      emit = onEvent;
      return new Promise((resolve, reject) => {
        finish = { resolve, reject };
      });
    },
    study(request, onEvent) {
      calls.push(`study ${request.methods.length} x ${request.seeds.length}`);
      requests.push(request);
      tellStudy = onEvent;
      return new Promise((resolve, reject) => {
        endStudy = { resolve, reject };
      });
    },
    studyResult: async ({ methods }) => {
      calls.push(`look for ${methods.length}`);
      return {
        cells: [],
        plan,
        tables: {
          means: [],
          comparisons: [],
          slices: null,
          front: {
            points: [],
            start: null,
            sweep: null,
            hull: null,
            sweepCost: null,
            families: [],
            bestFixed: [],
            missing: null,
          },
          held: [],
        },
      };
    },
    exportStudy: async () => [],
    deleteStudies: async () => void calls.push('forget'),
    pause: async () => void calls.push('pause'),
    group: async () => null,
    lookAt: async () => {},
    pauseAt: async ({ stage, step }) => void calls.push(`pause at ${stage} ${step}`),
    keep: async () => void calls.push('keep run'),
    resume: async () => void calls.push('resume'),
    step: async () => void calls.push('step'),
    decide: async (choice) => void calls.push(`decide ${choice}`),
    async change(edits) {
      if (edits[0].to === 9) throw new Error('popo.beta must be less');
      calls.push(`change ${edits.map(({ field, to }) => `${field}=${to}`).join(' ')}`);
    },
    ask: async () => Promise.reject(new Error('asked')),
    askable: async () => Promise.reject(new Error('asked')),
    async fork(from) {
      calls.push(`fork ${typeof from === 'string' ? from : `before ${from.field} at ${from.step}`}`);
      return { id: 'f', generation: 'newest' };
    },
    stop() {
      calls.push('stop');
      return deaf ? new Promise(() => {}) : Promise.resolve();
    },
    savedRuns: async () => kept.runs,
    noteRun: async (id, note) => {
      const run = kept.runs.find((each) => each.id === id);
      if (run !== undefined) run.note = note;
    },
    pairRuns: async (_, others) => others.map(() => ({ changes: null, why: null })),
    openRun: async () => kept.report && { report: kept.report, events: [...reportedEvents(kept.report)] },
    deleteRun: async () => {},
    exportModel: async () => [],
    exportCots: async () => ({ name: 'cots.jsonl', bytes: new Uint8Array() }),
    exportRun: async () => ({ name: 'run.zip', bytes: new Uint8Array() }),
    importRun: async ({ name }) => {
      if (name === 'bad.zip') throw new Error('This is no run.zip');
      return { id: 'f', message: 'It is kept here now.' };
    },
    continueElsewhere: async (to) => ({ name: `${to}.zip`, bytes: new Uint8Array() }),
    loseDevice: async () => {},
  };
  const importer: ImporterApi = {
    async readFiles(files, map) {
      calls.push(`read ${files.map(({ name }) => name).join(' ')} as "${map}"`);
      if (files[0].name === 'endless.parquet') return new Promise(() => {});
      if (files[0].name === 'bad.csv' || map === 'item=price') throw new Error('bad.csv, row 2: no item');
      read = {
        sha256: (map === '' ? 'c' : 'e').repeat(64),
        id: 'mine',
        users: 1,
        items: 1,
        interactions: 1,
        examples: [1, 1, 1],
        notes: [],
        problems: [],
        map,
      };
      return { summary: read, preview: PREVIEW };
    },
    seenOfRefused: async () => PREVIEW,
    async keepImport() {
      calls.push('keep');
      return read!;
    },
    dropImport: async () => void calls.push('drop'),
    listImports: async () => imports,
    deleteImport: async () => {},
    importCots: async ({ name }) => {
      if (name === 'bad.jsonl') throw new Error('bad.jsonl, line 2: cot is missing');
      return { sha256: 'd'.repeat(64), name, cots: 2, prompts: 1 };
    },
    listCots: async () => [],
    deleteCots: async () => {},
    countAnswers: async () => 0,
    forgetAnswers: async () => {},
    listStored: async () => [],
    deleteStored: async () => 0,
  };
  const services: Services = {
    trainer(onCrash) {
      crash = onCrash;
      return trainer;
    },
    importer: () => importer,
    discardTrainer: () => void calls.push('discard'),
    discardImporter: () => void calls.push('end importer'),
    tabs: {
      onRuns(changed) {
        runsChanged = changed;
      },
      runIsFree: (id) => new Promise((resolve) => free.set(id, resolve)),
    },
    disk: {
      room: async () => ({ used: 5, quota: 9, isPersistent: calls.includes('persist') }),
      persist: async () => void calls.push('persist'),
    },
  };
  const session = createSession(
    services,
    (callback) => void frames.push(callback),
    () => now,
  );
  return {
    session,
    calls,
    started,
    requests,
    kept,
    ids,
    runsChanged: () => runsChanged(),
    /** The tab that trains this run goes. */
    release: (id: string) => free.get(id)!(),
    emit: (event: RunEvent) => emit(event),
    finish: (report: Report | null) => finish!.resolve(report),
    fail: (message: string, name = 'Error') => finish!.reject(Object.assign(new Error(message), { name })),
    crash: (message: string) => crash(message),
    tellStudy: (event: StudyEvent) => tellStudy(event),
    endStudy: () => endStudy!.resolve(0),
    failStudy: (message: string) => endStudy!.reject(new Error(message)),
    /** Lets `n` frames pass. */
    async frames(n = 1) {
      for (let k = 0; k < n; k++) {
        now += 200;
        for (const callback of frames.splice(0)) callback();
        await Promise.resolve();
      }
    },
  };
}

const LINK = '#run=1&preset=tiny&rupr.teacher=openai&rupr.url=https://api.example.com/v1&rupr.model=m';

const lossAt = (step: number): RunEvent => ({
  type: 'loss',
  name: 'warmup',
  step,
  loss: 1 / step,
  gradNorm: 1,
  learningRate: 1,
});

it('kernels are told of while they are being built, and forgotten with their device', async () => {
  const { session, emit, frames } = stage();
  void session.start();
  emit({ type: 'device', device: DEVICE });
  const seen: unknown[] = [];
  for (const [built, asked] of [
    [0, 45],
    [12, 45],
    [45, 45],
    [45, 46],
  ]) {
    emit({ type: 'compiling', built, asked });
    await frames();
    const now = session.view.compiling.value;
    seen.push(now && compilingWords(now));
  }
  emit({ type: 'device', device: DEVICE });
  await frames();
  expect(seen).toEqual([
    'compiling kernels 0 of 45',
    'compiling kernels 12 of 45',
    null,
    'compiling kernels 45 of 46',
  ]);
  expect(session.view.compiling.value).toBeNull();
});

function keptAt(session: Session, id: string, step: number, more: Partial<SavedRun> = {}): SavedRun {
  const config = session.config.value;
  return { id, config, stage: 'warmup', step, savedAt: 1, finished: false, ...ALONE, ...more };
}

describe('another kept run, while one rests', () => {
  /** The first line rests at step 4 of warm-up, and its last checkpoint is kept as given. */
  async function resting(kept: (session: Session, first: string) => SavedRun[]) {
    const made = stage();
    void made.session.start();
    made.emit(lossAt(1));
    made.emit({ type: 'checkpoint', stage: 'warmup', step: 4, stored: true });
    await made.frames();
    await made.session.pause();
    made.kept.runs = kept(made.session, made.session.runId.value!);
    await made.session.refreshRuns();
    return { ...made, first: made.session.runId.value! };
  }

  it('is taken up once the one on show is kept, which stays drawn behind and can be taken up in turn', async () => {
    const { session, calls, finish, emit, frames, first } = await resting((session, first) => [
      keptAt(session, 'b', 6),
      keptAt(session, first, 4),
    ]);
    expect(session.isFree.value).toBe(true);
    void session.takeUp(session.savedRuns.value[0]);
    await vi.waitFor(() => expect(calls).toContain('start b'));
    expect(calls).toEqual(['start null', 'pause', 'stop', 'start b']);
    expect([session.status.value, session.runId.value]).toEqual(['running', 'b']);
    expect(session.behind.value.map(({ id, columns }) => [id, [...columns.loss.xs()]])).toEqual([
      [first, [2]],
    ]);
    // Not while it trains.
    emit(lossAt(1));
    await frames();
    await session.takeUp(session.savedRuns.value[1]);
    expect([session.isFree.value, calls.length]).toEqual([false, 4]);
    emit({ type: 'checkpoint', stage: 'warmup', step: 6, stored: true });
    await frames();
    await session.pause();
    void session.takeUp(session.savedRuns.value[1]);
    await vi.waitFor(() => expect(calls).toContain(`start ${first}`));
    expect(session.behind.value.map(({ id }) => id)).toEqual(['b']);
    finish(null);
  });

  it('is not where the one on show is not kept as it stands: nothing is put away, and a sentence says so', {
    timeout: 20_000,
  }, async () => {
    const change: RunChange = { stage: 'popo', step: 4, field: 'popo.beta', from: 0.1, to: 0.2 };
    for (const own of [
      () => [],
      (session: Session, first: string) => [keptAt(session, first, 3)],
      (session: Session, first: string) => [keptAt(session, first, 4, { changes: [change] })],
    ]) {
      const { session, calls, kept, first } = await resting((session, first) => [
        keptAt(session, 'b', 6),
        ...own(session, first),
      ]);
      await session.takeUp(session.savedRuns.value[0]);
      await session.openReport(session.savedRuns.value[0]);
      expect(calls).toEqual(['start null', 'pause']);
      // A fork that was made waits in the list.
      kept.runs = [...kept.runs, keptAt(session, 'f', 4)];
      await session.fork('here');
      expect(calls.splice(2)).toEqual(['fork here']);
      expect([session.status.value, session.pending.value, session.runId.value]).toEqual([
        'paused',
        null,
        first,
      ]);
      expect(session.view.loss.length).toBe(1);
      expect(session.notices.value.map(({ message }) => message)).toEqual([
        'The run on show is not kept as it stands, so it was not put away: let it go on until it is.',
      ]);
    }
  });

  it('is not where it is gone or another tab has it, nor while a decision is owed', async () => {
    const { session, calls, kept, first, emit, frames } = await resting((session, first) => [
      keptAt(session, 'b', 6),
      keptAt(session, first, 4),
    ]);
    const [other, own] = session.savedRuns.value;
    for (const runs of [[own], [own, { ...other, isElsewhere: true }]]) {
      kept.runs = runs;
      await session.takeUp(other);
      expect(session.notices.value.at(-1)?.message).toBe(
        'That run was deleted or is being trained in another tab, so it was not taken up.',
      );
    }
    expect([session.status.value, session.runId.value]).toEqual(['paused', first]);
    kept.runs = [other, own];
    emit({ type: 'divergence', found: {} as Divergence, decided: null });
    await frames();
    await session.takeUp(other);
    expect([session.isFree.value, calls]).toEqual([false, ['start null', 'pause']]);
  });

  it('is duplicated into the form once the one on show is kept; not where that is not kept as it stands', {
    timeout: 20_000,
  }, async () => {
    for (const [step, status] of [
      [4, 'idle'],
      [3, 'paused'],
    ] as const) {
      const { session, calls, first } = await resting((session, first) => [
        keptAt(session, 'b', 6, { config: { ...session.config.value, seed: 9 } }),
        keptAt(session, first, step),
      ]);
      const seed = session.config.value.seed;
      await session.duplicate(session.savedRuns.value[0]);
      expect(session.status.value).toBe(status);
      expect(session.config.value.seed).toBe(status === 'idle' ? 9 : seed);
      expect(calls).toEqual(status === 'idle' ? ['start null', 'pause', 'stop'] : ['start null', 'pause']);
      expect(session.behind.value.map(({ id }) => id)).toEqual(status === 'idle' ? [first] : []);
    }
  });

  it('shows its report where it is finished', async () => {
    const { session, kept, calls, first } = await resting((session, first) => [
      keptAt(session, 'b', 0, { finished: true }),
      keptAt(session, first, 4),
    ]);
    kept.report = fakeReport(session.config.value, [], []);
    await session.openReport(session.savedRuns.value[0]);
    expect(calls).toEqual(['start null', 'pause', 'stop']);
    expect([session.status.value, session.runId.value]).toEqual(['done', 'b']);
    expect(session.behind.value.map(({ id }) => id)).toEqual([first]);
  });
});

describe('a session', () => {
  it('takes events in once per frame, in order, and none of them is lost', async () => {
    const { session, emit, frames } = stage();
    void session.start();
    for (let step = 1; step <= 5000; step++) emit(lossAt(step));
    expect(session.view.loss.length).toBe(0);
    await frames(2);
    expect(session.view.loss.length).toBe(5000);
    expect(session.view.loss.last('loss')).toBe(1 / 5000);
  });

  it('pauses, resumes and steps only where it makes sense', async () => {
    const { session, calls } = stage();
    await session.pause();
    expect(calls).toEqual([]);
    void session.start();
    await session.pause();
    expect(session.status.value).toBe('paused');
    await session.step();
    await session.resume();
    expect(session.status.value).toBe('running');
    expect(calls).toEqual(['start null', 'pause', 'step', 'resume']);
  });

  it('says under which id a new run is to be kept, which is that of the run on show', async () => {
    const { session, ids } = stage();
    void session.start();
    expect(session.runId.value).toMatch(/^[0-9a-f-]{36}$/);
    expect(ids).toEqual([session.runId.value]);
  });

  it('passes on what is turned in mid-run, and says in one sentence why something cannot be', async () => {
    const { session, calls, emit, frames } = stage();
    void session.start();
    await session.change([
      { field: 'popo.weighting', to: 'fixed' },
      { field: 'popo.beta', to: 0.3 },
    ]);
    expect(calls.at(-1)).toBe('change popo.weighting=fixed popo.beta=0.3');
    await session.change([{ field: 'popo.beta', to: 9 }]);
    expect(session.notices.value.at(-1)?.message).toBe('Nothing was changed: popo.beta must be less.');
    // Who has a place of its own for the sentence shows it there alone.
    session.dismiss(session.notices.value.at(-1)!.id);
    const refused: string[] = [];
    await session.change([{ field: 'popo.beta', to: 9 }], (why) => refused.push(why));
    expect([refused, session.notices.value]).toEqual([['Nothing was changed: popo.beta must be less.'], []]);
    const at = { stage: 'popo', step: 4 } as const;
    const changes: RunChange[] = [
      { ...at, field: 'popo.weighting', from: 'popo', to: 'fixed' },
      { ...at, step: 9, field: 'popo.beta', from: 0.1, to: 0.3 },
      { ...at, step: 9, field: 'popo.temperature', from: 1, to: 0.8 },
    ];
    emit({ type: 'changes', changes });
    emit({ type: 'stage', name: 'popo', status: 'started', steps: 60 });
    emit({ type: 'progress', name: 'popo', step: 4, steps: 60, secondsLeft: null });
    await frames();
    // Results are read by what holds by now; what a link tells for later does not yet.
    expect(session.shownConfig.value.popo).toMatchObject({ weighting: 'fixed', beta: 0.1, temperature: 1 });
    expect(session.view.changeMarks.value).toEqual([
      { x: 5, fields: ['popo.weighting'] },
      { x: 10, fields: ['popo.beta', 'popo.temperature'] },
    ]);
    emit({ type: 'progress', name: 'popo', step: 9, steps: 60, secondsLeft: null });
    await frames();
    expect(session.shownConfig.value.popo).toMatchObject({ weighting: 'fixed', beta: 0.3, temperature: 0.8 });
    expect(parseLink(session.link()).changes).toEqual(changes);
  });

  it('keeps what is pinned beside whatever is on show, after a reload too, until it is let go', async () => {
    const { session, kept } = stage();
    const saved: SavedRun = {
      id: 'p',
      config: session.config.value,
      note: { name: 'the lucky one', text: '' },
      stage: 'popo',
      step: 0,
      savedAt: 1,
      finished: true,
      earlier: null,
      isElsewhere: false,
    };
    kept.runs = [saved];
    kept.report = fakeReport(session.config.value, [], []);
    await session.pin(saved);
    expect(session.pinned.value.map(({ id }) => id)).toEqual(['p']);
    expect(kept.runs[0].note).toEqual({ name: 'the lucky one', text: '', pinned: true });

    const later = stage();
    Object.assign(later.kept, { runs: kept.runs, report: kept.report });
    await later.session.wake();
    expect(later.session.pinned.value.map(({ id, label }) => [id, label])).toEqual([['p', 'the lucky one']]);
    await later.session.pin(kept.runs[0]);
    expect(later.session.pinned.value).toEqual([]);
    expect(kept.runs[0].note?.pinned).toBe(false);
  });

  it('stays with the run on show where the second line was not kept', async () => {
    const { session, calls, emit, frames } = stage();
    void session.start();
    emit(lossAt(1));
    await frames();
    const shown = session.runId.value;
    await session.fork('popo');
    expect(calls).toEqual(['start null', 'pause', 'fork popo']);
    expect([session.status.value, session.runId.value]).toEqual(['paused', shown]);
    expect(session.notices.value.at(-1)?.message).toBe(
      'The run was not forked: the browser did not keep it.',
    );
  });

  it('is forked once, however often that is pressed at rest', async () => {
    const { session, calls, emit, frames } = stage();
    void session.start();
    emit(lossAt(1));
    await frames();
    await session.pause();
    await Promise.all([session.fork('here'), session.fork('here')]);
    expect(calls.filter((call) => call === 'fork here')).toHaveLength(1);
    // Where it came to nothing it can be tried again.
    await session.fork('here');
    expect(calls.filter((call) => call === 'fork here')).toHaveLength(2);
  });

  it('forks: rests, keeps a second line and goes on with that at rest, the first one drawn behind', async () => {
    const { session, calls, emit, finish, frames, kept } = stage();
    void session.start();
    emit(lossAt(1));
    emit(lossAt(2));
    await frames();
    const first = session.runId.value;
    const made = keptAt(session, 'f', 0, { stage: 'popo', fork: { of: first!, stage: 'popo', step: 0 } });
    kept.runs = [made, keptAt(session, first!, 2)];
    emit({ type: 'checkpoint', stage: 'warmup', step: 2, stored: true });
    await frames();
    const forking = session.fork('popo');
    await vi.waitFor(() => expect(calls).toContain('stop'));
    finish(null);
    await forking;
    expect(calls).toEqual(['start null', 'pause', 'fork popo', 'stop', 'start f', 'pause']);
    expect(session.status.value).toBe('paused');
    expect(session.runId.value).toBe('f');
    const [before] = session.behind.value;
    expect(before).toMatchObject({ id: first, label: 'before: small as it is' });
    expect([...before.columns.loss.xs()]).toEqual([2, 3]);
    // It is drawn no more once it is itself on show.
    emit(lossAt(1));
    await frames();
    await session.reset();
    finish(null);
    void session.start({ ...made, id: first! });
    expect(session.behind.value.map(({ id }) => id)).toEqual(['f']);
  });

  it.each([
    ['which is kept', 4, ['fork before popo.beta at 4', 'stop', 'start f', 'pause'], 0],
    [
      'of which an earlier one is kept',
      1,
      ['fork before popo.beta at 4', 'stop', 'start f', 'pause at popo 4'],
      1,
    ],
  ])('undoes a change from just before it, %s', async (_where, step, expected, notices) => {
    const { session, calls, emit, finish, frames, kept } = stage();
    void session.start();
    emit({ type: 'stage', name: 'popo', status: 'started', steps: 9 });
    emit({ type: 'progress', name: 'popo', step: 6, steps: 9, secondsLeft: null });
    const change: RunChange = { stage: 'popo', step: 4, field: 'popo.beta', from: 0.1, to: 0.2 };
    emit({ type: 'changes', changes: [change] });
    emit({ type: 'checkpoint', stage: 'popo', step: 6, stored: true });
    await frames();
    expect(session.changed.value).toBe(1);
    const first = session.runId.value!;
    kept.runs = [
      keptAt(session, 'f', step, { stage: 'popo', fork: { of: first, stage: 'popo', step: 4 } }),
      keptAt(session, first, 6, { stage: 'popo', changes: [change] }),
    ];
    const undoing = session.fork({ stage: 'popo', step: 4, field: 'popo.beta' });
    await vi.waitFor(() => expect(calls).toContain('stop'));
    finish(null);
    await undoing;
    expect(calls).toEqual(['start null', 'persist', 'pause', ...expected]);
    expect([session.status.value, session.pending.value, session.runId.value]).toEqual(['paused', null, 'f']);
    expect(session.notices.value).toHaveLength(notices);
  });

  it('says what failed and what was kept', async () => {
    const { session, emit, fail, frames } = stage();
    const run = session.start();
    emit({ type: 'checkpoint', stage: 'sft', step: 120, stored: true });
    await frames();
    fail('The GPU device was lost');
    await run;
    expect(session.status.value).toBe('error');
    expect(session.notices.value.at(-1)?.message).toMatch(
      /GPU device was lost\. It is kept up to step 120 of sft/,
    );
  });

  it('survives a crash of the worker and ignores what the dead run still says', async () => {
    const { session, crash, emit, calls, frames } = stage();
    void session.start();
    crash('out of memory');
    expect(session.status.value).toBe('error');
    expect(calls).toContain('discard');
    emit(lossAt(1));
    await frames(2);
    expect(session.view.loss.length).toBe(0);
  });

  it('stops on reset and goes back to idle', async () => {
    const { session, calls, finish } = stage();
    void session.start();
    await session.reset();
    finish(null);
    expect(session.status.value).toBe('idle');
    expect(calls).toEqual(['start null', 'stop']);
  });

  it('refuses a config that cannot run, with the reason', async () => {
    const { session, calls } = stage();
    session.edit((draft) => {
      draft.model.num_attention_heads = 3;
    });
    await session.start();
    expect(session.status.value).toBe('error');
    expect(session.notices.value[0].message).toMatch(/num_attention_heads/);
    expect(calls).toEqual([]);
  });

  it('keeps seed, weighting and data when the preset changes', () => {
    const { session } = stage();
    session.edit((draft) => {
      draft.seed = 9;
      draft.popo.weighting = 'fixed';
      draft.popo.beta = 1;
    });
    session.chooseWorld('hackable');
    session.choosePreset('tiny');
    const { seed, popo, data, model } = session.config.value;
    expect([seed, popo.weighting, data.world]).toEqual([9, 'fixed', 'hackable']);
    expect(popo.beta).toBe(presetConfig(v1('tiny')).popo.beta);
    expect(model).toEqual(presetConfig(v1('tiny')).model);
  });

  it('takes the presets that a world is made for, and keeps their version when the preset changes', () => {
    const { session } = stage();
    session.edit((draft) => {
      draft.seed = 9;
      draft.popo.weighting = 'fixed';
    });
    const made = (preset: PresetName, version: 1 | 2) => {
      const config = presetConfig({ preset, version });
      config.seed = 9;
      config.popo.weighting = 'fixed';
      return config;
    };
    session.chooseWorld('compatibility');
    expect(session.config.value).toEqual(made('small', 2));
    session.choosePreset('tiny');
    expect(session.config.value).toEqual(made('tiny', 2));
    session.chooseWorld('tradeoff');
    expect(session.config.value).toEqual(made('tiny', 1));
  });

  it('takes the smallest preset where no GPU trains, but not from who has asked for another', async () => {
    const presetOf = async (warning: string | null, ask: (session: Session) => void = () => {}) => {
      const { session } = stage({ warning });
      ask(session);
      await session.wake();
      return [session.config.value.preset, session.isFitted.value];
    };
    const slow = 'WebGPU runs on the CPU here.';
    expect(await presetOf(null)).toEqual(['small', false]);
    expect(await presetOf(slow)).toEqual(['tiny', true]);
    expect(await presetOf(slow, (session) => session.choosePreset('small'))).toEqual(['small', false]);
    expect(await presetOf(slow, (session) => session.openLink('#run=1&preset=base'))).toEqual([
      'base',
      false,
    ]);
    expect(await presetOf(slow, (session) => void session.start())).toEqual(['small', false]);
    // A seed is no preset.
    const chooseSeed = (session: Session) =>
      session.edit((draft) => {
        draft.seed = 9;
      });
    expect(await presetOf(slow, chooseSeed)).toEqual(['tiny', true]);
  });

  it('names no preset of its own before it knows the device, and trains what that asks for', async () => {
    const { session, calls } = stage({ warning: 'WebGPU runs on the CPU here.' });
    expect(session.isLooking.value).toBe(true);
    const waking = session.wake();
    void session.start();
    expect([session.status.value, session.pending.value]).toEqual(['idle', 'starting']);
    await waking;
    await vi.waitFor(() => expect(calls).toContain('start null'));
    expect([session.runConfig.value?.preset, session.isLooking.value]).toEqual(['tiny', false]);
    const { session: asked } = stage();
    asked.choosePreset('small');
    expect(asked.isLooking.value).toBe(false);
  });

  it('has something to play with where the form asks for that, or for nothing in particular', async () => {
    const { session } = stage();
    const isOffered = () => session.starter.value !== null;
    expect(isOffered()).toBe(true);
    session.choosePreset('tiny');
    expect(isOffered()).toBe(true);
    for (const [link, is] of [
      ['preset=tiny&version=2&seed=7', true],
      ['preset=tiny&version=2&seed=8', false],
      ['preset=tiny&version=1&seed=7', false],
      ['preset=tiny&version=2&seed=7&popo.weighting=fixed', false],
      ['preset=tiny&version=2&seed=7&changes=popo:3:popo.beta:0.1:0.2', false],
      ['preset=base&version=2', false],
    ] as const) {
      session.openLink(`#run=1&${link}`);
      expect([link, isOffered()]).toEqual([link, is]);
    }
    session.openLink('#run=1&preset=tiny&version=2');
    expect(isOffered()).toBe(true);
    void session.start();
    expect(isOffered()).toBe(false);
  });

  it('fills the form from a link, starts nothing, and drops the promise when a setting changes', () => {
    const { session, calls } = stage();
    session.openLink('#run=1&preset=tiny&version=1&seed=7&popo.weighting=fixed');
    expect(session.config.value.seed).toBe(7);
    expect(session.status.value).toBe('idle');
    expect(calls).toEqual([]);
    session.openLink('#run=1&preset=tiny&seed=1e99');
    expect(session.notices.value.at(-1)?.level).toBe('warning');
    expect(session.config.value.preset).toBe('small');
  });

  it('shows what a link says came out until another is opened, and uses the rest of one whose result is bad', async () => {
    const { session } = stage();
    const config = presetConfig({ preset: 'tiny', version: 1 });
    const made = fakeReport(config, [], fakePopoSteps(config, config.popo.steps));
    const plain = '#run=1&preset=tiny&version=1';
    const link = (await withResult(plain, made))!;
    session.openLink(link);
    // Its place is kept while it is read.
    expect(session.theirs.value).toMatchObject({ config, found: null });
    // What reads it comes late, and later on a busy machine.
    await vi.waitFor(() => expect(session.theirs.value?.found).not.toBeNull(), 10_000);
    const { result, columns } = session.theirs.value!.found!;
    expect(result.table.at(-1)!.rates.CTCVR).toBeCloseTo(made.table.at(-1)!.CTCVR, 4);
    const [semantic, id] = made.popo.steps.at(-1)!.weightsAfter;
    expect(columns.popo.last('w_semantic')).toBeCloseTo(semantic, 4);
    expect(columns.popo.last('w_id')).toBeCloseTo(id, 4);
    expect(columns.popo.last('w_novelty')).toBeNull();
    expect(columns.popo.xs().at(-1)).toBe(config.popo.steps);
    expect(columns.heldout.last('ctcvr')).toBeCloseTo(made.popo.curve.at(-1)!.row.CTCVR, 4);

    session.edit((draft) => {
      draft.seed = 3;
    });
    await session.reset();
    expect(session.theirs.value?.config.seed).toBe(1);
    // One that is opened while another is read is the one that counts.
    session.openLink(link);
    session.openLink(plain);
    session.openLink(`${plain}&seed=9&result=AAAA`);
    await vi.waitFor(() => expect(session.notices.value).toHaveLength(1), 10_000);
    expect(session.notices.value[0].message).toMatch(/^The result in this link cannot be shown, .*\.$/);
    expect(session.config.value.seed).toBe(9);
    expect(session.theirs.value).toBeNull();
  });

  it('does not open a link over a run', () => {
    const { session } = stage();
    void session.start();
    session.openLink('#run=1&preset=tiny&version=1&seed=7');
    expect(session.config.value.preset).toBe('small');
  });

  it('chooses what was imported, and tells what was wrong with what was not', async () => {
    const { session } = stage();
    await session.data.importFiles([new File([''], 'bad.csv')]);
    expect(session.data.outcome.value).toEqual({ problem: 'bad.csv, row 2: no item.' });
    // What was understood of it stays, so that it can be corrected.
    expect(session.data.draft.value).toMatchObject({ found: null, seen: PREVIEW, isRead: false });
    await session.data.importFiles([new File([''], 'good.csv')]);
    expect(session.config.value.data.sha256).toBe('c'.repeat(64));
    await session.data.deleteImport('c'.repeat(64));
    expect(session.config.value.data.source).toBe('world');
  });

  it('keeps what was read only when it is told to, with what was said about it', async () => {
    const { session, calls } = stage();
    await session.data.readFiles([new File([''], 'a.csv')]);
    expect(session.config.value.data.source).toBe('world');
    await session.data.readAgain('user=who');
    await session.data.keepImport();
    expect(session.config.value.data).toMatchObject({
      source: 'import',
      sha256: 'e'.repeat(64),
      map: 'user=who',
    });
    expect(session.data.draft.value).toBeNull();
    await session.data.readFiles([new File([''], 'b.csv')]);
    await session.data.dropImport();
    await session.data.keepImport();
    expect(session.config.value.data.map).toBe('user=who');
    session.choosePreset('tiny');
    expect(session.config.value.data.map).toBe('user=who');
    session.chooseWorld('hackable');
    expect(session.config.value.data.map).toBe('');
    const b = ['read b.csv as ""', 'drop'];
    expect(calls).toEqual(['read a.csv as ""', 'read a.csv as "user=who"', 'keep', ...b]);
  });

  it('sizes the run to the data of whoever has chosen nothing else, and forgets that with the data', async () => {
    const kept = async (session: Session, name = 'a.csv') => {
      await session.data.readFiles([new File([''], name)]);
      await session.data.keepImport();
      return session.config.value;
    };
    const { session } = stage({ imports: [IMPORT] });
    await session.wake();
    session.edit((draft) => {
      draft.seed = 5;
    });
    expect(await kept(session)).toMatchObject({
      preset: 'tiny',
      seed: 5,
      rupr: { prompts: 1 },
      popo: { keep: 'best' },
      ranker: { reward: 'lift' },
      data: { sha256: 'c'.repeat(64) },
    });
    session.chooseWorld('compatibility');
    expect(session.config.value).toEqual({ ...presetConfig({ preset: 'tiny', version: 2 }), seed: 5 });

    // What was chosen by hand stays, until auto is asked for.
    session.edit((draft) => {
      draft.sft.steps = 77;
    });
    expect(await kept(session)).toMatchObject({ sft: { steps: 77 }, popo: { keep: 'last' } });
    await session.size();
    expect(session.config.value).toMatchObject({ sft: { steps: 1500 }, popo: { keep: 'best' } });

    // So does a preset that was.
    session.choosePreset('large');
    expect(await kept(session)).toMatchObject({ preset: 'large', popo: { keep: 'last' } });

    // A link's settings stand.
    const linked = stage().session;
    linked.openLink(`#run=1&version=2&preset=small&data.source=import&data.sha256=${'c'.repeat(64)}`);
    expect(await kept(linked)).toMatchObject({ preset: 'small', popo: { keep: 'last' } });
  });

  it('stops a reading that does not end, and reads other files then', async () => {
    const { session, calls } = stage();
    void session.data.readFiles([new File([''], 'endless.parquet')]);
    await session.data.dropImport();
    expect([session.data.draft.value, session.data.importing.value]).toEqual([null, null]);
    await session.data.readFiles([new File([''], 'b.csv')]);
    expect(session.data.draft.value).toMatchObject({ isRead: true });
    expect(calls).toEqual(['read endless.parquet as ""', 'end importer', 'read b.csv as ""']);
  });

  it('reads the last of several corrections, and keeps none that was refused', async () => {
    const { session, calls } = stage();
    const reading = session.data.readFiles([new File([''], 'a.csv')]);
    void session.data.readAgain('user=who');
    void session.data.readAgain('user=who,item=what');
    await reading;
    expect(calls).toEqual(['read a.csv as ""', 'read a.csv as "user=who,item=what"']);
    await session.data.readAgain('item=price');
    expect(session.data.outcome.value).toEqual({ problem: 'bad.csv, row 2: no item.' });
    expect(session.data.draft.value).toMatchObject({ isRead: false, found: { summary: { id: 'mine' } } });
    await session.data.keepImport();
    expect(calls).not.toContain('keep');
    await session.data.readAgain('');
    await session.data.keepImport();
    expect(session.config.value.data).toMatchObject({ sha256: 'c'.repeat(64), map: '' });
  });

  it('reads the files of a link as the link says, and others as they are', async () => {
    const { session, calls } = stage();
    const link = `#run=1&preset=tiny&data.source=import&data.sha256=${'e'.repeat(64)}&data.map=user=who`;
    session.openLink(link);
    expect(session.settingsOpen.value).toBe(true);
    await session.data.readFiles([new File([''], 'a.csv')]);
    session.chooseImport('c'.repeat(64), 'time=when');
    await session.data.readFiles([new File([''], 'b.csv')]);
    expect(calls).toEqual(['read a.csv as "user=who"', 'read b.csv as ""']);
  });

  it('takes data and reasoning apart by what is in them, and loses neither', async () => {
    const { session, calls } = stage();
    const cot = '{"sampleId": "a", "cot": "b"}\n';
    await session.takeFiles([
      new File(['user,item\n'], 'good.csv'),
      new File([cot], 'one.jsonl'),
      new File([cot], 'bad.jsonl'),
      new File([cot.repeat(2)], 'two.txt'),
      new File(['{"user_id": "a", "cot": "b"}\n'], 'reviews.jsonl'),
    ]);
    expect(calls).toEqual(['read good.csv reviews.jsonl as ""']);
    expect(session.cots.outcome.value).toEqual({ problem: 'bad.jsonl, line 2: cot is missing.' });
    expect(session.config.value.rupr.teacher).toBe('file');
    expect(session.notices.value.at(-1)?.message).toMatch(
      /^2 files of reasoning are kept.*one\.jsonl is chosen/,
    );
  });

  it('gives up on a worker that does not stop', async () => {
    vi.useFakeTimers();
    try {
      const { session, calls } = stage({ deaf: true });
      void session.start();
      const reset = session.reset();
      await vi.advanceTimersByTimeAsync(30_000);
      await reset;
      expect(session.status.value).toBe('idle');
      expect(calls).toEqual(['start null', 'stop', 'discard']);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a run that is too large', () => {
  const large = (limit: number) => {
    const made = stage({ limit });
    made.session.edit(({ popo }) => Object.assign(popo, { prompts_per_step: 512, num_generations: 64 }));
    return made;
  };

  it('is known before any part of the page asks, and neither Train nor Step begins it', async () => {
    const { session, calls } = large(2 ** 29);
    expect(session.tooLarge.value).toBeNull();
    await session.wake();
    expect(session.tooLarge.value).toMatch(
      /^popo\.num_generations \(now 64\) asks for \d+ MiB in one buffer.* 512 MiB: lower it\.$/,
    );
    await session.start();
    await session.step();
    expect(calls.filter((call) => call.startsWith('start'))).toEqual([]);
    expect(session.status.value).toBe('error');
    expect(session.notices.value.at(-1)?.message).toMatch(/^This run cannot start: popo\.num_generations/);
    session.edit(({ popo }) => Object.assign(popo, { prompts_per_step: 4, num_generations: 4 }));
    expect(session.tooLarge.value).toBeNull();
  });

  it('is weighed with the numbers of the data set that is chosen', async () => {
    const { session } = stage({ limit: 2 ** 31, imports: [IMPORT] });
    session.edit(({ data, rupr, text }) => {
      Object.assign(data, { source: 'import', sha256: IMPORT.sha256 });
      text.max_prompt_length = 512;
      Object.assign(rupr, { prompts: 1_000_000, num_cots: 2 });
    });
    await session.wake();
    // One interaction gives one prompt, whatever is asked for.
    expect(session.tooLarge.value).toBeNull();
    session.edit(({ data }) => Object.assign(data, { sha256: 'f'.repeat(64) }));
    expect(session.tooLarge.value).toMatch(/^rupr\.prompts \(now 1000000\)/);
  });
});

describe('runs that are kept', () => {
  it('are taken in from a file, which is told from other files by how it begins', async () => {
    const { session } = stage();
    const run = (name: string) => new File([`PK\x03\x04${'\0'.repeat(26)}run.json`], name);
    await session.takeFiles([run('run.zip'), run('bad.zip')]);
    expect(session.notices.value.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'It is kept here now.'],
      ['error', 'bad.zip was not taken in: This is no run.zip.'],
    ]);
  });

  const config = presetConfig(v1('tiny'));
  const saved: SavedRun = {
    id: 'a',
    config,
    stage: 'sft',
    step: 40,
    savedAt: 5,
    finished: false,
    earlier: { stage: 'sft', step: 20, savedAt: 4 },
    isElsewhere: false,
  };

  it('are not said to be lost where a resumed one fails before its next checkpoint', async () => {
    const { session, emit, fail } = stage({ runs: [saved] });
    const run = session.start(saved);
    emit({ type: 'device', device: DEVICE });
    fail('the GPU is out of memory');
    await run;
    expect(session.notices.value.at(-1)!.message).toBe(
      'Training stopped: the GPU is out of memory. ' +
        'It is kept up to step 40 of sft: resume it, or press Train to start over.',
    );
    expect(session.refused.value.size).toBe(0);
  });

  it('offer the checkpoint before one that is refused', async () => {
    const { session, fail, calls } = stage({ runs: [saved] });
    const run = session.start(saved);
    fail('this checkpoint is damaged.', 'CheckpointError');
    await run;
    expect(session.notices.value.at(-1)!.message).toBe(
      'This run was not taken up: this checkpoint is damaged.',
    );
    expect([...session.refused.value]).toEqual(['a']);
    void session.start(saved, 'earlier');
    expect(calls).toEqual(['start a', 'start a earlier']);
    expect(session.view.checkpoint.value).toEqual({ stage: 'sft', step: 20, stored: true });
  });

  it('are looked at again when another tab has changed them, and when it has let go of one', async () => {
    const { session, kept, runsChanged, release } = stage();
    await session.wake();
    expect(session.savedRuns.value).toEqual([]);
    kept.runs = [{ ...saved, isElsewhere: true }];
    runsChanged();
    await vi.waitFor(() => expect(session.savedRuns.value).toHaveLength(1));
    kept.runs = [saved];
    release('a');
    await vi.waitFor(() => expect(session.savedRuns.value[0].isElsewhere).toBe(false));
  });

  it('are kept at once when the tab may be about to go, where one is under way', () => {
    const { session, calls } = stage();
    session.keep();
    expect(calls).toEqual([]);
    void session.start();
    session.keep();
    expect(calls).toEqual(['start null', 'keep run']);
  });

  it('are asked to last once, when a language model has begun to learn', async () => {
    const { session, emit, calls } = stage();
    await session.wake();
    expect(session.room.value).toEqual({ used: 5, quota: 9, isPersistent: false });
    void session.start();
    const kept = (name: StageName, stored = true) =>
      emit({ type: 'checkpoint', stage: name, step: 0, stored });
    kept('warmup');
    kept('rupr', false);
    expect(calls).not.toContain('persist');
    kept('rupr');
    kept('sft');
    await vi.waitFor(() => expect(session.room.value?.isPersistent).toBe(true));
    expect(calls.filter((call) => call === 'persist')).toHaveLength(1);
  });

  it('have one notice about whether they are kept', async () => {
    const { session, emit, frames } = stage();
    void session.start();
    const notice = (message: string) => emit({ type: 'notice', level: 'warning', message, about: 'keeping' });
    emit({ type: 'notice', level: 'info', message: 'Another.' });
    notice('Not kept.');
    notice('Kept again.');
    await frames();
    expect(session.notices.value.map(({ message }) => message)).toEqual(['Another.', 'Kept again.']);
  });
});

describe('what is shown of a run', () => {
  const tiny = presetConfig(v1('tiny'));
  const saved = (config: RunConfig): SavedRun => {
    return { id: 'a', config, stage: 'ranking', step: 0, savedAt: 0, finished: true, ...ALONE };
  };

  it('is read by its own settings, whatever the form says afterwards', async () => {
    const { session, finish } = stage();
    session.choosePreset('tiny');
    const run = session.start();
    finish(fakeReport(session.config.value, [], []));
    await run;
    session.edit((draft) => {
      draft.popo.rewards = ['id'];
      draft.popo.reward_weights = [1];
    });
    session.chooseImport('c'.repeat(64), '');
    expect(session.shownConfig.value.popo.rewards).toEqual(['semantic', 'id']);
    expect(session.shownConfig.value.data.source).toBe('world');
    await session.reset();
    expect(session.shownConfig.value).toBe(session.config.value);
  });

  it('is all there when a kept report is opened again', async () => {
    const report = fakeReport({ ...tiny, seed: 4 }, [], fakePopoSteps(tiny, 21));
    const { session, frames } = stage({ report });
    await session.openReport(saved(report.config));
    await frames(5);
    const { heldout, popo, rankerAuc } = session.view;
    expect([...heldout.xs()]).toEqual([0, 10, 20]);
    for (const [name, key] of [
      ['l1', 'Category_L1_ACC'],
      ['l3', 'Category_L3_ACC'],
      ['hr50', 'Title_Hit-Rate@50'],
      ['ctcvr', 'CTCVR'],
      ['distinct', 'distinct_top1'],
      ['popularity', 'popularity_share'],
    ] as const)
      expect(heldout.last(name)).toBe(report.popo.curve[2].row[key]);
    const { pull } = report.popo.steps[20];
    expect(popo.last('pull_semantic')).toBeCloseTo(pull[0] / (pull[0] + pull[1]), 12);
    expect(rankerAuc.value).toEqual(report.ranker.auc);
    expect(session.view.counting.value).toEqual(report.counting);
    expect(session.view.stages.value.every(({ status }) => status === 'done')).toBe(true);
    expect(session.config.value.seed).toBe(4);
    expect([session.status.value, session.notices.value]).toEqual(['done', []]);
  });

  it('is shown also where another version made it, and the form keeps what it can run', async () => {
    const old = structuredClone(fakeReport({ ...tiny, seed: 4 }, [], fakePopoSteps(tiny, 3)));
    for (const path of [['ranking'], ['encoder', 'semantic_reward'], ['popo', 'rewards']]) {
      const parent = path.length === 1 ? old.config : Reflect.get(old.config, path[0]);
      Reflect.deleteProperty(parent, path.at(-1)!);
    }
    const { session, frames } = stage({ report: old });
    const form = session.config.value;
    await session.openReport(saved(old.config));
    await frames(5);
    expect(session.status.value).toBe('done');
    expect(session.view.table.value).toEqual(old.table);
    expect(session.config.value).toBe(form);
    expect(session.shownConfig.value.popo.rewards).toEqual(['semantic', 'id']);
    expect(session.shownConfig.value.seed).toBe(4);
    expect(session.notices.value.map(({ message }) => message)).toEqual([
      expect.stringMatching(/another version.*settings are not in the form.*is missing/),
    ]);
    expect(session.link()).toBe(old.link);
  });
});

describe('teachers outside the page', () => {
  it('a link that names an endpoint fills the form and starts nothing', () => {
    const { session, calls } = stage();
    session.openLink(LINK);
    expect(session.config.value.rupr).toMatchObject({ teacher: 'openai', url: 'https://api.example.com/v1' });
    expect(session.status.value).toBe('idle');
    expect(calls).toEqual([]);
    session.openLink(LINK.replace('https://', 'https://me:secret@'));
    expect(session.config.value.rupr.teacher).toBe('attributes');
    expect(session.notices.value.at(-1)?.message).toMatch(/rupr\.url must name no user and no password/);
  });

  it('the key goes to the worker for that teacher alone, and into no link', () => {
    const { session, calls } = stage();
    session.openLink(LINK);
    session.teacherKey.value = ' sk-secret ';
    void session.start();
    expect(calls).toEqual(['start null with sk-secret']);
    expect(session.link()).not.toContain('sk-secret');
    expect(JSON.stringify(session.config.value)).not.toContain('sk-secret');
    const other = stage();
    other.session.teacherKey.value = 'sk-secret';
    void other.session.start();
    expect(other.calls).toEqual(['start null']);
  });

  it('counts what was sent over runs that failed and runs that were left', async () => {
    const { session, emit } = stage();
    session.openLink(LINK);
    const url = 'https://api.example.com/v1/chat/completions';
    void session.start();
    emit({ type: 'asked', url, outcome: 'sent' });
    emit({ type: 'asked', url, outcome: 'answered' });
    emit({ type: 'asked', url, outcome: 'sent' });
    await session.reset();
    emit({ type: 'asked', url, outcome: 'failed' });
    emit({ type: 'asked', url: `${url}/other`, outcome: 'sent' });
    expect(session.asked.value.get(url)).toEqual({ sent: 2, answered: 1, failed: 1 });
    expect(session.asked.value.get(`${url}/other`)).toEqual({ sent: 1, answered: 0, failed: 0 });
  });

  it('a key typed for one endpoint goes to no other', () => {
    const { session } = stage();
    session.openLink(LINK);
    session.teacherKey.value = 'sk-secret';
    session.edit((draft) => {
      draft.popo.steps++;
    });
    expect(session.teacherKey.value).toBe('sk-secret');
    session.openLink(LINK.replace('api.', 'evil.'));
    expect(session.teacherKey.value).toBe('');
    session.teacherKey.value = 'sk-secret';
    session.edit((draft) => {
      draft.rupr.url = 'https://third.example.com/v1';
    });
    expect(session.teacherKey.value).toBe('');
    session.teacherKey.value = 'sk-secret';
    session.chooseTeacher('file');
    session.openLink(LINK);
    expect(session.teacherKey.value).toBe('');
    // Typed before the address was, it is for the address that is typed next.
    session.chooseTeacher('openai');
    session.teacherKey.value = 'sk-secret';
    session.edit((draft) => {
      draft.rupr.url = 'https://api.example.com/v1';
    });
    expect(session.teacherKey.value).toBe('sk-secret');
  });

  it('reasoning once asked for stays with the run while what was asked stays the same', () => {
    const { session } = stage();
    const sha256 = 'ab'.repeat(32);
    session.openLink(`${LINK}&rupr.cots_sha256=${sha256}`);
    session.edit((draft) => {
      draft.popo.weighting = 'fixed';
    });
    expect(session.config.value.rupr.cots_sha256).toBe(sha256);
    session.edit((draft) => {
      draft.seed++;
    });
    expect(session.config.value.rupr.cots_sha256).toBe('');
  });

  it('a file of reasoning is chosen when it was read; the one a link asks for keeps what the link promised', async () => {
    const { session } = stage();
    await session.cots.importCots([new File([''], 'bad.jsonl')]);
    expect(session.cots.outcome.value).toEqual({ problem: 'bad.jsonl, line 2: cot is missing.' });
    expect(session.config.value.rupr.teacher).toBe('attributes');
    await session.cots.importCots([new File([''], 'mine.jsonl')]);
    expect(session.config.value.rupr).toMatchObject({ teacher: 'file', cots_sha256: 'd'.repeat(64) });
    session.chooseTeacher('attributes');
    expect(session.config.value).toEqual(defaultConfig());
    session.openLink(`${LINK}&rupr.cots_sha256=${'d'.repeat(64)}`);
    await session.cots.importCots([new File([''], 'mine.jsonl')]);
    expect(session.config.value.rupr.teacher).toBe('openai');
  });
});

describe('a study', () => {
  it('asks for the methods and seeds chosen under the form’s other settings, and holds the form while it runs', async () => {
    const { session, calls, tellStudy, endStudy } = stage();
    const { studies } = session;
    session.choosePreset('tiny');
    session.edit((draft) => {
      draft.popo.beta = 0.2;
      draft.popo.weighting = 'fixed';
    });
    studies.methods.value = ['popo', 'orft'];
    studies.seeds.value = [1, 2];
    const over = studies.start();
    await vi.waitFor(() => expect(calls).toContain('study 2 x 2'));
    expect(calls).toEqual(['look for 2', 'study 2 x 2']);
    expect(session.busy.value).toBe(true);
    session.edit((draft) => {
      draft.seed = 9;
    });
    expect(session.config.value.seed).toBe(1);
    void session.start();
    expect(calls).not.toContain('start null');
    tellStudy({ type: 'cell', event: { method: 'orft', seed: 1, status: 'started', from: null } });
    tellStudy({
      type: 'run',
      event: { type: 'progress', name: 'sft', step: 5, steps: 20, secondsLeft: null },
    });
    expect(studies.cell.value).toEqual({ method: 'orft', seed: 1, stage: 'sft', fraction: 0.25 });
    tellStudy({ type: 'cell', event: { method: 'orft', seed: 1, status: 'finished' } });
    tellStudy({ type: 'cell', event: { method: 'popo', seed: 1, status: 'failed', message: 'no luck' } });
    expect([studies.done.value, studies.total.value]).toEqual([2, 4]);
    expect(studies.problem.value).toContain('popo, seed 1, failed: no luck');
    await studies.pause();
    expect(studies.status.value).toBe('paused');
    await studies.resume();
    await studies.stop();
    expect(calls.slice(-3)).toEqual(['pause', 'resume', 'stop']);
    endStudy();
    await over;
    expect([studies.status.value, session.busy.value]).toEqual(['idle', false]);
  });

  it('says what went wrong, and lets go of the form when the worker dies', async () => {
    const { session, calls, failStudy, crash } = stage();
    const over = session.studies.start();
    await vi.waitFor(() => expect(calls.some((call) => call.startsWith('study'))).toBe(true));
    failStudy('the disk is full');
    await over;
    expect(session.studies.problem.value).toContain('the disk is full');
    void session.studies.start();
    await vi.waitFor(() => expect(calls.filter((call) => call.startsWith('study'))).toHaveLength(2));
    crash('out of memory');
    expect(session.busy.value).toBe(false);
    expect(session.status.value).toBe('idle');
    expect(session.notices.value.at(-1)!.message).toContain('Finished runs of the study are kept');
  });

  it('takes from the form what no method of its own decides, the scale of advantages among it', async () => {
    const { session, requests } = stage();
    const { studies } = session;
    session.edit((draft) => {
      draft.popo.scale_rewards = 'group';
      draft.popo.weighting = 'mgda';
      draft.popo.influence_every = 3;
      draft.popo.steps = 7;
    });
    void studies.start();
    await vi.waitFor(() => expect(requests).toHaveLength(1));
    expect(requests[0].common).toEqual({ 'popo.scale_rewards': 'group', 'popo.steps': 7 });
  });

  it('leaves out methods that weigh two rewards where the form names three, and says so', async () => {
    const { session, calls } = stage();
    const { studies } = session;
    studies.methods.value = ['orft', 'popo', 'fixed-0.5'];
    studies.seeds.value = [1, 1];
    expect([studies.total.value, studies.leftOut.value]).toEqual([3, null]);
    session.edit((draft) => {
      draft.popo.rewards = ['semantic', 'id', 'format'];
      draft.popo.reward_weights = [0.2, 0.3, 0.5];
    });
    expect(studies.total.value).toBe(2);
    expect(studies.leftOut.value).toContain('two rewards and popo.rewards names 3: fixed-0.5.');
    void studies.start();
    await vi.waitFor(() => expect(calls).toContain('study 2 x 1'));
    expect(studies.problem.value).toBeNull();
  });

  it('waits for a run that is on', async () => {
    const { session, calls } = stage();
    void session.start();
    await session.studies.start();
    expect(calls).toEqual(['start null']);
    expect(session.studies.status.value).toBe('idle');
  });
});

describe('training that runs away', () => {
  const found: Divergence = {
    stage: 'sft',
    kind: 'loss',
    step: 30,
    since: 20,
    value: 9,
    began: 4,
    bound: 6,
    curve: [[0, 4]],
    sentence: 'The loss is far above where it has been.',
  };
  const decided = (choice: DivergenceChoice): RunEvent => ({
    type: 'divergence',
    found,
    decided: { ...found, choice, backTo: null },
  });

  it('rests until somebody decides, then goes on', async () => {
    const { session, emit, calls } = stage();
    void session.start();
    emit({ type: 'divergence', found, decided: null });
    expect([session.status.value, session.divergence.value]).toEqual(['paused', found]);
    await session.step();
    expect(calls.at(-1)).toMatch(/^start/);
    await session.decide('go-back');
    expect(calls.at(-1)).toBe('decide go-back');
    emit(decided('go-back'));
    expect([session.status.value, session.divergence.value]).toEqual(['running', null]);
    // Resume means the same as Go on.
    emit({ type: 'divergence', found, decided: null });
    await session.resume();
    expect(calls.at(-1)).toBe('decide go-on');
  });

  it('forgets what was told once the run goes back, and takes what is told anew', async () => {
    const { session, emit, frames } = stage();
    void session.start();
    const loss = (step: number): RunEvent => ({
      type: 'loss',
      name: 'sft',
      step,
      loss: 1,
      gradNorm: 1,
      learningRate: 1,
    });
    for (const step of [0, 1, 2, 3]) emit(loss(step));
    emit({ type: 'model', parameters: 5 });
    emit({ type: 'again' });
    emit(loss(0));
    await frames(3);
    expect(session.view.loss.length).toBe(1);
    expect(session.view.parameters.value).toBe(5);
  });

  it('leaves what is shown where it is stopped, and reset forgets the question', async () => {
    const { session, emit, finish, frames } = stage();
    const run = session.start();
    emit({ type: 'divergence', found, decided: null });
    emit(decided('stop'));
    finish(null);
    await frames(3);
    await run;
    expect(session.status.value).toBe('idle');
    void session.start();
    emit({ type: 'divergence', found, decided: null });
    await session.reset();
    expect([session.status.value, session.divergence.value]).toEqual(['idle', null]);
  });

  it('takes the changes of a link to the run, and drops them with the first edit', async () => {
    const { session, started, frames } = stage();
    const changed = '#run=1&preset=tiny&changes=sft:9:sft.learning_rate:0.004:0.002';
    session.openLink(changed);
    expect(session.link()).toContain('changes=sft:9:sft.learning_rate:0.004:0.002');
    void session.start();
    await frames();
    expect(started.at(-1)).toEqual([
      { stage: 'sft', step: 9, field: 'sft.learning_rate', from: 4e-3, to: 2e-3 },
    ]);
    await session.reset();
    session.edit((draft) => {
      draft.seed = 9;
    });
    expect(session.changes.value).toEqual([]);
    expect(session.link()).not.toContain('changes');
  });
});

describe('how long a run will take', () => {
  const speed = { operations: 1e10, dispatch: 1e-5, wait: 1e-4, processor: 1e9 };
  const known = (session: Session) =>
    vi.waitFor(() => expect(session.times.times.value).not.toBeNull(), 4000);

  it('is told once the device was measured, and follows the form', async () => {
    const { session } = stage({ speed });
    await session.wake();
    expect(session.times.times.value).toBeNull();
    await known(session);
    const { low, high, basis } = session.times.times.value!;
    expect(basis).toBe('measured');
    expect(low).toBeGreaterThan(0);
    session.edit((draft) => {
      draft.sft.steps *= 10;
    });
    expect(session.times.times.value!.high).toBeGreaterThan(2 * high);
  });

  it('is corrected by a finished run on the same device alone', async () => {
    const took = (device: string) => ({ device, seconds: { sft: 4321 } });
    const run = {
      id: 'a',
      config: defaultConfig(),
      stage: 'ranking',
      step: 0,
      savedAt: 1,
      finished: true,
      ...ALONE,
    };
    const { session } = stage({
      speed,
      runs: [
        { ...run, took: took('webgpu other  ') },
        { ...run, id: 'b', took: took('webgpu test  ') },
      ],
    });
    await session.wake();
    await known(session);
    const { stages, basis } = session.times.times.value!;
    expect(basis).toBe('same');
    expect(stages.find(({ name }) => name === 'sft')!.likely).toBeCloseTo(4321, 5);
  });

  it('is told of the whole run while it is on, by what its stages took', async () => {
    const { session, emit, frames } = stage({ speed });
    await session.wake();
    await known(session);
    const likely = (name: string) =>
      session.times.times.value!.stages.find((known) => known.name === name)!.likely;
    const [warmup, later] = [
      likely('warmup'),
      ['rupr', 'baselines', 'ranking'].reduce((sum, name) => sum + likely(name), 0),
    ];
    const engine = ['orft', 'sft', 'popo', 'evaluate', 'features'].reduce(
      (sum, name) => sum + likely(name),
      0,
    );
    void session.start();
    const passed = (isHere: boolean) => {
      for (const name of ['data', 'tokenizer', 'ranker', 'encoder', 'warmup'] as const) {
        if (isHere) emit({ type: 'progress', name, step: 10, steps: 10, secondsLeft: 0 });
        emit({
          type: 'stage',
          name,
          status: 'finished',
          steps: 10,
          seconds: 2 * (name === 'warmup' ? warmup : 1),
        });
      }
      emit({ type: 'stage', name: 'rupr', status: 'started', steps: 10 });
      return frames(3);
    };
    const middle = () => {
      const { low, high } = session.times.left.value!;
      return [low, high];
    };
    // What was trained elsewhere tells nothing of this device.
    await passed(false);
    const GPU = 2.5;
    expect(middle()).toEqual([1 / GPU, GPU].map((width) => expect.closeTo((later + engine) * width, 5)));
    await passed(true);
    expect(middle()).toEqual(
      [-1, 1].map((way) => expect.closeTo(later * GPU ** way + 2 * engine * 1.5 ** way, 5)),
    );
  });

  it('is told of the whole run by its own steps where nobody has measured the device', async () => {
    const { session, emit, frames } = stage();
    await session.wake();
    void session.start();
    for (const name of ['data', 'tokenizer', 'ranker', 'encoder', 'warmup', 'rupr', 'orft', 'sft'] as const)
      emit({ type: 'stage', name, status: 'finished', steps: 10, seconds: 1000 });
    emit({ type: 'stage', name: 'popo', status: 'started', steps: 100 });
    const leftAt = async (secondsLeft: number | null) => {
      emit({ type: 'progress', name: 'popo', step: 4, steps: 100, secondsLeft });
      await frames(3);
      if (secondsLeft === null) return session.times.left.value!;
      return vi.waitFor(() => {
        expect(session.times.left.value).not.toBeNull();
        return session.times.left.value!;
      });
    };
    const [quick, slow] = [await leftAt(96), await leftAt(960)];
    expect(quick.low).toBeGreaterThan(96 / 1.25);
    expect(quick.high).toBeLessThan(20 * 96);
    // The stages after it are as much slower as it is.
    expect(slow.high - quick.high).toBeGreaterThan(1.25 * (960 - 96));
    // Before its own steps tell, nothing is guessed.
    expect([session.times.times.value, await leftAt(null)]).toEqual([null, null]);
  });

  it('of a study is that of what is still to be trained, each run from where it parts with others', async () => {
    const config = defaultConfig();
    const run = { method: 'orft', seed: 1, config };
    const { session } = stage({
      speed,
      plan: [
        { ...run, from: 'data' },
        { ...run, from: 'popo' },
        { ...run, from: 'evaluate' },
      ],
    });
    await session.wake();
    await known(session);
    await session.studies.look();
    const { stages, high } = session.times.times.value!;
    const from = (name: string) =>
      stages
        .slice(stages.findIndex((stage) => stage.name === name))
        .reduce((sum, stage) => sum + stage.high, 0);
    const cost = session.studies.cost.value!;
    expect([cost.runs, cost.models]).toEqual([3, 2]);
    expect(cost.range!.high).toBeCloseTo(high + from('popo') + from('evaluate'), 5);
  });
});
