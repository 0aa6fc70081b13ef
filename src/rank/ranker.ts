/**
 * The ID signal: P(click ∧ conversion) of showing an item to a user, learnt from impressions by an ESMM
 * (Ma et al., "Entire Space Multi-Task Model", SIGIR 2018). Click and conversion towers share the embeddings, and the
 * conversion tower is trained only through pCTCVR = pCTR · pCVR over *all* impressions, so that it is not biased to what
 * was clicked. Each tower scores by a dot product of a user vector and an item vector, plus an item bias, plus a few cross
 * features of both, plus target attention over the last behaviours: the reward table of every example and item is then a few
 * matrix products.
 *
 * TensorFlow.js on the current backend; no gathers (see features.ts), no synchronous reads.
 */
import * as tf from '@tensorflow/tfjs';
import { inChunks, joined } from '../control/chunks';
import { type StageHooks, UNKEPT } from '../control/hooks';
import type { Dataset, Example } from '../data/dataset';
import { visibleToTraining } from '../data/visibility';
import { Random } from '../numeric/random';
import type { Adam } from './adam';
import { auc } from './auc';
import { entireSpaceLogLikelihood } from './entireSpace';
import { type Context, Features, type Sight } from './features';
import { fit } from './fit';
import { TargetAttention } from './targetAttention';

export interface RankerOptions {
  steps: number;
  batchSize: number;
  learningRate: number;
  /** D, width of the shared embeddings and of the vectors that a tower compares. */
  embeddingSize: number;
  /** Last behaviours that target attention looks at; 0: none, and no attention. */
  attended: number;
  /** `strongest` when left out. */
  features?: Sight;
  /** What a reward is, see `Ranker.rewardTable`; `ctcvr` when left out. */
  reward?: 'ctcvr' | 'lift';
}

export interface Ranker {
  /** On impressions of users that training never saw; 0.5 where a class is missing. `cvr` is over clicks alone. */
  auc: { ctr: number; cvr: number; ctcvr: number };
  /** Mean loss of each step. */
  losses: number[];
  /** [examples × items] P(click ∧ conversion) before each example's position. */
  ctcvr(examples: readonly Example[]): Promise<Float32Array<ArrayBuffer>>;
  /**
   * The ID reward in [0, 1], min-max normalised over the whole table: the same, or, for `lift`, its log less that of the item's mean
   * over the examples, so that an item's popularity alone earns nothing.
   */
  rewardTable(examples: readonly Example[]): Promise<Float32Array<ArrayBuffer>>;
  dispose(): void;
}

/** One training user in this many is set aside to measure AUC. */
const HELD_OUT = 10;
const ROWS = 256;

interface Weights {
  embedding: tf.Variable<tf.Rank.R2>;
  profile: tf.Variable<tf.Rank.R2>;
  hidden: tf.Variable<tf.Rank.R2>;
  hiddenBias: tf.Variable<tf.Rank.R1>;
  user: tf.Variable<tf.Rank.R2>;
  item: tf.Variable<tf.Rank.R2>;
  itemBias: tf.Variable<tf.Rank.R2>;
  cross: tf.Variable<tf.Rank.R2>;
}

/**
 * Trains on the impressions of nine tenths of the training users. Where work is kept, that is done of the tables too.
 * @throws StoppedError, as the tables do; Error without impressions
 */
