/**
 * What the model says of each request: the greedy completion as one vector in the encoder's space, and the item that it names. The encoder
 * knows words of the catalogue alone, so what reasoning is put into ("saw … need …") leaves no trace in a vector; but what it is argued from does.
 */
import type { StageHooks } from '../control/hooks';
import type { LanguageModel } from '../model/languageModel';
import { conclusionIn } from '../sft/teacher';
import type { Embedded } from './embedded';
import { type EvaluationOptions, generateGreedily, type HeldOutSet } from './metrics';

/** What was said, example by example. */
export interface SaidOf {
  /** [examples × dimension], unit rows; zero where the model said nothing that the encoder knows a word of. */
  vectors: Float32Array<ArrayBuffer>;
  /** Items named, −1 for none. */
  answers: number[];
}

/**
 * @throws StoppedError when the hooks say stop
 */
export async function requestVectors(
  model: Pick<LanguageModel, 'generate'>,
  asked: Omit<HeldOutSet, 'ctcvr'>,
  options: Omit<EvaluationOptions, 'stage'> & { embedded: Embedded },
  hooks: StageHooks,
): Promise<SaidOf> {
  const { format, examples, encoder } = asked;
  const completions = await generateGreedily(model, asked, options, hooks);
  const vectors = new Float32Array(examples.length * encoder.dimension);
  completions.forEach((tokens, row) => {
    const { think, answer } = format.parse(tokens);
    const text =
      options.embedded === 'whole'
        ? format.tokenizer.decode(tokens)
        : `${conclusionIn(think ?? '')} ${answer ?? ''}`;
    vectors.set(encoder.embed(text), row * encoder.dimension);
  });
  const answers = completions.map((tokens) => {
    const { valid, item } = format.parse(tokens);
    return valid ? item : -1;
  });
  return { vectors, answers };
}
