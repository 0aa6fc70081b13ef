/** Padding: sequences of different lengths as the rows of a batch [B, T] of one shape. It costs time, never correctness. */
import type { PaddedTokens, TokenBatch } from './languageModel';

/** Rows in memory of their own, to be written to a device. */
export interface Rows extends PaddedTokens {
  tokens: Uint32Array<ArrayBuffer>;
  lengths: Uint32Array<ArrayBuffer>;
}

/**
 * Sequences padded on the right to T = `length` with token 0; rows after the last are empty.
 * @param size B, at least the number of sequences
 * @throws RangeError for a sequence that is empty or longer than a row
 */
export function padRows(
  sequences: readonly ArrayLike<number>[],
  length: number,
  size = sequences.length,
): Rows {
  const rows = { size, length, tokens: new Uint32Array(size * length), lengths: new Uint32Array(size) };
  sequences.forEach((sequence, b) => {
    if (sequence.length === 0 || sequence.length > length) {
      throw new RangeError(
        `Sequence ${b} of the batch has ${sequence.length} tokens; a row takes 1 to ${length}. ` +
          'Raise the batch length, or lower text.max_prompt_length or text.max_completion_length.',
      );
    }
    rows.tokens.set(sequence, b * length);
    rows.lengths[b] = sequence.length;
  });
  return rows;
}

/**
 * A batch's tokens in rows of another shape, at least as large: token 0 beyond each sequence's end, empty rows after the last.
 * @throws RangeError when it does not fit or names a token beyond the vocabulary
 */
export function fitRows(
  batch: PaddedTokens,
  { size, length, vocabulary }: { size: number; length: number; vocabulary: number },
): Rows {
  if (batch.size > size || batch.length > length) {
    throw new RangeError(
      `A batch of ${batch.size} × ${batch.length} tokens does not fit one of ${size} × ${length}.`,
    );
  }
  const rows = { size, length, tokens: new Uint32Array(size * length), lengths: new Uint32Array(size) };
  for (let b = 0; b < batch.size; b++) {
    const count = batch.lengths[b];
    if (count > batch.length)
      throw new RangeError(`Sequence ${b} has ${count} tokens in a row of ${batch.length}.`);
    rows.lengths[b] = count;
    for (let t = 0; t < count; t++) {
      const token = batch.tokens[b * batch.length + t];
      if (token >= vocabulary) {
        throw new RangeError(
          `Token ${token} at sequence ${b}, position ${t} is outside the vocabulary of ${vocabulary}.`,
        );
      }
      rows.tokens[b * length + t] = token;
    }
  }
  return rows;
}

/** Loss weights of a batch that fits, [size · length], 0 beyond each sequence's end. */
export function fitWeights(batch: TokenBatch, size: number, length: number): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(size * length);
  for (let b = 0; b < batch.size; b++) {
    const from = b * batch.length;
    weights.set(batch.lossWeights.subarray(from, from + batch.lengths[b]), b * length);
  }
  return weights;
}

/** A batch's sequences, `size` at a time. */
export function turnsOf({ size, length, tokens, lengths }: PaddedTokens, most: number): PaddedTokens[] {
  return Array.from({ length: Math.ceil(size / most) }, (_, turn) => {
    const from = turn * most;
    const to = Math.min(size, from + most);
    return {
      size: to - from,
      length,
      tokens: tokens.subarray(from * length, to * length),
      lengths: lengths.subarray(from, to),
    };
  });
}
