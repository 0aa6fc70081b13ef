/** What a report says of recommenders without language, beside the model on the same users. */
import type { PairedInterval } from '../bootstrap';
import { type AnswersRow, OUTCOMES } from '../metrics';
import { changeOf } from '../sliceChanges';
import { SLICED, type SlicedMetric, type TestSlices, usersBySlice } from '../slices';

/** Its answers judged as the model's are, and its ranking of the whole catalogue by the item that came next. */
export interface BaselineRow extends AnswersRow {
  'HR@10': number;
  'HR@50': number;
  'NDCG@10': number;
  /** What validation chose; null where there was nothing to choose. */
  setting: number | null;
}

/** The model's mean less another's, over the same users. */
export interface ModelLead extends PairedInterval {
  /** A row of the table, or counting. */
  over: string;
  metric: SlicedMetric;
}

export interface BaselinesReport {
  /** The stage whose model is compared. */
  model: string;
  rows: BaselineRow[];
  leads: ModelLead[];
  /** The same over the users of each slice; left out where the data tells none, and by older reports. */
  slices?: { name: string; users: number; leads: ModelLead[] }[];
  /** Which of them was left out and why, and how they were asked. */
  notes: string[];
}

/** Answers as judged: [users, OUTCOMES]. */
interface JudgedAnswers {
  row: Pick<AnswersRow, 'stage'>;
  outcomes: Float32Array;
}

/**
 * Paired over users, so that luck with users is not taken for a lead.
 * @param users positions of those that count; all when left out
 */
export function leadsOf(
  model: JudgedAnswers,
  others: readonly JudgedAnswers[],
  users: readonly number[] = Array.from({ length: model.outcomes.length / OUTCOMES.length }, (_, at) => at),
): ModelLead[] {
  return others.flatMap((other) =>
    SLICED.map((metric) => ({
      over: other.row.stage,
      metric,
      ...changeOf([other, model], metric, users),
    })),
  );
}

/** Nothing where the data tells no slices. */
export function sliceLeads(
  model: JudgedAnswers,
  others: readonly JudgedAnswers[],
  slices: TestSlices | null,
): Pick<BaselinesReport, 'slices'> {
  if (slices === null) return {};
  return {
    slices: usersBySlice(slices).map(({ name, users }) => ({
      name,
      users: users.length,
      leads: leadsOf(model, others, users),
    })),
  };
}
