/** Sequences of different lengths as one batch of static shape. */
import type { TokenBatch } from '../model/languageModel';
import { padRows } from '../model/padding';
import type { Sequence } from './prompt';

/**
 * Pads to exactly `length` tokens with 0, which models ignore. Completion tokens weigh 1 / (how many there are in the
 * batch), prompt tokens 0, so that Σ lossWeights · −logp is the mean over completion tokens.
 * @returns tokens and loss weights [sequences × length]
 * @throws RangeError for a sequence that is empty or longer than `length`
 */
export function collate(sequences: readonly Sequence[], length: number): TokenBatch {
  const rows = padRows(
    sequences.map(({ tokens }) => tokens),
    length,
  );
  const lossWeights = new Float32Array(rows.size * length);
  // Nothing predicts the first token, so a sequence without a prompt has one loss token less.
  const first = (sequence: Sequence) => Math.max(1, sequence.promptLength);
  const count = sequences.reduce((sum, s) => sum + Math.max(0, s.tokens.length - first(s)), 0);
  sequences.forEach((sequence, row) => {
    lossWeights.fill(1 / count, row * length + first(sequence), row * length + sequence.tokens.length);
  });
  return { ...rows, lossWeights };
}
