/** What two recommenders differ by in each slice of the same users. */
import { type PairedInterval, pairedBootstrap } from './bootstrap';
import { OUTCOMES } from './metrics';
import { SLICED, type SlicedMetric, type TestSlices, usersBySlice } from './slices';

/** Of 95 %, paired by user. */
export type BySlicedMetric = Record<SlicedMetric, PairedInterval>;

export interface SliceChanges {
  /** As the data set names it. */
  name: string;
  users: number;
  changes: BySlicedMetric;
}

/** [users, OUTCOMES] What each user adds to a row. */
interface UsersJudged {
  outcomes: ArrayLike<number>;
}

/** @returns a row for each slice that has users; none where `slices` is left out */
export function sliceChanges(
  [before, after]: readonly [UsersJudged, UsersJudged],
  slices: TestSlices | undefined,
): SliceChanges[] {
  if (slices === undefined) return [];
  return usersBySlice(slices).map(({ name, users }) => {
    const [l3, ctcvr] = SLICED.map((metric) => changeOf([before, after], metric, users));
    return { name, users: users.length, changes: { Category_L3_ACC: l3, CTCVR: ctcvr } };
  });
}

/** @param users of the same in both; their positions */
export function changeOf(
  [before, after]: readonly [UsersJudged, UsersJudged],
  metric: SlicedMetric,
  users: readonly number[],
): PairedInterval {
  const [width, column] = [OUTCOMES.length, OUTCOMES.indexOf(metric)];
  const of = ({ outcomes }: UsersJudged, user: number) => outcomes[user * width + column];
  return pairedBootstrap([users.map((user) => of(after, user) - of(before, user))], 1);
}
