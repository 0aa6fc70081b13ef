/** What a device was measured to do, as rows for a person, and as one row to be set beside those of others. */

/** What is measured, in turn. */
export type MeasuredPart = 'products' | 'tiny' | 'small';

export interface DeviceTable {
  /** As the adapter names itself. */
  adapter: string;
  /** Those in use, and the version of their arithmetic. */
  kernels: string;
  /** Version of the app. */
  app: string;
  /** 10⁹ operations a second: of multiply-adds alone, and of matrix products by their size, a · bᵀ. */
  peak: number;
  products: { size: number; rate: number }[];
  shapes: MeasuredShape[];
}

export interface MeasuredShape {
  name: string;
  /** Milliseconds of a training step. */
  step: number;
  /** 10⁹ operations a second of such a step. */
  rate: number;
  /** Tokens a second. */
  trained: number;
  sampled: number;
}

export type DeviceRow = readonly [label: string, value: string];

/** Of the table on the page. */
export function deviceRows({ adapter, kernels, app, peak, products, shapes }: DeviceTable): DeviceRow[] {
  return [
    ['Adapter', adapter],
    ['Kernels', kernels],
    ['Version', app],
    ['Multiply-adds alone, GFLOP/s', decimals(peak)],
    ...products.map(
      ({ size, rate }): DeviceRow => [
        `Products of ${size}, GFLOP/s`,
        `${decimals(rate)} (${Math.round((100 * rate) / peak)} %)`,
      ],
    ),
    ...shapes.flatMap(({ name, step, rate, trained, sampled }): DeviceRow[] => [
      [`Training step of ${name}, ms`, decimals(step)],
      [`Its GFLOP/s (${name})`, `${decimals(rate)} (${decimals((100 * rate) / peak)} %)`],
      [`Tokens/s trained (${name})`, whole(trained)],
      [`Tokens/s sampled (${name})`, whole(sampled)],
    ]),
  ];
}

/** A Markdown table of one row. */
export function markdownOf(table: DeviceTable): string {
  const rows = deviceRows(table);
  // A name may hold what ends a cell.
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(rows.map(([label]) => label)),
    line(rows.map((_, index) => (index < 3 ? '---' : '--:'))),
    line(rows.map(([, value]) => value)),
    '',
  ].join('\n');
}

function decimals(value: number): string {
  return value < 100 ? value.toFixed(1) : whole(value);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
