/** Cells of a study as tables: means, paired differences beside the paper's relative changes, and the empirical front. */
import { type PairedInterval, pairedBootstrap } from '../evaluate/bootstrap';
import { OUTCOMES } from '../evaluate/metrics';
import type { Interval } from '../numeric/interval';
import { type SliceTables, sliceTables, sliceTexts } from './bySlice';
import type { Cell } from './cell';
import { COMPARISONS } from './comparisons';
import { type Cost, costWords } from './cost';
import { FRONT_NOTE, type Front, frontOf } from './front';
import { type HeldMethod, heldMethodSentences, heldMethods } from './heldRewards';
import { hullBySeed, hullBySeedRows } from './hullBySeed';
import { paired, valuesOf } from './paired';
import { aligned } from './textTable';

export interface Compared {
  question: string;
  table: number | null;
  method: string;
  control: string;
  metric: string;
  difference: PairedInterval;
  /** Of the control's mean; null where that is 0. */
  relative: number | null;
  paper: number | null;
  shape: 'as the paper' | 'differs from the paper' | 'not established' | 'not reported';
}

/** How a method fails, means over seeds: see `MetricsRow`, and `frac_reward_zero_std`, here the mean over RL's steps. */
export interface Gauges {
  valid_rate: number;
  distinct_top1: number;
  popularity_share: number;
  /** Null for methods whose result is from before RL. */
  frac_reward_zero_std: number | null;
}

export interface StudyTables {
  /** Means over users and then seeds. */
  means: { method: string; seeds: number; metrics: Record<string, PairedInterval>; gauges: Gauges }[];
  comparisons: Compared[];
  /** Null where the data tells no slices. */
  slices: SliceTables | null;
  front: Front;
  /** Of methods that were to keep a reward at a level. */
  held: HeldMethod[];
}

export function studyTables(cells: readonly Cell[]): StudyTables {
  const methods = [...new Set(cells.map(({ method }) => method))];
  return {
    means: methods.map((method) => {
      const mine = cells.filter((cell) => cell.method === method);
      return {
        method,
        seeds: mine.length,
        metrics: Object.fromEntries(
          OUTCOMES.map((metric, column) => [
            metric,
            pairedBootstrap(
              mine.map((cell) => valuesOf(cell, column)),
              1,
            ),
          ]),
        ),
        gauges: gaugesOf(mine),
      };
    }),
    comparisons: COMPARISONS.flatMap(({ question, table, method, control, paper: reported }) =>
      OUTCOMES.flatMap((metric, column) => {
        const paper = reported[metric] ?? null;
        const pairs = paired(cells, method, control, column);
        if (pairs.differences.length === 0) return [];
        const difference = pairedBootstrap(pairs.differences, 1);
        const relative = pairs.base === 0 ? null : difference.mean / pairs.base;
        const shape = shapeOf(difference, paper);
        return [{ question, table, method, control, metric, difference, relative, paper, shape }];
      }),
    ),
    slices: sliceTables(cells),
    front: frontOf(cells),
    held: heldMethods(cells),
  };
}

function gaugesOf(cells: readonly Cell[]): Gauges {
  const mean = <T>(values: readonly T[], of: (value: T) => number) =>
    values.reduce((sum, value) => sum + of(value), 0) / values.length;
  const learnt = cells.filter(
    ({ row, gauges }) => row.stage === 'popo' && gauges.frac_reward_zero_std.length,
  );
  return {
    valid_rate: mean(cells, ({ row }) => row.valid_rate),
    distinct_top1: mean(cells, ({ row }) => row.distinct_top1),
    popularity_share: mean(cells, ({ row }) => row.popularity_share),
    frac_reward_zero_std:
      learnt.length === 0
        ? null
        : mean(learnt, ({ gauges }) => mean(gauges.frac_reward_zero_std, (share) => share)),
  };
}

function shapeOf({ low, high, mean }: PairedInterval, paper: number | null): Compared['shape'] {
  if (paper === null) return 'not reported';
  if (low <= 0 && high >= 0) return 'not established';
  return Math.sign(mean) === Math.sign(paper) ? 'as the paper' : 'differs from the paper';
}

const percent = (value: number | null) => (value === null ? '–' : `${(100 * value).toFixed(1)} %`);

