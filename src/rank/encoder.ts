/**
 * The semantic signal: an encoder of short texts trained on the catalogue alone. A text's vector is the mean of its
 * words' vectors at unit length; the word vectors are fitted so that the cosine of two items grades what their texts
 * share: 1 for the same item, less for the same L3, the same L2, the same L1, 0 for nothing. Titles, categories and both
 * together are all used as views of an item, since an answer may be compared by any of them.
 *
 * Training is TensorFlow.js on the current backend; `embed` is plain JavaScript.
 */
import * as tf from '@tensorflow/tfjs';
import type { StageHooks } from '../control/hooks';
import type { Dataset, Item } from '../data/dataset';
import { words } from '../data/words';
import { Random } from '../numeric/random';
import type { Adam } from './adam';
import { fit } from './fit';

export interface EncoderOptions {
  steps: number;
  embeddingSize: number;
}

export interface Encoder {
  dimension: number;
  /** Unit vector; unknown words are ignored, and the zero vector is what a text of nothing else gets. */
  embed(text: string): Float32Array;
  /** [items × dimension], unit rows: each item's title and categories. */
  itemVectors: Float32Array;
  /** [words × dimension]: all there is to keep of a trained encoder, see `restoreEncoder`. */
  wordVectors: Float32Array<ArrayBuffer>;
}

export interface TrainedEncoder extends Encoder {
  /** Loss of each step. */
  losses: number[];
}

/** Cosine wanted of two items by the narrowest category they share: none, L1, L2, L3; and of an item with itself. */
const GRADES = [0, 0.2, 0.5, 0.8, 1];
const SAME_ITEM = 4;
const BATCH = 96;
const LEARNING_RATE = 0.03;

/** Title and categories of an item as one text. */
export function itemText(item: Item): string {
  return `${item.title} ${item.categories.join(' ')}`;
}

/** @throws StoppedError when the hooks say stop */
export async function trainEncoder(
  dataset: Dataset,
  options: EncoderOptions,
  seed: number,
  hooks: StageHooks,
): Promise<TrainedEncoder> {
  const vocabulary = catalogueWords(dataset);
  const views = dataset.items.map((item) => {
    const title = words(item.title);
    const categories = words(item.categories.join(' '));
    return [[...title, ...categories], title, categories].filter((view) => view.length > 0);
  });
  const catalogue = { dataset, views, vocabulary };
  const dimension = options.embeddingSize;
  const random = new Random(seed, 'encoder/words');
  const initial = Float32Array.from({ length: vocabulary.size * dimension }, () => random.normal());
  const table = tf.tidy(() => tf.variable(tf.tensor2d(initial, [vocabulary.size, dimension])));
  const take = (optimizer: Adam, step: number) =>
    trainStep(catalogue, table, optimizer, new Random(seed, 'encoder', step));
  try {
    const { steps } = options;
    const training = { steps, learningRate: LEARNING_RATE, variables: [table] };
    const losses = await fit('Encoder', training, take, hooks);
    return { ...restoreEncoder(dataset, options, Float32Array.from(await table.data())), losses };
  } finally {
    table.dispose();
  }
}

/** A catalogue as the encoder learns from it. */
interface Catalogue {
  dataset: Dataset;
  /** [items][views] words of each. */
  views: string[][][];
  /** Row of each word in the table. */
  vocabulary: Map<string, number>;
}

/** One Adam step on all pairs of a batch of item views; relations count alike, however rare. */
function trainStep(
  { dataset, views, vocabulary }: Catalogue,
  table: tf.Variable<tf.Rank.R2>,
  optimizer: Adam,
  random: Random,
): tf.Scalar {
  const rows = drawBatch(dataset, random);
  const bags = new Float32Array(rows.length * vocabulary.size);
  rows.forEach((item, row) => {
    // Views may be lacking (no title, no categories), but never all: the first holds whatever words there are.
    const view = views[item].length > 0 ? random.pick(views[item]) : [];
    for (const word of view) bags[row * vocabulary.size + vocabulary.get(word)!] += 1 / view.length;
  });
  const { wanted, weight } = gradePairs(dataset, rows);
  return tf.tidy(() => {
    const input = tf.tensor2d(bags, [rows.length, vocabulary.size]);
    const target = tf.tensor2d(wanted, [rows.length, rows.length]);
    const weights = tf.tensor2d(weight, [rows.length, rows.length]);
    const loss = () => {
      const sums = tf.matMul(input, table);
      const lengths = tf.sqrt(tf.add(tf.sum(tf.square(sums), 1, true), 1e-8));
      const unit = tf.div(sums, lengths) as tf.Tensor2D;
      const error = tf.sub(tf.matMul(unit, unit, false, true), target);
      return tf.sum(tf.mul(weights, tf.square(error))) as tf.Scalar;
    };
    return optimizer.minimize(loss);
  });
}

