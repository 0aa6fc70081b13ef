/** The judge of meaning: an encoder of the catalogue's texts, and vectors of whole sentences where the config wants them. */

import { itemLikeness, type Likeness, textLikeness } from '../../popo/rewards/semantic';
import { type Encoder, itemText, restoreEncoder } from '../../rank/encoder';
import { embedSentences, SENTENCE_BYTES, SENTENCE_SIZE } from '../../rank/sentenceEncoder';
import { camelCased } from '../camelCase';
import type { RunConfig } from '../config';
import { type EncoderMade, JUDGES } from '../judging';
import type { WholeStage } from '../stage';
import type { Data } from './data';
import { judgeTask } from './ranker';

export interface Meaning {
  encoder: Encoder;
  /** What the semantic reward is. */
  likeness: Likeness;
  /** [items × SENTENCE_SIZE] unit rows, where the config wants them. */
  sentences: Float32Array | null;
}

/** Steps by which the loading of the sentence encoder is shown. */
const MEGABYTES = 28;

const wantsSentences = ({ encoder }: RunConfig) => encoder.semantic_reward === 'use-lite';

export const encoder: WholeStage<'encoder', { data: Data }, EncoderMade, Meaning> = {
  name: 'encoder',
  reads: ['seed', 'encoder'],
  steps: (config, { data: { dataset } }) =>
    config.encoder.steps + (wantsSentences(config) ? MEGABYTES + dataset.items.length : 0),
  async run({ data }, { config, steps, own, hooks, loadSentenceFiles }) {
    const { dataset } = data;
    const { gate, onProgress, work } = hooks;
    const { made, losses } = await JUDGES.encoder(judgeTask(data, config), {
      gate,
      onProgress: (done) => onProgress(done, steps),
      work,
    });
    own.loss.push(...losses);
    if (!wantsSentences(config)) return made;
    const after = (done: number) => onProgress(config.encoder.steps + done, steps);
    const files = await loadSentenceFiles({
      gate,
      onProgress: (bytes) => after(Math.floor((MEGABYTES * bytes) / SENTENCE_BYTES)),
    });
    const sentences = await embedSentences(files, dataset.items.map(itemText), {
      gate,
      onProgress: (done) => after(MEGABYTES + done),
      work,
    });
    return { ...made, sentences };
  },
  // Of a large catalogue, sentences are many products of large matrices: those go where the language model is trained.
  beside: ({ data }, config) => (wantsSentences(config) ? null : judgeTask(data, config)),
  open({ wordVectors, sentences }, { data: { dataset } }, { config }) {
    const encoder = restoreEncoder(dataset, camelCased(config.encoder), wordVectors);
    const likeness = sentences === null ? textLikeness(encoder) : itemLikeness(sentences, SENTENCE_SIZE);
    return { encoder, likeness, sentences };
  },
};
