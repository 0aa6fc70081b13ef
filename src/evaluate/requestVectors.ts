/** What the model says of each request, as one vector: the greedy completion, reasoning and answer, in the encoder's space. */
import type { StageHooks } from '../control/hooks';
import type { LanguageModel } from '../model/languageModel';
import { type EvaluationOptions, generateGreedily, type HeldOutSet } from './metrics';

/**
 * @returns [examples × dimension], unit rows; zero where the model said nothing that the encoder knows a word of
 * @throws StoppedError when the hooks say stop
 */
export async function requestVectors(
  model: Pick<LanguageModel, 'generate'>,
  asked: Omit<HeldOutSet, 'ctcvr'>,
  options: Omit<EvaluationOptions, 'stage'>,
  hooks: StageHooks,
): Promise<Float32Array<ArrayBuffer>> {
  const { format, examples, encoder } = asked;
  const completions = await generateGreedily(model, asked, options, hooks);
  const vectors = new Float32Array(examples.length * encoder.dimension);
  completions.forEach((tokens, row) => {
    vectors.set(encoder.embed(format.tokenizer.decode(tokens)), row * encoder.dimension);
  });
  return vectors;
}
