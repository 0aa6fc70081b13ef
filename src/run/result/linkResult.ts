/**
 * What of a run's result a link carries, so that whoever opens it sees at once what came out: the stage table, curves of few points,
 * the device and how long it took. Nothing here proves anything: it is what its maker's browser reported.
 */
import type { MetricsRow } from '../../evaluate/metrics';
import { rateInterval } from '../../numeric/rate';
import { recentMean } from '../../popo/covarianceGauge';
import { pairsOf } from '../../popo/weighting';
import type { DeviceInfo, Report, StageName } from '../report';

/** Most points of each curve. */
export const MOST_POINTS = 48;
/** Of each curve of the covariance gauge, which is noisy: means of many steps tell more. */
export const GAUGE_POINTS = 12;

/** Whose losses are the language model's, in the order that they are trained. */
export const LOSS_STAGES = ['warmup', 'orft', 'sft'] as const satisfies readonly StageName[];

/** Rows of the table, in the order that it has them; `counting` is no model, `popo-last` stands beside a best `popo`. */
export const ROW_STAGES = ['counting', 'warmup', 'sft', 'popo', 'popo-last'] as const;

/** Columns of the table that are rates in [0, 1]. */
export const RATES = [
  'Category_L1_ACC',
  'Category_L2_ACC',
  'Category_L3_ACC',
  'Title_Hit-Rate@25',
  'Title_Hit-Rate@50',
  'Title_Hit-Rate@100',
  'exact_title_rate',
  'CTCVR',
  'valid_rate',
  'popularity_share',
] as const satisfies readonly (keyof MetricsRow)[];

export type RateName = (typeof RATES)[number];

/** Slices whose names a link can tell, in their order. */
export const SLICE_NAMES = ['seen', 'composed', 'cold'] as const;
type SliceName = (typeof SLICE_NAMES)[number];

/** Columns of the held-out curve. */
export const CURVE = [
  'Category_L1_ACC',
  'Category_L3_ACC',
  'Title_Hit-Rate@50',
  'CTCVR',
] as const satisfies readonly RateName[];

/** Of a point that was not measured. */
export type Values = (number | null)[];

export interface LinkedRow {
  stage: (typeof ROW_STAGES)[number];
  /** Of alignment where it is not the last: after how many steps this model stood. */
  step: number | null;
  users: number;
  /** In [0, 1], as RATES has them; null for what the run did not have. */
  rates: Record<RateName, number | null>;
  /** Half of the 95 % interval of CTCVR, where the run knew how it spreads over users. */
  ctcvrHalf: number | null;
  distinct_top1: number;
  /** In nats per token; null where no model answered. */
  answer_loss: number | null;
  /** By slice of the data's, in the order of `LinkResult.slices`; left out where it tells none. */
  slices?: LinkedSlice[];
}

/** Of the users of one slice; null where the row has nobody there, or its numbers are none. */
export interface LinkedSlice {
  l3: number | null;
  ctcvr: number | null;
  /** Half of the 95 % interval. */
  l3Half: number | null;
  ctcvrHalf: number | null;
}

/** Whether each reward gained, and whether any rule could earn its keep. Links of older versions lack it. */
export interface LinkedGauge {
  /** C w of each reward, means of equal stretches of alignment's steps: [K][points]. */
  gains: Values[];
  /** Means over the last steps (`GAUGE_STEPS`): of every two rewards, as `pairsOf` has them, and C w of each. */
  recent: { covariances: Values; gains: Values };
}

export interface LinkResult {
  device: Pick<DeviceInfo, 'backend' | 'vendor' | 'architecture' | 'description'>;
  /** Of all stages, those of earlier sessions included. */
  seconds: number;
  table: LinkedRow[];
  /** Kinds of test users, and how many are of each; left out where the data tells none, and by older links. */
  slices?: { name: SliceName; users: number }[];
  /** Means of equal stretches of a stage's steps, in nats per token. */
  losses: { stage: (typeof LOSS_STAGES)[number]; steps: number; values: Values }[];
  /** Of equal stretches of alignment's steps: means of each reward, [K][points], and each weight after the last step of a stretch, [K][points]. */
  alignment: { steps: number; rewards: Values[]; weights: Values[]; gauge: LinkedGauge | null } | null;
  /** Held-out rows while it aligned: after how many steps, and [CURVE][points]. */
  heldOut: { steps: number[]; values: Values[] } | null;
}

/** The last step, counted from 0, of each of `points` equal stretches of `steps` steps. */
export function stretchEnds(steps: number, points: number): number[] {
  return Array.from({ length: points }, (_, point) => Math.floor(((point + 1) * steps) / points) - 1);
}

/** The 95 % interval of a rate of a row: from how CTCVR spread where that is known, else as of people who say yes or no. */
export function intervalIn(row: LinkedRow, name: RateName): { low: number; high: number } | null {
  const rate = row.rates[name];
  // The share of the commonest answer is no mean over users.
  if (rate === null || name === 'popularity_share') return null;
  if (name === 'CTCVR' && row.ctcvrHalf !== null)
    return { low: Math.max(0, rate - row.ctcvrHalf), high: Math.min(1, rate + row.ctcvrHalf) };
  return rateInterval(rate, row.users);
}

type Source = Pick<Report, 'device' | 'stages' | 'popo' | 'table' | 'counting'>;

