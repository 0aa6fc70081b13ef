/** A finished run held against another, user by user, so that luck with users is not taken for a difference. */
import type { UserOutcomes } from '../evaluate/metrics';
import { type PairedChanges, pairedChanges } from '../evaluate/rowSpread';
import { type SliceChanges, sliceChanges } from '../evaluate/sliceChanges';
import { outcomesOf, reportPart } from './assemble';
import type { RunState } from './runState';

export interface RunPairing {
  /** Of each outcome, the run less the one that it is held against; null where they do not have the same users. */
  changes: PairedChanges | null;
  /** Why there is none, or why some outcomes are missing; null where nothing is. */
  why: string | null;
  /** The same of L3 and CTCVR by slice; left out where no slices are told, and where nothing is compared. */
  slices?: SliceChanges[];
}

type Finished = Pick<RunState, 'made' | 'config'>;

/** What a run handed over, held against what `base` did. */
export function pairRuns(base: Finished, other: Finished): RunPairing {
  const why = otherUsers(base, other);
  if (why !== null) return { changes: null, why };
  const [before, after] = [handedOver(base), handedOver(other)];
  if (before === null || after === null || before.outcomes.length !== after.outcomes.length)
    return { changes: null, why: 'One of them did not keep what each user got.' };
  const { CTCVR, ...rest } = pairedChanges(before, after);
  const slices = sliceChanges([before, after], before.slices);
  const isOneJudge = base.config.data.source !== 'import' || sameLeaves(base, other, 'ranker');
  if (isOneJudge) return { changes: { CTCVR, ...rest }, why: null, ...(slices.length > 0 && { slices }) };
  // Of one's own data nobody knows the true rate: each run has it from its own ranker.
  return { changes: rest, why: 'CTCVR is of another ranker.' };
}

/** Which users are tested goes by the data, the seed, and how many are asked for. */
function otherUsers(base: Finished, other: Finished): string | null {
  const data = ({ made }: Finished) => reportPart({ made }).dataset?.sha256;
  if (base.config.seed !== other.config.seed) return 'Another seed, so other users.';
  if (data(base) !== data(other)) return 'Other data, so other users.';
  if (base.config.evaluate.users !== other.config.evaluate.users) return 'Another number of test users.';
  return null;
}

function sameLeaves(a: Finished, b: Finished, group: 'ranker'): boolean {
  return JSON.stringify(a.config[group]) === JSON.stringify(b.config[group]);
}

/** Of the model that is handed over. */
function handedOver(state: Finished): UserOutcomes | null {
  const { table } = reportPart(state);
  const row = table?.find(({ stage }) => stage === 'popo') ?? table?.at(-1);
  return row === undefined ? null : outcomesOf(state, row.stage);
}
