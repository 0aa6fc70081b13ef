import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleToken } from '../../src/model/sample';

const logits = [0, 2, 1, 2, -1];
const draw = (temperature: number, topK: number, uniform: number) =>
  sampleToken(logits, temperature, topK, uniform).token;

describe('sampleToken', () => {
  it('takes the lowest id of equal largest logits at temperature 0', () => {
    expect(draw(0, 0, 0.99)).toBe(1);
  });

  it('keeps the lower id of equal logits at the edge of top-k', () => {
    for (const uniform of [0, 0.5, 0.999]) expect(draw(1, 1, uniform)).toBe(1);
    expect([0, 0.499, 0.5, 0.999].map((uniform) => draw(1, 2, uniform))).toEqual([1, 1, 3, 3]);
  });

  it('walks the kept ids in id order, not by their logits', () => {
    // Of ids 1, 2, 3 the third has more mass than the second.
    expect([0, 0.4, 0.5, 0.6, 0.9].map((uniform) => draw(1, 3, uniform))).toEqual([1, 1, 2, 3, 3]);
  });

  it('walks the CDF in id order, and a draw on a boundary belongs to the next id', () => {
    const even = [0, 0, 0, 0];
    const tokens = [0, 0.2499, 0.25, 0.5, 0.75, 0.9999].map((u) => sampleToken(even, 1, 0, u).token);
    expect(tokens).toEqual([0, 0, 1, 2, 3, 3]);
  });

  it('reports the untempered log-probability over the whole vocabulary', () => {
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    expect(sampleToken(logits, 0.3, 2, 0.9).logp).toBeCloseTo(2 - Math.log(total), 12);
  });

  it('never leaves the top-k, whatever the draw, and never takes a token of no mass', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.double({ min: 0.05, max: 5, noNaN: true }),
        fc.integer({ min: 0, max: 25 }),
        fc.integer({ min: 0, max: 2 ** 24 - 1 }),
        (values, temperature, topK, word) => {
          const { token } = sampleToken(values, temperature, topK, word / 2 ** 24);
          const above = values.filter(
            (value, id) => value > values[token] || (value === values[token] && id < token),
          );
          if (topK > 0) expect(above.length).toBeLessThan(topK);
          const mass = Math.exp((values[token] - Math.max(...values)) / temperature);
          expect(mass).toBeGreaterThan(0);
        },
      ),
    );
  });
});
