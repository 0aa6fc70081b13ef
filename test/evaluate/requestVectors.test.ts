import { describe, expect, it } from 'vitest';
import type { Example } from '../../src/data/dataset';
import { requestVectors } from '../../src/evaluate/requestVectors';
import type { GenerateOptions, LanguageModel } from '../../src/model/languageModel';
import { given, toolsOf } from '../run/stages/recorded';

/** What was said, letter by letter, as a vector of three numbers; nothing is known of a text without a. */
const encoder = {
  dimension: 3,
  embed: (text: string) =>
    text.includes('a') ? Float32Array.of(text.length, text.split('a').length - 1, 1) : new Float32Array(3),
};

/** Vectors of five examples, of which the model says something else each. */
async function said(words: readonly string[], batchSize: number) {
  const { config, dataset, format } = await given();
  const asked: GenerateOptions[] = [];
  const examples: Example[] = dataset.splits.train.slice(0, words.length);
  const keys = examples.map((example) => format.prompt(example).join(' '));
  const model = {
    generate: async (options: GenerateOptions) => {
      asked.push(options);
      const completions = options.prompts.map((prompt) =>
        Uint32Array.from(format.tokenizer.encodePlain(words[keys.indexOf(Array.from(prompt).join(' '))])),
      );
      return { completions, logps: [] };
    },
  } satisfies Pick<LanguageModel, 'generate'>;
  const { tools } = await toolsOf('features', config);
  const progress: number[][] = [];
  const { vectors } = await requestVectors(
    model,
    { format, examples, encoder: encoder as never },
    { maxNewTokens: 9, batchSize, embedded: 'whole' },
    { gate: tools.hooks.gate, onProgress: (...numbers: number[]) => void progress.push(numbers) },
  );
  const texts = words.map((word) => format.tokenizer.decode(format.tokenizer.encodePlain(word)));
  return { vectors, asked, progress, texts, distinct: new Set(keys).size };
}

describe('the vectors of requests', () => {
  it('are a row of what was said of each, in their order, and zero for what means nothing', async () => {
    const words = ['a', 'banana', 'xyz', 'aa b', 'a cat'];
    const { vectors, texts, distinct } = await said(words, 2);
    expect(distinct).toBe(words.length);
    expect(vectors).toHaveLength(words.length * encoder.dimension);
    expect(Array.from(vectors)).toEqual(texts.flatMap((text) => Array.from(encoder.embed(text))));
    expect(Array.from(vectors.slice(6, 9))).toEqual([0, 0, 0]);
  });

  it('come with the item that is named, where the answer is well formed', async () => {
    const { config, dataset, format } = await given();
    const examples: Example[] = dataset.splits.train.slice(0, 3);
    const right = format.completion('a thought', 4);
    const said = [right, right.slice(0, -1), format.answer(7)];
    const model = {
      generate: async ({ prompts }: GenerateOptions) => ({
        completions: prompts.map((_, row) => Uint32Array.from(said[Math.min(row, 2)])),
        logps: [],
      }),
    };
    const { hooks } = (await toolsOf('features', config)).tools;
    const { answers } = await requestVectors(
      model as unknown as LanguageModel,
      { format, examples, encoder: encoder as never },
      { maxNewTokens: 9, batchSize: 3, embedded: 'whole' },
      hooks,
    );
    expect(answers).toEqual([4, -1, 7]);
  });

  it('are of what it concludes and answers alone where that is asked for', async () => {
    const { config, dataset, format } = await given();
    const { think, answer, endThink } = format.tokenizer.special;
    const words = (text: string) => format.tokenizer.encodePlain(text);
    const thought = (text: string) => [think, ...words(text), endThink, ...format.answer(4)];
    const item = dataset.items[4];
    const named = words(`${item.title} ${item.categories.join(' ')}`);
    const said: [completion: number[], text: string][] = [
      // Evidence and trait are left out, and the template's words.
      [thought('saw lamps as parent need rugs'), `rugs ${format.tokenizer.decode(named)}`],
      [format.answer(4), format.tokenizer.decode(named)],
      // Reasoning that comes to nothing in the template's words is all that there is.
      [thought('lamps and rugs'), `lamps and rugs ${format.tokenizer.decode(named)}`],
      // Cut off before it answers; and no completion at all.
      [[think, ...words('saw lamps need rugs'), endThink], 'rugs'],
      [[answer, ...words('rugs')], 'rugs'],
      [words('lamps'), ''],
    ];
    const heard: string[] = [];
    const listening = {
      dimension: 2,
      embed(text: string) {
        heard.push(text.trim().replace(/\s+/g, ' '));
        return Float32Array.of(heard.length, 0);
      },
    };
    const model = {
      generate: async ({ prompts }: GenerateOptions) => ({
        completions: prompts.map((_, row) => Uint32Array.from(said[row][0])),
      }),
    } as unknown as LanguageModel;
    const { hooks } = (await toolsOf('features', config)).tools;
    const { vectors, answers } = await requestVectors(
      model,
      { format, examples: dataset.splits.train.slice(0, 6), encoder: listening as never },
      { maxNewTokens: 99, batchSize: 6, embedded: 'conclusion' },
      hooks,
    );
    expect(heard).toEqual(said.map(([, text]) => text));
    expect([...vectors].filter((_, at) => at % 2 === 0)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(answers).toEqual([4, 4, 4, -1, -1, -1]);
  });

  it('are asked for a batch at a time, greedily, as long as told, with the progress', async () => {
    const { asked, progress } = await said(['a', 'b', 'c', 'd', 'e'], 2);
    expect(asked.map(({ prompts }) => prompts.length)).toEqual([2, 2, 2]);
    for (const { temperature, maxNewTokens, numGenerations } of asked)
      expect([temperature, maxNewTokens, numGenerations]).toEqual([0, 9, 1]);
    expect(progress).toEqual([
      [2, 5],
      [4, 5],
      [5, 5],
    ]);
  });
});
