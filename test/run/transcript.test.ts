/** What is said in alignment comes back in words, and is bounded. */
import { expect, it, vi } from 'vitest';
import type { Rollout } from '../../src/popo/sampling';
import type { GroupWords } from '../../src/run/report';
import { NOTHING_DONE, type RunState } from '../../src/run/runState';
import { type PackedStep, type SaidStep, Transcript } from '../../src/run/transcript';
import { memoryStore } from '../../src/store/memory';
import { deleteRun } from '../../src/store/runRecords';
import { type Store, StoreError } from '../../src/store/store';
import { StoredTranscripts } from '../../src/store/transcripts';
import { Transcripts } from '../../src/worker/transcripts';

const wording = {
  piece: (token: number) => `<${token}>`,
  item: (index: number) => `item ${index}`,
};

/** Two prompts of two answers; which tokens they have tells the step. The second is measured. */
function saidAt(step: number, more: Partial<SaidStep> = {}): SaidStep {
  const rollout = (prompt: number[], completion: number[], item: number): Rollout => ({
    example: 0,
    prompt,
    completion: Uint32Array.from(completion),
    logps: Float32Array.from(completion, (token) => -token / 7),
    parsed: { valid: item !== -2, item } as Rollout['parsed'],
    rewards: [],
  });
  const rollouts = [
    rollout([step, 1], [1, 2, 3], 5),
    rollout([step, 1], [70_000 * (step % 2) + 4], -1),
    rollout([step, 2, 2], [5, 6], 6),
    rollout([step, 2, 2], [0, 1, 2, 3], -2),
  ];
  const measured: GroupWords = {
    step,
    prompt: 1,
    text: `<${step}><2><2>`,
    answers: rollouts.slice(2).map(({ completion, logps, parsed }) => ({
      pieces: Array.from(completion, wording.piece),
      probabilities: Array.from(logps, Math.exp),
      after: Array.from(logps, (logp) => Math.exp(logp - 0.01)),
      item: parsed.valid ? wording.item(parsed.item) : null,
    })),
  };
  return { step, rollouts, measured, wording, ...more };
}

it('has every group of every step in words, as the display needs them', () => {
  const transcript = new Transcript();
  for (const step of [0, 1]) transcript.keep(saidAt(step));
  const first = transcript.group(1, 0)!;
  expect(first).toMatchObject({ step: 1, prompt: 0, text: '<1><1>' });
  expect(first.answers.map(({ pieces, item, after }) => [pieces, item, after])).toEqual([
    [['<1>', '<2>', '<3>'], 'item 5', undefined],
    [['<70004>'], null, undefined],
  ]);
  first.answers[0].probabilities.forEach((p, at) => {
    expect(p / Math.exp(-(at + 1) / 7)).toBeCloseTo(1, 3);
  });
  // What is never likely is not likelier than e^−31.
  expect(first.answers[1].probabilities[0]).toBeLessThan(1e-13);
  const { measured } = saidAt(0);
  const second = transcript.group(0, 1)!;
  expect({ ...second, answers: [] }).toEqual({ ...measured, answers: [] });
  second.answers.forEach(({ pieces, probabilities, after, item }, g) => {
    const told = measured.answers[g];
    expect([pieces, item]).toEqual([told.pieces, told.item]);
    probabilities.forEach((p, at) => {
      expect(p / told.probabilities[at]).toBeCloseTo(1, 6);
      expect(after![at] / told.after![at]).toBeCloseTo(1, 6);
    });
  });
  expect([transcript.group(0, 2), transcript.group(0, -1), transcript.group(2, 0)]).toEqual([
    null,
    null,
    null,
  ]);
});

it('lets go of the oldest steps where there is no more room, and of those that are taken again', () => {
  const transcript = new Transcript([], 2000);
  for (let step = 0; step < 40; step += 2) transcript.keep(saidAt(step));
  const kept = () =>
    Array.from({ length: 40 }, (_, step) => step).filter((step) => transcript.group(step, 0));
  const { length } = kept();
  expect(length).toBeGreaterThan(3);
  expect(length).toBeLessThan(12);
  expect(kept().at(-1)).toBe(38);
  transcript.keep(saidAt(36));
  expect(kept().at(-1)).toBe(36);
  // As many as before fit in again.
  for (let step = 38; step < 40; step += 2) transcript.keep(saidAt(step));
  expect(kept()).toHaveLength(length);
});

/** What a tab has to do with runs, over a store; when each was kept last is the test's. */
function shelf(store: Store = memoryStore(), most?: number) {
  const stored = new StoredTranscripts<PackedStep>(store, most);
  const keptAt = new Map<string, number>();
  const tab = () =>
    new Transcripts(
      async () => stored,
      async (id) => keptAt.get(id) ?? null,
    );
  return { store, stored, keptAt, tab };
}

const at = (stage: RunState['stage'], step: number) => ({ ...NOTHING_DONE, stage, step }) as RunState;
/** The steps of a run that can be read in a tab, which all tell the same step as they were said at. */
async function has(tab: Transcripts, id: string): Promise<number[]> {
  const all = await Promise.all(Array.from({ length: 60 }, (_, step) => tab.group(id, step, 0)));
  return all.flatMap((group, step) => (group?.text === `<${step}><1>` ? [step] : []));
}
const upTo = (end: number, from = 0) => Array.from({ length: end - from }, (_, at) => from + at);

