/** How prompts and their completions become a batch of static shape. */
import type { MaskedBatch } from '../model/languageModel';

/**
 * Prompts and their completions as rows of T tokens, prompt-major, with a mask of the completions' tokens.
 * @param prompts P prompts; @param completions P·G
 * @throws Error when a row does not fit T
 */
export function rolloutBatch(
  prompts: readonly ArrayLike<number>[],
  completions: readonly ArrayLike<number>[],
  length: number,
): MaskedBatch {
  const size = completions.length;
  const groupSize = size / prompts.length;
  const batch: MaskedBatch = {
    size,
    length,
    tokens: new Uint32Array(size * length),
    lengths: new Uint32Array(size),
    mask: new Uint8Array(size * length),
  };
  completions.forEach((completion, row) => {
    const prompt = prompts[Math.floor(row / groupSize)];
    const end = prompt.length + completion.length;
    if (end > length) {
      throw new Error(
        `A prompt of ${prompt.length} and a completion of ${completion.length} tokens exceed T = ${length}.`,
      );
    }
    batch.tokens.set(prompt, row * length);
    batch.tokens.set(completion, row * length + prompt.length);
    batch.mask.fill(1, row * length + prompt.length, row * length + end);
    batch.lengths[row] = end;
  });
  return batch;
}
