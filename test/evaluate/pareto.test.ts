import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dominates, hypervolume, paretoFront } from '../../src/evaluate/pareto';

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

describe('paretoFront', () => {
  it('holds points that nothing dominates, and something on it dominates every other', () => {
    fc.assert(
      fc.property(space, (points) => {
        const front = paretoFront(points);
        for (const a of front) for (const b of front) expect(dominates(points[a], points[b])).toBe(false);
        points.forEach((point, index) => {
          if (!front.includes(index)) expect(front.some((on) => dominates(points[on], point))).toBe(true);
        });
      }),
    );
  });

  it('keeps equal points, and nothing of nothing', () => {
    expect(
      paretoFront([
        [1, 2],
        [1, 2],
        [0, 2],
        [2, 0],
      ]),
    ).toEqual([0, 1, 3]);
    expect(paretoFront([])).toEqual([]);
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
        const front = paretoFront(points).map((index) => points[index]);
        expect(hypervolume(front, [0, 0])).toBe(hypervolume(points, [0, 0]));
        expect(hypervolume([...points, extra], [0, 0])).toBeGreaterThanOrEqual(hypervolume(points, [0, 0]));
      }),
    );
  });
});
