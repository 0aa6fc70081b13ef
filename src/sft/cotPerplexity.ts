/**
 * The perplexity of a chain of thought, by which ORFT selects: how likely it makes the true answer,
 *
 *     PPL = exp( −1/T · Σ_t log P(y_t | prompt, CoT, y_<t) ),   y = the T answer tokens
 *
 * under the backbone.
 */
import type { StageHooks } from '../control/hooks';
import { type Dataset, type Example, targetItem } from '../data/dataset';
import type { LanguageModel } from '../model/languageModel';
import { type ScoringOptions, scoreTails } from '../model/scoreTails';
import type { Cot } from './cot';

/** What scoring needs of `PromptFormat`. */
interface AnswerFormat {
  readonly dataset: Dataset;
  answer(item: number): number[];
  example(example: Example, cot: string | null): { tokens: number[]; promptLength: number };
}

/** CoTs, and the examples that they explain. */
export interface ScoredCots {
  format: AnswerFormat;
  examples: readonly Example[];
  cots: readonly Pick<Cot, 'example' | 'text'>[];
}

/**
 * Mean NLL (nats per token, PPL = exp) of each example's answer given its prompt and CoT: [cots]. Batches always have
 * `batchSize` rows of `length` tokens; the last is filled up with repeats.
 * @throws StoppedError when the hooks say stop; RangeError when a sequence is longer than `length`
 */
export async function scoreCots(
  model: Pick<LanguageModel, 'score'>,
  { format, examples, cots }: ScoredCots,
  options: Omit<ScoringOptions, 'stage'>,
  hooks: StageHooks,
): Promise<Float32Array> {
  const row = (index: number) => {
    const cot = cots[index];
    const example = examples[cot.example];
    return {
      tokens: format.example(example, cot.text).tokens,
      answerLength: format.answer(targetItem(format.dataset, example)).length,
    };
  };
  return scoreTails(model, { count: cots.length, row }, { ...options, stage: 'ORFT' }, hooks);
}
