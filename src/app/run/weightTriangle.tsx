/** The weights of three rewards as a point that can be dragged, and the way on which a rule has taken them there. */
import type { RewardName } from '../../popo/rewards';
import { rewardLook } from '../charts/palette';
import { CORNERS, HEIGHT, pointOf, weightsAt } from '../parts/triangle';

/** Pixels of the drawing: a side, and the room around it for names. */
const SIDE = 190;
const ROOM = { x: 62, top: 24, bottom: 26 };
const WIDTH = SIDE + 2 * ROOM.x;

/** Most points of the way that are drawn: a line of more looks the same. */
const MOST = 200;

/**
 * @param weights three, as they stand
 * @param way the weights of each step so far, oldest first
 * @param onDrag while it is dragged; `done` once it is let go
 */
export function WeightTriangle(props: {
  rewards: readonly RewardName[];
  weights: readonly number[];
  way: readonly (readonly number[])[];
  onDrag(weights: number[], done: boolean): void;
}) {
  const { rewards, weights, way, onDrag } = props;
  const handle = drawn(weights);
  const every = Math.max(1, Math.ceil(way.length / MOST));
  const path = [...way.filter((_, i) => (way.length - 1 - i) % every === 0), weights];
  const drag = (event: PointerEvent, done: boolean) => {
    const { left, top, width } = (event.currentTarget as SVGSVGElement).getBoundingClientRect();
    const scale = WIDTH / width;
    onDrag(
      weightsAt({
        x: ((event.clientX - left) * scale - ROOM.x) / SIDE,
        y: ((event.clientY - top) * scale - ROOM.top) / SIDE,
      }),
      done,
    );
  };
  const isHeld = (event: PointerEvent) =>
    (event.currentTarget as SVGSVGElement).hasPointerCapture(event.pointerId);
  return (
    // The bars beneath are the same weights for keyboards and readers of screens.
    <svg
      class="weight-triangle"
      viewBox={`0 0 ${WIDTH} ${SIDE * HEIGHT + ROOM.top + ROOM.bottom}`}
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        drag(event, false);
      }}
      onPointerMove={(event) => isHeld(event) && drag(event, false)}
      onPointerUp={(event) => isHeld(event) && drag(event, true)}
      onPointerCancel={() => onDrag([...weights], true)}
    >
      <polygon points={CORNERS.map((corner) => at(toPixels(corner))).join(' ')} />
      {[1 / 3, 2 / 3].flatMap((level) =>
        [0, 1, 2].map((k) => (
          <polyline key={`${level} ${k}`} class="grid" points={levelLine(k, level).map(at).join(' ')} />
        )),
      )}
      <polyline class="way" points={path.map((one) => at(drawn(one))).join(' ')} />
      <circle cx={handle.x} cy={handle.y} r="8" />
      {rewards.map((name, k) => {
        const { x, y } = toPixels(CORNERS[k]);
        const { label, color } = rewardLook(name);
        return (
          <text key={name} x={x} y={k === 0 ? y - 9 : y + 18} class={color}>
            {label} {weights[k].toFixed(2)}
          </text>
        );
      })}
    </svg>
  );
}

/** Where the k-th weight has one value, from side to side. */
function levelLine(k: number, level: number): Pixels[] {
  return [1, 2].map((to) => {
    const weights = [0, 0, 0];
    weights[k] = level;
    weights[(k + to) % 3] = 1 - level;
    return drawn(weights);
  });
}

interface Pixels {
  x: number;
  y: number;
}

const drawn = (weights: readonly number[]): Pixels => toPixels(pointOf(weights));
const toPixels = ({ x, y }: Pixels): Pixels => ({ x: ROOM.x + x * SIDE, y: ROOM.top + y * SIDE });
const at = ({ x, y }: Pixels) => `${x.toFixed(1)},${y.toFixed(1)}`;
