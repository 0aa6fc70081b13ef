import { beforeAll, describe, expect, it } from 'vitest';
import { type Dataset, type Example, targetItem } from '../../src/data/dataset';
import { words } from '../../src/data/words';
import { concentration, evaluateModel, judgeAnswers, titleRanks } from '../../src/evaluate/metrics';
import type { GenerateOptions, PaddedTokens } from '../../src/model/languageModel';
import { TEACHER_WORDS } from '../../src/sft/teacher';
import { corpus, PromptFormat } from '../../src/text/prompt';
import { trainTokenizer } from '../../src/text/tokenizer';
import { smallWorld } from '../sft/world';

const hooks = { gate: async () => 'go' as const };
const options = { stage: 'sft', maxNewTokens: 40, batchSize: 8 };

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

/** One dimension per word of the catalogue: texts are near when they share words. */
function wordEncoder() {
  const vocabulary = [
    ...new Set(world.items.flatMap((item) => words(`${item.title} ${item.categories.join(' ')}`))),
  ];
  return {
    dimension: vocabulary.length,
    embed(text: string) {
      const vector = new Float32Array(vocabulary.length);
      for (const word of words(text)) if (vocabulary.includes(word)) vector[vocabulary.indexOf(word)] = 1;
      const length = Math.sqrt(vector.reduce((sum, value) => sum + value, 0));
      return length > 0 ? vector.map((value) => value / length) : vector;
    },
  };
}

/** Writes what it is told, row by row over all calls, and notes shapes and what it is asked to score. */
function scripted(completions: number[][]) {
  let next = 0;
  const shapes = new Set<string>();
  const scored: number[][] = [];
  return {
    shapes,
    scored,
    async generate({ prompts, temperature, eosToken }: GenerateOptions) {
      expect(temperature).toBe(0);
      expect(eosToken).toBe(format.tokenizer.special.endAnswer);
      shapes.add(`generate ${prompts.length}`);
      const rows = prompts.map(() => Uint32Array.from(completions[Math.min(next++, completions.length - 1)]));
      return { completions: rows, logps: rows.map((row) => new Float32Array(row.length)) };
    },
    async score(batch: PaddedTokens) {
      shapes.add(`score ${batch.size}×${batch.length}`);
      for (let b = 0; b < batch.size; b++) {
        scored.push(Array.from(batch.tokens.subarray(b * batch.length, b * batch.length + batch.lengths[b])));
      }
      return { logps: new Float32Array(batch.tokens.length).fill(-0.5), entropies: new Float32Array(0) };
    },
  };
}

function evaluate(model: ReturnType<typeof scripted>, examples: readonly Example[], ctcvr = () => 0.25) {
  return evaluateModel(model, { format, examples, encoder: wordEncoder(), ctcvr }, options, hooks);
}

