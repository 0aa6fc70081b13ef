/**
 * A contrastive head: a linear map of the encoder's frozen vectors, after which what was said of a person lies near the item that the
 * person chose next. InfoNCE (van den Oord et al., arXiv 1807.03748) over the items of a batch, of equal ones a single time:
 *
 *     loss = −ln softmax over items j ( cos(x W, y_j W) / τ ) [the item that followed]
 *
 * W begins as the identity, so that no step is the plain cosine. TensorFlow.js on the current backend.
 */
import * as tf from '@tensorflow/tfjs';
import type { StageHooks } from '../control/hooks';
import { Random } from '../numeric/random';
import { fit } from './fit';
import { type PastMoments, spokenOf } from './similarUsers';

const BATCH = 128;
const LEARNING_RATE = 5e-3;
/** τ */
const TEMPERATURE = 0.1;

export interface ContrastiveHead {
  losses: number[];
  /** [rows × D] → unit rows [rows × D]; rows of zeros stay. */
  map(vectors: Float32Array): Promise<Float32Array<ArrayBuffer>>;
  dispose(): void;
}

/**
 * @param past what was said of training users, and what they chose next
 * @param itemVectors [items × D], in the space of `past`
 * @throws StoppedError when the hooks say stop
 */
export async function trainContrastiveHead(
  { past, itemVectors }: { past: PastMoments; itemVectors: Float32Array },
  steps: number,
  seed: number,
  hooks: StageHooks,
): Promise<ContrastiveHead> {
  const { dimension: D, vectors, next } = past;
  const rows = spokenOf(past);
  const weights = tf.tidy(() => tf.variable(tf.eye(D)));
  const bag = (from: Float32Array, of: readonly number[]) =>
    tf.tensor2d(Float32Array.from(of.flatMap((row) => [...from.subarray(row * D, (row + 1) * D)])), [
      of.length,
      D,
    ]);
  const take = (optimizer: { minimize(loss: () => tf.Scalar): tf.Scalar }, step: number) => {
    const random = new Random(seed, 'ranking/head', step);
    const batch = Array.from({ length: BATCH }, () => rows[random.int(rows.length)]);
    const items = [...new Set(batch.map((row) => next[row]))];
    const wanted = batch.map((row) => items.indexOf(next[row]));
    return tf.tidy(() => {
      const [said, chosen] = [bag(vectors, batch), bag(itemVectors, items)];
      const targets = tf.oneHot(tf.tensor1d(wanted, 'int32'), items.length).toFloat();
      return optimizer.minimize(() => {
        const cosines = tf.matMul(unit(said, weights), unit(chosen, weights), false, true);
        const surprise = tf.logSoftmax(tf.div(cosines, TEMPERATURE));
        return tf.neg(tf.mean(tf.sum(tf.mul(surprise, targets), 1))) as tf.Scalar;
      });
    });
  };
  try {
    const isAny = rows.length > 0;
    const training = { steps: isAny ? steps : 0, learningRate: LEARNING_RATE, variables: [weights] };
    const losses = await fit('Contrastive head', training, take, hooks);
    return {
      losses,
      async map(all) {
        const made = tf.tidy(() => unit(tf.tensor2d(all, [all.length / D, D]), weights));
        const mapped = Float32Array.from(await made.data());
        made.dispose();
        return mapped;
      },
      dispose: () => weights.dispose(),
    };
  } catch (error) {
    weights.dispose();
    throw error;
  }
}

function unit(rows: tf.Tensor2D, weights: tf.Variable): tf.Tensor2D {
  const mapped = tf.matMul(rows, weights as tf.Tensor2D);
  return tf.div(mapped, tf.sqrt(tf.add(tf.sum(tf.square(mapped), 1, true), 1e-12)));
}
