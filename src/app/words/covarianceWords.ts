/** What the covariances of rewards say of a run's rule, in whole sentences. */
import { GAUGE_STEPS, recentMean } from '../../popo/covarianceGauge';
import { pairName, type RewardName, rewardWords } from '../../popo/rewards';
import { pairsOf } from '../../popo/weighting';
import { short } from './format';

const listed = (labels: readonly string[]) =>
  labels.length < 2 ? labels.join() : `${labels.slice(0, -1).join(', ')} and ${labels.at(-1)}`;

/**
 * Whether any rule could earn its keep, by the run's own steps.
 * @param column of the page's columns of POPO steps, by its name
 * @returns an empty text where nothing was measured
 */
export function covarianceSentence(
  names: readonly RewardName[],
  column: (name: string) => ArrayLike<number>,
): string {
  return recentSentence(names, {
    covariances: pairsOf(names.length).map(([i, j]) =>
      recentMean(column(`covariance_${pairName(names[i], names[j])}`)),
    ),
    gains: names.map((name) => recentMean(column(`gain_${name}`))),
  });
}

/**
 * The same by means over the last steps.
 * @param recent.covariances of every two rewards, as `pairsOf` has them; null for what was not measured
 * @param recent.gains C w of each reward
 */
export function recentSentence(
  names: readonly RewardName[],
  recent: { covariances: readonly (number | null)[]; gains: readonly (number | null)[] },
): string {
  const label = (k: number) => rewardWords(names[k]).label;
  if (names.length < 2) return '';
  const pairs = pairsOf(names.length).map(([i, j], pair) => ({
    labels: `${label(i)} against ${label(j)}`,
    mean: recent.covariances[pair] ?? null,
  }));
  if (pairs.some(({ mean }) => mean === null)) return '';
  const against = pairs.filter(({ mean }) => mean! < 0).map(({ labels }) => labels);
  if (against.length === 0)
    return `Within groups all rewards went together over the last ${GAUGE_STEPS} steps: there any weights improve every reward, and no rule can earn its keep.`;
  const losing = names.filter((_, k) => (recent.gains[k] ?? 0) < 0);
  const gains =
    losing.length === 0
      ? 'under these weights each still gains.'
      : `under these weights ${listed(losing.map((name) => rewardWords(name).label))} ${losing.length === 1 ? 'loses' : 'lose'}.`;
  return `Within groups answers traded ${listed(against)} over the last ${GAUGE_STEPS} steps, so weights decide: ${gains}`;
}

/** What `constraint` holds, and at what. */
export function heldSentence(held: RewardName, level: number | null, weight: number | null): string {
  const { label } = rewardWords(held);
  if (level === null) return '';
  const multiplier =
    weight === null || weight >= 1 ? '' : ` Its multiplier is ${short(weight / (1 - weight))} now.`;
  return `The ${label} reward is held at ${short(level)}, from what it was before alignment.${multiplier}`;
}
