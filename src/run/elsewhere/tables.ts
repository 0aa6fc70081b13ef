/** What `rewards.py` looks up: small files of JSON and of little-endian f32. */
import type { RewardName } from '../../popo/rewards';
import { itemNovelty } from '../../popo/rewards/novelty';
import { catalogueWords, restoreEncoder } from '../../rank/encoder';
import { SENTENCE_SIZE } from '../../rank/sentenceEncoder';
import { camelCased } from '../camelCase';
import type { RunFile } from '../files';
import { purchaseCounts } from '../rewardSources';
import type { AlignmentStart } from './start';

/** Their functions in rewards.py, and so TRL's gauges `rewards/{name}/mean`. Python has its own `id` and `format`. */
export const PYTHON_NAMES: Record<RewardName, string> = {
  semantic: 'semantic',
  id: 'id_reward',
  format: 'format_reward',
  novelty: 'novelty',
};

export function rewardTables({ config, dataset, draw, format, tokenizer, made }: AlignmentStart): RunFile[] {
  const { wordVectors, sentences } = made.encoder;
  const encoder = restoreEncoder(dataset, camelCased(config.encoder), wordVectors);
  const items = dataset.items.length;
  const { separator } = tokenizer.special;
  // As a completion is read: titles may be cut, and spelling is the tokenizer's.
  const catalogue = dataset.items.map((_, item) => {
    const fields: number[][] = [[]];
    for (const token of format.answer(item).slice(1, -1)) {
      if (token === separator) fields.push([]);
      else fields[fields.length - 1].push(token);
    }
    const [title, ...categories] = fields.map((ids) => tokenizer.decode(ids).trim());
    return { title, categories };
  });
  const index = {
    rewards: config.popo.rewards.map((name) => PYTHON_NAMES[name]),
    reward_weights: config.popo.reward_weights,
    semantic: {
      by: sentences === null ? 'text' : 'item',
      dimension: sentences === null ? encoder.dimension : SENTENCE_SIZE,
      exponent: config.popo.semantic_exponent,
      words: sentences === null ? [...catalogueWords(dataset).keys()] : [],
    },
    items: catalogue,
  };
  return [
    { name: 'tables/rewards.json', bytes: new TextEncoder().encode(`${JSON.stringify(index)}\n`) },
    floatFile('tables/item_vectors.f32', sentences ?? encoder.itemVectors),
    ...(sentences === null ? [floatFile('tables/word_vectors.f32', wordVectors)] : []),
    floatFile('tables/id_reward.f32', made.ranker.rewardTable.subarray(0, draw.policy.length * items)),
    floatFile('tables/novelty.f32', itemNovelty(purchaseCounts(dataset))),
  ];
}

/** Every engine that runs this is little-endian, as every machine with a GPU is; rewards.py asks. */
function floatFile(name: string, values: Float32Array): RunFile {
  return { name, bytes: new Uint8Array(values.slice().buffer) };
}
