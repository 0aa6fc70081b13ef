/**
 * Where each weighting ends in (L3, CTCVR): the staircase of what the fixed weights cover one by one, and the hull of these and SFT dashed, which
 * is what tossing a coin between two of them comes to and what a rule is to go beyond.
 */
import { useId } from 'preact/hooks';
import { staircase, upperHull } from '../../evaluate/pareto';
import type { Front, FrontPoint } from '../../study/front';
import { METHODS, SWEEP } from '../../study/methods';
import { ticks } from '../charts/ticks';
import '../styles/charts.css';

const WIDTH = 340;
const HEIGHT = 300;
const LEFT = 40;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 36;
/** Between lines of names. */
const LINE = 12;

type PlotPoint = Pick<FrontPoint, 'method' | 'Category_L3_ACC' | 'CTCVR'>;

interface Named {
  name: string;
  x: number;
  y: number;
  /** Baseline of the name, moved off others of its side. */
  at: number;
  isLeft: boolean;
}

/** Means over the same number of seeds alone: those of methods with fewer would differ by their worlds. */
export function FrontPlot({ front }: { front: Front }) {
  const id = useId();
  const seeds = Math.max(...front.points.map((point) => point.seeds));
  const points = front.points.filter((point) => point.seeds === seeds);
  const start = front.start?.seeds === seeds ? { ...front.start, method: 'SFT' } : null;
  const all = start === null ? points : [...points, start];
  const [x0, x1] = extent(all.map((point) => point.Category_L3_ACC));
  const [y0, y1] = extent(all.map((point) => point.CTCVR));
  const px = (x: number) => LEFT + ((x - x0) / (x1 - x0)) * (WIDTH - LEFT - RIGHT);
  const py = (y: number) => HEIGHT - BOTTOM - ((y - y0) / (y1 - y0)) * (HEIGHT - TOP - BOTTOM);
  const sweep = SWEEP.flatMap(({ name }) => points.find(({ method }) => method === name) ?? []);
  const isWhole = start !== null && sweep.length === SWEEP.length;
  const hull = isWhole ? upperHull([...sweep, start].map(placeOf)) : [];
  // To the frame's edges, since all that is less is covered too.
  const steps = staircase(sweep.map(placeOf), [x0, y0]);
  const line = (corners: readonly (readonly [number, number])[]) =>
    corners.map(([x, y]) => `${px(x)},${py(y)}`).join(' ');
  const made = new Set(METHODS.flatMap(({ name, derived }) => (derived === undefined ? [] : [name])));
  const named = names(all, px, py);
  const fewer = front.points.length - points.length;
  return (
    <figure class="front-plot">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby={`${id}-title ${id}-desc`}>
        <title id={`${id}-title`}>L3 hit rate against CTCVR after RL, by how rewards are weighed</title>
        <desc id={`${id}-desc`}>
          {all
            .map((point) => `${point.method}: ${point.Category_L3_ACC.toFixed(3)}, ${point.CTCVR.toFixed(3)}`)
            .join('; ')}
        </desc>
        <rect
          x={LEFT}
          y={TOP}
          width={WIDTH - LEFT - RIGHT}
          height={HEIGHT - TOP - BOTTOM}
          class="plot-frame"
        />
        {ticks(x0, x1).map(({ at: x, label }) => (
          <g key={x}>
            <line x1={px(x)} x2={px(x)} y1={TOP} y2={HEIGHT - BOTTOM} class="plot-grid" />
            <text x={px(x)} y={HEIGHT - BOTTOM + 14} text-anchor="middle" class="plot-tick">
              {label}
            </text>
          </g>
        ))}
        {ticks(y0, y1).map(({ at: y, label }) => (
          <g key={y}>
            <line x1={LEFT} x2={WIDTH - RIGHT} y1={py(y)} y2={py(y)} class="plot-grid" />
            <text x={LEFT - 5} y={py(y) + 3.5} text-anchor="end" class="plot-tick">
              {label}
            </text>
          </g>
        ))}
        <text x={WIDTH - RIGHT} y={HEIGHT - 5} text-anchor="end" class="plot-label semantic-fill">
          L3 hit rate →
        </text>
        <text x={LEFT + 6} y={TOP + 14} class="plot-label id-fill">
          ↑ CTCVR
        </text>
        <polyline class="front-steps" points={line(steps)} />
        <polyline class="front-hull" points={line(hull)} />
        {named.map(({ name, x, y, at, isLeft }) => (
          <g key={name}>
            <line x1={x} y1={y} x2={x + (isLeft ? -8 : 8)} y2={at - 3.5} class="front-leader" />
            <circle
              cx={x}
              cy={y}
              r="4"
              class={
                sweep.some(({ method }) => method === name)
                  ? 'front-fixed'
                  : made.has(name)
                    ? 'front-made'
                    : 'plot-landmark'
              }
            />
            <text
              x={x + (isLeft ? -10 : 10)}
              y={at}
              text-anchor={isLeft ? 'end' : 'start'}
              class="front-name"
            >
              {name}
            </text>
          </g>
        ))}
      </svg>
      <figcaption class="plot-note">
        Means over {seeds} {seeds === 1 ? 'seed' : 'seeds'}.
        {steps.length > 0 && ' Steps: what the fixed weights cover one by one.'}
        {hull.length > 0 &&
          ' Dashed: the hull of these and SFT, all of which a coin tossed between two models reaches.'}
        {points.some(({ method }) => made.has(method)) && ' Hollow: made from other runs without training.'}
        {fewer > 0 && ` ${fewer} with fewer seeds are left out.`}
      </figcaption>
    </figure>
  );
}

const placeOf = (point: PlotPoint) => [point.Category_L3_ACC, point.CTCVR] as const;

/** Names beside their points, each side's at least a line apart. */
function names(points: readonly PlotPoint[], px: (x: number) => number, py: (y: number) => number): Named[] {
  const placed = points
    .map((point): Named => {
      const [x, y] = [px(point.Category_L3_ACC), py(point.CTCVR)];
      return { name: point.method, x, y, at: y + 3.5, isLeft: x > (LEFT + WIDTH - RIGHT) / 2 };
    })
    .sort((a, b) => a.y - b.y);
  for (const side of [true, false]) {
    const own = placed.filter(({ isLeft }) => isLeft === side);
    own.forEach((name, index) => {
      if (index > 0) name.at = Math.max(name.at, own[index - 1].at + LINE);
    });
    // What was moved below the frame moves up again, and those above it with it.
    let floor = HEIGHT - BOTTOM - 3;
    for (const name of own.toReversed()) {
      name.at = Math.min(name.at, floor);
      floor = name.at - LINE;
    }
  }
  return placed;
}

function extent(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const slack = Math.max((high - low) * 0.15, 0.005);
  return [low - slack, high + slack];
}
