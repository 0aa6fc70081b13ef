import { beforeAll, describe, expect, it } from 'vitest';
import { type Dataset, type Example, targetItem } from '../../src/data/dataset';
import { words } from '../../src/data/words';
import { concentration, evaluateModel, judgeAnswers, OUTCOMES, titleRanks } from '../../src/evaluate/metrics';
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
    const { row, completions, more } = await evaluate(scripted(rows), examples, () => 1);
    // Of each user, for intervals: nearest titles, well formed, exact.
    expect([...more!]).toEqual(examples.flatMap((_, i) => Array(3).fill(Number(i % 2 === 0))));
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
    const { row, more } = await evaluate(scripted(rows), examples);
    expect(row.Category_L3_ACC).toBe(1);
    expect(row.exact_title_rate).toBe(0);
    expect([...more!].filter((_, at) => at % 3 > 0)).toEqual(examples.flatMap(() => [1, 0]));
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

  it('counts hits among the nearest 25, 50 and 100 titles, and says of whom', async () => {
    // Titles on an arc: the nearest to the first are the next ones, in order.
    const items = Array.from({ length: 130 }, (_, index) => ({
      id: `${index}`,
      title: `crib ${index}`,
      categories: [`l${index % 2}`, `m${index % 3}`, `n${index % 5}`] as const,
    }));
    const targets = [0, 24, 25, 49, 50, 99, 100, 1];
    const users = targets.map((item, index) => ({
      id: `${index}`,
      profile: '',
      history: Int32Array.of(0, item),
    }));
    const examples = targets.map((_, user) => ({ sampleId: `s${user}`, user, position: 1 }));
    const dataset: Dataset = {
      ...world,
      items,
      users,
      splits: { train: [], validation: [], test: examples },
    };
    const tokenizer = trainTokenizer(corpus(dataset, ['0 1 2 3 4 5 6 7 8 9']), 400);
    const shape = { historyLength: 1, maxPromptLength: 64, maxCompletionLength: 64 };
    const arc = {
      dimension: 2,
      embed: (text: string) => {
        const angle = Number(text.split(' ')[1]) / 130;
        return Float32Array.of(Math.cos(angle), Math.sin(angle));
      },
    };
    const ctcvr = (index: number, item: number) => (item === 0 ? index / 8 : -1);
    const other = new PromptFormat(dataset, tokenizer, shape);
    const asked = { format: other, examples, encoder: arc, ctcvr };
    // The last answers nothing.
    const answers = targets.map((_, index) => (index === 7 ? [5] : other.answer(0)));
    const { row, items: answered, outcomes } = judgeAnswers(asked, 'mine', answers);
    expect(answered).toEqual([0, 0, 0, 0, 0, 0, 0, -1]);
    expect(row).toEqual({
      stage: 'mine',
      // Of 0, 24, 25, 49, 50, 99 and 100: even ones; multiples of 3; of 5.
      Category_L1_ACC: 4 / 8,
      Category_L2_ACC: 3 / 8,
      Category_L3_ACC: 4 / 8,
      'Title_Hit-Rate@25': 2 / 8,
      'Title_Hit-Rate@50': 4 / 8,
      'Title_Hit-Rate@100': 6 / 8,
      CTCVR: 21 / 64,
      valid_rate: 7 / 8,
      exact_title_rate: 1 / 8,
      distinct_top1: 1,
      popularity_share: 7 / 8,
      users: 8,
    });
    const columns = OUTCOMES.length;
    const column = (name: (typeof OUTCOMES)[number]) =>
      examples.map((_, index) => outcomes[index * columns + OUTCOMES.indexOf(name)]);
    expect(outcomes).toHaveLength(8 * columns);
    expect(column('Category_L1_ACC')).toEqual([1, 1, 0, 0, 1, 0, 1, 0]);
    expect(column('Category_L2_ACC')).toEqual([1, 1, 0, 0, 0, 1, 0, 0]);
    expect(column('Category_L3_ACC')).toEqual([1, 0, 1, 0, 1, 0, 1, 0]);
    expect(column('Title_Hit-Rate@50')).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
    expect(column('Title_Hit-Rate@100')).toEqual([1, 1, 1, 1, 1, 1, 0, 0]);
    expect(column('CTCVR')).toEqual([0, 1, 2, 3, 4, 5, 6, 0].map((index) => index / 8));
  });

  it('asks for one greedy completion of each example, batch by batch, and tells how far it is', async () => {
    const examples = world.splits.test.slice(0, 11);
    const requests: GenerateOptions[] = [];
    const losses = examples.map((_, index) => index + 1);
    let next = 0;
    const model = {
      async generate(request: GenerateOptions) {
        requests.push(request);
        const completions = request.prompts.map(() => Uint32Array.from(format.answer(0)));
        return { completions, logps: [] };
      },
      async score(batch: PaddedTokens) {
        const logps = new Float32Array(batch.tokens.length);
        for (let row = 0; row < batch.size; row++) {
          const loss = losses[Math.min(next++, losses.length - 1)];
          logps.fill(-loss, row * batch.length, (row + 1) * batch.length);
        }
        return { logps, entropies: new Float32Array(0) };
      },
    };
    const progress: number[][] = [];
    let gates = 0;
    const counting = {
      gate: async () => {
        gates++;
        return 'go' as const;
      },
      onProgress: (...numbers: number[]) => void progress.push(numbers),
    };
    const asked = { format, examples, encoder: wordEncoder(), ctcvr: () => 0 };
    const { row, completions } = await evaluateModel(model, asked, options, counting);
    expect(requests.map(({ prompts }) => prompts.length)).toEqual([8, 8]);
    expect(requests.flatMap(({ prompts }) => prompts).slice(0, 11)).toEqual(
      examples.map((example) => format.prompt(example)),
    );
    for (const { numGenerations, maxNewTokens, topK, key } of requests)
      expect([numGenerations, maxNewTokens, topK, key]).toEqual([1, 40, 0, [0, 0]]);
    expect(completions).toHaveLength(11);
    expect(row.answer_loss).toBeCloseTo(6, 6);
    expect(progress).toEqual([
      [8, 22],
      [11, 22],
      [19, 22],
      [22, 22],
    ]);
    expect(gates).toBe(4);
    const stop = { gate: async () => 'stop' as const };
    await expect(evaluateModel(model, asked, options, stop)).rejects.toThrow('Evaluation was stopped');
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
    // Nor is a thought that is not where one begins.
    expect(await scoredAfter([9, ...thought])).toEqual([...prompt, ...answer]);
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
