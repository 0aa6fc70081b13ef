/** What a report says of recommenders without language, beside the model on the same users. */
import { type PairedInterval, pairedBootstrap } from '../bootstrap';
import { type AnswersRow, OUTCOMES } from '../metrics';

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
  metric: LeadMetric;
}

export const LEAD_METRICS = ['Category_L3_ACC', 'CTCVR'] as const;
export type LeadMetric = (typeof LEAD_METRICS)[number];

export interface BaselinesReport {
  /** The stage whose model is compared. */
  model: string;
  rows: BaselineRow[];
  leads: ModelLead[];
  /** Which of them was left out and why, and how they were asked. */
  notes: string[];
}

/** Answers as judged: [users, OUTCOMES]. */
interface JudgedAnswers {
  row: Pick<AnswersRow, 'stage'>;
  outcomes: Float32Array;
}

/** Paired over users, so that luck with users is not taken for a lead. */
export function leadsOf(model: JudgedAnswers, others: readonly JudgedAnswers[]): ModelLead[] {
  return others.flatMap(({ row, outcomes }) =>
    LEAD_METRICS.map((metric) => {
      const column = OUTCOMES.indexOf(metric);
      const width = OUTCOMES.length;
      const differences = Float64Array.from(
        { length: outcomes.length / width },
        (_, user) => model.outcomes[user * width + column] - outcomes[user * width + column],
      );
      return { over: row.stage, metric, ...pairedBootstrap([differences], 1) };
    }),
  );
}
