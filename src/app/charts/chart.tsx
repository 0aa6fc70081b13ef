/**
 * One small line chart on uPlot. Its legend is its heading: name, colour and current value of every line, which follow
 * the pointer. Charts over POPO steps share the pointer, so one sees what all of them said at the same step.
 */
import { useComputed, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { type Columns, smoothed, smoothedMeans, thinned } from '../state/columns';
import { useSession } from '../state/context';
import { short } from '../words/format';
import { type PaletteName, palette, whenPaletteChanges } from './palette';

export interface Line {
  column: string;
  label: string;
  color: PaletteName;
  /** Draws the raw values faintly and their moving average on top. */
  smooth?: boolean;
  dash?: number[];
}

/** How other runs are drawn, in their order; the legend over the charts says which is which. */
export const BEHIND_DASHES: readonly number[][] = [
  [2, 4],
  [8, 4],
  [2, 3, 8, 3],
  [14, 4],
  [2, 2, 2, 8],
];

interface ChartProps {
  title: string;
  columns: Columns;
  lines: readonly Line[];
  /** What stands in the frame while there is nothing to draw. */
  empty: string;
  range?: [number | null, number | null];
  /** Shares the pointer with the other charts over POPO steps. */
  synced?: boolean;
  marks?: { x: number; label: string }[];
  /** Pixels; 112 unless told. */
  height?: number;
  /** A line that means something, such as zero for a cosine. */
  baseline?: number;
  /** Other runs' columns of the same names: drawn broken, each in its own way, behind the lines that they have. */
  behind?: readonly Columns[];
}

const HEIGHT = 112;
const SMOOTHING = 0.15;

export function Chart(props: ChartProps) {
  const session = useSession();
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shown = useRef(props);
  shown.current = props;

  useEffect(() => {
    const host = frame.current!;
    const build = () => {
      plot.current?.destroy();
      plot.current = new uPlot(
        options(host.clientWidth, () => shown.current, session),
        dataOf(shown.current, host),
        host,
      );
    };
    const cancel = atFreeFrame(build);
    const resize = new ResizeObserver(() => {
      if (plot.current !== null && plot.current.width !== host.clientWidth) {
        plot.current.setSize({ width: host.clientWidth, height: shown.current.height ?? HEIGHT });
      }
    });
    resize.observe(host);
    const forget = whenPaletteChanges(build);
    return () => {
      cancel();
      resize.disconnect();
      forget();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [session]);

  useSignalEffect(() => {
    void session.view.tick.value;
    if (plot.current !== null) plot.current.setData(dataOf(shown.current, frame.current!));
  });

  const values = useComputed(() => {
    void session.view.tick.value;
    const step = props.synced ? session.view.hovered.value : null;
    return props.lines.map((line) => valueAt(props.columns, line.column, step));
  });
  const empty = props.lines.every((_, index) => values.value[index] === null);
  const label = empty
    ? `${props.title}: ${props.empty}`
    : `${props.title}: ${props.lines.map((line, k) => `${line.label} ${short(values.value[k])}`).join(', ')}`;
  return (
    <figure class="chart" data-empty={empty}>
      <figcaption>
        <span class="chart-title">{props.title}</span>
        <span class="legend">
          {props.lines.map((line, k) => (
            <span key={line.column} class="legend-entry">
              {props.lines.length > 1 && <i class={`swatch ${line.color}`} />}
              <Formula text={line.label} />
              {!empty && <b>{short(values.value[k])}</b>}
            </span>
          ))}
        </span>
      </figcaption>
      <div
        class="chart-frame"
        style={{ height: props.height ?? HEIGHT }}
        ref={frame}
        role="img"
        aria-label={label}
      />
      {empty && (
        <p class="chart-empty" aria-hidden="true">
          {props.empty}
        </p>
      )}
    </figure>
  );
}

const waiting: (() => void)[] = [];

/** Builds one chart per frame: six at once would hold up the page. Returns how to call it off. */
function atFreeFrame(build: () => void): () => void {
  const buildNext = () => {
    waiting.shift()?.();
    if (waiting.length > 0) requestAnimationFrame(buildNext);
  };
  if (waiting.push(build) === 1) requestAnimationFrame(buildNext);
  return () => {
    const at = waiting.indexOf(build);
    if (at >= 0) waiting[at] = () => {};
  };
}

/** `w_id` with its index set low. */
function Formula({ text }: { text: string }) {
  return (
    <span>
      {text.split(/_([a-z]+)/).map((part, index) => (index % 2 === 1 ? <sub key={part}>{part}</sub> : part))}
    </span>
  );
}

function valueAt(columns: Columns, column: string, step: number | null): number | null {
  if (step === null) return columns.last(column);
  const xs = columns.xs();
  let low = 0;
  let high = xs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (xs[middle] <= step) low = middle;
    else high = middle - 1;
  }
  const value = xs.length === 0 ? Number.NaN : columns.column(column)[low];
  return Number.isNaN(value) ? null : value;
}

function dataOf(props: ChartProps, host: HTMLElement): uPlot.AlignedData {
  const columns: Float64Array[] = [];
  for (const line of props.lines) {
    const raw = props.columns.column(line.column);
    columns.push(raw);
    if (line.smooth) columns.push(smoothed(raw, SMOOTHING));
  }
  const own = thinned(props.columns.xs(), columns, Math.max(64, host.clientWidth)) as uPlot.AlignedData;
  const others = behindOf(props).map(({ columns, lines }) => {
    const drawn = lines.map(({ column, smooth }) =>
      smooth ? smoothedMeans(columns.xs(), columns.column(column), SMOOTHING) : columns.column(column),
    );
    return thinned(columns.xs(), drawn, Math.max(64, host.clientWidth)) as uPlot.AlignedData;
  });
  return others.length === 0 ? own : uPlot.join([own, ...others]);
}

/** Other runs with those of a chart's lines that they have too. */
function behindOf({ lines, behind = [] }: ChartProps) {
  return behind.flatMap((columns, at) => {
    const had = lines.filter(({ column }) => columns.names.includes(column) && columns.last(column) !== null);
    const dash = BEHIND_DASHES[at % BEHIND_DASHES.length];
    return had.length === 0 ? [] : [{ columns, lines: had, dash }];
  });
}

function options(
  width: number,
  props: () => ChartProps,
  session: ReturnType<typeof useSession>,
): uPlot.Options {
  const { lines, range, synced } = props();
  const color = palette();
  const axis: uPlot.Axis = {
    stroke: color.muted,
    font: `11px ${color.font}`,
    grid: { stroke: color.grid, width: 1 },
    ticks: { show: false },
    gap: 4,
  };
  const series: uPlot.Series[] = [{}];
  for (const line of lines) {
    const stroke = color[line.color];
    const common = { points: { show: drawPoints, size: 5, stroke, fill: stroke }, spanGaps: true };
    if (line.smooth) {
      series.push({ ...common, stroke, width: 1, alpha: 0.28, points: { show: false } });
      series.push({ ...common, stroke, width: 2, dash: line.dash, points: { show: false } });
    } else series.push({ ...common, stroke, width: 2, dash: line.dash });
  }
  for (const { lines: had, dash } of behindOf(props()))
    for (const line of had)
      series.push({
        stroke: color[line.color],
        width: 1.5,
        alpha: 0.75,
        dash,
        spanGaps: true,
        points: { show: false },
      });
  return {
    width,
    height: props().height ?? HEIGHT,
    legend: { show: false },
    padding: [8, 14, 0, 0],
    cursor: {
      drag: { x: false, y: false },
      y: false,
      points: { size: 6 },
      ...(synced ? { sync: { key: 'popo', setSeries: false } } : {}),
    },
    scales: {
      x: { time: false },
      y: { range: (_plot, low, high) => paddedRange(low, high, range) },
    },
    axes: [
      {
        ...axis,
        size: 22,
        space: 60,
        values: (_plot, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? String(tick) : '')),
      },
      { ...axis, size: 40, space: 28, values: (_plot, ticks) => ticks.map(tickLabel) },
    ],
    series,
    hooks: {
      drawClear: [(plot) => drawMarks(plot, props(), color, synced ? session.view.changeMarks.value : [])],
      setCursor: [
        (plot) => {
          if (!synced) return;
          const index = plot.cursor.idx;
          const step =
            index === null || index === undefined || (plot.cursor.left ?? -1) < 0
              ? null
              : plot.data[0][index];
          if (session.view.hovered.value !== step) session.view.hovered.value = step;
        },
      ],
    },
  };
}

/** A few points are shown as points; a curve is not. */
function drawPoints(plot: uPlot): boolean {
  return plot.data[0].length < 16;
}

function tickLabel(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) < 0.001 || Math.abs(value) >= 10_000
    ? value.toExponential(0)
    : String(Number(value.toPrecision(3)));
}

