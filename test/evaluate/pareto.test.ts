import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aboveSide,
  dominates,
  hullArea,
  hullSides,
  hypervolume,
  sideBeside,
  staircase,
  upperHull,
} from '../../src/evaluate/pareto';

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

describe('the hull', () => {
  it('has corners alone: none on a chord, none twice, none that another is better than', () => {
    expect(upperHull([])).toEqual([]);
    expect(upperHull([[3, 4]])).toEqual([[3, 4]]);
    expect(
      upperHull([
        [2, 2],
        [2, 2],
      ]),
    ).toEqual([[2, 2]]);
    // (2, 2) lies on the chord of (0, 4) and (4, 0); (1, 1) is worse than it.
    expect(
      upperHull([
        [2, 2],
        [4, 0],
        [1, 1],
        [0, 4],
      ]),
    ).toEqual([
      [0, 4],
      [4, 0],
    ]);
    expect(
      upperHull([
        [0, 4],
        [3, 3],
        [4, 0],
        [1, 3],
      ]),
    ).toEqual([
      [0, 4],
      [3, 3],
      [4, 0],
    ]);
    // As high or as far right as a corner, but worse in the other.
    expect(
      upperHull([
        [0, 4],
        [2, 4],
        [3, 1],
        [3, 0],
      ]),
    ).toEqual([
      [2, 4],
      [3, 1],
    ]);
  });

  it('covers the triangles between the steps of the staircase too', () => {
    expect(hullArea([], [0, 0])).toBe(0);
    expect(hullArea([[3, 4]], [1, 1])).toBe(2 * 3);
    expect(
      hullArea(
        [
          [0, 4],
          [4, 0],
        ],
        [0, 0],
      ),
    ).toBe(8);
    expect(
      hullArea(
        [
          [1, 3],
          [3, 1],
        ],
        [0, 0],
      ),
    ).toBe(3 + 2 * 2 + 0);
    expect(
      hullArea(
        [
          [1, 3],
          [3, 1],
          [2, 2],
        ],
        [0, 0],
      ),
    ).toBe(7);
    expect(
      hullArea(
        [
          [1, 3],
          [3, 1],
          [3, 3],
        ],
        [0, 0],
      ),
    ).toBe(9);
  });

  it('counts of a chord what lies beyond the reference, whether its ends do or not', () => {
    // From (0, 4) to (4, 0): above (1, 1) a triangle of sides 2 and 2 is left.
    expect(
      hullArea(
        [
          [0, 4],
          [4, 0],
        ],
        [1, 1],
      ),
    ).toBe(2);
    expect(
      hypervolume(
        [
          [0, 4],
          [4, 0],
        ],
        [1, 1],
      ),
    ).toBe(0);
    // The one end is beyond: at x = 1 the chord from (0, 4) to (3, 1) is at 3.
    expect(
      hullArea(
        [
          [0, 4],
          [3, 1],
        ],
        [1, 0.5],
      ),
    ).toBe(2 * 0.5 + 2);
    expect(
      hullArea(
        [
          [0, 2],
          [2, 0],
        ],
        [1, 1],
      ),
    ).toBe(0);
    expect(
      hullArea(
        [
          [0, 9],
          [9, 0],
        ],
        [5, 5],
      ),
    ).toBe(0);
    expect(hullArea([[5, 0]], [1, 1])).toBe(0);
  });

  it('is at least the staircase, and what a fine coin can reach', () => {
    fc.assert(
      fc.property(plane, fc.tuple(value, value), (points, reference) => {
        const area = hullArea(points, reference);
        expect(area).toBeGreaterThanOrEqual(hypervolume(points, reference) - 1e-9);
        const tossed = points.flatMap((a) =>
          points.flatMap((b) =>
            Array.from({ length: 257 }, (_, i): [number, number] => [
              a[0] + ((b[0] - a[0]) * i) / 256,
              a[1] + ((b[1] - a[1]) * i) / 256,
            ]),
          ),
        );
        const reached = hypervolume(tossed, reference);
        expect(reached).toBeLessThanOrEqual(area + 1e-9);
        expect(reached).toBeGreaterThan(area - 0.3);
      }),
      { numRuns: 40 },
    );
  });

  it('is beaten and missed by the same area just above and just below a side', () => {
    const sides = hullSides(
      [
        [0, 4],
        [4, 0],
      ],
      [0, 0],
    );
    expect(sides).toHaveLength(3);
    const above = (point: [number, number]) => aboveSide(point, sides[sideBeside(point, sides)]);
    const at = (d: number) => above([2 + d, 2 + d]);
    expect(at(0)).toBe(0);
    expect(at(0.5)).toBe(2);
    expect(at(-0.5)).toBe(-2);
    // Both are triangles upon the chord, whose base is 4√2.
    expect(at(0.25)).toBeCloseTo((4 * Math.SQRT2 * 0.25 * Math.SQRT2) / 2, 12);
    // A corner is on the hull, and whoever is beside it is not.
    expect(above([0, 4])).toBe(0);
    expect(above([0, 3])).toBeLessThan(0);
  });

  it('has a side for each two corners, and those that lead to the reference', () => {
    const corners: [number, number][] = [
      [1, 4],
      [3, 3],
      [4, 1],
    ];
    const sides = hullSides(corners, [0.5, 0.5]);
    expect(sides.map(([a]) => a)).toEqual([[0.5, 4], ...corners]);
    expect(sides.at(-1)).toEqual([
      [4, 1],
      [4, 0.5],
    ]);
    // Higher than the highest, further right than the furthest, and above or below what lies between.
    expect(
      [
        [1, 4.1],
        [2, 4],
        [4, 2.5],
        [4.1, 1],
        [3, 2.9],
      ].map((point) => sideBeside(point as [number, number], sides)),
    ).toEqual([0, 1, 2, 3, 2]);
    // Two corners that are one leave no side between them.
    const twice = hullSides([corners[0], corners[0]], [0, 0]);
    expect(sideBeside([1, 4.1], twice)).toBe(0);
    expect(sideBeside([1.1, 3], twice)).toBe(2);
  });
});

describe('the staircase', () => {
  it('goes level and down by turns, and encloses what its points cover', () => {
    fc.assert(
      fc.property(plane, fc.tuple(value, value), (points, reference) => {
        const corners = staircase(points, reference);
        const [left, floor] = reference;
        // By strips below its level parts.
        let area = 0;
        for (const [index, [x, y]] of corners.slice(1).entries()) {
          const [fromX, fromY] = corners[index];
          expect(index % 2 === 0 ? y === fromY && x > fromX : x === fromX && y < fromY).toBe(true);
          area += (x - fromX) * (y - floor);
        }
        expect(area).toBe(hypervolume(points, reference));
        if (corners.length === 0) return;
        expect(corners[0][0]).toBe(left);
        expect(corners.at(-1)![1]).toBe(floor);
        // Its outer corners are points that nothing is better than.
        for (const [x, y] of corners.slice(1).filter((_, index) => index % 2 === 0)) {
          expect(points.some(([a, b]) => a === x && b === y)).toBe(true);
          expect(points.some((point) => dominates(point, [x, y]))).toBe(false);
        }
      }),
    );
  });
});
