/**
 * One small line chart on uPlot. Its legend is its heading: name, look and current value of every line, which follow
 * the pointer or the arrow keys. Charts over POPO steps share the pointer, so one sees what all of them said at the same step.
 */
import { signal, useComputed, useSignal, useSignalEffect } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { ConfigPath } from '../../run/config';
import { smoothed, smoothedMeans, thinned } from '../state/columns';
import { useSession } from '../state/context';
import { labelled } from '../words/fieldLabels';
import { short } from '../words/format';
import { language } from '../words/language';
import { ChartMenu } from './menu';
import { behindOf, type ChartProps, HEIGHT, isAveraged, type Line, plotOptions } from './options';
import { whenPaletteChanges } from './palette';

export { BEHIND_DASHES, type Line } from './options';

/** Pixels beside a mark within which it is pressed. */
const REACH = 12;

export function Chart(props: ChartProps) {
  const session = useSession();
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shown = useRef(props);
  shown.current = props;
  const { synced } = props;
  /** The step that is pointed at: of all charts over POPO steps, or of this one. */
  const pointed = useMemo(
    () => (synced ? session.view.hovered : signal<number | null>(null)),
    [session, synced],
  );
  const smoothing = session.charts.smoothing.value;
  /** What the plot was built with: it has as many lines as then. */
  const built = useRef(smoothing);
  // Its marks are words, drawn upon it.
  const drawnIn = language.value;
  /** The mark that was pressed. */
  const pressed = useSignal<number | null>(null);
  /** The view of the numbers, while they are shown. */
  const numbers = useSignal<FunctionComponent<ChartProps> | null>(null);

  useEffect(() => {
    const host = frame.current!;
    const build = () => {
      plot.current?.destroy();
      built.current = smoothing;
      const changeMarks = () => (shown.current.synced ? session.view.changeMarks.value.map(worded) : []);
      const live = { props: () => shown.current, smoothing, pointed, changeMarks };
      plot.current = new uPlot(
        plotOptions(host.clientWidth, live),
        dataOf(shown.current, host, smoothing),
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
  }, [session, smoothing, pointed, props.log, drawnIn]);

  useSignalEffect(() => {
    void session.view.tick.value;
    plot.current?.setData(dataOf(shown.current, frame.current!, built.current));
  });

  const values = useComputed(() => {
    void session.view.tick.value;
    const step = pointed.value;
    return shown.current.lines.map(({ column }) => shown.current.columns.nearest(column, step ?? Infinity));
  });
  const empty = props.lines.every((_, index) => values.value[index] === null);
  const told = empty
    ? props.empty
    : props.lines.map((line, k) => `${line.label} ${short(values.value[k]?.value)}`).join(', ');
  const label = `${props.title}: ${told}`;
  const step = pointed.value;
  const Numbers = numbers.value;
  /** Steps at which something was changed, of which more can be told. */
  const marked = props.marked === undefined ? [] : session.view.changeMarks.value.map(({ x }) => x);
  const press = (at: number | null) => {
    pressed.value = at === pressed.value ? null : at;
  };
  // Where nothing was measured at the very step that is pointed at, the last step that was is told, or the first.
  const measured = values.value.flatMap((value) => value ?? []);
  const shownAt = step === null ? null : Math.max(...measured.map(({ x }) => x));
  return (
    <figure class="chart" data-empty={empty}>
      <figcaption>
        <span>
          <span class="chart-title">{props.title}</span>
          {!empty && shownAt !== null && <span class="chart-step">at {shownAt}</span>}
        </span>
        {!empty && (
          <ChartMenu chart={props} drawn={() => frame.current!.querySelector('canvas')} numbers={numbers} />
        )}
        <span class="legend">
          {props.lines.map((line, k) => (
            <span key={line.column} class="legend-entry">
              {(props.lines.length > 1 || line.dash) && <Swatch {...line} />}
              <Formula text={line.label} />
              {!empty && <b>{short(values.value[k]?.value)}</b>}
              {step !== null && values.value[k] && values.value[k].x !== shownAt && (
                <small>at {values.value[k].x}</small>
              )}
            </span>
          ))}
        </span>
      </figcaption>
      {/* A chart that can be read step by step is a slider to whoever does not see it. */}
      <div
        class="chart-frame"
        style={{ height: props.height ?? HEIGHT }}
        data-marked={marked.includes(step ?? Number.NaN)}
        ref={frame}
        {...(empty
          ? { role: 'img', 'aria-label': label }
          : {
              role: 'slider',
              'aria-label': label,
              ...reading(props, step, told, {
                marked,
                press,
                point: (to) => pointAt(plot.current, to),
                markAt: (clientX) => markAt(plot.current, marked, clientX),
              }),
            })}
      />
      {empty && (
        <p class="chart-empty" aria-hidden="true">
          {props.empty}
        </p>
      )}
      {pressed.value !== null && marked.includes(pressed.value) && props.marked?.(pressed.value)}
      {Numbers !== null && <Numbers {...props} />}
    </figure>
  );
}

/** A mark's label: what was changed, as the field is called. */
function worded({ x, fields }: { x: number; fields: readonly ConfigPath[] }): { x: number; label: string } {
  if (fields.length > 1) return { x, label: `${fields.length} changes` };
  return { x, label: labelled(fields[0]) };
}

/** A line as the chart draws it. */
function Swatch({ color, dash, label }: Line) {
  return (
    <svg class={`swatch ${color}`} viewBox="0 0 18 4" aria-hidden="true" data-line={label}>
      <line x1="0" x2="18" y1="2" y2="2" stroke-dasharray={dash?.join(' ')} />
    </svg>
  );
}

interface Hand {
  marked: readonly number[];
  press(mark: number | null): void;
  point(to: number | null): void;
  /** The mark that is meant by whoever presses there; null where none is near. */
  markAt(clientX: number): number | null;
}

/**
 * How a chart is read with the keyboard: arrows go from step to step, Home and End to the ends, Enter presses a mark, Escape lets go.
 * @param told the values at that step, in words
 */
function reading(
  { columns }: ChartProps,
  step: number | null,
  told: string,
  { marked, press, point, markAt }: Hand,
) {
  const xs = columns.xs();
  const last = xs.length - 1;
  const at = step === null ? last : Math.max(0, columns.indexAt(step));
  const onKeyDown = (event: KeyboardEvent) => {
    const to = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      PageUp: at - 10,
      PageDown: at + 10,
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === 'Escape') {
      point(null);
      press(null);
    } else if (event.key === 'Enter' && marked.includes(xs[at])) press(xs[at]);
    else if (to === undefined) return;
    else point(xs[Math.max(0, Math.min(last, to))]);
    event.preventDefault();
  };
  return {
    tabIndex: 0,
    'aria-valuemin': xs[0],
    'aria-valuemax': xs[last],
    'aria-valuenow': xs[at],
    'aria-valuetext': `step ${xs[at]}: ${told}`,
    'aria-description': marked.includes(xs[at]) ? 'Something was changed here: Enter tells what.' : undefined,
    onKeyDown,
    onClick: ({ clientX }: MouseEvent) => press(markAt(clientX)),
  };
}

function markAt(plot: uPlot | null, marked: readonly number[], clientX: number): number | null {
  if (plot === null) return null;
  const left = clientX - plot.over.getBoundingClientRect().left;
  const away = (x: number) => Math.abs(plot.valToPos(x, 'x') - left);
  const near = marked.filter((x) => away(x) <= REACH).sort((a, b) => away(a) - away(b));
  return near[0] ?? null;
}

/** Moves the pointer there, as the mouse would, so that charts that share it follow. */
function pointAt(plot: uPlot | null, x: number | null): void {
  if (plot === null) return;
  const left = x === null ? -10 : plot.valToPos(x, 'x');
  plot.setCursor({ left, top: x === null ? -10 : plot.height / 2 });
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

function dataOf(props: ChartProps, host: HTMLElement, smoothing: number): uPlot.AlignedData {
  const columns: Float64Array[] = [];
  for (const line of props.lines) {
    const raw = drawable(props.columns.column(line.column), props);
    columns.push(raw);
    if (isAveraged(line, smoothing)) columns.push(smoothed(raw, smoothing));
  }
  const width = Math.max(64, host.clientWidth);
  const own = thinned(props.columns.xs(), columns, width) as uPlot.AlignedData;
  const others = behindOf(props).map(({ columns, lines }) => {
    const drawn = lines.map((line) => {
      const raw = drawable(columns.column(line.column), props);
      return isAveraged(line, smoothing) ? smoothedMeans(columns.xs(), raw, smoothing) : raw;
    });
    return thinned(columns.xs(), drawn, width) as uPlot.AlignedData;
  });
  return others.length === 0 ? own : uPlot.join([own, ...others]);
}

function drawable(values: Float64Array, { log }: ChartProps): Float64Array {
  return log ? values.map((value) => (value > 0 ? value : Number.NaN)) : values;
}
