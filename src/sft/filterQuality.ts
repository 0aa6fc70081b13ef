/**
 * Perplexity as a proxy: it sees how likely the true answer becomes, not whether the reasoning is sound. Where the data
 * knows what a behaviour really followed from, the filter can be held against that.
 */
import { auc } from '../rank/auc';
import { groupedAuc } from '../rank/rankingMetrics';
import type { Cot } from './cot';

/** Of the CoTs whose truth is known, all as rates in [0, 1]. */
export interface FilterJudgement {
  /** Share that is right, before the filter. */
  right: number;
  /** Share that is right among the kept. */
  precision: number;
  /** Share that is kept among the right, and among the wrong. */
  recall: number;
  kept_of_wrong: number;
  /** Chance that a right one has the lower PPL than a wrong one, of any two prompts; and of the same prompt. */
  auc: number;
  auc_within: number;
}

export interface FilterQuality {
  cots: number;
  /** Whether the behaviour that the CoT cites is what the purchase followed from. */
  evidence: FilterJudgement;
  /** Whether the need that it concludes is the purchase's category. */
  conclusion: FilterJudgement;
}

/** Null where nobody knows the truth of any CoT. */
export function filterQuality(
  cots: readonly Pick<Cot, 'truth' | 'example'>[],
  nll: ArrayLike<number>,
  kept: readonly boolean[],
): FilterQuality | null {
  const known = cots.flatMap(({ truth, example }, index) =>
    truth === null ? [] : [{ truth, example, score: -nll[index], kept: kept[index] }],
  );
  if (known.length === 0) return null;
  const judge = (of: 'evidence' | 'conclusion'): FilterJudgement => {
    const right = known.filter(({ truth }) => truth[of]);
    const wrong = known.filter(({ truth }) => !truth[of]);
    const survivors = known.filter((cot) => cot.kept);
    const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
    const keptOf = (some: typeof known) => some.filter((cot) => cot.kept).length;
    const scores = known.map(({ score }) => score);
    const labels = known.map(({ truth }) => Number(truth[of]));
    return {
      right: share(right.length, known.length),
      precision: share(keptOf(right), survivors.length),
      recall: share(keptOf(right), right.length),
      kept_of_wrong: share(keptOf(wrong), wrong.length),
      auc: auc(scores, labels),
      auc_within: groupedAuc(
        scores,
        labels,
        known.map(({ example }) => example),
      ),
    };
  };
  return { cots: known.length, evidence: judge('evidence'), conclusion: judge('conclusion') };
}
