import { describe, expect, it } from 'vitest';
import { Random } from '../../src/numeric/random';
import { type DivergenceKind, divergenceOf, notFinite, type StageGauges } from '../../src/run/divergence';

/** What is seen of a gauge as its values come one after another: the first divergence, as the run would see it. */
function seen(
  stage: 'sft' | 'popo',
  kind: DivergenceKind,
  values: readonly number[],
  spared: DivergenceKind[] = [],
) {
  for (let length = 1; length <= values.length; length++) {
    const gauges: StageGauges = { [kind]: { values: values.slice(0, length) } };
    const found = divergenceOf(stage, gauges, new Set(spared));
    if (found !== null) return found;
  }
  return null;
}

const range = (length: number, value: (index: number) => number) =>
  Array.from({ length }, (_, index) => value(index));

/** Falls from `from` to `to`, with noise. */
function falling(length: number, [from, to]: [number, number], noise = 0.15): number[] {
  const random = new Random(3, 'falling');
  return range(
    length,
    (step) => (to + (from - to) * Math.exp((-6 * step) / length)) * (1 + noise * (random.uniform() - 0.5)),
  );
}

describe('a loss', () => {
  it('that falls is none, nor one that falls and scatters', () => {
    expect(seen('sft', 'loss', falling(400, [4, 0.2]))).toBeNull();
    expect(seen('sft', 'loss', falling(400, [4, 0.2], 0.9))).toBeNull();
  });

  it('of one bad batch is none', () => {
    const values = falling(200, [4, 0.2]);
    values[90] = 40;
    values[91] = 40;
    expect(seen('sft', 'loss', values)).toBeNull();
  });

  it('that rises far above its beginning is seen, with the step before which all was well', () => {
    // From step 6 on it grows by one nat a step.
    const values = [...falling(6, [4, 3], 0), ...range(20, (index) => 4 + index)];
    const found = seen('sft', 'loss', values)!;
    expect(found).toMatchObject({ stage: 'sft', kind: 'loss', step: 10 });
    expect(found.since).toBeLessThanOrEqual(6);
    expect(found.sentence).toBe(
      'The loss is far above where it has been: 6 (the middle of its last 5 steps) after step 11 of sft, ' +
        '3.14 over its first 8; above 5.2 it is taken to run away.',
    );
    expect(found.curve).toEqual(values.slice(0, 11).map((value, index) => [index, value]));
  });

  it('that loses what was learnt is seen before it is above its beginning', () => {
    const values = [...falling(300, [4, 0.2], 0.1), ...range(10, () => 3)];
    const found = seen('sft', 'loss', values)!;
    expect(found.step).toBe(302);
    expect(found.value).toBeLessThan(values[0]);
    expect(found.since).toBeGreaterThan(285);
    expect(found.since).toBeLessThanOrEqual(300);
    expect(found.curve.length).toBeLessThanOrEqual(60);
    expect([found.curve[0][0], found.curve.at(-1)]).toEqual([0, [302, 3]]);
  });

  it('that runs away from the very first step is not its own measure', () => {
    expect(
      seen(
        'sft',
        'loss',
        range(12, (index) => 2 + 3 * index),
      )!.step,
    ).toBe(5);
  });
});

