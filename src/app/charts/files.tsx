/** A chart's numbers and its picture, for readers of tables, spreadsheets and slides. */
import { download } from '../state/download';
import { short } from '../words/format';
import { said } from '../words/language';
import type { ChartProps } from './options';
import { palette } from './palette';

/** Rows of the table; a run's are in the CSV. */
const ROWS = 24;

/** The numbers that a chart draws, thinned to whole rows. */
export function ChartNumbers({ title, columns, lines }: ChartProps) {
  const xs = columns.xs();
  const taken = evenly(xs.length, ROWS);
  return (
    <section class="table-scroll chart-numbers" tabindex={0} aria-label={`Numbers of ${title}`}>
      <table class="dense">
        <caption>
          {taken.length < xs.length ? `${taken.length} of ${xs.length} steps; the CSV has all` : 'Every step'}
        </caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            {lines.map(({ column, label }) => (
              <th key={column} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {taken.map((row) => (
            <tr key={row}>
              <th scope="row">{xs[row]}</th>
              {lines.map(({ column }) => (
                <td key={column}>{short(numberOrNull(columns.column(column)[row]))}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** At most `most` of `count` places, the first and the last among them. */
export function evenly(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, at) => at);
  return Array.from({ length: most }, (_, at) => Math.round((at * (count - 1)) / (most - 1)));
}

/** All rows of a chart, raw; what was not measured at a step is empty. */
export function csvOf({ columns, lines }: Pick<ChartProps, 'columns' | 'lines'>): string {
  const drawn = lines.map(({ column }) => columns.column(column));
  const head = ['step', ...lines.map(({ label }) => quoted(label))];
  const rows = Array.from(columns.xs(), (x, row) =>
    [x, ...drawn.map((values) => numberOrNull(values[row]) ?? '')].join(','),
  );
  return `${[head.join(','), ...rows].join('\n')}\n`;
}

export function saveCsv(chart: ChartProps): void {
  download(`${fileName(chart.title)}.csv`, csvOf(chart));
}

/** The chart as it is on the screen, with its title and legend above it, on the page's ground. */
export async function savePng(chart: ChartProps, drawn: HTMLCanvasElement | null): Promise<void> {
  if (drawn === null) return;
  const scale = devicePixelRatio;
  const head = 40 * scale;
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
  let left = 8 * scale;
  for (const { label: english, color: name, dash } of chart.lines) {
    const label = said(english);
    const y = 29 * scale;
    ctx.strokeStyle = color[name];
    ctx.lineWidth = 2 * scale;
    ctx.setLineDash((dash ?? []).map((length) => length * scale));
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + 18 * scale, y);
    ctx.stroke();
    left += 23 * scale;
    ctx.fillText(label, left, 22 * scale);
    left += ctx.measureText(label).width + 14 * scale;
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
