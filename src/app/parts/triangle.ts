/** Three weights that sum to 1 as a point of a triangle (barycentric coordinates), and back. */

/** x to the right, y downwards, in sides of the triangle. */
export interface Point {
  x: number;
  y: number;
}

/** Of an equilateral triangle with sides of 1. */
export const HEIGHT = Math.sqrt(3) / 2;

/** Where all weight is on the first (on top), the second (left) and the third (right). */
export const CORNERS: readonly [Point, Point, Point] = [
  { x: 0.5, y: 0 },
  { x: 0, y: HEIGHT },
  { x: 1, y: HEIGHT },
];

/** @param weights three that sum to 1 */
export function pointOf(weights: readonly number[]): Point {
  return {
    x: weights.reduce((sum, weight, k) => sum + weight * CORNERS[k].x, 0),
    y: weights.reduce((sum, weight, k) => sum + weight * CORNERS[k].y, 0),
  };
}

/** The weights of the point of the triangle that is nearest: a pointer may well be outside. */
export function weightsAt(point: Point): [number, number, number] {
  // In these coordinates the plane of the triangle is that of weights with sum 1, stretched alike in all directions,
  // so the nearest point of the triangle has the nearest weights.
  const first = 1 - point.y / HEIGHT;
  const third = point.x - first / 2;
  return nearestOfSimplex([first, 1 - first - third, third]);
}

/**
 * Euclidean projection on {w ≥ 0, Σw = 1}: what is negative after all have given the same is 0.
 * Held, E., Wolfe, P., Crowder, H. (1974), Validation of subgradient optimization.
 */
function nearestOfSimplex(weights: readonly [number, number, number]): [number, number, number] {
  const sorted = [...weights].sort((a, b) => b - a);
  let sum = 0;
  let given = 0;
  sorted.forEach((weight, k) => {
    sum += weight;
    const each = (sum - 1) / (k + 1);
    if (weight > each) given = each;
  });
  const [a, b, c] = weights;
  return [Math.max(0, a - given), Math.max(0, b - given), Math.max(0, c - given)];
}
