import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { TEACHER_WORDS } from '../../src/sft/teacher';
import { packedRows, warmupSequences } from '../../src/sft/warmup';
import { corpus, PromptFormat } from '../../src/text/prompt';
import { trainTokenizer } from '../../src/text/tokenizer';
import { smallWorld } from './world';

const options = { batchSize: 4, catalogueFacts: 8, needSentences: 6, catalogueSentences: 3 };

let world: Dataset;
let format: PromptFormat;
beforeAll(async () => {
  world = await smallWorld();
  const tokenizer = trainTokenizer(corpus(world, TEACHER_WORDS), 400);
  format = new PromptFormat(world, tokenizer, {
    historyLength: 3,
    maxPromptLength: 56,
    maxCompletionLength: 40,
  });
});

const step = (number: number, seed = 1) => warmupSequences(format, options, seed, number);

describe('warmupSequences', () => {
  it('has one shape at every step and is a function of seed and step', () => {
    const rows = options.batchSize + packedRows(format, options);
    for (let number = 0; number < 20; number++) {
      const sequences = step(number);
      expect(sequences).toHaveLength(rows);
      for (const { tokens } of sequences) {
        expect(tokens.length).toBeGreaterThan(1);
        expect(tokens.length).toBeLessThanOrEqual(96);
      }
    }
    expect(step(7)).toEqual(step(7));
    expect(step(8)).not.toEqual(step(7));
    expect(step(7, 2)).not.toEqual(step(7));
  });

  it('asks for training targets only, without a CoT', () => {
    const { think, answer } = format.tokenizer.special;
    for (const { tokens, promptLength } of step(0).slice(0, options.batchSize)) {
      expect(tokens[promptLength]).toBe(answer);
      expect(tokens).not.toContain(think);
      const parsed = format.parse(tokens.slice(promptLength));
      expect(parsed.item).toBeGreaterThanOrEqual(0);
    }
    const noTraining = { ...world, splits: { ...world.splits, train: world.splits.train.slice(0, 1) } };
    const alone = new PromptFormat(noTraining, format.tokenizer, format.options);
    const only = warmupSequences(alone, options, 1, 0)[0];
    expect(only).toEqual(format.example(world.splits.train[0], null));
  });

  it('packs every sentence, each need before an item of that L3', () => {
    const { think, endThink, endAnswer } = format.tokenizer.special;
    let needs = 0;
    for (let number = 0; number < 10; number++) {
      for (const { tokens, promptLength } of step(number).slice(options.batchSize)) {
        expect(promptLength).toBe(0);
        for (let at = tokens.indexOf(think); at >= 0; at = tokens.indexOf(think, at + 1)) {
          const close = tokens.indexOf(endThink, at);
          const need = format.tokenizer.decode(tokens.slice(at + 1, close));
          const { item } = format.parse(tokens.slice(close + 1, tokens.indexOf(endAnswer, close) + 1));
          expect(need).toBe(`need ${world.items[item].categories[2].toLowerCase()}`);
          needs++;
        }
      }
    }
    expect(needs).toBe(10 * options.needSentences);
  });
});
