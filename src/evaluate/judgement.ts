/** What a ranker said of requests whose outcome is known, and how good that was. */
import { type Interval, intervalOf } from '../numeric/interval';
import type { AuctionOutcome } from '../rank/abTest';
import { auc } from '../rank/auc';
import {
  type Drawn,
  drawnAuc,
  drawnGroupedAuc,
  drawnRate,
  gainOf,
  groupedAuc,
  groupedAucGain,
  hitsAt,
  logLoss,
  type ScoredOnce,
} from '../rank/rankingMetrics';

/** Draws of a bootstrap. */
export const DRAWS = 400;

/** What a ranker said of the judged requests; `request` counts these. */
export interface Judgement {
  impressions: {
    request: number;
    user: number;
    click: number;
    both: number;
    clicked: number;
    converted: number;
  }[];
  ranks: { request: number; rank: number }[];
  /** [requests]; null where no outcome is known. */
  outcomes: AuctionOutcome[] | null;
}

/** Of all requests, from those of a few after another. */
export function joinedJudgements(judgements: readonly Judgement[]): Judgement {
  const isKnown = judgements.every(({ outcomes }) => outcomes !== null);
  return {
    impressions: judgements.flatMap(({ impressions }) => impressions),
    ranks: judgements.flatMap(({ ranks }) => ranks),
    outcomes: isKnown ? judgements.flatMap(({ outcomes }) => outcomes ?? []) : null,
  };
}

/** On impressions of the judged requests; hit rates over the full catalogue, of what the user did next. */
export interface RankerMetrics {
  auc: { ctr: number; cvr: number; ctcvr: number };
  /** Within each user. */
  gauc: { ctr: number; ctcvr: number };
  /** Nats per impression. */
  log_loss: { ctr: number; ctcvr: number };
  'HR@10': number;
  'NDCG@10': number;
  requests: number;
  impressions: number;
}

/** @param isIn which requests count, null for all */
export function metricsOf(judgement: Judgement, isIn: readonly boolean[] | null): RankerMetrics {
  const { ranks } = judgement;
  const rows = rowsIn(judgement, isIn);
  const users = rows.map(({ user }) => user);
  const [click, both] = [rows.map((row) => row.click), rows.map((row) => row.both)];
  const [clicked, converted] = [rows.map((row) => row.clicked), rows.map((row) => row.converted)];
  const after = rows.filter((row) => row.clicked);
  const own = ranks.filter(({ request }) => isIn?.[request] ?? true).map(({ rank }) => rank);
  const { hit, ndcg } = hitsAt(own, 10);
  return {
    auc: {
      ctr: auc(click, clicked),
      cvr: auc(
        after.map((row) => row.both / row.click),
        after.map((row) => row.converted),
      ),
      ctcvr: auc(both, converted),
    },
    gauc: { ctr: groupedAuc(click, clicked, users), ctcvr: groupedAuc(both, converted, users) },
    log_loss: { ctr: logLoss(click, clicked), ctcvr: logLoss(both, converted) },
    'HR@10': hit,
    'NDCG@10': ndcg,
    requests: isIn === null ? new Set(ranks.map(({ request }) => request)).size : isIn.filter(Boolean).length,
    impressions: rows.length,
  };
}

/** The same of two rankers, before and after features were added; `isIn` tells which requests count, null for all. */
export interface Pair<T> {
  before: T;
  after: T;
  isIn: readonly boolean[] | null;
}

type Rows = Judgement['impressions'];

/** Of the requests that are in. */
function rowsIn({ impressions }: Judgement, isIn: readonly boolean[] | null): Rows {
  return isIn === null ? impressions : impressions.filter(({ request }) => isIn[request]);
}

/** A score of each impression, its label, and who was shown it. */
function scored(
  rows: Rows,
  score: (row: Rows[number]) => number,
  label: 'clicked' | 'converted',
): ScoredOnce {
  return {
    scores: rows.map(score),
    labels: rows.map((row) => row[label]),
    users: rows.map(({ user }) => user),
  };
}

/** AUCs of a ranker, each with what it comes to when users are drawn again. */
export type DrawnAucs = Record<'ctr' | 'cvr' | 'ctcvr', Drawn>;

