/** What rankers come to on the requests of each slice. In no fingerprint: runs were shared before there were any. */
import type { Interval } from '../numeric/interval';
import { aucGains, drawnAucs, endsOf, type IntervalEnds, type Judgement } from './judgement';
import { type TestSlices, usersBySlice } from './slices';

export interface RankerSlice {
  /** As the data set names it. */
  name: string;
  requests: number;
  /** AUC of pCTR and of pCTCVR, and their intervals by drawing users again. */
  auc: { ctr: number; ctcvr: number };
  ends: { ctr: IntervalEnds; ctcvr: IntervalEnds };
  /** AUC less that of the ranker without features; null for that one. */
  gain: { ctr: Interval; ctcvr: Interval } | null;
}

/**
 * @param judgements of the same requests; the first is of the ranker without features
 * @param kinds of the judged requests, in their order
 * @returns [rankers][slices]
 */
export function rankerSlices(
  judgements: readonly Judgement[],
  kinds: TestSlices,
  seed: number,
): RankerSlice[][] {
  const slices = usersBySlice(kinds).map(({ name, users: requests }) => {
    const chosen = new Set(requests);
    const isIn = kinds.of.map((_, request) => chosen.has(request));
    return {
      name,
      requests: requests.length,
      drawn: judgements.map((judgement) => drawnAucs(judgement, isIn, seed)),
    };
  });
  return judgements.map((_, ranker) =>
    slices.map(({ name, requests, drawn }) => {
      const { ctr, ctcvr } = drawn[ranker];
      return {
        name,
        requests,
        auc: { ctr: ctr.value, ctcvr: ctcvr.value },
        ends: { ctr: endsOf(ctr), ctcvr: endsOf(ctcvr) },
        gain: ranker === 0 ? null : aucGains(drawn[0], drawn[ranker]),
      };
    }),
  );
}
