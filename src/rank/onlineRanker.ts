/**
 * The ranker that language model features are to improve: an ESMM (Ma et al., SIGIR 2018; pCTCVR = pCTR · pCVR over all
 * impressions, shared embeddings) with target attention over the last behaviours (Zhou et al., "Deep Interest Network", KDD
 * 2018: weights are sigmoids and do not sum to 1, so that how strongly a behaviour calls for an item is not lost).
 *
 * Each feature of a request is a vector x_f of D numbers; with t the item's, the hidden layer sees t, x_f and t ⊙ x_f. What a request
 * leans to is a number for each category of the item, and the hidden layer sees that as it is. A ranker may
 * start from another one and add features: their rows of the first layer start at 0, so that it first ranks as the other did, and
 * rankers with and without a feature differ in nothing else.
 *
 * TensorFlow.js on the current backend. Embeddings are looked up by one-hot products, since the gradient of a gather adds in
 * no fixed order on WebGPU.
 */
import * as tf from '@tensorflow/tfjs';
import { passGate, type StageHooks } from '../control/hooks';
import { Random } from '../numeric/random';
import type { Adam } from './adam';
import { entireSpaceLogLikelihood } from './entireSpace';
import type { FeatureColumns } from './featureColumns';
import { fit } from './fit';
import { ATTENDED, LEVELS, type Requests } from './requests';

export interface OnlineRankerOptions {
  steps: number;
  /** Requests a step, each with all that was shown. */
  batchSize: number;
  learningRate: number;
  /** D */
  embeddingSize: number;
}

/** What of the language model the ranker is given. */
export interface FeatureSet {
  /** The item that it named, as the crowd's are. */
  answer: boolean;
  /** The codes of what it said of this user. */
  intra: boolean;
  /** What people did next of whom it said much the same. */
  cross: boolean;
}

export interface OnlineRanker {
  losses: number[];
  /** By name, to start another ranker from; disposed of with this one. */
  weights: Readonly<Record<string, tf.Variable>>;
  /** Requests whose tables are made at once. */
  readonly block: number;
  /** [rows × items] pCTR and pCTCVR of every item at requests `rows`. */
  tables(rows: readonly number[], hooks: StageHooks): Promise<{ ctr: Float32Array; ctcvr: Float32Array }>;
  dispose(): void;
}

const HIDDEN = 32;
/** Cells of a block of tables. */
const CELLS = 32_768;

/** What a ranker learns from, and what it may know. */
export interface RankerLearning {
  requests: Requests;
  /** Those of the requests that it learns from. */
  rows: readonly number[];
  features: FeatureSet;
  /** A ranker of fewer features to go on from; null starts from random numbers. */
  start: Pick<OnlineRanker, 'weights'> | null;
}

