/**
 * What a chat model is asked as RUPR's teacher, and how its answer is read. Told, it is given the true next item and argues
 * backwards to it; untold (direct distillation, the control) it must guess. The words are ours: the paper published none.
 *
 * It is to end in `need` and a category, because that is how warm-up ties needs to items (warmup.ts), and to be short, because
 * a small model learns from a few words and CoTs are cut at `max_completion_length`.
 */
import { type Dataset, type Example, type Item, targetItem } from '../data/dataset';
import { cleanCot } from './cot';

export interface ChatMessage {
  role: 'system' | 'user';
  content: string;
}

export interface TeacherPromptOptions {
  told: boolean;
  /** Behaviours shown: those that the student's prompt shows. */
  historyLength: number;
  /** Most words of a CoT. */
  words: number;
}

/** Rises with every change of the words below: answers to other words are not taken for answers to these. */
export const PROMPT_VERSION = 1;

/** Tokens of an answer, and of its tags, in a completion of ordinary titles. */
const ANSWER_TOKENS = 24;

/** Words of a CoT that a completion has room for; a word beyond the vocabulary takes two tokens or more. */
export function wordLimit(maxCompletionLength: number): number {
  return Math.max(8, Math.min(60, Math.floor((maxCompletionLength - ANSWER_TOKENS) / 2)));
}

const shown = ({ title, categories }: Item): string => `${title} (${categories.join(' > ')})`;

/** The chat about one example. Untold, nothing in it depends on the target. */
export function teacherMessages(
  dataset: Dataset,
  example: Example,
  { told, historyLength, words }: TeacherPromptOptions,
): ChatMessage[] {
  const { profile, history } = dataset.users[example.user];
  const seen = Array.from(
    history.subarray(Math.max(0, example.position - historyLength), example.position),
  ).reverse();
  const task = told
    ? 'You are told what the shopper bought next. Reason backwards: find what in the profile and the history led to it. ' +
      'Write as if you did not know the purchase and worked it out; never mention that you were told.'
    : 'Find in the profile and the history what the shopper is most likely to buy next.';
  const system = [
    'You study shoppers. You get a profile and a history of purchases, newest first.',
    task,
    'Point only to purchases that are listed.',
    'Reply with one line of exactly this form and nothing else:',
    '<think>REASON need CATEGORY</think><answer>TITLE</answer>',
    `REASON and CATEGORY together have at most ${words} words, in plain lower case: which purchase matters, and why for ` +
      'this shopper. CATEGORY is the narrowest category of what they buy next, as the shop names it. TITLE is its title.',
  ];
  const user = [
    `Profile: ${profile === '' ? 'unknown' : profile}`,
    'History, newest first:',
    ...seen.map((item) => `- ${shown(dataset.items[item])}`),
    ...(told ? [`Bought next: ${shown(dataset.items[targetItem(dataset, example)])}`] : []),
  ];
  return [
    { role: 'system', content: system.join('\n') },
    { role: 'user', content: user.join('\n') },
  ];
}

export type ReadAnswer = { cot: string } | { dropped: 'malformed' | 'contradicting' };

/**
 * The last think block that an answer follows: models that think aloud first have more of them.
 * @param namesTold whether an answer names the item that the teacher was told; null for the control, which may name any
 */
export function readAnswer(content: string, namesTold: ((answer: string) => boolean) | null): ReadAnswer {
  const matches = [
    ...content.matchAll(/<think>((?:(?!<\/?think>)[\s\S])*)<\/think>\s*<answer>([^<]*)<\/answer>/gi),
  ];
  const [, think = '', answer = ''] = matches.at(-1) ?? [];
  const cot = cleanCot(think);
  if (cot === '' || answer.trim() === '') return { dropped: 'malformed' };
  return namesTold === null || namesTold(answer) ? { cot } : { dropped: 'contradicting' };
}
