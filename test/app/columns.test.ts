import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Columns, smoothed, thinned } from '../../src/app/state/columns';

describe('Columns', () => {
  it('grows past its first capacity and keeps every row', () => {
    const columns = new Columns(['a', 'b']);
    for (let i = 0; i < 1000; i++) columns.push(i, [i * 2, i % 3 === 0 ? Number.NaN : -i]);
    expect(columns.length).toBe(1000);
    expect(columns.column('a')[999]).toBe(1998);
    expect(columns.last('b')).toBe(-998);
  });

  it('rewinds when a resumed run repeats steps', () => {
    const columns = new Columns(['a']);
    for (const x of [0, 1, 2, 3]) columns.push(x, [x]);
    columns.push(2, [20]);
    columns.push(3, [30]);
    expect([...columns.xs()]).toEqual([0, 1, 2, 3]);
    expect([...columns.column('a')]).toEqual([0, 1, 20, 30]);
  });

  it('gives what was last measured at or before a step, and where', () => {
    const columns = new Columns(['dense', 'sparse']);
    for (let x = 0; x < 20; x += 2) columns.push(x, [x, x % 8 === 0 ? x * 10 : Number.NaN]);
    expect(columns.at('sparse', 15)).toEqual({ x: 8, value: 80 });
    expect(columns.at('sparse', 16)).toEqual({ x: 16, value: 160 });
    expect(columns.at('dense', 15)).toEqual({ x: 14, value: 14 });
    expect(columns.at('dense', -1)).toBeNull();
    // Before its first value a series shows that one, so that pointing there blanks nothing.
    expect(columns.nearest('sparse', 15)).toEqual({ x: 8, value: 80 });
    expect(columns.nearest('dense', -1)).toEqual({ x: 0, value: 0 });
    expect(new Columns(['a']).nearest('a', 3)).toBeNull();
    expect(columns.indexAt(Number.POSITIVE_INFINITY)).toBe(9);
    expect(new Columns(['a']).at('a', 3)).toBeNull();
  });

  it('names the columns it has when asked for another', () => {
    expect(() => new Columns(['loss']).column('kl')).toThrow(/No column named kl; there are loss/);
  });
});

describe('smoothed', () => {
  it('leaves a constant alone from the first value on, and stays within the range of its input', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 50 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, rate) => {
          const out = smoothed(Float64Array.from(values), rate);
          expect(out[0]).toBeCloseTo(values[0], 9);
          for (const v of out) {
            expect(v).toBeGreaterThanOrEqual(Math.min(...values) - 1e-9);
            expect(v).toBeLessThanOrEqual(Math.max(...values) + 1e-9);
          }
        },
      ),
    );
  });

  it('skips gaps', () => {
    const out = smoothed(Float64Array.of(1, Number.NaN, 1), 0.5);
    expect(out[0]).toBe(1);
    expect(out[1]).toBeNaN();
    expect(out[2]).toBe(1);
  });
});

describe('thinned', () => {
  it('keeps the extremes, never more than two points a bucket, x ascending', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 1, max: 40 }),
        (values, buckets) => {
          const y = Float64Array.from(values);
          const x = y.map((_, i) => i);
          const [xs, ys] = thinned(x, [y], buckets);
          expect(xs.length).toBeLessThanOrEqual(Math.max(2 * buckets, 1));
          expect(ys.length).toBe(xs.length);
          for (let i = 1; i < xs.length; i++) expect(xs[i]).toBeGreaterThanOrEqual(xs[i - 1]);
          expect(Math.max(...(ys as number[]))).toBe(Math.max(...values));
          expect(Math.min(...(ys as number[]))).toBe(Math.min(...values));
        },
      ),
    );
  });

  it('shows a gap as null', () => {
    expect(thinned(Float64Array.of(0, 1), [Float64Array.of(Number.NaN, 3)], 10)).toEqual([
      [0, 1],
      [null, 3],
    ]);
  });
});