describe('evaluateModel', () => {
  it('gives full marks to the truth', async () => {
    const examples = world.splits.test;
    const model = scripted(
      examples.map((example) => format.completion('need cribs', targetItem(world, example))),
    );
    const { row, completions } = await evaluate(model, examples);
    expect(row).toMatchObject({
      stage: 'sft',
      Category_L1_ACC: 1,
      Category_L2_ACC: 1,
      Category_L3_ACC: 1,
      'Title_Hit-Rate@25': 1,
      'Title_Hit-Rate@50': 1,
      'Title_Hit-Rate@100': 1,
      valid_rate: 1,
      exact_title_rate: 1,
      users: 40,
    });
    expect(row.CTCVR).toBeCloseTo(0.25, 12);
    expect(row.answer_loss).toBeCloseTo(0.5, 6);
    expect(row.distinct_top1).toBe(new Set(examples.map((example) => targetItem(world, example))).size);
    expect(completions.map(({ sampleId }) => sampleId)).toEqual(examples.map(({ sampleId }) => sampleId));
    expect(completions.map(({ item }) => item)).toEqual(
      examples.map((example) => targetItem(world, example)),
    );
    // Every batch has one shape, though 40 is no multiple that had to be.
    expect([...model.shapes].sort()).toEqual(['generate 8', 'score 8×96']);
  });

  it('gives nothing for what does not parse, and half for half', async () => {
    const examples = world.splits.test.slice(0, 10);
    const { answer, separator } = format.tokenizer.special;
    const bad = [[answer, separator], [5, 6, 7], []];
    const rows = examples.map((example, i) =>
      i % 2 === 0 ? format.answer(targetItem(world, example)) : bad[i % bad.length],
    );
    const { row, completions } = await evaluate(scripted(rows), examples, () => 1);
    for (const key of [
      'valid_rate',
      'Category_L3_ACC',
      'Title_Hit-Rate@50',
      'CTCVR',
      'exact_title_rate',
    ] as const) {
      expect(row[key]).toBe(0.5);
    }
    expect(completions.filter(({ item }) => item === -1)).toHaveLength(5);
  });

  it('counts a category that is right beside a title that is wrong', async () => {
    const examples = world.splits.test.slice(0, 6);
    const other = (item: number) => (item % 3 === 0 ? item + 1 : item - 1);
    const rows = examples.map((example) => format.answer(other(targetItem(world, example))));
    const { row } = await evaluate(scripted(rows), examples);
    expect(row.Category_L3_ACC).toBe(1);
    expect(row.exact_title_rate).toBe(0);
    expect(row.CTCVR).toBe(0.25);
  });

  it('takes an item of the very same title for the exact title, and one of another title not', async () => {
    const [example] = world.splits.test;
    const target = targetItem(world, example);
    // The last item of the catalogue is called as the true one; its categories are its own.
    const twin = world.items.length - 1;
    expect(world.items[twin].categories[2]).not.toBe(world.items[target].categories[2]);
    const items = world.items.map((item, index) =>
      index === twin ? { ...item, title: world.items[target].title } : item,
    );
    const other = new PromptFormat({ ...world, items }, format.tokenizer, format.options);
    const judged = (item: number) => {
      const asked = { format: other, examples: [example], encoder: wordEncoder(), ctcvr: () => 0.5 };
      return judgeAnswers(asked, 'x', [other.answer(item)]);
    };
    const { row, items: answered } = judged(twin);
    expect(answered).toEqual([twin]);
    expect(row.exact_title_rate).toBe(1);
    expect(row.Category_L3_ACC).toBe(0);
    expect(judged(target).row.exact_title_rate).toBe(1);
    expect(judged(twin - 1).row.exact_title_rate).toBe(0);
  });

  it('scores the true answer after what the model itself thought', async () => {
    const [example] = world.splits.test;
    const answer = format.answer(targetItem(world, example));
    const { think, endThink } = format.tokenizer.special;
    const thought = [think, ...format.tokenizer.encode('saw cribs'), endThink];
    const scoredAfter = async (completion: number[]) => {
      const model = scripted([completion]);
      await evaluate(model, [example]);
      return model.scored[0];
    };
    const prompt = format.prompt(example);
    expect(await scoredAfter([...thought, ...format.answer(0)])).toEqual([...prompt, ...thought, ...answer]);
    expect(await scoredAfter(format.answer(0))).toEqual([...prompt, ...answer]);
    // A think block that never ends is no condition; one without room is cut.
    expect(await scoredAfter(thought.slice(0, -1))).toEqual([...prompt, ...answer]);
    const long = await scoredAfter([think, ...Array(38).fill(9), endThink]);
    expect(long).toHaveLength(prompt.length + 40);
    expect(long.slice(-answer.length - 1)).toEqual([endThink, ...answer]);
  });

  it('refuses an empty split', async () => {
    await expect(evaluate(scripted([[1]]), [])).rejects.toThrow(/no held-out examples/);
  });
});

describe('titleRanks', () => {
  it('puts the title itself first, kin near and strangers far; no known word is a miss', () => {
    const target = 0;
    const titles = [world.items[0].title, world.items[1].title, world.items.at(-1)!.title, 'xyzzy'];
    const ranks = titleRanks(
      world,
      wordEncoder(),
      [...titles.map((title) => ({ title, valid: true })), { title: titles[0], valid: false }],
      titles.map(() => target).concat(target),
    );
    expect(ranks[0]).toBe(0);
    expect(ranks[1]).toBeLessThan(3);
    expect(ranks[2]).toBeGreaterThan(3);
    expect(ranks.slice(3)).toEqual([Infinity, Infinity]);
  });
});

describe('concentration', () => {
  it('counts distinct answers and the most frequent one’s share of all', () => {
    expect(concentration([3, 3, 5, -1])).toEqual({ distinct: 2, share: 0.5 });
    expect(concentration([-1, -1])).toEqual({ distinct: 0, share: 0 });
    expect(concentration([])).toEqual({ distinct: 0, share: 0 });
  });
});