/** Items of one batch: half at random, half next to them in the catalogue's category order, so that kin meet. */
function drawBatch(dataset: Dataset, random: Random): number[] {
  const order = categoryOrder(dataset);
  const rows: number[] = [];
  while (rows.length < BATCH) {
    const at = random.int(order.length);
    for (const offset of [0, 1, 5, 20]) rows.push(order[(at + random.int(offset + 1)) % order.length]);
  }
  return rows;
}

const orders = new WeakMap<Dataset, number[]>();

/** Item indices sorted by category path. */
function categoryOrder(dataset: Dataset): number[] {
  let order = orders.get(dataset);
  if (!order) {
    const keys = dataset.items.map((item) => item.categories.join('\u0000'));
    order = keys.map((_, index) => index);
    order.sort((a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b));
    orders.set(dataset, order);
  }
  return order;
}

/** Index into GRADES of what two items share. */
function relation(dataset: Dataset, a: number, b: number): number {
  if (a === b) return SAME_ITEM;
  const [first, second] = [dataset.items[a].categories, dataset.items[b].categories];
  let level = 0;
  while (level < 3 && first[level] === second[level]) level++;
  return level;
}

/** Wanted cosines [rows × rows] and weights, of which each relation present holds an equal share of the total 1. */
function gradePairs(dataset: Dataset, rows: number[]): { wanted: Float32Array; weight: Float32Array } {
  const size = rows.length;
  const kind = new Uint8Array(size * size);
  const count = new Float64Array(GRADES.length);
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < size; b++) {
      if (a === b) continue;
      kind[a * size + b] = relation(dataset, rows[a], rows[b]);
      count[kind[a * size + b]] += 1;
    }
  }
  const present = count.filter((pairs) => pairs > 0).length;
  const wanted = Float32Array.from(kind, (k) => GRADES[k]);
  const weight = Float32Array.from(kind, (k) => 1 / (present * count[k]));
  // A row with itself is exact whatever the vectors are.
  for (let a = 0; a < size; a++) weight[a * size + a] = 0;
  return { wanted, weight };
}

/** Index of each word of the catalogue, in order of appearance. */
export function catalogueWords(dataset: Dataset): Map<string, number> {
  const vocabulary = new Map<string, number>();
  for (const item of dataset.items) {
    for (const word of words(itemText(item))) {
      if (!vocabulary.has(word)) vocabulary.set(word, vocabulary.size);
    }
  }
  return vocabulary;
}

/**
 * The encoder of a data set from its trained word vectors.
 * @throws Error when the vectors are not of this data set and size
 */
export function restoreEncoder(
  dataset: Dataset,
  options: Pick<EncoderOptions, 'embeddingSize'>,
  wordVectors: Float32Array<ArrayBuffer>,
): Encoder {
  const dimension = options.embeddingSize;
  const vocabulary = catalogueWords(dataset);
  if (wordVectors.length !== vocabulary.size * dimension) {
    throw new Error(
      `The encoder holds ${wordVectors.length} numbers, but the catalogue of "${dataset.id}" needs ` +
        `${vocabulary.size} words × ${dimension}: train it again on this data.`,
    );
  }
  const embed = (text: string) => {
    const sum = new Float32Array(dimension);
    for (const word of words(text)) {
      const index = vocabulary.get(word);
      if (index === undefined) continue;
      for (let d = 0; d < dimension; d++) sum[d] += wordVectors[index * dimension + d];
    }
    const length = Math.sqrt(sum.reduce((total, value) => total + value * value, 0));
    if (length > 0) for (let d = 0; d < dimension; d++) sum[d] /= length;
    return sum;
  };
  const itemVectors = new Float32Array(dataset.items.length * dimension);
  dataset.items.forEach((item, index) => {
    itemVectors.set(embed(itemText(item)), index * dimension);
  });
  return { dimension, embed, itemVectors, wordVectors };
}
