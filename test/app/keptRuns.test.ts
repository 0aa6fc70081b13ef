import { expect, it } from 'vitest';
import { createKeptRuns } from '../../src/app/state/keptRuns';
import { presetConfig } from '../../src/run/presets';
import type { SavedRun } from '../../src/worker/protocol';
import { v1 } from '../v1';

it('whoever asks for the list gets it as it was then or newer, also where somebody asks meanwhile', async () => {
  const config = presetConfig(v1('tiny'));
  const run = (id: string): SavedRun => ({
    id,
    config,
    stage: 'sft',
    step: 3,
    savedAt: 1,
    finished: false,
    earlier: null,
    isElsewhere: false,
  });
  const unasked = async () => {
    throw new Error('Nobody does anything but look.');
  };
  const answers: ((runs: SavedRun[]) => void)[] = [];
  const kept = createKeptRuns(
    {
      tabs: { runIsFree: () => new Promise(() => {}) },
      disk: { room: async () => null, persist: async () => {} },
    },
    {
      trainer: () => ({
        savedRuns: () => new Promise((resolve) => answers.push(resolve)),
        deleteRun: unasked,
        noteRun: unasked,
        importRun: unasked,
      }),
      say: () => {},
      attempt: unasked,
      onDeleted: () => {},
    },
  );
  let isFirstDone = false;
  const first = kept.refresh().then(() => {
    isFirstDone = true;
  });
  const second = kept.refresh();
  // The first answer is older than what the second will say, so it is not shown; and nobody is told that it is there.
  answers[0]([]);
  await new Promise((resolve) => setTimeout(resolve));
  expect(isFirstDone).toBe(false);
  answers[1]([run('new')]);
  await Promise.all([first, second]);
  expect(kept.runs.value.map(({ id }) => id)).toEqual(['new']);
});
