import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { TEACHER_WORDS } from '../../src/sft/teacher';
import { packedRows, rehearsalOf, rehearsalSequences, warmupSequences } from '../../src/sft/warmup';
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

  /** The sentences of one step, cut where each kind's ends; no prompt → answer examples. */
  function sentences(wanted: Partial<typeof options>, from = format, number = 0, seed = 1) {
    const none = { batchSize: 0, catalogueFacts: 0, needSentences: 0, catalogueSentences: 0 };
    return warmupSequences(from, { ...none, ...wanted }, seed, number).map(({ tokens }) => tokens);
  }
  const count = (rows: number[][], token: number) => rows.flat().filter((one) => one === token).length;

  it('has as many sentences of each kind as are wanted', () => {
    const { think, answer, endAnswer } = format.tokenizer.special;
    const answers = sentences({ catalogueSentences: 9 });
    expect([think, answer, endAnswer].map((token) => count(answers, token))).toEqual([0, 9, 9]);
    const needs = sentences({ needSentences: 5 });
    expect([think, answer, endAnswer].map((token) => count(needs, token))).toEqual([5, 5, 5]);
    const facts = sentences({ catalogueFacts: 12 });
    expect([think, answer, endAnswer].map((token) => count(facts, token))).toEqual([0, 0, 0]);
  });

  it('states facts in about half of the cases, and describes items in the others and where no fact is known', () => {
    // One sentence a row, so that each can be told.
    const one = (from: PromptFormat, number: number) =>
      format.tokenizer.decode(sentences({ catalogueFacts: 1 }, from, number)[0]);
    const facts = new Set(world.facts.map((fact) => fact.toLowerCase()));
    const described = new Set(
      world.items.map(({ title, categories }) => `${title} ${categories.join(' ')}`.toLowerCase()),
    );
    let stated = 0;
    for (let number = 0; number < 100; number++) {
      const text = one(format, number);
      expect(facts.has(text) || described.has(text)).toBe(true);
      stated += Number(facts.has(text));
    }
    expect(stated).toBeGreaterThan(30);
    expect(stated).toBeLessThan(70);
    const unknowing = new PromptFormat({ ...world, facts: [] }, format.tokenizer, format.options);
    for (let number = 0; number < 20; number++) expect(described.has(one(unknowing, number))).toBe(true);
  });

  it('fills rows evenly and to the last token, and leaves out what fits nowhere', () => {
    const { endAnswer } = format.tokenizer.special;
    const nobody = { train: [], validation: [], test: [] };
    const alike = { ...world, items: world.items.slice(0, 1), users: [], splits: nobody };
    const { longestAnswer } = new PromptFormat(alike, format.tokenizer, format.options);
    const sized = (room: number) =>
      new PromptFormat(alike, format.tokenizer, {
        historyLength: 3,
        maxPromptLength: longestAnswer + room,
        maxCompletionLength: longestAnswer,
      });
    // Two answers of one length: in a row that just holds both, and in one that is a token short.
    expect(sentences({ catalogueSentences: 2 }, sized(0)).map((row) => count([row], endAnswer))).toEqual([2]);
    expect(sentences({ catalogueSentences: 2 }, sized(-1)).map((row) => count([row], endAnswer))).toEqual([
      1, 1,
    ]);
    expect(sentences({ catalogueSentences: 6 }, sized(0)).map((row) => count([row], endAnswer))).toEqual([
      2, 2, 2,
    ]);
    // Two rows that hold one each, and three to place.
    const cramped = sentences({ catalogueSentences: 3 }, sized(-1));
    expect(cramped.map((row) => count([row], endAnswer))).toEqual([1, 1]);
    for (const row of cramped) expect(row).toHaveLength(longestAnswer);
    // Three rows are as long as one another but for a sentence.
    const lengths = sentences({ catalogueSentences: 12 }).map((row) => row.length);
    expect(lengths.length).toBeGreaterThan(1);
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(format.longestAnswer);
  });

  it('mixes the kinds within a row, and takes rows for the longest sentences that there may be', () => {
    const { think } = format.tokenizer.special;
    const begins = Array.from(
      { length: 20 },
      (_, number) => sentences({ ...options, batchSize: 0 }, format, number)[0],
    );
    // In order of kind the first sentence would be a fact in every step.
    const withNeed = begins.filter(([token]) => token === think).length;
    expect(withNeed).toBeGreaterThan(0);
    expect(withNeed).toBeLessThan(20);
    const longest = Math.min(format.longestAnswer + 4, 40);
    expect(packedRows(format, options)).toBe(Math.ceil((17 * longest) / 96));
    expect(packedRows(format, { ...options, catalogueFacts: 0 })).toBe(Math.ceil((9 * longest) / 96));
  });
});

describe('rehearsalSequences', () => {
  const rehearse = (number: number, sentences = 8) => rehearsalSequences(format, sentences, 1, number);
  const split = (tokens: number[]) => format.tokenizer.decode(tokens);

  it('has one shape at every step and is a function of seed and step', () => {
    for (let number = 0; number < 10; number++)
      expect(rehearse(number)).toHaveLength(packedRows(format, rehearsalOf(8)));
    expect(rehearse(3)).toEqual(rehearse(3));
    expect(rehearse(4)).not.toEqual(rehearse(3));
    expect(rehearsalSequences(format, 8, 2, 3)).not.toEqual(rehearse(3));
  });

  it('is of facts and of needs with items, half each, and of nothing that a user did', () => {
    const facts = new Set(world.facts.map((fact) => split(format.tokenizer.encode(fact))));
    const { think } = format.tokenizer.special;
    let [told, needs] = [0, 0];
    for (let number = 0; number < 10; number++) {
      const text = rehearse(number).map(({ tokens }) => split(tokens));
      needs += rehearse(number).flatMap(({ tokens }) => tokens.filter((token) => token === think)).length;
      for (const fact of facts) told += text.filter((row) => row.includes(fact)).length;
      for (const { promptLength } of rehearse(number)) expect(promptLength).toBe(0);
    }
    expect(needs).toBe(40);
    expect(told).toBeGreaterThanOrEqual(36);
  });

  it('describes items where the data set has no facts', () => {
    const bare = new PromptFormat({ ...world, facts: [] }, format.tokenizer, format.options);
    const text = rehearsalSequences(bare, 2, 1, 0)
      .map(({ tokens }) => split(tokens))
      .join(' ');
    expect(world.items.some((_, item) => text.includes(split(bare.description(item))))).toBe(true);
  });
});
