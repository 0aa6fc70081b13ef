/**
 * Static shapes that fit the data. The config's lengths are limits, generous enough for real titles; what a batch pads to
 * is the longest prompt of any example and the longest completion that the teacher's CoTs and the answers call for; of a
 * teacher outside this app the CoTs may be of any length, and are cut at the limit.
 */
import type { Dataset, Item } from '../data/dataset';
import { sentence } from '../sft/teacher';
import { PromptFormat } from '../text/prompt';
import type { Tokenizer } from '../text/tokenizer';
import type { RunConfig } from './config';

/** T is a multiple of this. */
const MULTIPLE = 4;
/** `<think>` and `</think>`. */
const THINK_TOKENS = 2;

/** A format whose limits are what the data needs; `maxPromptLength + maxCompletionLength` is T of every batch. */
export function fitFormat(
  dataset: Dataset,
  tokenizer: Tokenizer,
  { text, rupr }: Pick<RunConfig, 'text' | 'rupr'>,
): PromptFormat {
  const limits = {
    historyLength: text.history_length,
    maxPromptLength: text.max_prompt_length,
    maxCompletionLength: text.max_completion_length,
  };
  const free = new PromptFormat(dataset, tokenizer, limits);
  const wanted = free.longestAnswer + THINK_TOKENS + longestCot(dataset, tokenizer);
  // How long another teacher's CoTs are is not known before they are asked for.
  const limit = text.max_completion_length;
  const completion = rupr.teacher === 'attributes' ? Math.min(limit, wanted) : limit;
  let prompt = 1;
  for (const split of Object.values(dataset.splits)) {
    for (const example of split) prompt = Math.max(prompt, free.prompt(example).length);
  }
  const length = Math.ceil((prompt + completion) / MULTIPLE) * MULTIPLE;
  return new PromptFormat(dataset, tokenizer, {
    historyLength: text.history_length,
    maxPromptLength: length - completion,
    maxCompletionLength: completion,
  });
}

/** Tokens of the longest CoT of the `attributes` teacher: its three parts vary apart from each other. */
function longestCot({ items, users }: Dataset, tokenizer: Tokenizer): number {
  const [{ categories: anyItem }] = items;
  const tokens = (text: string) => tokenizer.encodePlain(text).length;
  const longest = (text: (item: Item) => string) =>
    items.reduce((most, item) => Math.max(most, tokens(text(item))), 0);
  const shortest = tokens(sentence(anyItem, null, anyItem));
  const cited = longest(({ categories }) => sentence(categories, null, anyItem)) - shortest;
  const concluded = longest(({ categories }) => sentence(anyItem, null, categories)) - shortest;
  let trait = 0;
  for (const word of new Set(users.flatMap(({ profile }) => profile.toLowerCase().split(/\s+/)))) {
    if (word !== '') trait = Math.max(trait, tokens(sentence(anyItem, word, anyItem)) - shortest);
  }
  return shortest + cited + trait + concluded;
}