/** @param points most points of each curve */
export function resultOf(report: Source, points: number): LinkResult {
  const { vendor, architecture, description, backend } = report.device;
  const { steps, rewardNames, curve } = report.popo;
  const each = (values: (step: Source['popo']['steps'][number], k: number) => number | null) =>
    rewardNames.map((_, k) => steps.map((step) => values(step, k)));
  const few = Math.min(points, steps.length);
  const ends = stretchEnds(steps.length, few);
  const seen = spread(curve.length, points).map((index) => curve[index]);
  const slices = SLICE_NAMES.flatMap((name) => {
    const found = report.table[0]?.slices?.find((slice) => slice.name === name);
    return found === undefined ? [] : [{ name, users: found.users }];
  });
  return {
    device: { backend, vendor, architecture, description },
    seconds: Math.round(report.stages.reduce((sum, { seconds }) => sum + seconds, 0)),
    table: [report.counting, ...report.table].flatMap((row) =>
      row === undefined ? [] : linkedRow(row, slices),
    ),
    ...(slices.length > 0 && { slices }),
    losses: LOSS_STAGES.flatMap((stage) => {
      const loss = report.stages.find(({ name }) => name === stage)?.loss ?? [];
      if (loss.length === 0) return [];
      return [{ stage, steps: loss.length, values: stretchMeans(loss, Math.min(points, loss.length)) }];
    }),
    alignment:
      few === 0
        ? null
        : {
            steps: steps.length,
            rewards: each(meanReward).map((values) => stretchMeans(values, few)),
            weights: each(({ weightsAfter }, k) => weightsAfter[k] ?? null).map((values) =>
              ends.map((end) => values[end]),
            ),
            gauge: gaugeOf(steps, rewardNames.length),
          },
    heldOut:
      seen.length === 0
        ? null
        : {
            steps: seen.map(({ step }) => step),
            values: CURVE.map((name) => seen.map(({ row }) => row[name] ?? null)),
          },
  };
}

function linkedRow(
  row: NonNullable<Report['counting']> & { answer_loss?: number },
  slices: NonNullable<LinkResult['slices']>,
): LinkedRow[] {
  const stage = ROW_STAGES.find((known) => known === row.stage);
  if (stage === undefined) return [];
  const spreadOf = row.slices?.find(({ name }) => name === 'all')?.metrics.CTCVR;
  return [
    {
      stage,
      step: row.step ?? null,
      users: row.users,
      rates: Object.fromEntries(RATES.map((name) => [name, row[name] ?? null])) as LinkedRow['rates'],
      ctcvrHalf: spreadOf === undefined ? null : (spreadOf.high - spreadOf.low) / 2,
      distinct_top1: row.distinct_top1,
      answer_loss: stage === 'counting' ? null : (row.answer_loss ?? null),
      ...(slices.length > 0 && { slices: slices.map(({ name }) => linkedSlice(row, name)) }),
    },
  ];
}

function linkedSlice({ slices = [] }: Pick<MetricsRow, 'slices'>, name: SliceName): LinkedSlice {
  const found = slices.find((slice) => slice.name === name)?.metrics;
  const [l3, ctcvr] = [found?.Category_L3_ACC, found?.CTCVR];
  const half = (of: typeof l3) => (of === undefined ? null : (of.high - of.low) / 2);
  return {
    l3: l3?.mean ?? null,
    ctcvr: ctcvr?.mean ?? null,
    l3Half: half(l3),
    ctcvrHalf: half(ctcvr),
  };
}

/** Of a step's answers, of reward `k`; null of none. */
export function meanReward({ rewards }: Source['popo']['steps'][number], k: number): number | null {
  const paid = rewards.flatMap((group) => group.map((rollout) => rollout[k]));
  return paid.length === 0 ? null : paid.reduce((sum, value) => sum + value, 0) / paid.length;
}

/** @returns null for one reward, and where no step was measured, as in reports of older versions */
function gaugeOf(steps: Source['popo']['steps'], K: number): LinkedGauge | null {
  if (K < 2 || steps.every(({ covarianceWithSum }) => covarianceWithSum === undefined)) return null;
  const gain = (k: number) => steps.map(({ covarianceWithSum }) => covarianceWithSum?.[k] ?? null);
  const numbers = (values: Values) => values.map((value) => value ?? Number.NaN);
  const rewards = Array.from({ length: K }, (_, k) => k);
  return {
    gains: rewards.map((k) => stretchMeans(gain(k), Math.min(GAUGE_POINTS, steps.length))),
    recent: {
      covariances: pairsOf(K).map(([i, j]) =>
        recentMean(steps.map(({ covariance }) => covariance?.[i * K + j] ?? Number.NaN)),
      ),
      gains: rewards.map((k) => recentMean(numbers(gain(k)))),
    },
  };
}

/** Means of the numbers in each of `points` equal stretches. */
function stretchMeans(values: readonly (number | null)[], points: number): Values {
  let from = 0;
  return stretchEnds(values.length, points).map((end) => {
    const known = values.slice(from, end + 1).filter((value) => value !== null && Number.isFinite(value));
    from = end + 1;
    return known.length === 0 ? null : known.reduce<number>((sum, v) => sum + v!, 0) / known.length;
  });
}

/** At most `most` of `count` indices, evenly, the first and the last among them. */
function spread(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, index) => index);
  return Array.from({ length: most }, (_, k) => Math.round((k * (count - 1)) / (most - 1)));
}
