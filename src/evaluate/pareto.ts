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

/**
 * The edge of what points cover one by one, by its corners: from `reference` up to the height of the highest, to the right and down by steps, to
 * the furthest right and down. `hypervolume` is the area below it. Empty where no point is beyond the reference in both.
 */
export function staircase(points: readonly PlanePoint[], [left, floor]: PlanePoint): PlanePoint[] {
  const beyond = points.filter(([x, y]) => x > left && y > floor);
  // From the highest on, those that are further right than all before them.
  const outer = [...beyond]
    .sort((a, b) => b[1] - a[1] || b[0] - a[0])
    .filter(([x], index, all) => all.slice(0, index).every((higher) => higher[0] < x));
  if (outer.length === 0) return [];
  return [
    [left, outer[0][1]],
    ...outer.flatMap(([x, y], index): PlanePoint[] => [
      [x, y],
      [x, outer[index + 1]?.[1] ?? floor],
    ]),
  ];
}

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
 * The sides of a hull, from above the reference, by its corners as they are given, to the furthest right and down: as many for every
 * measurement of the same corners.
 */
export function hullSides(
  corners: readonly PlanePoint[],
  [left, floor]: PlanePoint,
): [PlanePoint, PlanePoint][] {
  const [first] = corners;
  const last = corners[corners.length - 1];
  const line: PlanePoint[] = [
    [Math.min(left, first[0]), first[1]],
    ...corners,
    [last[0], Math.min(floor, last[1])],
  ];
  return line.slice(1).map((end, index) => [line[index], end]);
}

/** The area of the triangle of a point and a side of a hull; less than 0 for one below the line of the side. */
export function aboveSide(point: PlanePoint, [a, b]: readonly [PlanePoint, PlanePoint]): number {
  return cross(a, b, point) / 2;
}

/** Which of a hull's sides a point is furthest above, or least below. */
export function sideBeside(point: PlanePoint, sides: readonly (readonly [PlanePoint, PlanePoint])[]): number {
  const distances = sides.map((side) => {
    const length = Math.hypot(side[1][0] - side[0][0], side[1][1] - side[0][1]);
    return length > 0 ? aboveSide(point, side) / length : Number.NEGATIVE_INFINITY;
  });
  return distances.indexOf(Math.max(...distances));
}
