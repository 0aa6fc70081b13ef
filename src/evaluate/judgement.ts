/** What a ranker said of requests whose outcome is known, and how good that was. */
import type { Interval } from '../numeric/interval';
import type { AuctionOutcome } from '../rank/abTest';
import { auc } from '../rank/auc';
import { type aucGain, groupedAuc, hitsAt, logLoss } from '../rank/rankingMetrics';

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
export function metricsOf({ impressions, ranks }: Judgement, isIn: readonly boolean[] | null): RankerMetrics {
  const rows = impressions.filter(({ request }) => isIn?.[request] ?? true);
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

/** @param gained which metric's gain: of AUC or of GAUC */
export function gainOf(
  gained: typeof aucGain,
  { before, after, isIn }: Pair<Judgement>,
  seed: number,
): { ctr: Interval; ctcvr: Interval } {
  const rows = before.impressions.flatMap(({ request }, index) => ((isIn?.[request] ?? true) ? [index] : []));
  const users = rows.map((row) => before.impressions[row].user);
  const gain = (score: 'click' | 'both', label: 'clicked' | 'converted') =>
    gained(
      {
        before: rows.map((row) => before.impressions[row][score]),
        after: rows.map((row) => after.impressions[row][score]),
        labels: rows.map((row) => before.impressions[row][label]),
        users,
      },
      seed,
      DRAWS,
    );
  return { ctr: gain('click', 'clicked'), ctcvr: gain('both', 'converted') };
}
