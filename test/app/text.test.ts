import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ago, count, duration, percent, short } from '../../src/app/format';
import { parts, promptParts } from '../../src/app/samples';
import { ticks } from '../../src/app/tradeoff';

describe('numbers', () => {
  it('reads durations as people say them', () => {
    expect([0.2, 4.4, 60, 80, 754, 3900].map(duration)).toEqual([
      '< 1 s',
      '4 s',
      '1 min',
      '1 min 20 s',
      '13 min',
      '1 h 05 min',
    ]);
    expect(duration(Number.NaN)).toBe('–');
  });

  it('rounds to what an eye takes in', () => {
    expect([0, 0.51234, 3.456, 12.345, 1234.5, -0.25, 2e-5, null].map(short)).toEqual([
      '0',
      '0.512',
      '3.46',
      '12.3',
      '1\u202f235',
      '−0.250',
      '2.0e−5',
      '–',
    ]);
    expect(percent(0.3271)).toBe('32.7 %');
    expect(count(1_234_567)).toBe('1\u202f234\u202f567');
    expect(ago(0, 7_200_000)).toBe('2 h ago');
  });

  it('puts round ticks inside any range', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        (low, size) => {
          const found = ticks(low, low + size);
          expect(found.length).toBeGreaterThanOrEqual(1);
          expect(found.length).toBeLessThanOrEqual(6);
          for (const tick of found) {
            expect(tick).toBeGreaterThanOrEqual(low - 1e-9);
            expect(tick).toBeLessThanOrEqual(low + size + 1e-9);
          }
        },
      ),
    );
  });
});

describe('what the model said', () => {
  it('splits thought, title and categories', () => {
    expect(parts('<think> saw cribs </think><answer> light stroller <sep> Baby <sep> Out </answer>')).toEqual(
      {
        think: 'saw cribs',
        title: 'light stroller',
        path: ['Baby', 'Out'],
      },
    );
  });

  it('takes what was cut short, and what was never well formed', () => {
    expect(parts('<think> saw cri')).toEqual({ think: 'saw cri', title: '(no answer)', path: [] });
    expect(parts('stroller')).toEqual({ think: null, title: 'stroller', path: [] });
    expect(parts('')).toEqual({ think: null, title: '(no answer)', path: [] });
    expect(parts('<answer> lamp')).toEqual({ think: null, title: 'lamp', path: [] });
  });

  it('splits a prompt into who and what', () => {
    expect(promptParts('young parent <sep> oak crib <sep> lamp')).toEqual({
      profile: 'young parent',
      behaviours: ['oak crib', 'lamp'],
    });
  });
});
