import { describe, expect, it } from 'vitest';
import { diffFromPreset } from '../../src/run/diff';
import { memoryStore } from '../../src/store/memory';
import type { Store } from '../../src/store/store';
import type { StudyEvent, StudyRequest } from '../../src/worker/protocol';
import { createTrainer } from '../../src/worker/trainService';
import { minusculeConfig, openCpu } from '../run/tinyRun';
import { v1 } from '../v1';

const { seed: _, ...common } = diffFromPreset(minusculeConfig());
const request: StudyRequest = {
  preset: v1('tiny'),
  common: { ...common, 'ranking.users': 0 },
  methods: ['orft', 'fixed-0', 'fixed-1', 'soup-0.5'],
  seeds: [5],
};

function trainerOn(store: Store) {
  return createTrainer({
    openStore: async () => ({ store, problem: null }),
    openDevice: openCpu,
    describeDevice: async () => ({ device: (await openCpu()).info, warning: null }),
  });
}

/** Without how long training took. */
const timeless = (told: unknown) =>
  JSON.parse(JSON.stringify(told, (key, value: unknown) => (key === 'seconds' ? null : value)));

/** Which cells were trained, of the events. */
const trained = (events: readonly StudyEvent[]) =>
  events.flatMap((told) =>
    told.type === 'cell' && told.event.status === 'started'
      ? [`${told.event.method} ${told.event.from}`]
      : [],
  );

describe('a study in the training worker', { timeout: 180_000 }, () => {
  it('stops, goes on after a reload with what is missing, and tells the same as without a stop', async () => {
    const store = memoryStore();
    const first = trainerOn(store);
    const events: StudyEvent[] = [];
    const study = first.study(request, (event) => {
      events.push(event);
      if (event.type === 'cell' && event.event.status === 'started' && event.event.method === 'fixed-1')
        void first.stop();
    });
    await expect(first.start(minusculeConfig(), null, () => {})).rejects.toThrow('A run is on already');
    expect(await study).toBe(0);
    expect(trained(events)).toEqual(['orft null', 'fixed-0 popo', 'fixed-1 popo']);
    expect((await first.studyResult(request)).cells.map(({ method }) => method)).toEqual(['orft', 'fixed-0']);
    // Beside the two cells lies the run that a soup is to be made from.
    const records = async () => (await store.list('cells')).length;
    expect(await records()).toBe(3);

    const later = trainerOn(store);
    const more: StudyEvent[] = [];
    expect(await later.study(request, (event) => more.push(event))).toBe(0);
    expect(trained(more)).toEqual(['fixed-1 null', 'soup-0.5 evaluate']);
    expect(await records()).toBe(4);
    const result = await later.studyResult(request);
    expect(result.cells.map(({ method }) => method)).toEqual(request.methods);
    expect(result.cells.map(({ link }) => link.includes('preset=tiny'))).toEqual([true, true, true, false]);
    const told = more.filter((event) => event.type === 'result').at(-1);
    expect(told).toEqual({ type: 'result', result });

    const whole = trainerOn(memoryStore());
    await whole.study(request, () => {});
    expect(timeless(await whole.studyResult(request))).toEqual(timeless(result));

    const [json, csv] = await later.exportStudy(request);
    const text = ({ bytes }: { bytes: Uint8Array }) => new TextDecoder().decode(bytes);
    expect(JSON.parse(text(json)).cells).toHaveLength(4);
    expect(text(csv).trimEnd().split('\n')).toHaveLength(5);
    // Under another config none of it counts.
    const other = { ...request, common: { ...request.common, 'popo.beta': 0.5 } };
    expect((await later.studyResult(other)).cells).toEqual([]);
    await later.deleteStudies();
    expect((await later.studyResult(request)).cells).toEqual([]);
  });

  it('refuses what it cannot run before anything is trained, in one sentence', async () => {
    const trainer = trainerOn(memoryStore());
    const refused = (change: Partial<StudyRequest>) =>
      expect(trainer.study({ ...request, ...change }, () => {})).rejects;
    await refused({ methods: [] }).toThrow('at least one method');
    await refused({ methods: ['dpo'] }).toThrow('There is no method dpo');
    await refused({ common: { 'popo.beta': -1 } }).toThrow('popo.beta');
    await refused({ common: { 'rupr.teacher': 'openai', 'rupr.url': 'http://localhost:1/v1' } }).toThrow(
      'teacher attributes alone',
    );
  });
});
