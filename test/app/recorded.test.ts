/** The recorded run beside the page: it is what the page was built with, and what the panels are told of it is what its report says. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, it, vi } from 'vitest';
import { createRunView, type RunView } from '../../src/app/state/runView';
import { createSession } from '../../src/app/state/session';
import { watching } from '../../src/app/state/watching';
import { MOST_ALIGNED_BYTES, MOST_BYTES } from '../../src/commands/recorded';
import { sha256 } from '../../src/numeric/hash';
import { fingerprint } from '../../src/run/fingerprint';
import { formatLink, parseLink } from '../../src/run/link';
import { presetConfig } from '../../src/run/presets';
import { type Recording, unpackRecording } from '../../src/run/recording';
import { RECORDINGS } from '../../src/run/recordings';
import { fakeServices } from '../page/fakeTrainer';

const [entry] = RECORDINGS;
const bytes = new Uint8Array(readFileSync(`public/${entry.file}`));
const recording = await unpackRecording(bytes);

/** As report.json of that run has it. */
const REPORT = {
  steps: 100,
  weightsAt40: [0.49478352069854736, 0.5052164793014526],
  last: { Category_L3_ACC: 0.741, CTCVR: 0.31462134750583004, answer_loss: 0.38894396587461233 },
  exact: '2d78db71511d189ea56b4d16ca2b15c3',
};

function viewOf(): RunView {
  let now = 0;
  const next = () => {
    now += 200;
    return now;
  };
  return createRunView(
    (callback) => callback(),
    next,
    () => recording.rewardNames as ['semantic', 'id'],
    (_, message) => expect.fail(message),
  );
}