it('is there in another tab, as it was kept; of a run that goes on, the newest steps alone are written', async () => {
  const { store, keptAt, tab } = shelf();
  const first = tab();
  const said = await first.begin('a', null);
  for (const step of upTo(20)) said.keep(saidAt(step));
  expect([await has(first, 'a'), await has(tab(), 'a')]).toEqual([upTo(20), []]);
  await first.keep();
  // A run that is on knows best, whatever becomes of what is kept of it.
  said.keep(saidAt(20));
  keptAt.set('a', 1);
  expect(await has(first, 'a')).toEqual(upTo(21));
  said.cut(20);
  await first.keep();
  first.kept(1);
  first.end();
  expect([await has(tab(), 'a'), await has(tab(), 'b')]).toEqual([upTo(20), []]);
  expect(await tab().group('a', 19, 1)).toEqual(await first.group('a', 19, 1));
  expect(await tab().group('a', 19, 2)).toBeNull();
  const put = vi.spyOn(store, 'put');
  await first.keep();
  expect(put).not.toHaveBeenCalled();
  for (const step of upTo(22, 20)) said.keep(saidAt(step));
  await first.keep();
  expect(put.mock.calls.map(([, { id }]) => id)).toEqual(['a 000001']);
  expect(await has(tab(), 'a')).toEqual(upTo(22));
});

it('ends where a run is taken up; what is said from there on takes the place of what was', async () => {
  const { keptAt, tab } = shelf();
  const first = tab();
  const said = await first.begin('a', null);
  for (const step of upTo(40)) said.keep(saidAt(step));
  await first.keep();
  first.kept(1);
  keptAt.set('a', 1);
  first.end();
  // A reloaded page goes on from an earlier checkpoint, and says something else.
  const second = tab();
  const again = await second.begin('a', at('popo', 10));
  expect(await has(second, 'a')).toEqual(upTo(10));
  again.keep(saidAt(10, { wording: { ...wording, item: () => 'another' } }));
  await second.keep();
  second.kept(2);
  keptAt.set('a', 2);
  second.end();
  expect([await has(second, 'a'), await has(tab(), 'a')]).toEqual([upTo(11), upTo(11)]);
  expect((await tab().group('a', 10, 0))?.answers[0].item).toBe('another');
  // The first tab knows that another has gone on with it.
  expect(await has(first, 'a')).toEqual(upTo(11));
  await first.begin('a', at('popo', 11));
  expect(await has(first, 'a')).toEqual(upTo(11));
  // Past alignment all of it stands; before it, and in a run that begins anew, nothing.
  await first.begin('a', at('evaluate', 0));
  expect(await has(first, 'a')).toEqual(upTo(11));
  await first.begin('a', at('sft', 9));
  expect(await has(first, 'a')).toEqual([]);
  await first.keep();
  expect(await has(tab(), 'a')).toEqual([]);
});

it('is shared by a second line up to where that begins, and then is its own', async () => {
  const { store, keptAt, tab } = shelf();
  const first = tab();
  const said = await first.begin('a', null);
  for (const step of upTo(20)) said.keep(saidAt(step));
  await first.keep();
  keptAt.set('a', 1);
  first.kept(1);
  // While the first line is on, and rests.
  await first.fork('a', 'b', at('popo', 18));
  // From what is kept of it alone, at an earlier step, and at its alignment's beginning.
  await tab().fork('a', 'c', at('popo', 2));
  await tab().fork('a', 'd', at('popo', 0));
  first.end();
  const second = tab();
  const other = await second.begin('b', at('popo', 18));
  other.keep(saidAt(18));
  await second.keep();
  expect(await Promise.all(['a', 'b', 'c', 'd'].map((id) => has(tab(), id)))).toEqual([
    upTo(20),
    upTo(19),
    upTo(2),
    [],
  ]);
  // Each has its own: one that is deleted takes nothing of the others along.
  await deleteRun(store, 'a');
  keptAt.delete('a');
  expect(await Promise.all(['a', 'b', 'c'].map((id) => has(tab(), id)))).toEqual([[], upTo(19), upTo(2)]);
  expect(await has(first, 'a')).toEqual([]);
});

it('stays at hand where it cannot be kept, and is kept as a whole once it can be', async () => {
  const { store, tab } = shelf();
  const put = vi.spyOn(store, 'put').mockRejectedValue(new StoreError('quota', 'full'));
  const first = tab();
  const said = await first.begin('a', null);
  for (const step of upTo(3)) said.keep(saidAt(step));
  await expect(first.keep()).rejects.toThrow('full');
  said.keep(saidAt(3));
  await expect(first.keep()).rejects.toThrow('full');
  expect([await has(first, 'a'), await has(tab(), 'a')]).toEqual([upTo(4), []]);
  put.mockRestore();
  await first.keep();
  first.end();
  expect(await has(tab(), 'a')).toEqual(upTo(4));
});

it('loses its oldest steps in storage too, and of what is damaged or of another form that part alone', async () => {
  const { store, tab } = shelf(memoryStore(), 70_000);
  const first = tab();
  const said = await first.begin('a', null);
  const long = (step: number) => saidAt(step, { wording: { ...wording, item: () => 'x'.repeat(1000) } });
  for (const step of upTo(40)) said.keep(long(step));
  await first.keep();
  first.end();
  // Blocks of 16 steps, of which the newest two are within it.
  expect((await store.list('transcripts')).map(({ id }) => id)).toEqual(['a 000001', 'a 000002']);
  expect(await has(tab(), 'a')).toEqual(upTo(40, 16));
  const record = (await store.get('transcripts', 'a 000001'))!;
  await store.put('transcripts', { ...record, header: { form: 2 } });
  const get = vi.spyOn(store, 'get');
  expect(await has(tab(), 'a')).toEqual(upTo(40, 32));
  get.mockImplementation(async () => {
    throw new StoreError('damaged', 'lost a part');
  });
  expect(await has(tab(), 'a')).toEqual([]);
  get.mockRestore();
  const second = tab();
  await second.begin('a', at('popo', 40));
  expect(await has(second, 'a')).toEqual(upTo(40, 32));
});
