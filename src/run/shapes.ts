/**
 * Static shapes that fit the data. The config's lengths are limits, generous enough for real titles; what a batch pads to
 * is the longest prompt of any example and the longest completion that the teacher's CoTs and the answers call for; of a
 * teacher outside this app the CoTs may be of any length, and are cut at the limit.
 */
import type { Dataset } from '../data/dataset';
import { type Need, needsOf } from '../data/needs';
import { needSentence, sentence } from '../sft/teacher';
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

/** Tokens of the longest CoT of the `attributes` teacher. */
function longestCot(dataset: Dataset, tokenizer: Tokenizer): number {
  const tokens = (text: string) => tokenizer.encodePlain(text).length;
  return Math.max(longestOfCounts(dataset, tokens), longestChain(dataset, tokens));
}

/** Of a chain, whose parts vary apart from each other; 0 where the data set knows none. */
function longestChain({ lore, splits }: Dataset, tokens: (text: string) => number): number {
  if (lore === undefined) return 0;
  const most = (texts: Iterable<string>) => Math.max(0, ...Array.from(new Set(texts), tokens));
  const examples = Object.values(splits).flat();
  const chains = examples.map(({ user, position }) => lore.argument(user, position));
  const clauses = lore.properties.map(
    (properties, place) => most(chains.flatMap((chain) => chain[place]?.words ?? [])) + most(properties),
  );
  const impulse = most(examples.flatMap(({ user, position }) => lore.impulse(user, position) ?? []));
  const conclusion = most(lore.needs.map(needSentence));
  return (
    Math.max(
      impulse,
      clauses.reduce((sum, length) => sum + length, 0),
    ) + conclusion
  );
}

/** Of an argument from counts: its three parts vary apart from each other. */
function longestOfCounts(dataset: Dataset, tokens: (text: string) => number): number {
  const needs = needsOf(dataset);
  const [any] = needs;
  const longest = (text: (need: Need) => string) =>
    needs.reduce((most, need) => Math.max(most, tokens(text(need))), 0);
  const shortest = tokens(sentence(any, null, any));
  const cited = longest((need) => sentence(need, null, any)) - shortest;
  const concluded = longest((need) => sentence(any, null, need)) - shortest;
  let trait = 0;
  for (const word of new Set(dataset.users.flatMap(({ profile }) => profile.toLowerCase().split(/\s+/)))) {
    if (word !== '') trait = Math.max(trait, tokens(sentence(any, word, any)) - shortest);
  }
  return shortest + cited + trait + concluded;
}