async function watched(of: Recording = recording, isCalm = false) {
  const view = viewOf();
  return { view, shown: await watching(of, view, isCalm) };
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('is the file that the page was built with, of the frozen preset tiny, and few bytes', async () => {
  const { aligned, ...own } = entry;
  expect(own).toEqual({ file: 'recorded/tiny-v2-7.bin', bytes: bytes.length, sha256: await sha256(bytes) });
  if (aligned !== undefined) {
    const weights = new Uint8Array(readFileSync(`public/${aligned.file}`));
    expect(aligned).toMatchObject({ bytes: weights.length, sha256: await sha256(weights) });
    expect(weights.length).toBeLessThanOrEqual(MOST_ALIGNED_BYTES);
  }
  expect(bytes.length).toBeLessThanOrEqual(MOST_BYTES);
  expect(MOST_BYTES).toBe(400_000);
  const { config } = parseLink(recording.link);
  const { kernels } = config;
  expect({ ...presetConfig({ preset: 'tiny', version: 2 }), seed: 7, kernels }).toEqual(config);
  expect(formatLink(recording.config, null, null)).toBe(formatLink(config, null, null));
  expect(recording).toMatchObject({ rewardNames: ['semantic', 'id'], device: { backend: 'webgpu' } });
  expect(recording.day).toMatch(/^20\d\d-\d\d-\d\d$/);
  expect(recording.seconds).toBeGreaterThan(60);
});

it('comes through the view of a run to the bits that its fingerprint promises, with every panel filled', async () => {
  const { view, shown } = await watched();
  shown.moveTo(shown.steps);
  expect(shown.steps).toBe(REPORT.steps);
  expect(view.table.value.map(({ stage }) => stage)).toEqual(['warmup', 'sft', 'popo']);
  expect(view.table.value[2]).toMatchObject(REPORT.last);

  // Every loss, step and row that the panels have; the rankers' own losses are in no panel.
  const { expected } = parseLink(recording.link);
  expect(expected?.exact).toBe(REPORT.exact);
  const marks = view.lossMarks.value;
  const stages = marks.map(({ x, label }, at) => {
    const to = (marks[at + 1]?.x ?? view.loss.length + 1) - 1;
    return { name: label, loss: [...view.loss.column('loss').slice(x - 1, to)] };
  });
  const steps = view.alignment.steps;
  const told = {
    ...{ app: recording.app, kernels: '', config: recording.config, dataset: { sha256: '' } },
    ...{ orft: view.cots.value, ranker: { auc: view.rankerAuc.value }, ranking: view.ranking.value },
    stages: [...stages, { name: 'popo', loss: steps.map(({ loss }) => loss) }],
    popo: { steps },
    table: view.table.value,
  };
  const made = await fingerprint(told as unknown as Parameters<typeof fingerprint>[0]);
  expect(made.blocks.map(({ stage }) => stage)).toEqual(['warmup', 'orft', 'sft', 'popo']);
  for (const own of made.blocks)
    expect(own).toEqual(expected?.blocks.find(({ stage }) => stage === own.stage));
  expect(made.close).toEqual(expected?.close);

  const rows = view.table.value.length;
  expect(view.spreads.value).toHaveLength(rows);
  expect(view.stages.value.filter(({ status }) => status !== 'done')).toEqual([]);
  expect(view.samples.value.filter(({ stage }) => stage === 'popo').length).toBeGreaterThan(0);
  for (const panel of [view.counting, view.baselines, view.ranking, view.cots])
    expect(panel.value).not.toBeNull();
  expect(view.heldout.last('ctcvr')).not.toBeNull();
  expect(view.device.value).toBeNull();
});

it('stands at any step as the run stood then', async () => {
  const { view, shown } = await watched();
  shown.moveTo(0);
  expect(view.table.value.map(({ stage }) => stage)).toEqual(['warmup', 'sft']);
  expect([view.popo.length, view.heldout.length]).toEqual([0, 1]);
  shown.moveTo(40);
  const step = view.alignment.at(Number.POSITIVE_INFINITY);
  expect(step?.step).toBe(39);
  expect(step?.weightsAfter).toEqual(REPORT.weightsAt40);
  expect([view.popo.last('w_semantic'), view.popo.last('w_id')]).toEqual(REPORT.weightsAt40);
  const answers = view.alignment.wordsAt(39)?.answers ?? [];
  expect(answers).toHaveLength(8);
  // What the update made of each is there too.
  expect(answers.map(({ after }) => after?.length)).toEqual(answers.map(({ pieces }) => pieces.length));
  expect(view.currentStage.value).toMatchObject({ name: 'popo', step: 40, steps: 100, secondsLeft: null });
  expect(Math.max(...view.heldout.xs())).toBeLessThanOrEqual(40);
  expect(view.ranking.value).toBeNull();
  const there = view.copy();
  // From its end back again: nothing of what came later stays.
  shown.moveTo(1000);
  expect(shown.at.value).toBe(100);
  expect(view.ranking.value).not.toBeNull();
  shown.moveTo(40);
  expect([view.ranking.value, view.baselines.value, view.counting.value]).toEqual([null, null, null]);
  for (const which of ['loss', 'popo', 'heldout'] as const) {
    const [now, then] = [view.copy()[which], there[which]];
    expect(now.names.map((name) => [...now.column(name)])).toEqual(
      then.names.map((name) => [...then.column(name)]),
    );
  }
});

it('plays step by step to its end, and once more from its beginning', async () => {
  vi.useFakeTimers();
  const { view, shown } = await watched();
  shown.begin();
  expect([shown.at.value, shown.isPlaying.value]).toEqual([0, true]);
  vi.advanceTimersByTime(1000);
  expect(shown.at.value).toBe(3);
  expect(view.popo.length).toBe(3);
  shown.pause();
  vi.advanceTimersByTime(1000);
  expect(shown.at.value).toBe(3);
  shown.play();
  vi.advanceTimersByTime(60_000);
  expect([shown.at.value, shown.isPlaying.value, view.popo.length]).toEqual([100, false, 100]);
  expect(view.table.value).toHaveLength(3);
  shown.play();
  expect([shown.at.value, view.table.value.length]).toEqual([0, 2]);
  shown.pause();
});

it('begins at its end and plays in few stretches where motion is not wanted', async () => {
  vi.useFakeTimers();
  const { shown } = await watched(recording, true);
  shown.begin();
  expect([shown.at.value, shown.isPlaying.value]).toEqual([100, false]);
  shown.play();
  vi.advanceTimersByTime(3100);
  expect(shown.at.value).toBe(10);
  shown.pause();
});

it('is shown also where another version of the app made it', async () => {
  const config = structuredClone(recording.config) as unknown as Record<string, Record<string, unknown>>;
  delete config.popo.scale_rewards;
  const older = { ...recording, app: '0.0.1', config: config as unknown as Recording['config'] };
  const { view, shown } = await watched(older);
  shown.moveTo(100);
  expect(shown.about.app).toBe('0.0.1');
  expect(shown.config.popo.scale_rewards).toBe('batch');
  expect(view.table.value[2]).toMatchObject(REPORT.last);
});

it('asks nothing of the worker, changes nothing of the form, and goes when something is trained', async () => {
  vi.stubGlobal('fetch', async () => new Response(bytes));
  const options = { speed: 400, backend: 'webgpu', failAt: null, saved: false, divergeAt: null } as const;
  const services = fakeServices({ ...options, restAt: 'data' });
  const trainer = vi.spyOn(services, 'trainer');
  const session = createSession(services, (callback) => setTimeout(callback));
  const before = session.link();
  expect(session.isRecordingOffered.value).toBe(true);
  await session.watch();
  expect(session.notices.value).toEqual([]);
  session.watched.value?.moveTo(100);
  expect(session.view.table.value).toHaveLength(3);
  expect(session.isRecordingOffered.value).toBe(false);
  expect([session.status.value, session.report.value, session.runId.value, session.link()]).toEqual([
    'idle',
    null,
    null,
    before,
  ]);
  session.closeRecording();
  expect([session.view.table.value, session.runConfig.value]).toEqual([[], null]);
  expect(trainer).not.toHaveBeenCalled();

  await session.watch();
  session.watched.value?.moveTo(100);
  const ended = session.start();
  await vi.waitFor(() => expect(session.status.value).toBe('running'));
  expect([session.watched.value, session.view.table.value]).toEqual([null, []]);
  // What is trained is not covered up.
  await session.watch();
  expect(session.watched.value).toBeNull();
  await session.reset();
  await ended;

  vi.stubGlobal('fetch', async () => new Response('gone', { status: 404 }));
  await session.watch();
  expect(session.notices.value.map(({ message }) => message)).toEqual([
    `There is no recording to watch: ${entry.file} could not be had (the server answers 404).`,
  ]);
});

it('is refused in one sentence where it is damaged, something else, or of another form', async () => {
  const refusal = async (file: Uint8Array) => {
    try {
      await unpackRecording(new Uint8Array(file));
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : null;
    }
  };
  const as = (value: unknown) => gzipSync(JSON.stringify(value));
  const parsed = { ...recording, events: recording.events.filter(({ type }) => type === 'popo').slice(0, 1) };
  expect(await refusal(as(parsed))).toBeNull();
  expect(await refusal(bytes)).toBeNull();
  expect(await refusal(bytes.slice(0, 9000))).toBe('The recording is damaged or cut off.');
  expect(await refusal(new TextEncoder().encode('<!doctype html>'))).toBe(
    'The recording is damaged or cut off.',
  );
  for (const other of [null, [], { events: [] }])
    expect(await refusal(as(other))).toBe('The file is no recording of a run.');
  expect(await refusal(as({ ...parsed, form: 2 }))).toBe(
    'The recording is of form 2, and this page knows form 1 alone.',
  );
  for (const lacking of [{ events: [] }, { device: null }, { config: null }, { day: 3 }])
    expect(await refusal(as({ ...parsed, ...lacking }))).toBe(
      'The recording is not whole: something that it must say is missing.',
    );
  vi.stubGlobal('DecompressionStream', undefined);
  expect(await refusal(bytes)).toBe(
    'This browser cannot unpack it: Chrome 80, Firefox 113 and Safari 16.4 can.',
  );
});
