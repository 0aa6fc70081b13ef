/**
 * Target attention (Zhou et al., "Deep Interest Network", KDD 2018): each of a user's last behaviours says how strongly it calls for
 * an item, and what such a call is worth to a click and to a conversion. Strengths are sigmoids and do not sum to 1, so that
 * how strongly a behaviour calls is not lost.
 */
import * as tf from '@tensorflow/tfjs';

export class TargetAttention {
  readonly weights: Readonly<Record<'query' | 'lag' | 'value', tf.Variable<tf.Rank.R2>>>;
  readonly #behaviours: number;
  readonly #size: number;

  /**
   * What a call is worth starts at 0, so that a ranker first ranks as it would without.
   * @param behaviours L, of each user
   * @param size D, of embeddings
   * @param matrix makes a variable of random numbers of this spread
   */
  constructor(
    behaviours: number,
    size: number,
    matrix: (name: string, rows: number, columns: number, spread: number) => tf.Variable<tf.Rank.R2>,
  ) {
    this.#behaviours = behaviours;
    this.#size = size;
    this.weights = {
      query: matrix('query', size, size, 1 / Math.sqrt(size)),
      lag: matrix('lag', behaviours, 1, 0),
      value: matrix('value', size, 2 * size, 0),
    };
  }

  /**
   * What is added to the logits of click and of conversion, [rows × n] each.
   * @param latest [rows · L × D] embeddings of the last behaviours, the newest first; 0 where there are fewer
   * @param targets [rows × n × D] embeddings of the items asked about, or [1 × n × D] where they are the same for all rows
   */
  logits(latest: tf.Tensor2D, targets: tf.Tensor3D): tf.Tensor2D[] {
    const { query, lag, value } = this.weights;
    const rows = latest.shape[0] / this.#behaviours;
    const meet = (vectors: tf.Tensor) =>
      tf.matMul(tf.reshape(vectors, [rows, this.#behaviours, this.#size]), targets, false, true);
    const strength = tf.sigmoid(tf.add(meet(tf.matMul(latest, query)), lag));
    return tf
      .split(tf.matMul(latest, value), 2, 1)
      .map((worth) => tf.sum(tf.mul(strength, meet(worth)), 1) as tf.Tensor2D);
  }
}
