/**
 * Warm-up: what a model trained from scratch in a tab gets in place of the paper's pretrained 7B backbone. Each step mixes
 * plain history → answer examples with short sentences about the catalogue, among them `need … → item` in the form a
 * chain of thought ends in. Without those the perplexity of an answer hardly depends on the CoT before it, and ORFT's
 * filter is near random.
 *
 * Sentences are packed several to a row, in random order: no padding is paid for, and every sentence is met at many
 * positions. Nothing keeps a sentence from seeing the ones before it; they are unrelated, so it learns to ignore them.
 */
import { needsOf } from '../data/needs';
import { Random } from '../numeric/random';
import type { PromptFormat, Sequence } from '../text/prompt';
import { needSentence } from './teacher';

export interface WarmupOptions {
  /** Prompt → answer examples per step. */
  batchSize: number;
  /** `title L1 L2 L3`, as a prompt describes an item, or a sentence of `dataset.facts`. */
  catalogueFacts: number;
  /** `<think> need … </think> <answer> … </answer>` */
  needSentences: number;
  /** `<answer> … </answer>` */
  catalogueSentences: number;
}

/**
 * The sequences of one warm-up step, a pure function of (seed, step): `batchSize` examples, then a fixed number of
 * packed rows (`packedRows`), none longer than a prompt and a completion together.
 */
export function warmupSequences(
  format: PromptFormat,
  options: WarmupOptions,
  seed: number,
  step: number,
): Sequence[] {
  const { dataset, tokenizer } = format;
  const random = new Random(seed, 'warmup', step);
  const examples = Array.from({ length: options.batchSize }, () =>
    format.example(random.pick(dataset.splits.train), null),
  );
  const fact = () => {
    const told = dataset.facts.length > 0 && random.chance(0.5) ? random.pick(dataset.facts) : null;
    return told === null ? format.description(random.int(dataset.items.length)) : tokenizer.encode(told);
  };
  return [...examples, ...packSentences(format, options, random, fact)];
}

/** What fine-tuning rehearses of the catalogue. */
export function rehearsalOf(sentences: number): Omit<WarmupOptions, 'batchSize'> {
  const needSentences = Math.floor(sentences / 2);
  return { catalogueFacts: sentences - needSentences, needSentences, catalogueSentences: 0 };
}

/**
 * The packed rows that join a step of fine-tuning, a pure function of (seed, step): facts of the data set (descriptions of items where it
 * has none), and needs with items that meet them. Forgetting the catalogue is what SFT does to devices that no prompt shows.
 */
export function rehearsalSequences(
  format: PromptFormat,
  sentences: number,
  seed: number,
  step: number,
): Sequence[] {
  const { dataset, tokenizer } = format;
  const random = new Random(seed, 'sft/rehearsal', step);
  const fact = () =>
    dataset.facts.length > 0
      ? tokenizer.encode(random.pick(dataset.facts))
      : format.description(random.int(dataset.items.length));
  return packSentences(format, rehearsalOf(sentences), random, fact);
}

/** Sentences of each kind, in random order, packed. */
function packSentences(
  format: PromptFormat,
  options: Omit<WarmupOptions, 'batchSize'>,
  random: Random,
  fact: () => number[],
): Sequence[] {
  const { dataset } = format;
  const sentences: number[][] = [];
  const needs = needsOf(dataset);
  const anyItem = () => random.int(dataset.items.length);
  for (let i = 0; i < options.catalogueFacts; i++) sentences.push(fact());
  for (let i = 0; i < options.needSentences; i++) {
    const item = anyItem();
    sentences.push(format.completion(needSentence(needs[item]), item));
  }
  for (let i = 0; i < options.catalogueSentences; i++) sentences.push(format.answer(anyItem()));
  return pack(random.shuffle(sentences), packedRows(format, options), rowLength(format));
}

/** Rows that the sentences of a step are packed into: as many as they may need, so that the batch's shape is fixed. */
export function packedRows(format: PromptFormat, options: Omit<WarmupOptions, 'batchSize'>): number {
  const sentences = options.catalogueFacts + options.needSentences + options.catalogueSentences;
  // Half of the rows would do if all sentences were short; needs and answers are the longest.
  const longest = Math.min(format.longestAnswer + 4, format.options.maxCompletionLength);
  return Math.ceil((sentences * longest) / rowLength(format));
}

function rowLength(format: PromptFormat): number {
  return format.options.maxPromptLength + format.options.maxCompletionLength;
}

/** Fills the rows one after another, evenly; what fits nowhere is left out. */
function pack(sentences: number[][], rows: number, length: number): Sequence[] {
  const packed = Array.from({ length: rows }, (): number[] => []);
  for (const sentence of sentences) {
    const shortest = packed.reduce((best, row) => (row.length < best.length ? row : best), packed[0]);
    if (shortest && shortest.length + sentence.length <= length) shortest.push(...sentence);
  }
  return packed.map((tokens) => ({ tokens, promptLength: 0 }));
}
