/** How far the rows of the stage table are from luck with users: each by itself, and each less the one above it. */
import { type PairedInterval, pairedBootstrap } from './bootstrap';
import { OUTCOMES } from './metrics';
import { meanOf } from './slices';

export type OutcomeName = (typeof OUTCOMES)[number];

/** Of one row, on its test users. All intervals are of 95 %. */
export interface RowSpread {
  stage: string;
  /** Of the mean of CTCVR, the one outcome that is not yes or no. */
  ctcvr: { low: number; high: number };
  /** The row that it is compared with; null where there is none above it. */
  from: string | null;
  /** This row less that one, user by user, so that luck with users is not taken for a change; empty where `from` is null. */
  changes: PairedChanges;
}

/** By outcome, of one and the same users. */
export type PairedChanges = Partial<Record<OutcomeName, PairedInterval>>;

interface JudgedRow {
  row: { stage: string };
  /** [users, OUTCOMES] */
  outcomes: Float32Array;
}

/** @param rows as the table has them, of the same users in the same order */
export function rowSpreads(rows: readonly JudgedRow[]): RowSpread[] {
  return rows.map(({ row, outcomes }, index) => {
    const above = index === 0 ? null : rows[index - 1];
    const { low, high } = meanOf([...columnOf(outcomes, 'CTCVR')]);
    const isPaired = above !== null && above.outcomes.length === outcomes.length;
    return {
      stage: row.stage,
      ctcvr: { low: Math.max(0, low), high: Math.min(1, high) },
      from: isPaired ? above.row.stage : null,
      changes: isPaired ? pairedChanges(above.outcomes, outcomes) : {},
    };
  });
}

/** @param before [users, OUTCOMES], and `after` of the same users in the same order */
export function pairedChanges(before: Float32Array, after: Float32Array): PairedChanges {
  const change = (name: OutcomeName) => {
    const was = columnOf(before, name);
    return pairedBootstrap([columnOf(after, name).map((value, user) => value - was[user])], 1);
  };
  return Object.fromEntries(OUTCOMES.map((name) => [name, change(name)]));
}

function columnOf(outcomes: Float32Array, name: OutcomeName): Float64Array {
  const [width, column] = [OUTCOMES.length, OUTCOMES.indexOf(name)];
  return Float64Array.from({ length: Math.floor(outcomes.length / width) }, (_, user) => {
    return outcomes[user * width + column];
  });
}
