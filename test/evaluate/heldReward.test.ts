import { expect, it } from 'vitest';
import { heldOutcome, heldOutcomeSentence, heldSteps } from '../../src/evaluate/heldReward';
import { meanOf } from '../../src/evaluate/slices';
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
  const { mean, low, high } = meanOf(run(0).rewards);
  const told = heldOutcome([run(0.6)]);
  expect(told.end.mean).toBeCloseTo(mean, 12);
  // The closed form, within a tenth of its width.
  expect(Math.abs(told.end.low - low)).toBeLessThan(0.1 * (high - low));
  expect(Math.abs(told.end.high - high)).toBeLessThan(0.1 * (high - low));
  const at = (level: number) => heldOutcome([run(level)]).verdict;
  expect(at(0.5)).toBe('held');
  expect(at(mean + 0.0001)).toBe('unclear');
  expect(at(mean - 0.0001)).toBe('unclear');
  expect(at(0.7)).toBe('missed');
  // Four steps, all of them far above.
  expect(heldOutcome([{ ...run(0.5), rewards: [0.9, 0.9, 0.9, 0.9] }]).verdict).toBe('unclear');
  // To lie on the level is to hold it.
  expect(heldOutcome([{ ...run(0.5), rewards: new Array(20).fill(0.5) }]).verdict).toBe('held');
});

it('takes each seed against its own level', () => {
  const seed = (level: number, above: number) => ({
    reward: 'semantic' as const,
    level,
    rewards: new Array<number>(20).fill(level + above),
  });
  // Levels differ far more than what is above them, so that the interval would hold them all if they were pooled.
  const told = heldOutcome([seed(0.3, 0.02), seed(0.6, 0.02), seed(0.9, 0.02)]);
  expect(told).toMatchObject({ seeds: 3, steps: 20, verdict: 'held' });
  expect(told.level).toBeCloseTo(0.6, 12);
  expect(told.end.low).toBeCloseTo(0.62, 8);
  expect(told.end.high).toBeCloseTo(0.62, 8);
  expect(heldOutcomeSentence(told)).toBe(
    'The semantic reward was to be kept at .600 or above on prompts of training: over the last 20 steps of each of 3 seeds it was .620 [.620, .620], so it was held.',
  );
});

it('is one sentence with what was asked, what came and whether it held', () => {
  const told = (verdict: 'held' | 'missed' | 'unclear') =>
    heldOutcomeSentence({
      reward: 'id',
      level: 0.3,
      end: { mean: 0.251, low: 0.2, high: 0.302, p: 1 },
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
