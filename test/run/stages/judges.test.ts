import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Example } from '../../../src/data/dataset';
import type { trainEncoder } from '../../../src/rank/encoder';
import type { trainRanker } from '../../../src/rank/ranker';
import { SENTENCE_BYTES, SENTENCE_SIZE } from '../../../src/rank/sentenceEncoder';
import { camelCased } from '../../../src/run/camelCase';
import { encoder } from '../../../src/run/stages/encoder';
import { ranker } from '../../../src/run/stages/ranker';
import { tokenizer } from '../../../src/run/stages/tokenizer';
import { warmup } from '../../../src/run/stages/warmup';
import { packedRows } from '../../../src/sft/warmup';
import { given, toolsOf } from './recorded';

const rankers: {
  arguments: Parameters<typeof trainRanker>;
  tables: Example[][];
  chances: Example[][];
  gone: number;
}[] = [];
const encoders: Parameters<typeof trainEncoder>[] = [];

// Both are trained in tests of their own (test/rank).
vi.mock('../../../src/rank/ranker', () => ({
  async trainRanker(...all: Parameters<typeof trainRanker>) {
    const record = { arguments: all, tables: [] as Example[][], chances: [] as Example[][], gone: 0 };
    rankers.push(record);
    return {
      auc: { ctr: 0.6, cvr: 0.7, ctcvr: 0.8 },
      losses: [3, 2],
      async rewardTable(examples: Example[]) {
        record.tables.push(examples);
        return Float32Array.of(1);
      },
      async ctcvr(examples: Example[]) {
        record.chances.push(examples);
        return Float32Array.of(2);
      },
      dispose: () => void record.gone++,
    };
  },
}));
vi.mock('../../../src/rank/encoder', async (original) => ({
  ...(await original<typeof import('../../../src/rank/encoder')>()),
  async trainEncoder(...all: Parameters<typeof trainEncoder>) {
    encoders.push(all);
    return { losses: [5, 4], wordVectors: Float32Array.of(9) };
  },
  restoreEncoder: (_dataset: unknown, options: unknown, wordVectors: Float32Array) => ({
    dimension: 2,
    embed: (text: string) => Float32Array.of(text.length, 0),
    itemVectors: Float32Array.from({ length: 200 }, (_, at) => at),
    wordVectors,
    options,
  }),
}));
vi.mock('../../../src/rank/sentenceEncoder', async (original) => ({
  ...(await original<typeof import('../../../src/rank/sentenceEncoder')>()),
  embedSentences: async (files: unknown, texts: string[]) => {
    expect(files).toBe('files');
    return Float32Array.from({ length: texts.length * SENTENCE_SIZE }, (_, at) =>
      // Item i points along axis i.
      Math.floor(at / SENTENCE_SIZE) === at % SENTENCE_SIZE ? 1 : 0,
    );
  },
}));

beforeEach(() => {
  rankers.length = 0;
  encoders.length = 0;
});

