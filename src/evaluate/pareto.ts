/** Who dominates whom, among points whose every coordinate is better the larger. */

/** a is at least as good as b everywhere and better somewhere. */
export function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, k) => value >= b[k]) && a.some((value, k) => value > b[k]);
}

/**
 * Area that points of the plane dominate, down to and left of `reference`: exact, by a sweep over the first coordinate.
 * Points that do not exceed the reference in both coordinates add nothing.
 */
export function hypervolume(
  points: readonly (readonly [number, number])[],
  reference: readonly [number, number],
): number {
  const descending = points
    .filter(([x, y]) => x > reference[0] && y > reference[1])
    .sort((a, b) => b[0] - a[0] || b[1] - a[1]);
  let area = 0;
  let height = reference[1];
  for (const [x, y] of descending) {
    if (y <= height) continue;
    area += (x - reference[0]) * (y - height);
    height = y;
  }
  return area;
}

type PlanePoint = readonly [number, number];

/** Twice the area of the triangle, positive where the way a → b → c turns left. */
function cross(a: PlanePoint, b: PlanePoint, c: PlanePoint): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/**
 * Corners of the upper right of the points' convex hull, from the highest to the furthest right. Whoever tosses a coin between two models
 * at each request is on the chord between them, so all below this line is to be had for nothing. What lies on a chord is no corner, and of
 * equal points one is. Andrew's monotone chain (1979).
 */
export function upperHull(points: readonly PlanePoint[]): PlanePoint[] {
  const fromRight = [...points].sort((a, b) => b[0] - a[0] || b[1] - a[1]);
  const corners: PlanePoint[] = [];
  for (const point of fromRight) {
    if (corners.length > 0 && point[1] <= corners[corners.length - 1][1]) continue;
    while (corners.length > 1 && cross(corners[corners.length - 2], corners[corners.length - 1], point) <= 0)
      corners.pop();
    corners.push(point);
  }
  return corners.reverse();
}

/**
 * The upper edge of what the hull has beyond `reference`, cut where it leaves that: from above the reference, by the corners, to the
 * furthest right and down. Empty where nothing of it is beyond.
 */
function hullOutline(points: readonly PlanePoint[], [left, floor]: PlanePoint): PlanePoint[] {
  const corners = upperHull(points);
  if (corners.length === 0) return [];
  const [first] = corners;
  const last = corners[corners.length - 1];
  if (last[0] <= left || first[1] <= floor) return [];
  const line: PlanePoint[] = [[Math.min(left, first[0]), first[1]], ...corners, [last[0], floor]];
  const outline: PlanePoint[] = [];
  for (const [index, b] of line.entries()) {
    const a = line[index - 1] ?? b;
    if (a[0] < left && b[0] > left)
      outline.push([left, a[1] + ((b[1] - a[1]) * (left - a[0])) / (b[0] - a[0])]);
    if (b[0] >= left && b[1] > floor) outline.push(b);
    if (a[1] > floor && b[1] <= floor) {
      outline.push([a[0] + ((b[0] - a[0]) * (a[1] - floor)) / (a[1] - b[1]), floor]);
      break;
    }
  }
  // Where the line goes below the reference's height before it comes to its right, nothing is beyond.
  if (!outline.every(([x, y]) => x >= left && y >= floor)) return [];
  return outline.filter(
    ([x, y], index) => index === 0 || x !== outline[index - 1][0] || y !== outline[index - 1][1],
  );
}

function areaUnder(outline: readonly PlanePoint[], floor: number): number {
  return outline.reduce((sum, [x, y], index) => {
    if (index === 0) return 0;
    const [before, height] = outline[index - 1];
    return sum + ((x - before) * (y + height - 2 * floor)) / 2;
  }, 0);
}

/** Area under the hull, down to and left of `reference`. A chord counts also where one of its ends is not beyond the reference. */
export function hullArea(points: readonly PlanePoint[], reference: PlanePoint): number {
  return areaUnder(hullOutline(points, reference), reference[1]);
}

/**
 * How far a point is above the hull of others, as an area: what it adds to theirs; for one below, less the smallest triangle that it makes
 * with a side of the hull. Near a side both are the triangle with that side, so that noise alone comes to 0.
 */
export function aboveHull(point: PlanePoint, others: readonly PlanePoint[], reference: PlanePoint): number {
  const outline = hullOutline(others, reference);
  const added = hullArea([...others, point], reference) - areaUnder(outline, reference[1]);
  if (added > 0 || outline.length === 0) return Math.max(0, added);
  const triangles = outline.slice(1).map((end, index) => Math.abs(cross(outline[index], end, point)) / 2);
  return 0 - Math.min(...triangles);
}
