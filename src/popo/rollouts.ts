/** Which prompts a step takes, and how their completions become a batch of static shape. */
import type { MaskedBatch } from '../model/languageModel';
import { Random } from '../numeric/random';

/**
 * Example indices of step t, [P]: the examples in an order that is shuffled anew in every epoch, P at a time, each once
 * before any comes again. A pure function of (seed, t): nothing to keep for a resume.
 */
export function promptIndices(seed: number, step: number, prompts: number, examples: number): number[] {
  if (examples < 1) throw new Error('POPO has no training examples to take prompts from.');
  const orders = new Map<number, Uint32Array>();
  return Array.from({ length: prompts }, (_, i) => {
    const position = step * prompts + i;
    const epoch = Math.floor(position / examples);
    let order = orders.get(epoch);
    if (!order) {
      order = Uint32Array.from({ length: examples }, (_, index) => index);
      new Random(seed, 'popo-prompts', epoch).shuffle(order);
      orders.set(epoch, order);
    }
    return order[position % examples];
  });
}

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
