/** What is said in alignment comes back in words, and is bounded. */
import { expect, it } from 'vitest';
import type { Rollout } from '../../src/popo/sampling';
import type { GroupWords } from '../../src/run/report';
import { NOTHING_DONE, type RunState } from '../../src/run/runState';
import { type SaidStep, Transcript } from '../../src/run/transcript';
import { Transcripts } from '../../src/worker/transcripts';

const wording = {
  prompt: (tokens: readonly number[]) => `prompt ${tokens.join(' ')}`,
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
    text: wording.prompt([step, 2, 2]),
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
  expect(first).toMatchObject({ step: 1, prompt: 0, text: 'prompt 1 1' });
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
  const transcript = new Transcript(null, 1000);
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

it('is one of each of the last runs; a second line has what was said until it began', () => {
  const transcripts = new Transcripts();
  const state = (over: Partial<RunState>) => ({ ...NOTHING_DONE, ...over }) as RunState;
  const first = transcripts.of('a', null);
  for (let step = 0; step < 4; step++) first.keep(saidAt(step));
  const has = (id: string) =>
    [0, 1, 2, 3, 4].filter((step) => transcripts.group(id, step, 0)?.text === `prompt ${step} 1`);
  const fork = { of: 'a', stage: 'popo', step: 2 } as const;
  transcripts.of('b', state({ stage: 'popo', step: 2, fork })).keep(saidAt(2));
  // A fork that was made long ago is no part of what its first line said since.
  transcripts.of('c', state({ stage: 'popo', step: 4, fork }));
  expect([has('a'), has('b'), has('c'), has('d')]).toEqual([[0, 1, 2, 3], [0, 1, 2], [0, 1], []]);
  // Taken up where it was left, at an earlier checkpoint, or past alignment; begun anew.
  transcripts.of('b', state({ stage: 'popo', step: 3, fork })).keep(saidAt(3));
  expect(has('b')).toEqual([0, 1, 2, 3]);
  transcripts.of('a', state({ stage: 'evaluate' }));
  expect(has('a')).toEqual([0, 1, 2, 3]);
  transcripts.of('a', state({ stage: 'popo', step: 1 }));
  expect(has('a')).toEqual([0]);
  transcripts.of('a', state({ stage: 'sft', step: 9 }));
  expect(has('a')).toEqual([]);
  for (const id of ['e', 'f', 'g']) transcripts.of(id, null);
  expect([has('b'), has('c')]).toEqual([[], []]);
});
