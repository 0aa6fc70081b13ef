/** `npm run recorded`: what of a run's events is kept, and what is refused. */
import { expect, it } from 'vitest';
import { eventsFile } from '../../src/commands/eventsFile';
import { recordedFile } from '../../src/commands/recorded';
import { presetConfig } from '../../src/run/presets';
import { chaptersOf, unpackRecording } from '../../src/run/recording';
import type { PopoStep, RunEvent } from '../../src/run/report';
import { fakePopoSteps, fakeReport } from '../page/fakeTrainer';

const third = Math.fround(1 / 3);

const config = presetConfig({ preset: 'tiny', version: 2 });

/** Of single precision where a run's are. */
const steps = fakePopoSteps(config, 3).map((step): PopoStep => {
  const rewards = step.rewards.map((group) => group.map((values) => values.map(Math.fround)));
  return { ...step, rewards, advantages: step.advantages.map((values) => values.map(Math.fround)) };
});
const report = { ...fakeReport(config, [], steps), timings: { total: 700.5 } };
const popo = (step: number): RunEvent[] => [
  {
    type: 'group',
    group: {
      step,
      prompt: 0,
      text: 'a',
      answers: [{ pieces: ['b'], probabilities: [0.123456789], after: [third / 2], item: null }],
    },
  },
  { type: 'popo', step: steps[step] },
  { type: 'progress', name: 'popo', step, steps: 3, secondsLeft: 8 },
];

const loss = (step: number): RunEvent => ({
  type: 'loss',
  name: 'sft',
  step,
  loss: third,
  gradNorm: 0.123456,
  learningRate: 0.001,
});

const curve = (step: number): RunEvent => ({ type: 'curve', step, row: report.table[2] });

const EVENTS: RunEvent[] = [
  { type: 'device', device: report.device },
  loss(0),
  loss(1),
  ...popo(0),
  // Went on from an earlier checkpoint: what came before is void, and told anew.
  { type: 'again' },
  loss(0),
  { type: 'notice', level: 'info', message: 'Kept.' },
  curve(0),
  ...popo(0),
  ...popo(1),
  curve(2),
  ...popo(2),
  { type: 'metrics', row: report.table[2], step: 3 },
];

const jsonl = (events: readonly RunEvent[]) => new TextDecoder().decode(eventsFile(events).bytes);

it('keeps what panels show, numbers that are written to the bit, and nothing of the device’s own pace', async () => {
  const { bytes, entry } = await recordedFile(report, jsonl(EVENTS));
  expect(entry).toMatchObject({ file: 'recorded/tiny-v2-1.bin', bytes: bytes.length });
  const { events, ...about } = await unpackRecording(bytes);
  expect(about).toMatchObject({
    app: report.app,
    config,
    link: report.link,
    seconds: 700.5,
    day: new Date().toISOString().slice(0, 10),
    device: { vendor: 'nvidia' },
  });
  expect(events.map(({ type }) => type)).toEqual(
    'loss curve group popo group popo curve group popo metrics'.split(' '),
  );
  expect(events[0]).toEqual({ ...loss(0), gradNorm: 0.123 });
  expect(events.flatMap((event) => (event.type === 'popo' ? [event.step] : []))).toEqual(
    JSON.parse(JSON.stringify(steps)),
  );
  expect(events[2]).toMatchObject({
    group: { answers: [{ probabilities: [0.1234568], after: [0.1666667] }] },
  });
  // The same events give the same file.
  expect((await recordedFile(report, jsonl(EVENTS))).bytes).toEqual(bytes);

  expect(chaptersOf(events).map((chapter) => chapter.map(({ type }) => type).join(' '))).toEqual([
    'loss curve',
    'group popo',
    'group popo curve',
    'group popo metrics',
  ]);
  // Also where no words of groups were told.
  const wordless = events.filter(({ type }) => type !== 'group');
  expect(chaptersOf(wordless).map((chapter) => chapter.length)).toEqual([2, 1, 2, 2]);
});

it('refuses events of another run, and a file that does not say when its run ended', async () => {
  await expect(recordedFile(report, jsonl(EVENTS.slice(0, -3)))).rejects.toThrow(
    'The events tell of 2 steps of alignment and the report of 3: they are of two runs.',
  );
  await expect(recordedFile(report, '')).rejects.toThrow('train with --record');
});
