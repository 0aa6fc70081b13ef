/** The triangle in which the weights of three rewards are dragged. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CORNERS, HEIGHT, pointOf, weightsAt } from '../../src/app/parts/triangle';

it('has all weight at a corner, equal weights in the middle, and halves in the middle of a side', () => {
  expect(pointOf([1, 0, 0])).toEqual({ x: 0.5, y: 0 });
  expect(pointOf([0, 1, 0])).toEqual({ x: 0, y: HEIGHT });
  expect(pointOf([0, 0, 1])).toEqual({ x: 1, y: HEIGHT });
  expect(pointOf([1 / 3, 1 / 3, 1 / 3]).y).toBeCloseTo((2 / 3) * HEIGHT, 12);
  expect(pointOf([0, 0.5, 0.5])).toEqual({ x: 0.5, y: HEIGHT });
  expect(CORNERS.map(pointLengths)).toEqual([
    [1, 1],
    [1, 1],
    [1, 1],
  ]);
});

it('reads the weights of each of its points back', () => {
  fc.assert(
    fc.property(fc.tuple(share(), share(), share()), ([a, b, c]) => {
      const sum = a + b + c;
      const weights = [a / sum, b / sum, c / sum];
      weightsAt(pointOf(weights)).forEach((weight, k) => {
        expect(weight).toBeCloseTo(weights[k], 10);
      });
    }),
  );
});

it('takes the nearest of its points for one outside', () => {
  // Beyond a corner it is the corner, beyond a side the foot of the perpendicular.
  expect(weightsAt({ x: 0.5, y: -3 })).toEqual([1, 0, 0]);
  expect(weightsAt({ x: -2, y: HEIGHT + 0.3 })).toEqual([0, 1, 0]);
  const foot = weightsAt({ x: 0.25, y: HEIGHT + 0.4 });
  [0, 0.75, 0.25].forEach((weight, k) => {
    expect(foot[k]).toBeCloseTo(weight, 12);
  });
  fc.assert(
    fc.property(
      fc.double({ min: -2, max: 3, noNaN: true }),
      fc.double({ min: -2, max: 3, noNaN: true }),
      (x, y) => {
        const weights = weightsAt({ x, y });
        expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
        // No point of a grid over the triangle is nearer.
        const near = pointOf(weights);
        const distance = Math.hypot(near.x - x, near.y - y);
        for (let i = 0; i <= 20; i++)
          for (let j = 0; i + j <= 20; j++) {
            const other = pointOf([i / 20, j / 20, 1 - (i + j) / 20]);
            expect(Math.hypot(other.x - x, other.y - y)).toBeGreaterThanOrEqual(distance - 1e-9);
          }
      },
    ),
    { numRuns: 40 },
  );
});

const share = () => fc.double({ min: 0.01, max: 1, noNaN: true });

/** To the two other corners. */
function pointLengths(corner: { x: number; y: number }): number[] {
  return CORNERS.filter((other) => other !== corner).map((other) =>
    Number(Math.hypot(other.x - corner.x, other.y - corner.y).toFixed(12)),
  );
}
