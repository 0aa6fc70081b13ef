import { expect, it } from 'vitest';
import { Pace } from '../../src/gpu/pace';

it('a list that is not known goes in small parts, and then in parts of a quarter of a second', () => {
  const [pace, list, other] = [new Pace(), {}, {}];
  expect(pace.parts(list, 166)).toBe(11);
  // A whole POPO update of `large` on a laptop: 2.6 s for 650 dispatches, 4 ms each, so 62 at once.
  pace.learn(list, 650, 2600);
  expect(pace.parts(list, 650)).toBe(11);
  expect(pace.parts(list, 62)).toBe(1);
  expect(pace.parts(other, 16)).toBe(1);
  // On a fast GPU all of it at once.
  pace.learn(list, 650, 30);
  expect(pace.parts(list, 650)).toBe(1);
});

it('a dispatch that takes longer than a part goes by itself, and nothing goes in no part', () => {
  const [pace, list] = [new Pace(), {}];
  pace.learn(list, 2, 3000);
  expect(pace.parts(list, 2)).toBe(2);
  pace.learn(list, 0, 10);
  pace.learn(list, 5, 0);
  expect(pace.parts(list, 5)).toBe(1);
});

it('what waited behind other work took the time from the end of that on', () => {
  const pace = new Pace();
  expect(pace.took(100, 140)).toBe(40);
  // Submitted while the first was under way.
  expect(pace.took(110, 200)).toBe(60);
  expect(pace.took(500, 510)).toBe(10);
});
