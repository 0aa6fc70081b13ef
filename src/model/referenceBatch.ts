/** Host-side reshaping between batches, padded to [B, T], and what the reference's ops take. */
import type { ModelConfig } from './config';
import type { PaddedTokens } from './languageModel';
import { fitRows } from './padding';

/** [B*T] ids as the ops need them: what lies beyond a sequence's end has id 0. @throws RangeError on ids or lengths out of range */
export function checkedIds(config: ModelConfig, batch: PaddedTokens): Int32Array {
  const { size, length } = batch;
  if (length > config.max_position_embeddings) {
    throw new RangeError(
      `A batch of ${length} positions exceeds the model's ${config.max_position_embeddings}: shorten the sequences.`,
    );
  }
  return Int32Array.from(fitRows(batch, { size, length, vocabulary: config.vocab_size }).tokens);
}

/** [B, T] → [B, T − 1]: drops t = 0, which nothing predicts. */
export function withoutFirst(values: Float32Array, size: number, length: number): Float32Array {
  const rest = new Float32Array(size * (length - 1));
  for (let b = 0; b < size; b++)
    rest.set(values.subarray(b * length + 1, (b + 1) * length), b * (length - 1));
  return rest;
}

/** [B, T − 1] → [B, T] with 0 at t = 0 and beyond each sequence's end. */
export function scattered(values: ArrayLike<number>, { size, length, lengths }: PaddedTokens): Float32Array {
  const full = new Float32Array(size * length);
  for (let b = 0; b < size; b++) {
    for (let t = 1; t < lengths[b]; t++) full[b * length + t] = values[b * (length - 1) + t - 1];
  }
  return full;
}
