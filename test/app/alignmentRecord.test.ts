import { expect, it } from 'vitest';
import { AlignmentRecord, WORDS_KEPT } from '../../src/app/state/alignmentRecord';
import type { PopoStep } from '../../src/run/report';

const step = (at: number) => ({ step: at }) as PopoStep;
const words = (at: number) => ({ step: at, prompt: 0, text: '', answers: [] });

it('keeps every step, and the words of the newest alone', () => {
  const record = new AlignmentRecord();
  for (let at = 0; at < WORDS_KEPT + 5; at++) {
    record.keep(words(at));
    record.push(step(at));
  }
  expect(record.steps).toHaveLength(WORDS_KEPT + 5);
  expect(record.wordsAt(4)).toBeNull();
  expect(record.wordsAt(5)?.step).toBe(5);
  expect(record.at(7)?.step).toBe(7);
  expect(record.at(9999)?.step).toBe(WORDS_KEPT + 4);
  // A run that was taken up again tells a step anew.
  record.push(step(9));
  expect(record.steps.map((one) => one.step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  record.clear();
  expect([record.at(0), record.wordsAt(9)]).toEqual([null, null]);
});