describe('the stage ranker', () => {
  it('leaves the reward table of POPO’s prompts, then of validation users, and is gone', async () => {
    const { config, inputs, dataset } = await given();
    const { draw } = inputs.data;
    const { tools, events } = await toolsOf('ranker', config);
    const made = await ranker.run(inputs, tools);
    const [record] = rankers;
    expect(record.arguments[0]).toBe(dataset);
    expect(record.tables).toEqual([[...draw.policy, ...draw.curve]]);
    expect(record.chances).toEqual([]);
    expect(made.ctcvr).toBeNull();
    expect(record.gone).toBe(1);
    expect(tools.own.loss).toEqual([3, 2]);
    expect(events).toEqual([{ type: 'ranker', auc: { ctr: 0.6, cvr: 0.7, ctcvr: 0.8 } }]);
    expect(ranker.report?.(made)).toEqual({ ranker: { auc: made.auc } });
  });

  it('has the kernels of warm-up compiled meanwhile', async () => {
    const { config, inputs, model } = await given();
    await ranker.run(inputs, (await toolsOf('ranker', config)).tools);
    expect(model.prepared).toEqual([[inputs.tokenizer.warmupRows, inputs.tokenizer.length]]);
    await warmup.run(inputs, (await toolsOf('warmup', config, { steps: 1 })).tools, warmup.begin(config));
    expect(model.trained[0].rows).toHaveLength(inputs.tokenizer.warmupRows);
  });

  it('is trained with every option that the config has, by its seed', async () => {
    const { config, inputs } = await given(({ ranker }) =>
      Object.assign(ranker, {
        steps: 7,
        batch_size: 9,
        learning_rate: 0.02,
        embedding_size: 6,
        attended: 2,
        features: 'joined',
        reward: 'lift',
      }),
    );
    await ranker.run(inputs, (await toolsOf('ranker', config)).tools);
    const [, options, seed] = rankers[0].arguments;
    expect(options).toEqual({
      steps: 7,
      batchSize: 9,
      learningRate: 0.02,
      embeddingSize: 6,
      attended: 2,
      features: 'joined',
      reward: 'lift',
    });
    expect(seed).toBe(5);
    expect(ranker.steps(config, inputs)).toBe(7);
  });

  it('leaves chances of test users, then of validation users, where the data does not know them', async () => {
    const { config, inputs } = await given(() => {}, false);
    const { draw } = inputs.data;
    const made = await ranker.run(inputs, (await toolsOf('ranker', config)).tools);
    expect(rankers[0].chances).toEqual([[...draw.test, ...draw.curve]]);
    expect(made.ctcvr).toEqual(Float32Array.of(2));
  });
});

describe('the stage encoder', () => {
  it('measures meaning by the catalogue’s own encoder', async () => {
    const { config, inputs } = await given();
    const { tools } = await toolsOf('encoder', config, { steps: 3 });
    const made = await encoder.run(inputs, tools);
    expect(made).toEqual({ wordVectors: Float32Array.of(9), sentences: null });
    expect(encoder.steps(config, inputs)).toBe(config.encoder.steps);
    expect(tools.own.loss).toEqual([5, 4]);
    const opened = await encoder.open(made, inputs, tools);
    expect(opened.encoder.wordVectors).toEqual(Float32Array.of(9));
    // The answer as it was written, compared with the item.
    const answer = { think: null, answer: 'abc', item: 1, valid: true, coherent: true };
    expect(opened.likeness(answer, 1)).toBeCloseTo(2 / Math.hypot(2, 3));
  });

  it('is trained with every option that the config has, by its seed, and opened with the same', async () => {
    const { config, inputs, dataset } = await given(({ encoder: options }) =>
      Object.assign(options, { steps: 11, embedding_size: 6 }),
    );
    const { tools } = await toolsOf('encoder', config);
    const { encoder: opened } = await encoder.open(await encoder.run(inputs, tools), inputs, tools);
    const [trainedOn, options, seed] = encoders[0];
    expect(trainedOn).toBe(dataset);
    expect(options).toMatchObject({ steps: 11, embeddingSize: 6 });
    expect(seed).toBe(5);
    expect(opened).toMatchObject({ options: { embeddingSize: 6 } });
    expect(encoder.steps(config, inputs)).toBe(11);
  });

  it('measures it by whole sentences where asked, of the item that an answer names', async () => {
    const { config, inputs } = await given(({ encoder: options }) =>
      Object.assign(options, { semantic_reward: 'use-lite' }),
    );
    const { tools } = await toolsOf('encoder', config, { steps: 3 });
    const progress: number[] = [];
    const onProgress = (done: number) => void progress.push(done);
    const made = await encoder.run(inputs, {
      ...tools,
      hooks: { ...tools.hooks, onProgress },
      loadSentenceFiles: async (hooks) => {
        hooks.onProgress?.(SENTENCE_BYTES / 2, SENTENCE_BYTES);
        return 'files' as never;
      },
    });
    expect(progress).toEqual([config.encoder.steps + 14]);
    expect(encoder.steps(config, inputs)).toBe(config.encoder.steps + 28 + inputs.data.dataset.items.length);
    const { likeness } = await encoder.open(made, inputs, tools);
    const naming = (item: number) => ({ think: null, answer: 'abc', item, valid: true, coherent: true });
    expect(likeness(naming(1), 1)).toBe(1);
    expect(likeness(naming(1), 2)).toBe(0);
  });
});

