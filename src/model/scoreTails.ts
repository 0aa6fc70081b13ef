/** How likely the last tokens of sequences are, given what stands before them: of answers after a CoT, or of held-out ones. */
import { passGate, type StageHooks } from '../control/hooks';
import type { LanguageModel } from './languageModel';
import { padRows } from './padding';

export interface ScoringOptions {
  /** What is stopped when the hooks say stop. */
  stage: string;
  /** Rows of every batch; the last one is filled up with repeats. */
  batchSize: number;
  /** T, the padded length of a batch; no sequence may be longer. */
  length: number;
  /** Of the first sequences, as `onBatch` gave them in an earlier session: those are not scored again. */
  known?: Float32Array;
  /** After each batch, with all that is known by now. */
  onBatch?(known: Float32Array<ArrayBuffer>): void;
}

/**
 * Mean −log P (nats per token, perplexity = exp) of the last `answerLength` tokens of each of `count` sequences: [count].
 * @throws StoppedError when the hooks say stop; RangeError when a sequence is longer than `length`
 */
export async function scoreTails(
  model: Pick<LanguageModel, 'score'>,
  {
    count,
    row,
  }: { count: number; row: (index: number) => { tokens: ArrayLike<number>; answerLength: number } },
  { stage, batchSize, length, known = new Float32Array(), onBatch }: ScoringOptions,
  hooks: StageHooks,
): Promise<Float32Array> {
  const nll = new Float32Array(count);
  nll.set(known);
  for (let from = known.length; from < count; from += batchSize) {
    await passGate(hooks, stage);
    const rows = Array.from({ length: batchSize }, (_, b) => row(Math.min(from + b, count - 1)));
    const batch = padRows(
      rows.map(({ tokens }) => tokens),
      length,
    );
    const { logps } = await model.score(batch);
    for (let b = 0; b < batchSize && from + b < count; b++) {
      const { tokens, answerLength } = rows[b];
      let sum = 0;
      for (let t = tokens.length - answerLength; t < tokens.length; t++) sum -= logps[b * length + t];
      nll[from + b] = sum / answerLength;
    }
    const done = Math.min(count, from + batchSize);
    onBatch?.(nll.slice(0, done));
    hooks.onProgress?.(done, count);
  }
  return nll;
}
