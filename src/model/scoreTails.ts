/** How likely the last tokens of sequences are, given what stands before them. */
import { passGate, type StageHooks } from '../data/stage';
import type { LanguageModel, TokenBatch } from './languageModel';

/** A sequence whose last `answerLength` tokens are scored. */
export interface ScoredSequence {
  tokens: ArrayLike<number>;
  answerLength: number;
}

export interface TailScoring {
  /** How many sequences there are, and the one at an index. */
  count: number;
  sequence: (index: number) => ScoredSequence;
  /** Rows of a batch; the last batch is filled up with repeats. */
  batchSize: number;
  /** T, the padded length of a batch; no sequence may be longer. */
  length: number;
  hooks: StageHooks;
  /** What is stopped when the hooks say stop. */
  stage: string;
}

/**
 * Mean −log P (nats per token, perplexity = exp) of each sequence's last tokens: [count]. Every batch has the same shape.
 * @throws StoppedError when the hooks say stop; RangeError when a sequence is longer than `length`
 */
export async function scoreTails(
  model: Pick<LanguageModel, 'score'>,
  { count, sequence, batchSize, length, hooks, stage }: TailScoring,
): Promise<Float32Array> {
  const nll = new Float32Array(count);
  for (let from = 0; from < count; from += batchSize) {
    await passGate(hooks, stage);
    const rows = Array.from({ length: batchSize }, (_, b) => sequence(Math.min(from + b, count - 1)));
    const { logps } = await model.score(pad(rows, length));
    for (let b = 0; b < batchSize && from + b < count; b++) {
      const { tokens, answerLength } = rows[b];
      let sum = 0;
      for (let t = tokens.length - answerLength; t < tokens.length; t++) sum -= logps[b * length + t];
      nll[from + b] = sum / answerLength;
    }
    hooks.onProgress?.(Math.min(count, from + batchSize), count);
  }
  return nll;
}
