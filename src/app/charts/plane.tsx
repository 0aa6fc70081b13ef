/** A plane of two values, and the way of a run through it. */
import type { RewardName } from '../../popo/rewards';
import { type Columns, smoothed, smoothedMeans } from '../state/columns';
import { useSession } from '../state/context';
import type { RunView } from '../state/runView';
import { short } from '../words/format';
import { BEHIND_DASHES } from './chart';
import { ticks } from './ticks';
import '../styles/charts.css';

const SIZE = 320;
const LEFT = 44;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 40;
const SMOOTHING = 0.07;
/** Most vertices of the drawn path. */
const VERTICES = 160;

export interface PlanePoint {
  x: number;
  y: number;
  step: number;
}

/** The two rewards that are drawn: meaning and taste where a run has both, else its first two; null with only one. */
export function rewardAxes(rewards: readonly RewardName[]): [RewardName, RewardName] | null {
  if (rewards.includes('semantic') && rewards.includes('id')) return ['semantic', 'id'];
  return rewards.length > 1 ? [rewards[0], rewards[1]] : null;
}

/** Step by step, smoothed. */
export function rewardPath({ popo }: RunView, [x, y]: [RewardName, RewardName]): PlanePoint[] {
  return points(
    popo.xs(),
    smoothed(popo.column(`r_${x}`), SMOOTHING),
    smoothed(popo.column(`r_${y}`), SMOOTHING),
  );
}

/** Of a run that has each point as a mean of many steps already. */
export function meansPath(popo: Columns, [x, y]: [RewardName, RewardName]): PlanePoint[] {
  const mean = (name: RewardName) => smoothedMeans(popo.xs(), popo.column(`r_${name}`), SMOOTHING);
  return points(popo.xs(), mean(x), mean(y));
}

/** Of what was held out: L3 and CTCVR. */
export function heldoutPath({ heldout }: Pick<RunView, 'heldout'>): PlanePoint[] {
  return points(heldout.xs(), heldout.column('l3'), heldout.column('ctcvr'));
}

function points(steps: Float64Array, x: Float64Array, y: Float64Array): PlanePoint[] {
  const stride = Math.max(1, Math.ceil(steps.length / VERTICES));
  const path: PlanePoint[] = [];
  for (let i = 0; i < steps.length; i++) {
    if ((i % stride === 0 || i === steps.length - 1) && !Number.isNaN(x[i]) && !Number.isNaN(y[i])) {
      path.push({ x: x[i], y: y[i], step: steps[i] });
    }
  }
  return path;
}

interface PlotProps {
  path: PlanePoint[];
  /** Other runs' paths, broken as charts have them. */
  behind?: PlanePoint[][];
  landmarks: (PlanePoint & { label: string })[];
  /** Points of one model, in order: a curve through them, each with its label. */
  front?: (PlanePoint & { label: string })[];
  /** A place on that curve that somebody sets; its label is for whoever does not see it. */
  marked?: { x: number; y: number; label: string } | null;
  /** Of the axes, to the right and upwards. */
  names: [string, string];
  colors: [string, string];
  /** Whose pull the arrow shows; no arrow where null. */
  pull: [RewardName, RewardName] | null;
  empty: string;
}

