/** How likely the last tokens of sequences are, given what stands before them: of answers after a CoT, or of held-out ones. */
import { inChunks, joined } from '../control/chunks';
import { type StageHooks, UNKEPT } from '../control/hooks';
import type { LanguageModel } from './languageModel';
import { padRows } from './padding';

export interface ScoringOptions {
  /** What is stopped when the hooks say stop. */
  stage: string;
  /** Rows of every batch; the last one is filled up with repeats. */
  batchSize: number;
  /** T, the padded length of a batch; no sequence may be longer. */
  length: number;
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
  { stage, batchSize, length }: ScoringOptions,
  hooks: StageHooks,
): Promise<Float32Array> {
  const scored = async (chunk: number) => {
    const from = chunk * batchSize;
    const nll = new Float32Array(Math.min(batchSize, count - from));
    const rows = Array.from({ length: batchSize }, (_, b) => row(Math.min(from + b, count - 1)));
    const batch = padRows(
      rows.map(({ tokens }) => tokens),
      length,
    );
    const { logps } = await model.score(batch);
    for (let b = 0; b < nll.length; b++) {
      const { tokens, answerLength } = rows[b];
      let sum = 0;
      for (let t = tokens.length - answerLength; t < tokens.length; t++) sum -= logps[b * length + t];
      nll[b] = sum / answerLength;
    }
    return nll;
  };
  const { gate, work = UNKEPT } = hooks;
  const onProgress = (done: number) => hooks.onProgress?.(Math.min(count, done * batchSize), count);
  const chunks = Math.ceil(count / batchSize);
  return joined(
    await work.part('scored', (own) => inChunks(stage, chunks, scored, { gate, onProgress, work: own })),
  );
}
