import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { needsOf } from '../../src/data/needs';
import { loadDataset } from '../../src/run/datasets';
import { fitFormat } from '../../src/run/shapes';
import { sentence } from '../../src/sft/teacher';
import { corpus, PromptFormat } from '../../src/text/prompt';
import { type Tokenizer, trainTokenizer } from '../../src/text/tokenizer';
import { minusculeConfig } from './tinyRun';

/** The parts of a config that say how long texts may be. */
const limited = (max_prompt_length: number, max_completion_length: number) =>
  minusculeConfig(({ text }) => Object.assign(text, { max_prompt_length, max_completion_length }));

describe('fitFormat', () => {
  let dataset: Dataset;
  let tokenizer: Tokenizer;

  beforeAll(async () => {
    dataset = await loadDataset(minusculeConfig(), async () => null);
    // So small a vocabulary that words fall into pieces, and categories differ in length.
    tokenizer = trainTokenizer(corpus(dataset), 96);
  });

  it('leaves room for every prompt, CoT and answer, and little more', () => {
    const { text, rupr } = minusculeConfig((config) =>
      Object.assign(config.text, { max_prompt_length: 300, max_completion_length: 200 }),
    );
    const format = fitFormat(dataset, tokenizer, { text, rupr });
    const { maxPromptLength, maxCompletionLength } = format.options;
    expect((maxPromptLength + maxCompletionLength) % 4).toBe(0);
    const prompts = Object.values(dataset.splits)
      .flat()
      .map((example) => format.prompt(example).length);
    expect(maxPromptLength - Math.max(...prompts)).toBeLessThan(4);
    const trait = dataset.users[0].profile.split(' ').reduce((a, b) => (b.length > a.length ? b : a));
    const needs = needsOf(dataset);
    for (const saw of needs) {
      for (const [item, need] of needs.entries()) {
        const cot = sentence(saw, trait, need);
        const completion = format.completion(cot, item);
        expect(completion.length).toBeLessThanOrEqual(maxCompletionLength);
        expect(format.parse(completion).think).toBe(tokenizer.decode(tokenizer.encodePlain(cot)).trim());
      }
    }
  });

  it('is as long as the longest reasoning that the embedded teacher may write, and the longest answer', async () => {
    const two = minusculeConfig((config) => Object.assign(config.data, { num_l1: 2 }));
    const dataset = await loadDataset(two, async () => null);
    // A long word, in a profile with spaces to spare.
    const [first, ...others] = dataset.users;
    const users = [{ ...first, profile: ' QUARRELSOME  parent ' }, ...others];
    const format = fitFormat({ ...dataset, users }, tokenizer, limited(300, 200));
    const needs = [...new Map(needsOf(dataset).map((need) => [need.label, need])).values()];
    const traits = [...new Set(users.flatMap(({ profile }) => profile.toLowerCase().trim().split(/\s+/)))];
    const lengthOf = (text: string) => tokenizer.encodePlain(text).length;
    const labels = needs.map(({ label }) => lengthOf(label));
    expect(labels[0]).toBeLessThan(Math.max(...labels));
    let longest = 0;
    for (const saw of needs)
      for (const need of needs)
        for (const trait of [null, ...traits])
          longest = Math.max(longest, lengthOf(sentence(saw, trait, need)));
    const answers = dataset.items.map((_, item) => format.answer(item).length);
    const tags = 2;
    expect(format.options.maxCompletionLength).toBe(longest + tags + Math.max(...answers));
  });

  it.each([40, 41, 42, 43, 200])(
    'leaves another teacher all room there is, and rounds the whole up to 4: %i',
    (limit) => {
      const { text, rupr } = limited(300, limit);
      const { options } = fitFormat(dataset, tokenizer, { text, rupr: { ...rupr, teacher: 'file' } });
      expect(options.maxCompletionLength).toBe(limit);
      const free = new PromptFormat(dataset, tokenizer, {
        historyLength: text.history_length,
        maxPromptLength: 300,
        maxCompletionLength: limit,
      });
      const longest = Math.max(
        ...Object.values(dataset.splits)
          .flat()
          .map((example) => free.prompt(example).length),
      );
      const whole = options.maxPromptLength + limit;
      expect(whole % 4).toBe(0);
      expect(whole).toBeGreaterThanOrEqual(longest + limit);
      expect(whole).toBeLessThan(longest + limit + 4);
    },
  );

  it('keeps to the limits of the config', () => {
    const { text, rupr } = minusculeConfig((config) =>
      Object.assign(config.text, { max_prompt_length: 20, max_completion_length: 40 }),
    );
    const { options } = fitFormat(dataset, tokenizer, { text, rupr });
    expect(options.maxCompletionLength).toBe(40);
    expect(options.maxPromptLength).toBeLessThan(20 + 4);
  });
});