describe('the stage tokenizer', () => {
  it('shapes the model by its vocabulary and by how long the data is, and asks for room for the largest batch', async () => {
    const shapes: { rows: number; shape: Record<string, number> }[] = [];
    const open = async (change: Parameters<typeof given>[0]) => {
      const { config, inputs, model, format } = await given(change);
      const { tools, events } = await toolsOf('tokenizer', config);
      const made = await tokenizer.run(inputs, tools);
      const text = await tokenizer.open(made, inputs, {
        ...tools,
        async createModel(shape, rows) {
          shapes.push({ rows, shape: { ...shape } });
          return model;
        },
      });
      expect(text.format.options).toEqual(format.options);
      expect(text.length).toBe(format.options.maxPromptLength + format.options.maxCompletionLength);
      expect(events.at(-1)).toMatchObject({ type: 'model' });
      expect(text.tokenizer.toJSON()).toEqual(inputs.tokenizer.tokenizer.toJSON());
      return { config, text, format };
    };
    const first = await open(({ popo }) => Object.assign(popo, { prompts_per_step: 50, num_generations: 3 }));
    // A prompt without its last token, and behind it each answer with that before it.
    const { maxPromptLength, maxCompletionLength } = first.format.options;
    const group = maxPromptLength - 1 + 3 * (maxCompletionLength + 1);
    expect(shapes[0].rows).toBe(Math.ceil((50 * group) / first.text.length));
    expect(shapes[0].shape).toMatchObject({ hidden_size: 16, max_position_embeddings: first.text.length });
    expect(shapes[0].shape.vocab_size - first.text.tokenizer.vocabSize).toBeGreaterThanOrEqual(0);
    expect(shapes[0].shape.vocab_size - first.text.tokenizer.vocabSize).toBeLessThan(4);
    await open(({ sft }) => Object.assign(sft, { batch_size: 80 }));
    expect(shapes[1].rows).toBe(80);
    const third = await open(({ warmup }) => Object.assign(warmup, { batch_size: 90 }));
    expect(shapes[2].rows).toBe(90 + packedRows(third.format, camelCased(third.config.warmup)));
    expect(third.text.warmupRows).toBe(shapes[2].rows);
  });

  it('makes the text and the model as the config says', async () => {
    const { config, inputs, model } = await given((changed) => {
      Object.assign(changed.text, {
        vocab_size: 96,
        history_length: 2,
        max_prompt_length: 24,
        max_completion_length: 20,
      });
      Object.assign(changed.model, {
        hidden_size: 24,
        num_hidden_layers: 3,
        num_attention_heads: 2,
        num_key_value_heads: 2,
        intermediate_size: 40,
        rope_theta: 500,
        rms_norm_eps: 1e-4,
      });
    });
    const { tools } = await toolsOf('tokenizer', config);
    const shapes: object[] = [];
    const createModel: typeof tools.createModel = async (shape) => {
      shapes.push(shape);
      return model;
    };
    const made = await tokenizer.run(inputs, tools);
    const text = await tokenizer.open(made, inputs, { ...tools, createModel });
    expect(text.tokenizer.vocabSize).toBe(96);
    expect(text.format.options.historyLength).toBe(2);
    expect(text.format.options.maxCompletionLength).toBe(20);
    // Rounded up to a length that is a multiple of 4.
    expect(text.format.options.maxPromptLength).toBe(24);
    expect(shapes).toEqual([
      {
        vocab_size: 96,
        max_position_embeddings: 44,
        hidden_size: 24,
        num_hidden_layers: 3,
        num_attention_heads: 2,
        num_key_value_heads: 2,
        intermediate_size: 40,
        rope_theta: 500,
        rms_norm_eps: 1e-4,
      },
    ]);
  });

  it('asks another teacher before anything that takes long, and the embedded one nothing', async () => {
    const { config, inputs } = await given();
    Object.assign(config.rupr, { teacher: 'file', cots_sha256: 'a'.repeat(64) });
    const { tools } = await toolsOf('tokenizer', config);
    const teaching = { ...tools.teaching, loadCots: async () => null };
    await expect(tokenizer.run(inputs, { ...tools, teaching })).rejects.toThrow(/CoTs/);
    const embedded = await given();
    // Its services refuse to be asked.
    await tokenizer.run(embedded.inputs, (await toolsOf('tokenizer', embedded.config)).tools);
  });
});