export function drawnAucs(judgement: Judgement, isIn: readonly boolean[] | null, seed: number): DrawnAucs {
  const rows = rowsIn(judgement, isIn);
  const clicks = rows.filter(({ clicked }) => clicked);
  return {
    ctr: drawnAuc(
      scored(rows, ({ click }) => click, 'clicked'),
      seed,
      DRAWS,
    ),
    cvr: drawnAuc(
      scored(clicks, ({ both, click }) => both / click, 'converted'),
      seed,
      DRAWS,
    ),
    ctcvr: drawnAuc(
      scored(rows, ({ both }) => both, 'converted'),
      seed,
      DRAWS,
    ),
  };
}

export function aucGains(before: DrawnAucs, after: DrawnAucs): { ctr: Interval; ctcvr: Interval } {
  return { ctr: gainOf(before.ctr, after.ctr), ctcvr: gainOf(before.ctcvr, after.ctcvr) };
}

export function groupedGains(
  { before, after, isIn }: Pair<Judgement>,
  seed: number,
): { ctr: Interval; ctcvr: Interval } {
  const [first, second] = [rowsIn(before, isIn), rowsIn(after, isIn)];
  const gain = (score: 'click' | 'both', label: 'clicked' | 'converted') => {
    const { scores, labels, users } = scored(first, (row) => row[score], label);
    return groupedAucGain(
      { before: scores, after: second.map((row) => row[score]), labels, users },
      seed,
      DRAWS,
    );
  };
  return { ctr: gain('click', 'clicked'), ctcvr: gain('both', 'converted') };
}

/** The two ends of a 95 % interval. */
export type IntervalEnds = [low: number, high: number];

/** What each metric may be, had others of these users been judged: the metrics' names, with the ends of their intervals. */
export interface RankerIntervals {
  auc: Record<'ctr' | 'cvr' | 'ctcvr', IntervalEnds>;
  gauc: Record<'ctr' | 'ctcvr', IntervalEnds>;
  log_loss: Record<'ctr' | 'ctcvr', IntervalEnds>;
  'HR@10': IntervalEnds;
  'NDCG@10': IntervalEnds;
}

/** @param aucs of the same requests */
export function intervalsOf(
  judgement: Judgement,
  aucs: DrawnAucs,
  isIn: readonly boolean[] | null,
  seed: number,
): RankerIntervals {
  const rows = rowsIn(judgement, isIn);
  const grouped = (score: 'click' | 'both', label: 'clicked' | 'converted') =>
    endsOf(
      drawnGroupedAuc(
        scored(rows, (row) => row[score], label),
        seed,
        DRAWS,
      ),
    );
  const userOf = new Map(rows.map(({ request, user }) => [request, user]));
  const ranks = judgement.ranks.filter(({ request }) => isIn?.[request] ?? true);
  const mean = (values: readonly number[], users: readonly number[]) =>
    endsOf(drawnRate({ values, users }, seed, DRAWS));
  const loss = (score: 'click' | 'both', label: 'clicked' | 'converted') =>
    mean(
      rows.map((row) => logLoss([row[score]], [row[label]])),
      rows.map(({ user }) => user),
    );
  const hits = ranks.map(({ rank }) => hitsAt([rank], 10));
  // Where nothing was shown at a request, it is somebody's of its own.
  const asked = ranks.map(({ request }) => userOf.get(request) ?? -1 - request);
  return {
    auc: { ctr: endsOf(aucs.ctr), cvr: endsOf(aucs.cvr), ctcvr: endsOf(aucs.ctcvr) },
    gauc: { ctr: grouped('click', 'clicked'), ctcvr: grouped('both', 'converted') },
    log_loss: { ctr: loss('click', 'clicked'), ctcvr: loss('both', 'converted') },
    'HR@10': mean(
      hits.map(({ hit }) => hit),
      asked,
    ),
    'NDCG@10': mean(
      hits.map(({ ndcg }) => ndcg),
      asked,
    ),
  };
}

/** Leaves the draws as they are. */
export function endsOf({ value, draws }: Drawn): IntervalEnds {
  const { low, high } = intervalOf(value, draws.slice());
  return [low, high];
}
