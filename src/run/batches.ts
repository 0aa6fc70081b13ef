/** Batches of prompts with their CoTs, as ORFT's scorer and SFT learn from them. */
import type { Example } from '../data/dataset';
import type { TokenBatch } from '../model/languageModel';
import { Epochs } from '../numeric/epochs';
import type { Cot } from '../sft/cot';
import { collate } from '../text/batch';
import type { PromptFormat, Sequence } from '../text/prompt';

/**
 * Each CoT's prompt, the CoT and the true answer.
 * @param prompts the examples that the CoTs explain
 * @param withCot false: the answer alone
 */
export function cotSequences(
  cots: readonly Pick<Cot, 'example' | 'text'>[],
  prompts: readonly Example[],
  format: Pick<PromptFormat, 'example'>,
  withCot = true,
): Sequence[] {
  return cots.map(({ example, text }) => format.example(prompts[example], withCot ? text : null));
}

/**
 * The batch of each step: every sequence once in a drawn order, then in another.
 * @param purpose names the stage, and keys the draw
 * @param more rows that join the batch of a step, as many at every step
 * @throws Error where there are no sequences
 */
export function shuffledBatches(
  purpose: 'orft' | 'sft',
  sequences: readonly Sequence[],
  {
    seed,
    size,
    length,
    more = () => [],
  }: { seed: number; size: number; length: number; more?: (step: number) => readonly Sequence[] },
): (step: number) => TokenBatch {
  if (sequences.length === 0) {
    throw new Error(`${purpose} has nothing to learn from: no CoT passed orft.threshold; raise it.`);
  }
  const epochs = new Epochs(seed, `${purpose}/order`, sequences.length);
  return (step) =>
    collate([...epochs.batch(step, size).map((index) => sequences[index]), ...more(step)], length);
}
