import { expect, it } from 'vitest';
import { heldOutcome, heldOutcomeSentence, heldSteps } from '../../src/evaluate/heldReward';
import { Random } from '../../src/numeric/random';

const numbers = (length: number, of: (at: number) => number) => Array.from({ length }, (_, at) => of(at));

it('is of the last steps that were held at one and the same level', () => {
  const means = numbers(50, (step) => step / 100);
  expect(heldSteps('semantic', new Array(50).fill(0.6), means)).toEqual({
    reward: 'semantic',
    level: 0.6,
    rewards: means.slice(30),
  });
  // Since step 42 at another level.
  const moved = numbers(50, (step) => (step < 42 ? 0.6 : 0.5));
  expect(heldSteps('id', moved, means)).toEqual({ reward: 'id', level: 0.5, rewards: means.slice(42) });
  // Since step 42 by another rule, and so on the page, whose columns have no number there.
  expect(heldSteps('id', [...numbers(42, () => 0.6), undefined], means)).toBeNull();
  expect(heldSteps('id', Float64Array.of(0.6, 0.6, Number.NaN), means)).toBeNull();
  expect(heldSteps('id', [], [])).toBeNull();
});

it('has the interval of a mean of as many steps, and says held only where all of it is at the level', () => {
  const random = new Random(3, 'held');
  const noise = numbers(20, () => 0.02 * random.normal());
  const run = (level: number) => ({ reward: 'semantic' as const, level, rewards: noise.map((x) => 0.6 + x) });
  const mean = 0.6 + noise.reduce((sum, x) => sum + x, 0) / 20;
  const spread = Math.sqrt(noise.reduce((sum, x) => sum + (0.6 + x - mean) ** 2, 0) / 19);
  const half = (1.96 * spread) / Math.sqrt(20);
  const told = heldOutcome(run(0.6));
  expect(told).toMatchObject({ reward: 'semantic', level: 0.6, steps: 20, seeds: 1 });
  expect(told.end.mean).toBeCloseTo(mean, 12);
  expect(told.end.low).toBeCloseTo(mean - half, 12);
  expect(told.end.high).toBeCloseTo(mean + half, 12);
  const at = (level: number) => heldOutcome(run(level)).verdict;
  expect(at(0.5)).toBe('held');
  expect(at(mean + 0.0001)).toBe('unclear');
  expect(at(mean - 0.0001)).toBe('unclear');
  expect(at(0.7)).toBe('missed');
  // Four steps, all of them far above.
  expect(heldOutcome({ ...run(0.5), rewards: [0.9, 0.9, 0.9, 0.9] }).verdict).toBe('unclear');
  // To lie on the level is to hold it.
  expect(heldOutcome({ ...run(0.5), rewards: new Array(20).fill(0.5) }).verdict).toBe('held');
});

it('is one sentence with what was asked, what came and whether it held', () => {
  const told = (verdict: 'held' | 'missed' | 'unclear') =>
    heldOutcomeSentence({
      reward: 'id',
      level: 0.3,
      end: { mean: 0.251, low: 0.2, high: 0.302 },
      steps: 1,
      seeds: 1,
      verdict,
    });
  const begins =
    'The ID reward was to be kept at .300 or above on prompts of training: over the last 1 step it was .251 [.200, .302], so ';
  expect(told('held')).toBe(`${begins}it was held.`);
  expect(told('missed')).toBe(`${begins}it was not held.`);
  expect(told('unclear')).toBe(`${begins}whether it was held cannot be told.`);
});