export async function trainRanker(
  dataset: Dataset,
  options: RankerOptions,
  seed: number,
  hooks: StageHooks,
): Promise<Ranker> {
  const { train, heldOut } = splitImpressions(dataset, seed);
  if (train.length === 0) {
    throw new Error(
      `The data set "${dataset.id}" has no impressions of training users, so no ranker can be trained: ` +
        'import data with clicks or purchases, or use the embedded world.',
    );
  }
  const model = new EsmmModel(new Features(dataset, options.features), options, seed);
  const take = (optimizer: Adam, step: number) => {
    const random = new Random(seed, 'ranker', step);
    const rows = Array.from({ length: options.batchSize }, () => train[random.int(train.length)]);
    return model.trainStep(optimizer, rows);
  };
  try {
    const losses = await fit('Ranker', { ...options, variables: model.trained }, take, hooks);
    const { gate, work = UNKEPT } = hooks;
    const table = async (name: string, examples: readonly Example[]) =>
      joined(await work.part(name, (own) => model.table(examples, { gate, work: own })));
    return {
      auc: await work.part('auc', (own) => model.measure(heldOut, { gate, work: own })),
      losses,
      ctcvr: (examples) => table('ctcvr', examples),
      async rewardTable(examples) {
        const chances = await table('rewards', examples);
        return normalise(options.reward === 'lift' ? logLifts(chances, dataset.items.length) : chances);
      },
      dispose: () => model.dispose(),
    };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Indices of impressions to train and to measure on. Nothing at or after a held-out behaviour is in either. */
function splitImpressions(dataset: Dataset, seed: number): { train: number[]; heldOut: number[] } {
  const visible = visibleToTraining(dataset);
  const train: number[] = [];
  const heldOut: number[] = [];
  const { user, historyLength } = dataset.impressions;
  const aside = dataset.users.map((_, index) => new Random(seed, 'ranker/aside', index).int(HELD_OUT) === 0);
  for (let index = 0; index < user.length; index++) {
    if (historyLength[index] >= visible[user[index]]) continue;
    (aside[user[index]] ? heldOut : train).push(index);
  }
  return { train, heldOut };
}

/** Of a table [examples × items] of probabilities: log(p / mean of the item's column), in place. */
export function logLifts(table: Float32Array<ArrayBuffer>, items: number): Float32Array<ArrayBuffer> {
  const means = new Float64Array(items);
  const examples = table.length / items;
  table.forEach((value, at) => {
    means[at % items] += value / examples;
  });
  // A probability of 0 in f32 would make an infinity, which nothing could be normalised by.
  const tiny = 1e-12;
  return table.map((value, at) => Math.log((value + tiny) / (means[at % items] + tiny)));
}

/** (x − min) / (max − min) in place; all 0 when everything is equal. */
function normalise(table: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  let low = Infinity;
  let high = -Infinity;
  for (const value of table) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const scale = high > low ? 1 / (high - low) : 0;
  for (let i = 0; i < table.length; i++) table[i] = (table[i] - low) * scale;
  return table;
}

/** Rows of bags, one per context. */
interface UserInputs {
  history: tf.Tensor2D;
  /** A row for each of the last behaviours, where there is target attention. */
  latest: tf.Tensor2D | null;
  profile: tf.Tensor2D;
}

/** Rows of one shown item each, and its cross features with the context it was shown in. */
interface PairInputs {
  item: tf.Tensor2D;
  cross: tf.Tensor2D;
}

class EsmmModel {
  readonly #features: Features;
  readonly #weights: Weights;
  readonly #attended: number;
  readonly #attention: TargetAttention | null;

  constructor(features: Features, options: RankerOptions, seed: number) {
    this.#features = features;
    this.#attended = options.attended;
    const D = options.embeddingSize;
    const wide = 2 * D;
    const matrix = (name: string, rows: number, columns: number, scale: number) => {
      const random = new Random(seed, `ranker/${name}`);
      const values = Float32Array.from({ length: rows * columns }, () => scale * random.normal());
      return tf.tidy(() => tf.variable(tf.tensor2d(values, [rows, columns])));
    };
    this.#weights = {
      embedding: matrix('embedding', features.width, D, 0.3 / Math.sqrt(D)),
      profile: matrix('profile', features.profileWidth, D, 0.3),
      hidden: matrix('hidden', 2 * D, wide, 1 / Math.sqrt(2 * D)),
      hiddenBias: tf.tidy(() => tf.variable(tf.zeros([wide]))),
      user: matrix('user', wide + 2 * D, 2 * D, 1 / Math.sqrt(wide + 2 * D)),
      item: matrix('item', D, 2 * D, 1 / Math.sqrt(D)),
      itemBias: matrix('itemBias', features.width, 2, 0),
      cross: matrix('cross', features.crosses, 2, 0),
    };
    this.#attention = options.attended > 0 ? new TargetAttention(options.attended, D, matrix) : null;
  }

  get trained(): tf.Variable[] {
    return [...Object.values(this.#weights), ...Object.values(this.#attention?.weights ?? {})];
  }

  /** One Adam step on impressions `rows`; the loss is a scalar to be read later. */
  trainStep(optimizer: Adam, rows: readonly number[]): tf.Scalar {
    const { impressions } = this.#features.dataset;
    const items = rows.map((row) => impressions.item[row]);
    const clicks = rows.map((row) => impressions.click[row]);
    const conversions = rows.map((row) => impressions.conversion[row]);
    return tf.tidy(() => {
      const contexts = rows.map((row) => this.#context(row));
      const users = this.#userInputs(contexts);
      const pairs = this.#pairInputs(contexts, items);
      const click = tf.tensor1d(clicks, 'float32');
      const conversion = tf.tensor1d(conversions, 'float32');
      const loss = () => {
        const logits = this.#pairLogits(users, pairs);
        return tf.neg(tf.mean(entireSpaceLogLikelihood(logits, click, conversion))) as tf.Scalar;
      };
      return optimizer.minimize(loss);
    });
  }

  /** AUC of the three probabilities on impressions `rows`. */
  async measure(rows: readonly number[], hooks: StageHooks): Promise<Ranker['auc']> {
    const { impressions } = this.#features.dataset;
    const measured = async (chunk: number) => {
      const part = rows.slice(chunk * ROWS, (chunk + 1) * ROWS);
      const both = tf.tidy(() => {
        const contexts = part.map((row) => this.#context(row));
        const items = part.map((row) => impressions.item[row]);
        const { ctr, cvr } = this.#pairLogits(this.#userInputs(contexts), this.#pairInputs(contexts, items));
        return [tf.sigmoid(ctr), tf.sigmoid(cvr)];
      });
      const [click, conversion] = (await Promise.all(both.map((p) => p.data()))) as Float32Array[];
      tf.dispose(both);
      return { click, conversion };
    };
    const chunks = await inChunks('Ranker', Math.ceil(rows.length / ROWS), measured, hooks);
    const pClick = joined(chunks.map((chunk) => chunk.click));
    const pConversion = joined(chunks.map((chunk) => chunk.conversion));
    const click = rows.map((row) => impressions.click[row]);
    const conversion = rows.map((row) => impressions.conversion[row]);
    const clicked = rows.flatMap((_, i) => (click[i] ? [i] : []));
    const cvrScores = clicked.map((i) => pConversion[i]);
    const cvrLabels = clicked.map((i) => conversion[i]);
    const bothScores = pClick.map((p, i) => p * pConversion[i]);
    return { ctr: auc(pClick, click), cvr: auc(cvrScores, cvrLabels), ctcvr: auc(bothScores, conversion) };
  }

  /** [examples × items] pCTR · pCVR, rows of a few examples after another. */
  async table(examples: readonly Example[], hooks: StageHooks): Promise<Float32Array[]> {
    const count = this.#features.dataset.items.length;
    const everyItem = Array.from({ length: count }, (_, item) => item);
    const items = tf.tidy(() => {
      const bags = tf.tensor2d(this.#features.itemBags(everyItem), [count, this.#features.width]);
      const embedded = this.#embed(bags);
      return [
        tf.matMul(embedded, this.#weights.item),
        tf.transpose(tf.matMul(bags, this.#weights.itemBias)),
        tf.expandDims(embedded, 0),
      ];
    });
    const rowsOf = async (chunk: number) => {
      const contexts = examples
        .slice(chunk * ROWS, (chunk + 1) * ROWS)
        .map(({ user, position }) => ({ user, historyLength: position }));
      const part = tf.tidy(() => {
        const inputs = this.#userInputs(contexts);
        const users = tf.split(this.#users(inputs), 2, 1);
        const called = this.#called(inputs, items[2] as tf.Tensor3D);
        const vectors = tf.split(items[0], 2, 1);
        const biases = tf.split(items[1], 2, 0);
        const pairs = tf.tensor2d(this.#features.crossTable(contexts), [
          contexts.length * count,
          this.#features.crosses,
        ]);
        const crosses = tf.split(tf.matMul(pairs, this.#weights.cross), 2, 1);
        const [ctr, cvr] = users.map((tower, k) => {
          const match = tf.add(tf.matMul(tower, vectors[k], false, true), biases[k]);
          const logit = tf.add(match, tf.reshape(crosses[k], [contexts.length, count]));
          return tf.sigmoid(called === null ? logit : tf.add(logit, called[k]));
        });
        return tf.mul(ctr, cvr);
      });
      const rows = (await part.data()) as Float32Array;
      part.dispose();
      return rows;
    };
    try {
      return await inChunks('Ranker', Math.ceil(examples.length / ROWS), rowsOf, hooks);
    } finally {
      tf.dispose(items);
    }
  }

  dispose(): void {
    tf.dispose(this.trained);
  }

  #context(row: number): Context {
    const { user, historyLength } = this.#features.dataset.impressions;
    return { user: user[row], historyLength: historyLength[row] };
  }

  #userInputs(contexts: readonly Context[]): UserInputs {
    const { width, profileWidth } = this.#features;
    const attended = this.#attended;
    return {
      history: tf.tensor2d(this.#features.historyBags(contexts), [contexts.length, width]),
      latest:
        attended > 0
          ? tf.tensor2d(this.#features.latestBags(contexts, attended), [contexts.length * attended, width])
          : null,
      profile: tf.tensor2d(this.#features.profileBags(contexts), [contexts.length, profileWidth]),
    };
  }

  #pairInputs(contexts: readonly Context[], items: readonly number[]): PairInputs {
    return {
      item: tf.tensor2d(this.#features.itemBags(items), [items.length, this.#features.width]),
      cross: tf.tensor2d(this.#features.crossPairs(contexts, items), [items.length, this.#features.crosses]),
    };
  }

  /** [rows × 2·D], click tower then conversion tower. */
  #users(inputs: UserInputs): tf.Tensor2D {
    const w = this.#weights;
    const both = tf.concat([tf.matMul(inputs.history, w.embedding), tf.matMul(inputs.profile, w.profile)], 1);
    const hidden = tf.relu(tf.add(tf.matMul(both, w.hidden), w.hiddenBias)) as tf.Tensor2D;
    return tf.matMul(tf.concat([hidden, both], 1), w.user);
  }

  /** [rows × D] */
  #embed(bags: tf.Tensor2D): tf.Tensor2D {
    return tf.matMul(bags, this.#weights.embedding);
  }

  /** What target attention adds to the logits of click and of conversion of `targets` [rows or 1 × n × D]. */
  #called({ latest }: UserInputs, targets: tf.Tensor3D): tf.Tensor2D[] | null {
    if (this.#attention === null || latest === null) return null;
    return this.#attention.logits(this.#embed(latest), targets);
  }

  /** Logits [rows] of click and of conversion given a click, for user row i with item row i. */
  #pairLogits(users: UserInputs, pairs: PairInputs) {
    const embedded = this.#embed(pairs.item);
    const vectors = tf.matMul(embedded, this.#weights.item);
    const products = tf.split(tf.mul(this.#users(users), vectors), 2, 1);
    const called = this.#called(users, tf.expandDims(embedded, 1));
    const wide = tf.add(
      tf.matMul(pairs.item, this.#weights.itemBias),
      tf.matMul(pairs.cross, this.#weights.cross),
    );
    const biases = tf.split(wide, 2, 1);
    const logit = (k: number) => {
      const plain = tf.add(tf.sum(products[k], 1), tf.squeeze(biases[k], [1]));
      return called === null ? plain : tf.add(plain, tf.squeeze(called[k], [1]));
    };
    return { ctr: logit(0), cvr: logit(1) };
  }
}