function paddedRange(low: number | null, high: number | null, fixed: ChartProps['range']): [number, number] {
  const from = fixed?.[0] ?? low ?? 0;
  const to = fixed?.[1] ?? high ?? 1;
  // Values that are all alike get a frame of their own size, not one that magnifies rounding.
  const slack = to - from > Math.abs(to) * 1e-6 ? (to - from) * 0.08 : Math.max(Math.abs(to) * 0.2, 0.1);
  return [fixed?.[0] ?? from - slack, fixed?.[1] ?? to + slack];
}

/** @param live what was changed in mid-run, for charts over POPO steps */
function drawMarks(
  plot: uPlot,
  props: ChartProps,
  color: ReturnType<typeof palette>,
  live: readonly { x: number; label: string }[],
): void {
  const { ctx, bbox } = plot;
  ctx.save();
  // The line that was drawn last may have been dashed.
  ctx.setLineDash([]);
  ctx.strokeStyle = color.line;
  ctx.fillStyle = color.muted;
  ctx.lineWidth = devicePixelRatio;
  ctx.font = `${10 * devicePixelRatio}px ${color.font}`;
  ctx.textBaseline = 'top';
  ctx.textAlign = 'left';
  if (props.baseline !== undefined) {
    const y = plot.valToPos(props.baseline, 'y', true);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  const right = bbox.left + bbox.width;
  const marks = (props.marks ?? live).map(({ x, label }) => {
    return { x: Math.max(bbox.left, Math.round(plot.valToPos(x, 'x', true))), label };
  });
  for (const [k, { x, label }] of marks.entries()) {
    if (x > right) continue;
    if (x > bbox.left + 2) {
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    const room = (marks[k + 1]?.x ?? right) - x;
    const gap = 4 * devicePixelRatio;
    if (ctx.measureText(label).width + gap <= room) ctx.fillText(label, x + gap, bbox.top);
  }
  ctx.restore();
}
