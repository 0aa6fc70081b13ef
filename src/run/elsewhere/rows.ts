/** The prompts that POPO asks, in the order in which it asks them, and the sequences that SFT learnt from: JSONL. */
import { type Example, targetItem } from '../../data/dataset';
import { Epochs } from '../../numeric/epochs';
import { cotSequences } from '../batches';
import type { AlignmentStart } from './start';

/** A line of train.jsonl. */
export interface PromptRow {
  prompt: string;
  sample_id: string;
  /** Index into the catalogue. */
  target_item: number;
  /** Row of the table of ID rewards. */
  user_row: number;
}

/** A line of sft.jsonl. */
interface TaughtRow extends Omit<PromptRow, 'user_row'> {
  completion: string;
  /** Null where POPO does not ask this prompt, so that no ID reward is known of it. */
  user_row: number | null;
}

export interface ElsewhereRows {
  prompts: PromptRow[];
  taught: TaughtRow[];
  /** Those left out because their text reads as other tokens. */
  leftOut: { prompts: number; taught: number };
}

/**
 * Trainers elsewhere read text and make tokens of it. A row stays only if its text gives the very tokens that it was made of: a title
 * that was cut within a word, or that spells a tag, does not.
 * @throws Error when no prompt is left
 */
export function elsewhereRows({
  config,
  dataset,
  draw,
  format,
  tokenizer,
  made,
}: AlignmentStart): ElsewhereRows {
  const textOf = (tokens: number[]) => {
    const text = tokenizer.decode(tokens);
    const read = tokenizer.encode(text);
    return read.length === tokens.length && read.every((token, at) => token === tokens[at]) ? text : null;
  };
  const shared = (example: Example) => ({
    sample_id: example.sampleId,
    target_item: targetItem(dataset, example),
  });
  const order = new Epochs(config.seed, 'popo-prompts', draw.policy.length).batch(0, draw.policy.length);
  const prompts = order.flatMap((row) => {
    const prompt = textOf(format.prompt(draw.policy[row]));
    return prompt === null ? [] : [{ prompt, ...shared(draw.policy[row]), user_row: row }];
  });
  if (prompts.length === 0)
    throw new Error('No prompt of this run reads as the same tokens elsewhere, so nothing can be exported.');

  const rowOf = new Map(draw.policy.map(({ sampleId }, row) => [sampleId, row]));
  const kept = made.orft.result!.kept.map((index) => made.rupr.cots[index]);
  const taught = cotSequences(kept, draw.prompts, format, config.sft.cot).flatMap((sequence, at) => {
    const example = draw.prompts[kept[at].example];
    const prompt = textOf(sequence.tokens.slice(0, sequence.promptLength));
    const completion = textOf(sequence.tokens.slice(sequence.promptLength));
    if (prompt === null || completion === null) return [];
    return [{ prompt, completion, ...shared(example), user_row: rowOf.get(example.sampleId) ?? null }];
  });
  return {
    prompts,
    taught,
    leftOut: { prompts: order.length - prompts.length, taught: kept.length - taught.length },
  };
}
