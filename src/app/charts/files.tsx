/** A chart's numbers and its picture, for readers of tables, spreadsheets and slides. */
import { useSignal } from '@preact/signals';
import type { Columns } from '../state/columns';
import { download } from '../state/download';
import { short } from '../words/format';
import { said } from '../words/language';
import { behindOf, type ChartProps } from './options';
import { palette } from './palette';

/** What the run on show is called beside others. */
const OWN = 'this run';

/** Rows of the table; a run's are in the CSV. */
const ROWS = 24;

/** What the table shows of a chart with other runs: all series of one run, or one series of all runs. */
type Choice = { run: number } | { series: number };

/** The numbers that a chart draws, thinned to whole rows. */
export function ChartNumbers(props: ChartProps) {
  const { title, columns, lines } = props;
  const others = behindOf(props);
  const choice = useSignal('run 0');
  const runs = [{ label: OWN, columns, lines }, ...others];
  const chosen = choiceOf(choice.value, runs.length);
  const shown =
    'series' in chosen
      ? runs.flatMap(({ label, columns, lines: had }) => {
          const { column } = lines[chosen.series];
          return had.some((line) => line.column === column) ? [{ label, columns, column }] : [];
        })
      : runs[chosen.run].lines.map(({ column, label }) => ({
          label,
          columns: runs[chosen.run].columns,
          column,
        }));
  const xs =
    'series' in chosen ? stepsOf(shown.map(({ columns }) => columns)) : [...runs[chosen.run].columns.xs()];
  const taken = evenly(xs.length, ROWS);
  return (
    <>
      {others.length > 0 && (
        <label class="chart-choice">
          Numbers of{' '}
          <select
            value={choice.value}
            onChange={(event) => {
              choice.value = event.currentTarget.value;
            }}
          >
            <optgroup label="One run">
              {runs.map(({ label }, at) => (
                <option key={at} value={`run ${at}`}>
                  {label}
                </option>
              ))}
            </optgroup>
            <optgroup label="All runs">
              {lines.map(({ label }, at) => (
                <option key={at} value={`series ${at}`}>
                  {label}
                </option>
              ))}
            </optgroup>
          </select>
        </label>
      )}
      <section class="table-scroll chart-numbers" tabindex={0} aria-label={`Numbers of ${title}`}>
        <table class="dense">
          <caption>
            {taken.length < xs.length
              ? `${taken.length} of ${xs.length} steps; the CSV has all`
              : 'Every step that was measured'}
          </caption>
          <thead>
            <tr>
              <th scope="col">Step</th>
              {shown.map(({ label }, at) => (
                <th key={at} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {taken.map((row) => (
              <tr key={row}>
                <th scope="row">{xs[row]}</th>
                {shown.map(({ columns, column }, at) => (
                  <td key={at}>{short(valueAt(columns, column, xs[row]))}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

/** One that is gone, with its run, is this run again. */
function choiceOf(value: string, runs: number): Choice {
  const [kind, at] = value.split(' ');
  if (kind === 'series') return { series: Number(at) };
  return { run: Number(at) < runs ? Number(at) : 0 };
}

/** All steps at which any of the runs has a row. */
function stepsOf(all: readonly Columns[]): number[] {
  return [...new Set(all.flatMap((columns) => [...columns.xs()]))].sort((a, b) => a - b);
}

/** What was measured at that very step; null where nothing was. */
function valueAt(columns: Columns, column: string, x: number): number | null {
  const row = columns.indexAt(x);
  return row < 0 || columns.xs()[row] !== x ? null : numberOrNull(columns.column(column)[row]);
}

/** At most `most` of `count` places, the first and the last among them. */
export function evenly(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, at) => at);
  return Array.from({ length: most }, (_, at) => Math.round((at * (count - 1)) / (most - 1)));
}

/**
 * All rows of a chart, raw; what was not measured at a step is empty. Where other runs are drawn too, each series of each has a column,
 * named by its run.
 */
export function csvOf({ columns, lines, behind }: Pick<ChartProps, 'columns' | 'lines' | 'behind'>): string {
  const others = behindOf({ lines, behind });
  const runs = [{ label: OWN, columns, lines }, ...others];
  const series = runs.flatMap(({ label: run, columns, lines }) =>
    lines.map(({ label, column }) => ({
      name: others.length === 0 ? label : `${label} (${run})`,
      columns,
      column,
    })),
  );
  const head = ['step', ...series.map(({ name }) => quoted(name))];
  const rows = stepsOf(runs.map(({ columns }) => columns)).map((x) =>
    [x, ...series.map(({ columns, column }) => valueAt(columns, column, x) ?? '')].join(','),
  );
  return `${[head.join(','), ...rows].join('\n')}\n`;
}

export function saveCsv(chart: ChartProps): void {
  download(`${fileName(chart.title)}.csv`, csvOf(chart));
}

/** The chart as it is on the screen, with its title, its legend and the names of other runs above it, on the page's ground. */
export async function savePng(chart: ChartProps, drawn: HTMLCanvasElement | null): Promise<void> {
  if (drawn === null) return;
  const scale = devicePixelRatio;
  const others = behindOf(chart);
  const head = (40 + 18 * others.length) * scale;
  const picture = new OffscreenCanvas(drawn.width, drawn.height + head);
  const ctx = picture.getContext('2d')!;
  const color = palette();
  ctx.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--paper').trim();
  ctx.fillRect(0, 0, picture.width, picture.height);
  ctx.fillStyle = color.ink;
  ctx.textBaseline = 'top';
  ctx.font = `600 ${13 * scale}px ${color.font}`;
  ctx.fillText(said(chart.title), 8 * scale, 4 * scale);
  ctx.font = `${12 * scale}px ${color.font}`;
  const entry = (
    left: number,
    row: number,
    { color: stroke, dash }: { color: string; dash?: readonly number[] },
  ) => {
    const y = (29 + 18 * row) * scale;
    ctx.strokeStyle = stroke;
    ctx.setLineDash((dash ?? []).map((length) => length * scale));
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + 18 * scale, y);
    ctx.stroke();
  };
  let left = 8 * scale;
  ctx.lineWidth = 2 * scale;
  for (const { label: english, color: name, dash } of chart.lines) {
    const label = said(english);
    entry(left, 0, { color: color[name], dash });
    left += 23 * scale;
    ctx.fillText(label, left, 22 * scale);
    left += ctx.measureText(label).width + 14 * scale;
  }
  ctx.lineWidth = scale;
  for (const [at, { label, dash }] of others.entries()) {
    entry(8 * scale, at + 1, { color: color.ink, dash });
    ctx.fillText(said(label), 31 * scale, (22 + 18 * (at + 1)) * scale);
  }
  ctx.drawImage(drawn, 0, head);
  const blob = await picture.convertToBlob({ type: 'image/png' });
  download(`${fileName(chart.title)}.png`, new Uint8Array(await blob.arrayBuffer()));
}

function fileName(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function numberOrNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
