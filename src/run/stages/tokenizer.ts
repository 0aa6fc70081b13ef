/**
 * The vocabulary, which fixes how long a batch is and so the model's shape. Whatever would fail for want of a teacher or
 * of memory fails here, before anything that takes long.
 */
import { interactionCount } from '../../data/dataset';
import type { ModelConfig } from '../../model/config';
import type { LanguageModel } from '../../model/languageModel';
import { packedLength } from '../../model/packing';
import { parameterCount } from '../../model/parameters';
import { teacherWords } from '../../sft/embedded';
import { packedRows, rehearsalOf } from '../../sft/warmup';
import { corpus, PromptFormat } from '../../text/prompt';
import { Tokenizer, trainTokenizer } from '../../text/tokenizer';
import { assertAffordable } from '../budget';
import { modelShape, type RunConfig } from '../config';
import { fitFormat } from '../shapes';
import type { WholeStage } from '../stage';
import { teacherOf } from '../teaching';
import type { Data } from './data';

interface TokenizerMade {
  /** `Tokenizer.toJSON`. */
  tokenizer: unknown;
  /** Of the prompt format, fitted to the data. */
  options: PromptFormat['options'];
  shape: ModelConfig;
}

export interface Text {
  tokenizer: Tokenizer;
  format: PromptFormat;
  /** T of every batch, in tokens. */
  length: number;
  /** Rows of a warm-up batch. */
  warmupRows: number;
  model: LanguageModel;
}

/** Those that a warm-up batch packs into its rows. */
function sentencesOf({ warmup }: RunConfig) {
  return {
    catalogueFacts: warmup.catalogue_facts,
    needSentences: warmup.need_sentences,
    catalogueSentences: warmup.catalogue_sentences,
  };
}

export const tokenizer: WholeStage<'tokenizer', { data: Data }, TokenizerMade, Text> = {
  name: 'tokenizer',
  reads: [
    'seed',
    'text',
    'model',
    'rupr.teacher',
    'warmup.batch_size',
    'warmup.catalogue_facts',
    'warmup.need_sentences',
    'warmup.catalogue_sentences',
    'sft.batch_size',
    'sft.catalogue_sentences',
    'popo.prompts_per_step',
    'popo.num_generations',
  ],
  // What a run takes is a matter of all of it.
  glances: ['data', 'ranker', 'encoder', 'warmup', 'rupr', 'orft', 'sft', 'popo', 'evaluate', 'ranking'],
  steps: () => 1,
  async run({ data: { dataset, draw } }, { config, teaching, hooks }) {
    // The embedded teacher needs nobody, so nothing can be wrong with it.
    if (config.rupr.teacher !== 'attributes')
      await teacherOf(dataset, config, teaching).check(draw.prompts, { gate: hooks.gate });
    const trained = trainTokenizer(corpus(dataset, teacherWords(dataset)), config.text.vocab_size);
    const { options } = fitFormat(dataset, trained, config);
    const length = options.maxPromptLength + options.maxCompletionLength;
    return { tokenizer: trained.toJSON(), options, shape: modelShape(config, trained.vocabSize, length) };
  },
  async open(made, { data: { dataset } }, { config, device, createModel, emit }) {
    const trained = Tokenizer.fromJSON(made.tokenizer);
    const format = new PromptFormat(dataset, trained, made.options);
    const packed = packedRows(format, sentencesOf(config));
    const warmupRows = config.warmup.batch_size + packed;
    // Now that nothing has to be guessed any more.
    assertAffordable(config, device.info, {
      kernels: device.kernels,
      data: {
        users: dataset.users.length,
        items: dataset.items.length,
        interactions: interactionCount(dataset),
      },
      text: {
        prompt: made.options.maxPromptLength,
        completion: made.options.maxCompletionLength,
        vocabulary: trained.vocabSize,
        packedRows: packed,
      },
    });
    const { maxPromptLength, maxCompletionLength } = made.options;
    // Of alignment each prompt stands once, its answers behind it.
    const group = packedLength(maxPromptLength, maxCompletionLength, config.popo.num_generations);
    const largestBatch = Math.max(
      warmupRows,
      config.sft.batch_size + packedRows(format, rehearsalOf(config.sft.catalogue_sentences)),
      Math.ceil((config.popo.prompts_per_step * group) / made.shape.max_position_embeddings),
    );
    const model = await createModel(made.shape, largestBatch);
    emit({ type: 'model', parameters: parameterCount(made.shape) });
    const length = made.shape.max_position_embeddings;
    return { tokenizer: trained, format, length, warmupRows, model };
  },
};
