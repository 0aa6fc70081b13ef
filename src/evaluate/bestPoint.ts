/** Which point of alignment is handed over where the config asks for the best: judged on validation users, never on test users. */
import type { MetricsRow } from './metrics';

type Judged = Pick<MetricsRow, 'Category_L3_ACC' | 'CTCVR' | 'distinct_top1'>;

/** Share of the different answers of the beginning that a point must still give. */
export const LEAST_DISTINCT = 0.5;

/**
 * A point's score is L3 · CTCVR: a gain of one tenth in one of them makes up for a loss of one eleventh in the other, in whatever units
 * they are, so nothing has to be normalised. A point that gives less than half of the different answers of the first is none to keep,
 * since one answer for everybody may score well. The first point is the model that alignment began with.
 * @param curve in the order of steps
 * @returns the point with the highest score, of equal ones the earlier; null where there is no point
 */
export function bestPoint(
  curve: readonly { step: number; row: Judged }[],
): { step: number; score: number } | null {
  let best: { step: number; score: number } | null = null;
  for (const { step, row } of curve) {
    const score = row.Category_L3_ACC * row.CTCVR;
    const isWide = row.distinct_top1 >= LEAST_DISTINCT * curve[0].row.distinct_top1;
    if (best === null || (isWide && score > best.score)) best = { step, score };
  }
  return best;
}