/** For a terminal. */
export function tablesText({ means, comparisons, slices, front, held }: StudyTables): string {
  const halfWidth = ({ low, high }: { low: number; high: number }) => (high - low) / 2;
  const rows = [
    ['method', 'seeds', ...OUTCOMES],
    ...means.map(({ method, seeds, metrics }) => [
      method,
      String(seeds),
      ...OUTCOMES.map(
        (metric) => `${metrics[metric].mean.toFixed(4)} ±${halfWidth(metrics[metric]).toFixed(4)}`,
      ),
    ]),
  ];
  const gauges = [
    ['gauges', 'answers that parse', 'different answers', 'share of the commonest', 'groups of one reward'],
    ...means.map(({ method, gauges }) => [
      method,
      gauges.valid_rate.toFixed(3),
      gauges.distinct_top1.toFixed(1),
      gauges.popularity_share.toFixed(3),
      gauges.frac_reward_zero_std?.toFixed(3) ?? '',
    ]),
  ];
  const compared = [
    ['', 'method', 'against', 'metric', 'difference', '95 %', 'p', 'relative', 'paper', ''],
    ...comparisons.map(
      ({ question, table, method, control, metric, difference, relative, paper, shape }, index) => [
        comparisons[index - 1]?.question === question
          ? ''
          : `${question}${table === null ? '' : ` (table ${table})`}`,
        method,
        control,
        metric,
        difference.mean.toFixed(4),
        `${difference.low.toFixed(4)} to ${difference.high.toFixed(4)}`,
        difference.p.toFixed(3),
        percent(relative),
        percent(paper),
        `${shape} (${difference.users} users, ${difference.seeds} seeds)`,
      ],
    ),
  ];
  const points = [
    [
      'RL in (L3, CTCVR)',
      'L3',
      'CTCVR',
      'area over SFT',
      '95 %',
      'less the best fixed',
      '95 %',
      'p',
      'above the hull',
      '95 %',
      'beyond the sweep',
      'a fixed weight is better in both',
      '× one fixed',
      'RL, mean over seeds',
    ],
    ...(front.start === null ? [] : [startRow(front.start)]),
    ...front.points.map(({ overBestFixed: over, overHull, cost, ...point }) => [
      point.method,
      point.Category_L3_ACC.toFixed(4),
      point.CTCVR.toFixed(4),
      point.hypervolume.mean.toExponential(2),
      `${point.hypervolume.low.toExponential(2)} to ${point.hypervolume.high.toExponential(2)}`,
      ...(over === null
        ? ['', '', '']
        : [
            over.mean.toExponential(2),
            `${over.low.toExponential(2)} to ${over.high.toExponential(2)}`,
            over.p.toFixed(3),
          ]),
      ...(overHull === null
        ? ['', '']
        : [
            overHull.mean.toExponential(2),
            `${overHull.low.toExponential(2)} to ${overHull.high.toExponential(2)}`,
          ]),
      point.beyond === null ? '' : point.beyond.toExponential(2),
      point.beyond === null ? '' : `${point.dominated} of ${point.swept} seeds`,
      ...costCells(cost),
    ]),
    ...areaRow('the fixed weights together', front.sweep, front.sweepCost),
    ...areaRow('…and their hull with SFT', front.hull, front.sweepCost),
  ];
  const families = [
    ['made from the same runs', 'seeds', 'of the hull', '95 %', '× one fixed', 'RL, mean over seeds'],
    ...front.families.map(({ name, seeds, share, cost }) => [
      name,
      String(seeds),
      percent(share.mean),
      `${percent(share.low)} to ${percent(share.high)}`,
      ...costCells(cost),
    ]),
  ];
  const chosen = front.bestFixed.map(({ seed, method }) => `${method} for seed ${seed}`);
  const notes = [
    ...held.map((method) => heldMethodSentences(method).join(' ')),
    FRONT_NOTE,
    ...(chosen.length === 0 ? [] : [`The best on the other seeds: ${chosen.join(', ')}.`]),
    ...(front.missing === null ? [] : [front.missing]),
  ];
  const sliced = slices === null ? [] : sliceTexts(slices);
  const seeds = hullBySeed(front.points);
  const bySeed = seeds === null ? [] : [aligned(hullBySeedRows(seeds))];
  const made = front.families.length === 0 ? [] : [aligned(families)];
  return [
    aligned(rows),
    aligned(gauges),
    aligned(compared),
    ...sliced,
    aligned(points),
    ...bySeed,
    ...made,
    ...notes,
  ].join('\n\n');
}

function costCells(cost: Cost | null): string[] {
  return cost === null ? ['', ''] : [cost.ofOneFixed?.toFixed(2) ?? '', costWords(cost)];
}

/** Where RL begins. */
function startRow({ Category_L3_ACC, CTCVR }: NonNullable<Front['start']>): string[] {
  return ['SFT', Category_L3_ACC.toFixed(4), CTCVR.toFixed(4), ...new Array<string>(11).fill('')];
}

function areaRow(name: string, area: Interval | null, cost: Cost | null): string[][] {
  if (area === null) return [];
  const blanks = new Array<string>(8).fill('');
  return [[name, '', '', area.mean.toExponential(2), ...blanks, ...costCells(cost)]];
}

/** One line per cell. */
export function cellsCsv(cells: readonly Cell[]): string {
  const header = [
    ...['method', 'seed', ...OUTCOMES, 'distinct_top1', 'popularity_share'],
    ...['rl_rollouts', 'rl_updates', 'rl_seconds', 'exact', 'link'],
  ];
  const lines = cells.map(({ method, seed, row, spent, exact, link }) =>
    [
      method,
      seed,
      ...OUTCOMES.map((metric) => row[metric]),
      row.distinct_top1,
      row.popularity_share,
      spent?.rollouts ?? '',
      spent?.updates ?? '',
      spent?.seconds ?? '',
      exact,
      `"${link}"`,
    ].join(','),
  );
  return `${[header.join(','), ...lines].join('\n')}\n`;
}
