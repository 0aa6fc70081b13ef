/** What the covariances of rewards say of a run's rule, in whole sentences. */
import { pairName, type RewardName, rewardWords } from '../../popo/rewards';
import { pairsOf } from '../../popo/weighting';
import { short } from './format';

/** Steps that the sentences are of: those of one alone are noise. */
const STEPS = 20;

/** Mean of the last values that are numbers; null where there are none. */
function recent(values: ArrayLike<number>): number | null {
  const last = Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .slice(-STEPS);
  return last.length === 0 ? null : last.reduce((sum, value) => sum + value, 0) / last.length;
}

const listed = (labels: readonly string[]) =>
  labels.length < 2 ? labels.join() : `${labels.slice(0, -1).join(', ')} and ${labels.at(-1)}`;

/**
 * Whether any rule could earn its keep.
 * @param column of the page's columns of POPO steps, by its name
 * @returns an empty text where nothing was measured
 */
export function covarianceSentence(
  names: readonly RewardName[],
  column: (name: string) => ArrayLike<number>,
): string {
  const label = (k: number) => rewardWords(names[k]).label;
  if (names.length < 2) return '';
  const pairs = pairsOf(names.length).map(([i, j]) => ({
    labels: `${label(i)} against ${label(j)}`,
    mean: recent(column(`covariance_${pairName(names[i], names[j])}`)),
  }));
  if (pairs.some(({ mean }) => mean === null)) return '';
  const against = pairs.filter(({ mean }) => mean! < 0).map(({ labels }) => labels);
  if (against.length === 0)
    return `Within groups all rewards went together over the last ${STEPS} steps: there any weights improve every reward, and no rule can earn its keep.`;
  const losing = names.filter((name) => (recent(column(`gain_${name}`)) ?? 0) < 0);
  const gains =
    losing.length === 0
      ? 'under these weights each still gains.'
      : `under these weights ${listed(losing.map((name) => rewardWords(name).label))} ${losing.length === 1 ? 'loses' : 'lose'}.`;
  return `Within groups answers traded ${listed(against)} over the last ${STEPS} steps, so weights decide: ${gains}`;
}

/** What `constraint` holds, and at what. */
export function heldSentence(held: RewardName, level: number | null, weight: number | null): string {
  const { label } = rewardWords(held);
  if (level === null) return '';
  const multiplier =
    weight === null || weight >= 1 ? '' : ` Its multiplier is ${short(weight / (1 - weight))} now.`;
  return `The ${label} reward is held at ${short(level)}, from what it was before alignment.${multiplier}`;
}
