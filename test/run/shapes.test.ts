import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { needsOf } from '../../src/data/needs';
import { loadDataset } from '../../src/run/datasets';
import { fitFormat } from '../../src/run/shapes';
import { sentence } from '../../src/sft/teacher';
import { corpus } from '../../src/text/prompt';
import { type Tokenizer, trainTokenizer } from '../../src/text/tokenizer';
import { minusculeConfig } from './tinyRun';

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

  it('keeps to the limits of the config', () => {
    const { text, rupr } = minusculeConfig((config) =>
      Object.assign(config.text, { max_prompt_length: 20, max_completion_length: 40 }),
    );
    const { options } = fitFormat(dataset, tokenizer, { text, rupr });
    expect(options.maxCompletionLength).toBe(40);
    expect(options.maxPromptLength).toBeLessThan(20 + 4);
  });
});
