/** Time left of a stage, on step times as runs have them. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/numeric/random';
import { TimeLeft } from '../../src/run/timeLeft';

/** Feeds step times; tells of every step from `after` on the estimate over what was really left, steps that nobody could foresee left out. */
function factors(steps: readonly number[], after = 10): number[] {
  const left = new TimeLeft(0);
  const whole = steps.reduce((sum, step) => sum + step, 0);
  let now = 0;
  return steps.flatMap((step, index) => {
    now += step;
    const told = left.after(index + 1, steps.length, now);
    const real = whole - now;
    // Of the last steps a noise is all.
    if (index + 1 < after || steps.length - index <= 4) return [];
    return [told === null ? Number.NaN : told / real];
  });
}

const random = new Random(1, 'step times');
const noisy = (seconds: number) => seconds * (0.7 + 0.6 * random.uniform());
const stage = (count: number, seconds: (step: number) => number) =>
  Array.from({ length: count }, (_, step) => seconds(step));

function expectSteady(found: readonly number[], worst = 1.5): void {
  expect(found.length).toBeGreaterThan(0);
  for (const factor of found) {
    expect(factor).toBeGreaterThan(1 / worst);
    expect(factor).toBeLessThan(worst);
  }
}

describe('time left after ten steps is within a factor of 1.5', () => {
  it('of a stage whose first steps compile', () => {
    // As alignment of `tiny` did: 33 s for the first step, then a second each.
    expectSteady(factors(stage(100, (step) => [33, 4][step] ?? noisy(1))));
  });

  it('of a stage that asks held-out users every fifteenth step, and compiles for that too', () => {
    expectSteady(
      factors(stage(100, (step) => [12][step] ?? noisy(1) + (step % 15 === 14 ? (step === 14 ? 9 : 3) : 0))),
    );
  });

  it('of a stage of quick steps, whose results arrive two at a time', () => {
    expectSteady(
      factors(
        stage(1500, (step) => (step === 0 ? 6 : step % 2 === 0 ? 0 : noisy(0.18))),
        40,
      ),
    );
  });

  it('where every fourth step takes twice as long', () => {
    expectSteady(factors(stage(60, (step) => [9][step] ?? noisy(step % 4 === 3 ? 2 : 1))));
  });

  it('of a machine that gets slower all the time', () => {
    expectSteady(factors(stage(200, (step) => (step === 0 ? 20 : noisy(1) * (1 + (0.6 * step) / 200)))));
  });

  it('of a machine that has become half as fast, once it has been so for a dozen steps', () => {
    const found = factors(stage(120, (step) => (step === 0 ? 20 : noisy(step < 60 ? 1 : 2))));
    expectSteady(found.slice(72 - 10));
  });
});

describe('a stage whose units change', () => {
  it('knows nothing until the new ones have a pace', () => {
    const left = new TimeLeft(0);
    for (let step = 1; step <= 100; step++) left.after(step, 100, step);
    // Then 128 users at 20 a second: a step's second says nothing of them.
    expect(left.after(120, 228, 101)).toBeNull();
    const told = [140, 160, 180].map((done, index) => left.after(done, 228, 102 + index));
    expect(told.at(-1)).toBeCloseTo((228 - 180) / 20, 5);
  });

  it('of a run that was taken up, counts this session’s steps alone', () => {
    const left = new TimeLeft(50);
    left.after(51, 100, 2);
    left.after(52, 100, 3);
    expect(left.after(53, 100, 4)).toBeCloseTo(47, 5);
  });
});
