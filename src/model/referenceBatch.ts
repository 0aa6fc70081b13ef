/** Host-side reshaping between batches, padded to [B, T], and what the reference's ops take. */
import type { ModelConfig } from './config';
import type { PaddedTokens, TokenBatch } from './languageModel';

/** [B*T] ids as the ops need them: what lies beyond a sequence's end has id 0. Throws on ids or lengths out of range. */
export function checkedIds(config: ModelConfig, batch: PaddedTokens): Int32Array {
  const { size, length, tokens, lengths } = batch;
  if (length > config.max_position_embeddings) {
    throw new Error(
      `A batch of ${length} positions exceeds the model's ${config.max_position_embeddings}: shorten the sequences.`,
    );
  }
  const ids = new Int32Array(size * length);
  for (let b = 0; b < size; b++) {
    if (lengths[b] > length)
      throw new Error(`Sequence ${b} has ${lengths[b]} tokens in a batch of ${length}.`);
    for (let t = 0; t < lengths[b]; t++) {
      const at = b * length + t;
      if (tokens[at] >= config.vocab_size) {
        throw new Error(
          `Token ${tokens[at]} at sequence ${b}, position ${t} is outside the vocabulary of ${config.vocab_size}.`,
        );
      }
      ids[at] = tokens[at];
    }
  }
  return ids;
}

/** [B*T] loss weights, 0 beyond each sequence's end. */
export function weightsInside({ size, length, lengths, lossWeights }: TokenBatch): Float32Array {
  const weights = new Float32Array(size * length);
  for (let b = 0; b < size; b++) {
    const row = b * length;
    weights.set(lossWeights.subarray(row, row + lengths[b]), row);
  }
  return weights;
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

/** Prompts padded on the right to `length`. Throws on an empty one. */
export function promptBatch(prompts: ArrayLike<number>[], length: number): PaddedTokens {
  const size = prompts.length;
  const tokens = new Uint32Array(size * length);
  const lengths = new Uint32Array(size);
  prompts.forEach((prompt, index) => {
    if (prompt.length === 0)
      throw new Error(`Prompt ${index} is empty: generation needs at least one token.`);
    tokens.set(Array.from(prompt), index * length);
    lengths[index] = prompt.length;
  });
  return { size, length, tokens, lengths };
}
