/** Cells of a study as tables: our means, paired differences beside the paper's relative changes, and the empirical front. */
import { type Interval, pairedBootstrap } from '../evaluate/bootstrap';
import { type MetricsRow, OUTCOMES } from '../evaluate/metrics';
import { hypervolume, paretoFront } from '../evaluate/pareto';
import type { RunConfig } from '../run/config';
import type { Report } from '../run/report';
import { COMPARISONS } from './methods';

/** One method at one seed. */
export interface Cell {
  method: string;
  seed: number;
  config: RunConfig;
  link: string;
  exact: string;
  row: MetricsRow;
  /** `[users, OUTCOMES]`, row by row. */
  outcomes: number[];
  /** How RL fails, step by step: see `frac_reward_zero_std`; the curve has distinct answers and their concentration. */
  gauges: { reward: number[]; frac_reward_zero_std: number[]; curve: Report['popo']['curve'] };
}

export interface Compared {
  table: number;
  method: string;
  control: string;
  metric: string;
  difference: Interval;
  /** Of the control's mean; null where that is 0. */
  relative: number | null;
  paper: number | null;
  shape: 'as the paper' | 'differs from the paper' | 'not established' | 'not reported';
}

/** The points at fixed weights; reference point (0, 0), which no rate is below. */
export interface Front {
  points: { method: string; Category_L3_ACC: number; CTCVR: number; onFront: boolean }[];
  hypervolume: number;
}

export interface StudyTables {
  means: { method: string; seeds: number; metrics: Record<string, number> }[];
  comparisons: Compared[];
  front: Front;
}

export function studyTables(cells: readonly Cell[]): StudyTables {
  const methods = [...new Set(cells.map(({ method }) => method))];
  const means = methods.map((method) => {
    const mine = cells.filter((cell) => cell.method === method);
    const mean = (metric: (typeof OUTCOMES)[number]) =>
      mine.reduce((sum, { row }) => sum + row[metric], 0) / mine.length;
    return {
      method,
      seeds: mine.length,
      metrics: Object.fromEntries(OUTCOMES.map((metric) => [metric, mean(metric)])),
    };
  });
  const points = means.map(({ method, metrics }): [string, [number, number]] => [
    method,
    [metrics.Category_L3_ACC, metrics.CTCVR],
  ]);
  const sweep = points.filter(([method]) => /^fixed-[\d.]+$/.test(method));
  const onFront = new Set(paretoFront(points.map(([, point]) => point)));
  return {
    means,
    comparisons: COMPARISONS.flatMap((comparison) =>
      OUTCOMES.flatMap((metric, column) => {
        const { table, method, control } = comparison;
        const paper = (comparison.paper as Record<string, number | undefined>)[metric] ?? null;
        const pairs = paired(cells, method, control, column);
        if (pairs.differences.length === 0) return [];
        const difference = pairedBootstrap(pairs.differences, 1);
        const relative = pairs.base === 0 ? null : difference.mean / pairs.base;
        return [
          { table, method, control, metric, difference, relative, paper, shape: shapeOf(difference, paper) },
        ];
      }),
    ),
    front: {
      points: points.map(([method, [l3, ctcvr]], index) => ({
        method,
        Category_L3_ACC: l3,
        CTCVR: ctcvr,
        onFront: onFront.has(index),
      })),
      hypervolume: hypervolume(
        sweep.map(([, point]) => point),
        [0, 0],
      ),
    },
  };
}

/** Differences per seed that both methods have, and the control's mean over those seeds. */
function paired(cells: readonly Cell[], method: string, control: string, column: number) {
  const width = OUTCOMES.length;
  const differences: Float64Array[] = [];
  let base = 0;
  for (const ours of cells.filter((cell) => cell.method === method)) {
    const theirs = cells.find((cell) => cell.method === control && cell.seed === ours.seed);
    if (theirs === undefined) continue;
    if (theirs.outcomes.length !== ours.outcomes.length)
      throw new Error(`${method} and ${control} of seed ${ours.seed} were not judged on the same users.`);
    const users = ours.outcomes.length / width;
    const at = ({ outcomes }: Cell, user: number) => outcomes[user * width + column];
    differences.push(Float64Array.from({ length: users }, (_, user) => at(ours, user) - at(theirs, user)));
    for (let user = 0; user < users; user++) base += at(theirs, user) / users;
  }
  return { differences, base: base / Math.max(1, differences.length) };
}

function shapeOf({ low, high, mean }: Interval, paper: number | null): Compared['shape'] {
  if (paper === null) return 'not reported';
  if (low <= 0 && high >= 0) return 'not established';
  return Math.sign(mean) === Math.sign(paper) ? 'as the paper' : 'differs from the paper';
}

const percent = (value: number | null) => (value === null ? '–' : `${(100 * value).toFixed(1)} %`);

/** For a terminal. */
export function tablesText({ means, comparisons, front }: StudyTables): string {
  const rows = [
    ['method', 'seeds', ...OUTCOMES, 'front'],
    ...means.map(({ method, seeds, metrics }, i) => [
      method,
      String(seeds),
      ...OUTCOMES.map((metric) => metrics[metric].toFixed(4)),
      front.points[i].onFront ? 'on it' : '',
    ]),
  ];
  const paired = [
    ['table', 'method', 'against', 'metric', 'difference', '95 %', 'p', 'relative', 'paper', 'shape'],
    ...comparisons.map(({ table, method, control, metric, difference, relative, paper, shape }) => [
      String(table),
      method,
      control,
      metric,
      difference.mean.toFixed(4),
      `${difference.low.toFixed(4)} to ${difference.high.toFixed(4)}`,
      difference.p.toFixed(3),
      percent(relative),
      percent(paper),
      `${shape} (${difference.users} users, ${difference.seeds} seeds)`,
    ]),
  ];
  const volume = `Hypervolume of the fixed weights in (Category_L3_ACC, CTCVR) above (0, 0): ${front.hypervolume.toFixed(6)}`;
  return [aligned(rows), aligned(paired), volume].join('\n\n');
}

/** One line per cell. */
export function cellsCsv(cells: readonly Cell[]): string {
  const header = ['method', 'seed', ...OUTCOMES, 'distinct_top1', 'popularity_share', 'exact', 'link'];
  const lines = cells.map(({ method, seed, row, exact, link }) =>
    [
      method,
      seed,
      ...OUTCOMES.map((metric) => row[metric]),
      row.distinct_top1,
      row.popularity_share,
      exact,
      `"${link}"`,
    ].join(','),
  );
  return `${[header.join(','), ...lines].join('\n')}\n`;
}

function aligned(rows: string[][]): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map((row) =>
      row
        .map((text, i) => text.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