/** A plane of two values, and the way through it. */
export function Plane(props: PlotProps) {
  const { path, behind = [], landmarks, front = [], marked = null, names, colors, pull, empty } = props;
  const session = useSession();
  const all = [...path, ...behind.flat(), ...landmarks, ...front];
  const [x0, x1] = extent(all.map(({ x }) => x));
  const [y0, y1] = extent(all.map(({ y }) => y));
  const px = (x: number) => LEFT + ((x - x0) / (x1 - x0)) * (SIZE - LEFT - RIGHT);
  const py = (y: number) => SIZE - BOTTOM - ((y - y0) / (y1 - y0)) * (SIZE - TOP - BOTTOM);
  const newest = path.at(-1);
  const hovered = session.view.hovered.value;
  const pointed = hovered === null ? undefined : path.findLast(({ step }) => step <= hovered);
  const summary =
    newest === undefined
      ? [...landmarks, ...front, ...(marked === null ? [] : [marked])]
          .map(({ label, x, y }) => `${label}: ${short(x)}, ${short(y)}`)
          .join('; ') || 'nothing yet'
      : `at step ${newest.step}, ${names[0]} ${short(newest.x)}, ${names[1]} ${short(newest.y)}`;
  return (
    <svg
      class="tradeoff-plot"
      viewBox={`0 0 ${SIZE} ${SIZE}`}
      role="img"
      aria-label={`${names[0]} against ${names[1]}: ${summary}`}
    >
      <rect x={LEFT} y={TOP} width={SIZE - LEFT - RIGHT} height={SIZE - TOP - BOTTOM} class="plot-frame" />
      {ticks(x0, x1).map(({ at: x, label }) => (
        <g key={x}>
          <line x1={px(x)} x2={px(x)} y1={TOP} y2={SIZE - BOTTOM} class="plot-grid" />
          <text x={px(x)} y={SIZE - BOTTOM + 14} text-anchor="middle" class="plot-tick">
            {label}
          </text>
        </g>
      ))}
      {ticks(y0, y1).map(({ at: y, label }) => (
        <g key={y}>
          <line x1={LEFT} x2={SIZE - RIGHT} y1={py(y)} y2={py(y)} class="plot-grid" />
          <text x={LEFT - 6} y={py(y) + 3.5} text-anchor="end" class="plot-tick">
            {label}
          </text>
        </g>
      ))}
      <text x={SIZE - RIGHT} y={SIZE - 6} text-anchor="end" class={`plot-label ${colors[0]}-fill`}>
        {names[0]} →
      </text>
      <text x={LEFT + 6} y={TOP + 16} class={`plot-label ${colors[1]}-fill`}>
        ↑ {names[1]}
      </text>
      {behind.map((other, at) => (
        <polyline
          key={at}
          points={other.map(({ x, y }) => `${px(x)},${py(y)}`).join(' ')}
          class="plot-behind"
          stroke-dasharray={BEHIND_DASHES[at % BEHIND_DASHES.length].join(' ')}
        />
      ))}
      {path.slice(1).map((to, index) => (
        <line
          key={to.step}
          x1={px(path[index].x)}
          y1={py(path[index].y)}
          x2={px(to.x)}
          y2={py(to.y)}
          class="plot-path"
          stroke-opacity={0.12 + 0.78 * ((index + 1) / path.length)}
        />
      ))}
      {path.length > 1 && (
        <>
          <circle cx={px(path[0].x)} cy={py(path[0].y)} r="4" class="plot-start" />
          <text x={px(path[0].x) + 8} y={py(path[0].y) + 14} class="plot-tick">
            start
          </text>
        </>
      )}
      {front.length > 0 && (
        <g class="plot-front">
          <polyline points={front.map(({ x, y }) => `${px(x)},${py(y)}`).join(' ')} />
          {front.map(({ x, y, label }) => (
            <g key={label}>
              <circle cx={px(x)} cy={py(y)} r="3.5" />
              <text x={px(x)} y={py(y) - 8} text-anchor="middle" class="plot-tick">
                {label}
              </text>
            </g>
          ))}
        </g>
      )}
      {landmarks.map(({ x, y, label }) => (
        <g key={label}>
          <circle cx={px(x)} cy={py(y)} r="5" class="plot-landmark" />
          <text
            x={px(x) > SIZE * 0.7 ? px(x) - 9 : px(x) + 9}
            y={py(y) + 4}
            text-anchor={px(x) > SIZE * 0.7 ? 'end' : 'start'}
            class="plot-name"
          >
            {label}
          </text>
        </g>
      ))}
      {newest !== undefined && (
        <>
          {pull !== null && <Pull x={px(newest.x)} y={py(newest.y)} of={pull} />}
          <circle cx={px(newest.x)} cy={py(newest.y)} r="5.5" class="plot-newest" />
        </>
      )}
      {marked !== null && <circle cx={px(marked.x)} cy={py(marked.y)} r="8" class="plot-marked" />}
      {pointed !== undefined && <circle cx={px(pointed.x)} cy={py(pointed.y)} r="7" class="plot-pointed" />}
      {all.length === 0 && (
        <text x={(LEFT + SIZE - RIGHT) / 2} y={SIZE / 2} text-anchor="middle" class="plot-empty">
          {empty}
        </text>
      )}
    </svg>
  );
}

/** The direction of the pull: how much of it is to the right, and how much upwards. */
function Pull({ x, y, of }: { x: number; y: number; of: [RewardName, RewardName] }) {
  const { popo } = useSession().view;
  const [right, up] = of.map((name) => popo.last(`pull_${name}`) ?? 0);
  if (right + up === 0) return null;
  const length = 44 / Math.hypot(right, up);
  const [dx, dy] = [right * length, -up * length];
  const angle = (Math.atan2(dy, dx) * 180) / Math.PI;
  return (
    <g class="plot-pull">
      <line x1={x} y1={y} x2={x + dx} y2={y + dy} />
      <path d="M0 0L-7 -3.5L-7 3.5z" transform={`translate(${x + dx} ${y + dy}) rotate(${angle})`} />
    </g>
  );
}

function extent(values: number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const slack = Math.max((high - low) * 0.16, 0.025);
  // More room towards the better corner: the arrow points there.
  return [Math.max(0, low - slack), high + 1.6 * slack];
}
