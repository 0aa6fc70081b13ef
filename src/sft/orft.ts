/**
 * ORFT, open-ended rejection-sampling fine-tuning: a chain of thought is as good as it makes the true answer likely. Those
 * whose perplexity (`cotPerplexity.ts`) is below a threshold are kept for SFT (paper: the median of a validation subset of
 * 2.3K, R = 4.6). Perplexity compares CoTs of one prompt well and prompts with each other badly, because a prompt's
 * difficulty swamps its CoTs' quality; `margin` therefore subtracts the prompt's mean first.
 */
import type { Cot } from './cot';

export interface CotExample {
  sampleId: string;
  cot: string;
  ppl: number;
  kept: boolean;
}

export type Threshold = 'median' | 'margin' | 'none' | number;

export interface Selection {
  /** PPL below which a CoT was kept; for `margin`, nats of NLL relative to the prompt's mean; Infinity for `none`. */
  threshold: number;
  /** One per CoT. */
  kept: boolean[];
}

/** The paper sets its threshold on this many CoTs. */
const VALIDATION_SUBSET = 2300;

/**
 * Which CoTs survive. `median`: PPL ≤ the median PPL of a validation subset (every CoT, or 2,300 evenly spread ones).
 * `margin`: NLL minus the mean NLL of the prompt's CoTs is in the lower half. A number: PPL < it. `none`: all.
 * With `median` and `margin` at least one CoT survives, if there is any.
 */
export function selectCots(
  nll: ArrayLike<number>,
  cots: readonly Pick<Cot, 'example'>[],
  threshold: Threshold,
): Selection {
  const scores = Array.from(nll);
  if (scores.length !== cots.length) {
    throw new Error(`There are ${cots.length} CoTs but ${scores.length} scores: score every CoT once.`);
  }
  if (threshold === 'none') return { threshold: Infinity, kept: scores.map(() => true) };
  if (threshold === 'median') {
    const limit = median(validationSubset(scores));
    return { threshold: Math.exp(limit), kept: scores.map((score) => score <= limit) };
  }
  if (threshold === 'margin') {
    const margins = marginsWithinPrompt(scores, cots);
    const limit = median(margins);
    return { threshold: limit, kept: margins.map((margin) => margin <= limit) };
  }
  return { threshold, kept: scores.map((score) => Math.exp(score) < threshold) };
}

/** NLL minus the mean NLL of the same prompt's CoTs. */
export function marginsWithinPrompt(nll: ArrayLike<number>, cots: readonly Pick<Cot, 'example'>[]): number[] {
  const sums = new Map<number, { sum: number; count: number }>();
  cots.forEach(({ example }, index) => {
    const entry = sums.get(example) ?? { sum: 0, count: 0 };
    entry.sum += nll[index];
    entry.count += 1;
    sums.set(example, entry);
  });
  return cots.map(({ example }, index) => {
    const { sum, count } = sums.get(example)!;
    return nll[index] - sum / count;
  });
}

/** The CoTs in the form that the report shows. */
export function cotExamples(
  cots: readonly Cot[],
  nll: ArrayLike<number>,
  selection: Selection,
): CotExample[] {
  return cots.map((cot, index) => ({
    sampleId: cot.sampleId,
    cot: cot.text,
    ppl: Math.exp(nll[index]),
    kept: selection.kept[index],
  }));
}

function validationSubset(scores: number[]): number[] {
  if (scores.length <= VALIDATION_SUBSET) return scores;
  const stride = scores.length / VALIDATION_SUBSET;
  return Array.from({ length: VALIDATION_SUBSET }, (_, i) => scores[Math.floor(i * stride)]);
}

/** The lower median, so that something is always at or below it; −Infinity of nothing. */
function median(values: readonly number[]): number {
  if (values.length === 0) return -Infinity;
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
