/** Which arguments are shown from both sides of the cut, and what a reader must know to compare them. */
import type { CotExample, Threshold } from '../../sft/orft';

const SHOWN = 3;

export interface ShownExamples {
  kept: CotExample[];
  rejected: CotExample[];
  /** Why a kept one may stand beside a rejected one of lower perplexity; null where none does. */
  note: string | null;
}

/**
 * Under `margin` arguments of one prompt are compared with each other alone, so prompts come first that have one on each side; the
 * others are those that perplexity tells apart best.
 */
export function shownExamples(examples: readonly CotExample[], threshold: Threshold): ShownExamples {
  const kept = examples.filter((example) => example.kept).sort((a, b) => a.ppl - b.ppl);
  const rejected = examples.filter((example) => !example.kept).sort((a, b) => b.ppl - a.ppl);
  const pairs =
    threshold === 'margin'
      ? kept
          .flatMap((better) => {
            const worse = rejected.find(
              ({ sampleId, ppl }) => sampleId === better.sampleId && ppl > better.ppl,
            );
            return worse === undefined ? [] : [{ better, worse }];
          })
          .sort((a, b) => b.worse.ppl / b.better.ppl - a.worse.ppl / a.better.ppl)
      : [];
  const shown = {
    kept: different([...pairs.map(({ better }) => better), ...kept]),
    rejected: different([...pairs.map(({ worse }) => worse), ...rejected]),
  };
  const least = Math.min(...shown.rejected.map(({ ppl }) => ppl));
  const isCrossed = shown.kept.some(({ ppl }) => ppl >= least);
  return {
    ...shown,
    note: isCrossed
      ? 'Some kept here have a higher PPL than some rejected: each is compared with the others of its own prompt, and some prompts are harder.'
      : null,
  };
}

/** The first few that say different things. */
function different(examples: readonly CotExample[]): CotExample[] {
  const seen = new Set<string>();
  return examples.filter(({ cot }) => !seen.has(cot) && seen.add(cot)).slice(0, SHOWN);
}
