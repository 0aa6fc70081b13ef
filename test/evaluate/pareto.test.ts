import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dominates, hypervolume } from '../../src/evaluate/pareto';

const value = fc.integer({ min: 0, max: 8 });
const plane = fc.array(fc.tuple(value, value), { maxLength: 12 });
const space = fc.array(fc.tuple(value, value, value), { maxLength: 12 });

/** Area by counting unit cells: exact for whole-number points. */
function cells(points: [number, number][], [rx, ry]: [number, number]): number {
  let area = 0;
  for (let x = rx; x < 8; x++) {
    for (let y = ry; y < 8; y++) if (points.some(([px, py]) => px > x && py > y)) area++;
  }
  return area;
}

describe('domination', () => {
  it('is to be as good everywhere and better somewhere', () => {
    expect(dominates([1, 2], [1, 2])).toBe(false);
    expect(dominates([1, 2], [0, 2])).toBe(true);
    expect(dominates([0, 2], [1, 2])).toBe(false);
    expect(dominates([2, 0, 1], [1, 2, 0])).toBe(false);
  });

  it('orders points in part: never both ways, and through a third', () => {
    fc.assert(
      fc.property(space, (points) => {
        for (const a of points) {
          for (const b of points) {
            if (!dominates(a, b)) continue;
            expect(dominates(b, a)).toBe(false);
            for (const c of points) if (dominates(b, c)) expect(dominates(a, c)).toBe(true);
          }
        }
      }),
    );
  });
});

describe('hypervolume', () => {
  it('is the area that the points dominate', () => {
    fc.assert(
      fc.property(plane, fc.tuple(value, value), (points, reference) => {
        expect(hypervolume(points, reference)).toBe(cells(points, reference));
      }),
    );
  });

  it('depends on the front alone and grows with it', () => {
    fc.assert(
      fc.property(plane, fc.tuple(value, value), (points, extra) => {
        const front = points.filter((point) => !points.some((other) => dominates(other, point)));
        expect(hypervolume(front, [0, 0])).toBe(hypervolume(points, [0, 0]));
        expect(hypervolume([...points, extra], [0, 0])).toBeGreaterThanOrEqual(hypervolume(points, [0, 0]));
      }),
    );
  });
});
