/** Sequences of different lengths as one batch of static shape. */
import type { TokenBatch } from '../model/languageModel';
import type { Sequence } from './prompt';

/**
 * Pads to exactly `length` tokens with 0, which models ignore. Completion tokens weigh 1 / (how many there are in the
 * batch), prompt tokens 0, so that Σ lossWeights · −logp is the mean over completion tokens.
 * @returns tokens and loss weights [sequences × length]
 * @throws Error for a sequence that is empty or longer than `length`
 */
export function collate(sequences: readonly Sequence[], length: number): TokenBatch {
  const size = sequences.length;
  const batch: TokenBatch = {
    size,
    length,
    tokens: new Uint32Array(size * length),
    lengths: new Uint32Array(size),
    lossWeights: new Float32Array(size * length),
  };
  // Nothing predicts the first token, so a sequence without a prompt has one loss token less.
  const first = (sequence: Sequence) => Math.max(1, sequence.promptLength);
  const count = sequences.reduce((sum, s) => sum + Math.max(0, s.tokens.length - first(s)), 0);
  sequences.forEach((sequence, row) => {
    const { tokens } = sequence;
    if (tokens.length === 0 || tokens.length > length) {
      throw new Error(
        `Sequence ${row} of the batch has ${tokens.length} tokens; a row takes 1 to ${length}. ` +
          'Raise the batch length, or lower text.max_prompt_length or text.max_completion_length.',
      );
    }
    batch.tokens.set(tokens, row * length);
    batch.lengths[row] = tokens.length;
    batch.lossWeights.fill(1 / count, row * length + first(sequence), row * length + tokens.length);
  });
  return batch;
}