describe('other gauges', () => {
  it('gradient: a slow rise is ordinary, a tenfold one is not', () => {
    expect(
      seen(
        'sft',
        'gradient',
        range(600, (step) => 0.4 + step / 200),
      ),
    ).toBeNull();
    const found = seen('sft', 'gradient', [
      ...range(60, () => 0.5),
      ...range(40, (step) => 0.5 * 1.5 ** step),
    ])!;
    expect(found.kind).toBe('gradient');
    expect(found.sentence).toMatch(
      /^The gradient is running away: .* after step \d+ of sft, 0\.5 over its first 20; above 5 /,
    );
    expect(found.since).toBeGreaterThanOrEqual(50);
  });

  it('kl: up to 2 nats', () => {
    expect(
      seen(
        'popo',
        'kl',
        range(60, (step) => step / 40),
      ),
    ).toBeNull();
    // One token's ratio can be anything.
    expect(
      seen(
        'popo',
        'kl',
        range(60, (step) => (step % 9 === 8 ? 30 : 0.1)),
      ),
    ).toBeNull();
    const found = seen(
      'popo',
      'kl',
      range(60, (step) => step / 10),
    )!;
    expect(found).toMatchObject({ kind: 'kl', step: 22, bound: 2 });
    expect(found.sentence).toMatch(/^The model has gone far from SFT: 2\.1 .* after step 23 of popo/);
  });

  it('entropy: down to a twentieth', () => {
    expect(seen('popo', 'entropy', falling(60, [0.26, 0.1]))).toBeNull();
    const found = seen('popo', 'entropy', [...range(20, () => 0.26), ...range(20, () => 0.005)])!;
    expect(found).toMatchObject({ kind: 'entropy', step: 22 });
    expect(found.bound).toBeCloseTo(0.013, 9);
    // A policy that was certain from the first has nothing to lose.
    expect(seen('popo', 'entropy', [...range(20, () => 0.015), ...range(20, () => 0)])).toBeNull();
  });

  it('valid: a policy that breaks in its second step is seen two steps later', () => {
    // Of a run of tiny at 100 times its learning rate, without KL.
    const found = seen('popo', 'valid', [0.98, 0.02, 0, 0, 0])!;
    expect(found).toMatchObject({ kind: 'valid', step: 3, since: 0, value: 0 });
    expect(found.sentence).toMatch(/^The answers are not well formed any more: 0 .* after step 4 of popo/);
    expect(seen('popo', 'valid', [0.9, 0.7, 0.5, 0.4, 0.4, 0.3, 0.3])).toBeNull();
    // One that never wrote an answer cannot lose the form.
    expect(seen('popo', 'valid', [0.1, 0, 0, 0, 0])).toBeNull();
  });

  it('answers: one point of the held-out curve is enough', () => {
    const gauge = (values: number[]) => ({ answers: { values, steps: values.map((_, at) => 15 * at - 1) } });
    expect(divergenceOf('popo', gauge([27, 26, 25, 20]), new Set())).toBeNull();
    const found = divergenceOf('popo', gauge([27, 25, 3]), new Set())!;
    expect(found).toMatchObject({ kind: 'answers', step: 29, value: 3, began: 27 });
    expect(found.sentence).toBe(
      'Different users get the same few answers: 3 after step 30 of popo, 27 at the beginning; below 4.05 it is taken to run away.',
    );
    // Where SFT gave the same few answers, alignment has not collapsed.
    expect(divergenceOf('popo', gauge([5, 1]), new Set())).toBeNull();
  });

  it('are asked of once where somebody has decided to live with them', () => {
    const values = range(60, (step) => step / 10);
    expect(seen('popo', 'kl', values, ['kl'])).toBeNull();
    const both: StageGauges = { kl: { values }, loss: { values: range(30, (index) => 1 + 3 * index) } };
    expect(divergenceOf('popo', both, new Set())?.kind).toBe('loss');
    expect(divergenceOf('popo', both, new Set(['loss']))?.kind).toBe('kl');
  });

  it('numbers that are not finite are told by the step, and what led there is not trusted', () => {
    const gauges = { loss: { values: [1, 2, Number.POSITIVE_INFINITY] } };
    expect(notFinite('sft', 30, gauges, 'Step 31 of sft is not finite.')).toEqual({
      stage: 'sft',
      kind: 'not-finite',
      step: 30,
      since: 22,
      value: null,
      began: null,
      bound: null,
      curve: [
        [0, 1],
        [1, 2],
      ],
      sentence: 'Step 31 of sft is not finite.',
    });
  });
});
