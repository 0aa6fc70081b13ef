/** What the model says of each request, as one vector: the greedy completion, reasoning and answer, in the encoder's space. */

import type { StageHooks } from '../control/hooks';
import type { Example } from '../data/dataset';
import type { LanguageModel } from '../model/languageModel';
import type { PromptFormat } from '../text/prompt';
import { type EvaluationOptions, generateGreedily } from './metrics';

/**
 * @param format of the data set that the examples are of
 * @returns [examples × dimension], unit rows; zero where the model said nothing that the encoder knows a word of
 * @throws StoppedError when the hooks say stop
 */
export async function requestVectors(
  model: Pick<LanguageModel, 'generate'>,
  format: PromptFormat,
  examples: readonly Example[],
  encoder: { dimension: number; embed(text: string): Float32Array },
  options: Omit<EvaluationOptions, 'stage'>,
  hooks: StageHooks,
): Promise<Float32Array<ArrayBuffer>> {
  const completions = await generateGreedily(model, format, examples, options, hooks);
  const vectors = new Float32Array(examples.length * encoder.dimension);
  completions.forEach((tokens, row) => {
    vectors.set(encoder.embed(format.tokenizer.decode(tokens)), row * encoder.dimension);
  });
  return vectors;
}
