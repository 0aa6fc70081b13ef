/** What uPlot is told of a chart: scales, axes, how each line is drawn, and marks upon them. */
import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type uPlot from 'uplot';
import type { Columns } from '../state/columns';
import { said } from '../words/language';
import { type PaletteName, palette } from './palette';
import { type Range, stepRange, valueRange } from './ranges';
import { tickLabel } from './ticks';

export interface Line {
  column: string;
  label: string;
  color: PaletteName;
  /** Noisy: drawn as its moving average, with the raw values faintly behind it. */
  smooth?: boolean;
  dash?: number[];
}

/** Another run in a chart. */
export interface Behind {
  /** What the run is called. */
  label: string;
  columns: Columns;
}

export interface ChartProps {
  title: string;
  columns: Columns;
  lines: readonly Line[];
  /** What stands in the frame while there is nothing to draw. */
  empty: string;
  range?: Range;
  /** Shares the pointer with the other charts over POPO steps. */
  synced?: boolean;
  marks?: { x: number; label: string }[];
  /** What is told of what was changed at a step, beneath the chart, once its mark is pressed. */
  marked?(step: number): ComponentChildren;
  /** Pixels; 112 unless told. */
  height?: number;
  /** A line that means something, such as zero for a cosine. */
  baseline?: number;
  /** A logarithmic axis; values that are not positive are left out. */
  log?: boolean;
  /** Other runs' columns of the same names: drawn broken, each in its own way, behind the lines that they have. */
  behind?: readonly Behind[];
  /** Columns whose steps its axis goes over too, so that charts which stand together can be read together. */
  alongside?: readonly Columns[];
}

/** How other runs are drawn, in their order; the legend over the charts says which is which. */
export const BEHIND_DASHES: readonly number[][] = [
  [2, 4],
  [8, 4],
  [2, 3, 8, 3],
  [14, 4],
  [2, 2, 2, 8],
];

export const HEIGHT = 112;

/** What a chart is asked for while it is drawn, since its props change and its plot stays. */
interface Live {
  props(): ChartProps;
  /** Weight of the newest value in the moving average; 1 draws the raw values alone. */
  smoothing: number;
  /** The step that is pointed at. */
  pointed: Signal<number | null>;
  /** What was changed in mid-run, for charts over POPO steps. */
  changeMarks(): readonly { x: number; label: string }[];
}

/** Other runs with those of a chart's lines that they have too. */
export function behindOf({ lines, behind = [] }: Pick<ChartProps, 'lines' | 'behind'>) {
  return behind.flatMap(({ label, columns }, at) => {
    const had = lines.filter(({ column }) => columns.names.includes(column) && columns.last(column) !== null);
    const dash = BEHIND_DASHES[at % BEHIND_DASHES.length];
    return had.length === 0 ? [] : [{ label, columns, lines: had, dash }];
  });
}

export function plotOptions(width: number, { props, smoothing, pointed, changeMarks }: Live): uPlot.Options {
  const { synced, log } = props();
  const color = palette();
  const axis: uPlot.Axis = {
    stroke: color.muted,
    font: `11px ${color.font}`,
    grid: { stroke: color.grid, width: 1 },
    ticks: { show: false },
    gap: 4,
  };
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
      x: {
        time: false,
        range: () => {
          const { columns, behind = [], alongside = [] } = props();
          return stepRange([columns, ...behind.map((run) => run.columns), ...alongside]);
        },
      },
      y: log ? { distr: 3 } : { range: (_plot, low, high) => valueRange(low, high, props().range) },
    },
    axes: [
      // Steps are whole.
      { ...axis, size: 22, space: 60, incrs: WHOLE, values: (_plot, ticks) => ticks.map(String) },
      {
        ...axis,
        // Long labels are those of small values.
        size: (_plot, labels) => (labels?.some((label) => label.length > 5) ? 48 : 40),
        // Ticks are at most twice as far apart as this, and two find room in the lowest of charts.
        space: 18,
        ...(log ? { grid: { ...axis.grid, filter: (_plot, ticks) => ticks.map(decade) } } : {}),
        values: (_plot, ticks, ...[, , increment]) => ticks.map((tick) => tickLabel(tick, increment)),
      },
    ],
    series: seriesOf(props(), smoothing, color),
    hooks: {
      drawClear: [(plot) => drawMarks(plot, props(), color, changeMarks())],
      setCursor: [
        (plot) => {
          const { left = -1 } = plot.cursor;
          // By its place, not by the nearest row: rows of charts that share the pointer are not equally far apart.
          const step = left < 0 ? null : Math.round(plot.posToVal(left, 'x'));
          if (pointed.value !== step) pointed.value = step;
        },
      ],
    },
  };
}

/** Of a logarithmic axis a line at each power of ten is enough. */
function decade(tick: number): number | null {
  return Number.isInteger(Math.round(Math.log10(tick) * 1e9) / 1e9) ? tick : null;
}

/** Steps of an axis over whole numbers. */
const WHOLE = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

function seriesOf(props: ChartProps, smoothing: number, color: ReturnType<typeof palette>): uPlot.Series[] {
  const series: uPlot.Series[] = [{}];
  for (const line of props.lines) {
    const stroke = color[line.color];
    const points = (most: number) => ({ show: isOfPoints(most), size: 5, stroke, fill: stroke });
    const common = { stroke, width: 2, dash: line.dash, spanGaps: true };
    if (isAveraged(line, smoothing)) {
      series.push({ stroke, width: 1, alpha: 0.28, spanGaps: true, points: { show: false } });
      series.push({ ...common, points: points(1) });
    } else series.push({ ...common, points: points(15) });
  }
  for (const { lines: had, dash } of behindOf(props))
    for (const line of had) {
      const stroke = color[line.color];
      series.push({
        stroke,
        // Thinner and fainter than the run’s own, which may be dashed alike.
        width: 1,
        alpha: 0.6,
        dash,
        spanGaps: true,
        points: { show: isOfPoints(1), size: 4, stroke, fill: stroke },
      });
    }
  return series;
}

/** Whether a line is drawn twice: raw, and as its average. */
export function isAveraged({ smooth }: Line, smoothing: number): boolean {
  return smooth === true && smoothing < 1;
}

/** Whether a line has so few values, or one alone, that they are shown as points; a curve is not. */
export function isOfPoints(most: number) {
  return ({ data }: Pick<uPlot, 'data'>, series: number): boolean =>
    Array.from(data[series]).filter((value) => typeof value === 'number').length <= most;
}

/** @param live what was changed in mid-run, for charts without marks of their own */
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
    return { x: Math.max(bbox.left, Math.round(plot.valToPos(x, 'x', true))), label: said(label) };
  });
  /** Where the mark before ends, or its label. */
  let from = bbox.left;
  for (const [k, { x, label }] of marks.entries()) {
    if (x > right) continue;
    if (x > bbox.left + 2) {
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    const gap = 4 * devicePixelRatio;
    const width = ctx.measureText(label).width + gap;
    // Beside its line, to the right where there is room, else to the left.
    const isRight = width <= (marks[k + 1]?.x ?? right) - x;
    if (isRight) ctx.fillText(label, x + gap, bbox.top);
    else if (width <= x - from) ctx.fillText(label, x - width, bbox.top);
    from = isRight ? x + width : x;
  }
  ctx.restore();
}