/** @throws Error where nothing was shown; StoppedError when the hooks say stop */
export async function trainOnlineRanker(
  { requests, rows, features, start }: RankerLearning,
  options: OnlineRankerOptions,
  seed: number,
  hooks: StageHooks,
): Promise<OnlineRanker> {
  const shown = rows.filter((row) => requests.slates[row].items.length > 0);
  if (shown.length === 0) throw new Error('No request shows anything, so no ranker can be trained on them.');
  const model = new Model({ requests, features }, start?.weights ?? null, options.embeddingSize, seed);
  const take = (optimizer: Adam, step: number) => {
    const random = new Random(seed, 'online ranker', step);
    const batch = Array.from({ length: options.batchSize }, () => shown[random.int(shown.length)]);
    return model.trainStep(optimizer, batch);
  };
  try {
    const losses = await fit('Ranking', { ...options, variables: Object.values(model.weights) }, take, hooks);
    return {
      losses,
      weights: model.weights,
      block: model.block,
      tables: (wanted, gate) => model.tables(wanted, gate),
      dispose: () => model.dispose(),
    };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

class Model {
  readonly #requests: Requests;
  readonly #features: FeatureSet;
  readonly #size: number;
  readonly weights: Record<string, tf.Variable> = {};
  readonly #categories: tf.Tensor2D;

  constructor(
    { requests, features }: Pick<RankerLearning, 'requests' | 'features'>,
    start: Readonly<Record<string, tf.Variable>> | null,
    D: number,
    seed: number,
  ) {
    this.#requests = requests;
    this.#features = features;
    this.#size = D;
    const { items, columns } = requests;
    const { categoryCount, profileWidth } = columns;
    this.#categories = categoriesOf(columns);
    const matrix = (name: string, shape: number[], spread: number) => {
      const known = start?.[name];
      if (known !== undefined) {
        this.weights[name] = tf.tidy(() => tf.variable(tf.clone(known)));
        return;
      }
      const scale = start !== null && name.startsWith('hidden/') ? 0 : spread;
      const random = new Random(seed, `online ranker/${name}`);
      const length = shape.reduce((a, b) => a * b, 1);
      const values = Float32Array.from({ length }, () => scale * random.normal());
      this.weights[name] = tf.tidy(() => tf.variable(tf.tensor(values, shape)));
    };
    const square = 1 / Math.sqrt(D);
    matrix('item', [items, D], 0.1);
    matrix('category', [categoryCount, D], 0.1);
    matrix('profile', [profileWidth, D], 0.1);
    matrix('itemBias', [items, 2], 0);
    matrix('own/query', [D, D], square);
    matrix('own/lag', [1, ATTENDED, 1], 0);
    for (const name of ['latest', 'average']) this.#layer(matrix, `own/${name}`, D);
    this.#layer(matrix, 'profile', D);
    if (features.intra) {
      const { subspaces, size } = requests.enhancement;
      matrix('code', [subspaces * size, D], 0.1);
      this.#layer(matrix, 'code', D);
    }
    for (const name of leaningsOf(features))
      matrix(`hidden/${name}`, [LEVELS, HIDDEN], 1 / Math.sqrt(LEVELS));
    matrix('hidden/item', [D, HIDDEN], square);
    matrix('hiddenBias', [HIDDEN], 0);
    matrix('out', [HIDDEN, 2], 1 / Math.sqrt(HIDDEN));
    matrix('outBias', [2], 0);
  }

  #layer(matrix: (name: string, shape: number[], scale: number) => void, feature: string, D: number): void {
    matrix(`hidden/${feature}`, [D, HIDDEN], 1 / Math.sqrt(D));
    matrix(`hidden/${feature}/product`, [D, HIDDEN], 1 / Math.sqrt(D));
  }

  /** One Adam step on requests `rows`; the loss is a scalar to be read later. */
  trainStep(optimizer: Adam, rows: readonly number[]): tf.Scalar {
    const slates = rows.map((row) => this.#requests.slates[row]);
    const width = Math.max(...slates.map(({ items }) => items.length));
    const shown = new Int32Array(rows.length * width).fill(-1);
    const [click, conversion, weight] = [0, 1, 2].map(() => new Float32Array(rows.length * width));
    slates.forEach(({ items, clicks, conversions }, i) => {
      shown.set(items, i * width);
      click.set(clicks, i * width);
      conversion.set(conversions, i * width);
      weight.fill(1, i * width, i * width + items.length);
    });
    return tf.tidy(() => {
      const inputs = inputsOf(this.#requests, this.#features, rows, shown);
      const [clicked, converted, counts] = [click, conversion, weight].map((column) =>
        tf.tensor2d(column, [rows.length, width]),
      );
      const picked = oneHot(shown, this.#requests.items);
      const loss = () => {
        const table = this.#items();
        const targets = tf.reshape(tf.matMul(picked, table), [rows.length, width, this.#size]) as tf.Tensor3D;
        const bias = tf.reshape(tf.matMul(picked, this.weights.itemBias), [rows.length, width, 2]);
        const [ctr, cvr] = this.#logits(inputs, table, targets, bias);
        const each = entireSpaceLogLikelihood({ ctr, cvr }, clicked, converted);
        return tf.neg(tf.div(tf.sum(tf.mul(counts, each)), tf.sum(counts))) as tf.Scalar;
      };
      return optimizer.minimize(loss);
    });
  }

  get block(): number {
    return Math.max(1, Math.floor(CELLS / this.#requests.items));
  }

  async tables(rows: readonly number[], hooks: StageHooks) {
    const { items } = this.#requests;
    const ctr = new Float32Array(rows.length * items);
    const ctcvr = new Float32Array(rows.length * items);
    for (let from = 0; from < rows.length; from += this.block) {
      await passGate(hooks, 'Ranking');
      const part = rows.slice(from, from + this.block);
      const all = Int32Array.from({ length: part.length * items }, (_, at) => at % items);
      const both = tf.tidy(() => {
        const table = this.#items();
        const shape: [number, number, number] = [part.length, items, this.#size];
        const targets = tf.broadcastTo(tf.expandDims(table, 0), shape) as tf.Tensor3D;
        const bias = tf.expandDims(this.weights.itemBias, 0);
        const [click, buy] = this.#logits(
          inputsOf(this.#requests, this.#features, part, all),
          table,
          targets,
          bias,
        ).map((x) => tf.sigmoid(x));
        return [click, tf.mul(click, buy)];
      });
      ctr.set(await both[0].data(), from * items);
      ctcvr.set(await both[1].data(), from * items);
      tf.dispose(both);
    }
    return { ctr, ctcvr };
  }

  dispose(): void {
    tf.dispose(Object.values(this.weights));
    this.#categories.dispose();
  }

  /** [items × D], an item's own vector and its categories'. */
  #items(): tf.Tensor2D {
    return tf.add(this.weights.item, tf.matMul(this.#categories, this.weights.category)) as tf.Tensor2D;
  }

  /**
   * Logits [rows × n] of click and of conversion given a click.
   * @param targets [rows × n × D] vectors of the items asked about
   * @param bias [rows or 1 × n × 2]
   */
  #logits(inputs: Inputs, table: tf.Tensor2D, targets: tf.Tensor3D, bias: tf.Tensor): tf.Tensor2D[] {
    const w = this.weights;
    const D = this.#size;
    const [rows, count] = targets.shape;
    let hidden = tf.add(times(targets, w['hidden/item']), w.hiddenBias);
    /** @param x [rows × n × D], or [rows × 1 × D] where it does not depend on the item */
    const take = (feature: string, x: tf.Tensor3D) => {
      hidden = tf.add(hidden, times(x, w[`hidden/${feature}`]));
      hidden = tf.add(hidden, times(tf.mul(x, targets) as tf.Tensor3D, w[`hidden/${feature}/product`]));
    };
    const same = (x: tf.Tensor2D) => tf.reshape(x, [rows, 1, D]) as tf.Tensor3D;
    const { latest: newest, present, averages } = inputs.own;
    const latest = tf.reshape(tf.matMul(newest, table), [rows, ATTENDED, D]) as tf.Tensor3D;
    // [rows × ATTENDED × n]: how strongly each behaviour calls for each item.
    const called = tf.matMul(times(latest, w['own/query']), targets, false, true);
    const weights = tf.mul(tf.sigmoid(tf.add(called, w['own/lag'])), present);
    take('own/latest', tf.matMul(weights, latest, true, false) as tf.Tensor3D);
    take('own/average', same(tf.matMul(averages, table)));
    take('profile', same(tf.matMul(inputs.profile, w.profile as tf.Tensor2D)));
    if (inputs.codes !== null) take('code', same(tf.matMul(inputs.codes, w.code as tf.Tensor2D)));
    for (const [name, leans] of Object.entries(inputs.leanings))
      hidden = tf.add(hidden, times(leans, w[`hidden/${name}`]));
    const out = tf.add(tf.add(times(tf.relu(hidden) as tf.Tensor3D, w.out), w.outBias), bias);
    return tf.split(out, 2, 2).map((logit) => tf.reshape(logit, [rows, count]) as tf.Tensor2D);
  }
}

/** Behaviours of a row: the latest one-hot [rows · ATTENDED × items] and whether there are so many; and their average. */
interface Behaviours {
  latest: tf.Tensor2D;
  present: tf.Tensor3D;
  averages: tf.Tensor2D;
}

interface Inputs {
  profile: tf.Tensor2D;
  own: Behaviours;
  codes: tf.Tensor2D | null;
  /** [rows × n × LEVELS] by name, of the items asked about. */
  leanings: Record<string, tf.Tensor3D>;
}

function leaningsOf({ answer, cross }: FeatureSet): ('answer' | 'crowd')[] {
  return [...(answer ? ['answer' as const] : []), ...(cross ? ['crowd' as const] : [])];
}

/** @param asked [rows × n] items, −1 for none */
function inputsOf(
  requests: Requests,
  features: FeatureSet,
  rows: readonly number[],
  asked: Int32Array,
): Inputs {
  const { items, columns, enhancement } = requests;
  const latest = requests.latest(rows);
  const leanings = leaningsOf(features).map((name) => {
    const leans = requests.leanings(name, rows, asked);
    return [name, tf.tensor3d(leans, [rows.length, asked.length / rows.length, LEVELS])] as const;
  });
  return {
    profile: tf.tensor2d(requests.profiles(rows), [rows.length, columns.profileWidth]),
    own: {
      latest: oneHot(latest, items),
      present: tf.tensor3d(
        Float32Array.from(latest, (item) => Number(item >= 0)),
        [rows.length, ATTENDED, 1],
      ),
      averages: tf.tensor2d(requests.averages(rows), [rows.length, items]),
    },
    codes: features.intra
      ? tf.tensor2d(requests.codes(rows), [rows.length, enhancement.subspaces * enhancement.size])
      : null,
    leanings: Object.fromEntries(leanings),
  };
}

/** [items × categories]: 1 for each of an item's category paths. */
function categoriesOf({ paths, categoryCount }: FeatureColumns): tf.Tensor2D {
  const marks = new Float32Array(paths.length * categoryCount);
  paths.forEach((columns, item) => {
    for (const column of columns) marks[item * categoryCount + column] = 1;
  });
  return tf.tensor2d(marks, [paths.length, categoryCount]);
}

/** [a × b × k] · [k × n], as one product of a·b rows. */
function times(x: tf.Tensor3D, matrix: tf.Tensor): tf.Tensor3D {
  const [a, b, k] = x.shape;
  const n = matrix.shape[1]!;
  return tf.reshape(tf.matMul(tf.reshape(x, [a * b, k]), matrix as tf.Tensor2D), [a, b, n]);
}

/** [indices × depth]; a row of zeros for −1. */
function oneHot(indices: Int32Array, depth: number): tf.Tensor2D {
  return tf.cast(tf.oneHot(tf.tensor1d(indices, 'int32'), depth), 'float32') as tf.Tensor2D;
}
