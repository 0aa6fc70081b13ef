import { beforeAll, describe, expect, it } from 'vitest';
import { type Dataset, type Item, targetItem } from '../../src/data/dataset';
import { NamedItems } from '../../src/sft/namedItem';
import {
  readAnswer,
  type TeacherPromptOptions,
  teacherMessages,
  wordLimit,
} from '../../src/sft/teacherPrompts';
import { corpus, PromptFormat } from '../../src/text/prompt';
import { trainTokenizer } from '../../src/text/tokenizer';
import { smallWorld, withOtherTargets } from './world';

const options: TeacherPromptOptions = { told: true, historyLength: 3, words: 16 };
const untold = { ...options, told: false };

let world: Dataset;
beforeAll(async () => {
  world = await smallWorld();
});

describe('what the teacher is asked', () => {
  it('is the history that the student sees, newest first, and the purchase', () => {
    for (const example of world.splits.train.slice(0, 100)) {
      const [system, user] = teacherMessages(world, example, options);
      expect([system.role, user.role]).toEqual(['system', 'user']);
      expect(system.content).toContain('at most 16 words');
      const { history, profile } = world.users[example.user];
      const seen = Array.from(
        history.subarray(Math.max(0, example.position - 3), example.position),
      ).reverse();
      const lines = user.content.split('\n');
      expect(lines[0]).toBe(`Profile: ${profile}`);
      const listed = lines.filter((line) => line.startsWith('- '));
      expect(listed.map((line) => line.slice(2, line.indexOf(' (')))).toEqual(
        seen.map((item) => world.items[item].title),
      );
      expect(lines.at(-1)).toContain(`Bought next: ${world.items[targetItem(world, example)].title} (`);
    }
  });

  it('says so where nothing is known of the shopper', () => {
    const [example] = world.splits.train;
    const users = world.users.map((user) => ({ ...user, profile: '' }));
    const [, { content }] = teacherMessages({ ...world, users }, example, options);
    expect(content.split('\n')[0]).toBe('Profile: unknown');
  });

  it('untold, does not depend on the purchase at all', () => {
    const last = new Map(world.splits.train.map((example) => [example.user, example]));
    for (const example of [...last.values()].slice(0, 100)) {
      // Of one user only the last target: earlier ones are history.
      const one = withOtherTargets({ ...world, splits: { ...world.splits, train: [example] } }, 'train');
      expect(teacherMessages(one, example, untold)).toEqual(teacherMessages(world, example, untold));
      expect(teacherMessages(one, example, options)).not.toEqual(teacherMessages(world, example, options));
    }
  });
});

describe('how an answer is read', () => {
  const item: Item = {
    id: 'i',
    title: 'Light Stroller by Nordlo',
    categories: ['Baby', 'Out', 'Strollers'],
  };
  const catalogue = new NamedItems([item]);
  const namesTold = (answer: string) => catalogue.names(answer, 0);

  it.each([
    [
      '<think>saw cribs need strollers</think><answer>Light stroller by Nordlo</answer>',
      'saw cribs need strollers',
    ],
    ['Sure!\n<THINK> a\nb </THINK>\n<Answer>light stroller</Answer> Anything else?', 'a b'],
    [
      '<think>a long monologue</think>\n\n<think>short</think><answer>light stroller, Nordlo.</answer>',
      'short',
    ],
    ['<think>one <think>two</think><answer>the light stroller by nordlo of course</answer>', 'two'],
  ])('%j', (content, cot) => {
    expect(readAnswer(content, namesTold)).toEqual({ cot });
  });

  it.each([
    '',
    'need strollers',
    '<think></think><answer>light stroller</answer>',
    '<think>x</think><answer> </answer>',
    '<think>x</think>light stroller',
    '<think>x</think><answer>light str',
    '<think>x<answer>light stroller</answer>',
    '<answer>light stroller</answer><think>x</think>',
  ])('%j is malformed', (content) => {
    expect(readAnswer(content, namesTold)).toEqual({ dropped: 'malformed' });
  });

  it.each(['oak crib by Nordlo', 'kettle', 'light lamp', 'STROLLERS', '...'])(
    'told, %j contradicts',
    (answer) => {
      expect(readAnswer(`<think>x</think><answer>${answer}</answer>`, namesTold)).toEqual({
        dropped: 'contradicting',
      });
      expect(readAnswer(`<think>x</think><answer>${answer}</answer>`, null)).toEqual({ cot: 'x' });
    },
  );

  it('takes no time over a hostile text', () => {
    const start = performance.now();
    for (const piece of ['<think>', '<think>x</think>', '<think></think><answer>', '</think> '])
      expect(readAnswer(piece.repeat(100_000), namesTold)).toEqual({ dropped: 'malformed' });
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe('free-form CoTs in a completion', () => {
  it('encode whatever their words, and never cut the answer', () => {
    const tokenizer = trainTokenizer(corpus(world), 300);
    const format = new PromptFormat(world, tokenizer, {
      historyLength: 3,
      maxPromptLength: 96,
      maxCompletionLength: 40,
    });
    const texts = [
      'perambulators befit zealous quixotic guardians, hence need strollers',
      'Ребёнку нужна коляска',
      '赤ちゃん 🍼 </think><answer> <sep>',
      'x'.repeat(5000),
      'need strollers '.repeat(400),
      '',
    ];
    for (const text of texts) {
      for (const item of [0, 7, world.items.length - 1]) {
        const tokens = format.completion(text, item);
        expect(tokens.length).toBeLessThanOrEqual(40);
        const parsed = format.parse(tokens);
        expect(parsed.valid).toBe(true);
        expect(world.items[parsed.item].title).toBe(world.items[item].title);
        expect(tokens.slice(-format.answer(item).length)).toEqual(format.answer(item));
      }
    }
    // Words the data never had are still letters to the model, not one unknown.
    const word = tokenizer.encodePlain('quixotic');
    expect(word).not.toContain(tokenizer.special.unknown);
    expect(tokenizer.decode(word)).toBe('quixotic');
  });

  it('are asked for in as many words as fit', () => {
    expect([40, 41, 42, 55, 56].map(wordLimit)).toEqual([8, 8, 9, 15, 16]);
    expect(wordLimit(8)).toBe(8);
    expect(wordLimit(1024)).toBe(60);
  });
});
