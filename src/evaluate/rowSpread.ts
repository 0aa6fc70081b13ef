/** How far the rows of the stage table are from luck with users: each by itself, and each less the one above it. */
import { type PairedInterval, pairedBootstrap } from './bootstrap';
import { MORE_OUTCOMES, OUTCOMES, type UserOutcomes } from './metrics';
import { type SliceChanges, sliceChanges } from './sliceChanges';
import { meanOf } from './slices';

export type OutcomeName = (typeof OUTCOMES)[number] | (typeof MORE_OUTCOMES)[number];

/** Of one row, on its test users. All intervals are of 95 %. */
export interface RowSpread {
  stage: string;
  /** Of the mean of CTCVR, the one outcome that is not yes or no. */
  ctcvr: { low: number; high: number };
  /** The row that it is compared with; null where there is none above it. */
  from: string | null;
  /** This row less that one, user by user, so that luck with users is not taken for a change; empty where `from` is null. */
  changes: PairedChanges;
  /** The same by slice; left out where no slices are told, and by older reports. */
  slices?: SliceChanges[];
}

/** By outcome, of one and the same users. */
export type PairedChanges = Partial<Record<OutcomeName, PairedInterval>>;

interface JudgedRow extends UserOutcomes {
  row: { stage: string };
}

/** @param rows as the table has them, of the same users in the same order */
export function rowSpreads(rows: readonly JudgedRow[]): RowSpread[] {
  return rows.map((own, index) => {
    const { row, outcomes } = own;
    const above = index === 0 ? null : rows[index - 1];
    const { low, high } = meanOf([...columnOf(outcomes, OUTCOMES, 'CTCVR')]);
    const isPaired = above !== null && above.outcomes.length === outcomes.length;
    const slices = isPaired ? sliceChanges([above, own], own.slices) : [];
    return {
      stage: row.stage,
      ctcvr: { low: Math.max(0, low), high: Math.min(1, high) },
      from: isPaired ? above.row.stage : null,
      changes: isPaired ? pairedChanges(above, own) : {},
      ...(slices.length > 0 && { slices }),
    };
  });
}

/** @param before of the same users in the same order as `after`; what one of them lacks has no interval */
export function pairedChanges(before: UserOutcomes, after: UserOutcomes): PairedChanges {
  const changes = (names: readonly OutcomeName[], was: Float32Array, is: Float32Array) =>
    names.map((name): [OutcomeName, PairedInterval] => {
      const from = columnOf(was, names, name);
      const differences = columnOf(is, names, name).map((value, user) => value - from[user]);
      return [name, pairedBootstrap([differences], 1)];
    });
  const hasMore = before.more !== undefined && after.more?.length === before.more.length;
  return Object.fromEntries([
    ...changes(OUTCOMES, before.outcomes, after.outcomes),
    ...(hasMore ? changes(MORE_OUTCOMES, before.more!, after.more!) : []),
  ]);
}

/** @param table [users, names] */
function columnOf(table: Float32Array, names: readonly OutcomeName[], name: OutcomeName): Float64Array {
  const [width, column] = [names.length, names.indexOf(name)];
  return Float64Array.from({ length: Math.floor(table.length / width) }, (_, user) => {
    return table[user * width + column];
  });
}
