/**
 * Product quantisation (Jégou, Douze, Schmid, "Product Quantization for Nearest Neighbor Search", TPAMI 2011): a vector is
 * cut into M parts, and each part is named by the nearest of 2^bits centroids. M small whole numbers are what a ranker can take in
 * as sparse ids. k-means in TensorFlow.js on the current backend; sums over clusters in JavaScript, so that they repeat to the bit.
 */
import * as tf from '@tensorflow/tfjs';
import { inChunks } from '../control/chunks';
import { passGate, type StageHooks, UNKEPT } from '../control/hooks';
import { Random } from '../numeric/random';

export interface QuantiserOptions {
  /** M; at most the vectors' dimension. */
  subspaces: number;
  bits: number;
}

export interface Quantiser {
  /** Centroids of one part: at most 2^bits, and no more than there were vectors. */
  size: number;
  /** [rows × M], each below `size`. */
  encode(vectors: Float32Array): Promise<Int32Array>;
  /** Mean squared distance to what the codes stand for, as a share of that to `center`, the fitted vectors' mean. */
  error(vectors: Float32Array, codes: Int32Array): number;
}

const ITERATIONS = 15;

/** First column of part m of M. */
const cut = (dimension: number, subspaces: number, m: number) => Math.floor((m * dimension) / subspaces);

/**
 * @param fitted vectors [rows × dimension] to fit to
 * @throws Error without vectors; StoppedError when the hooks say stop
 */
export async function fitQuantiser(
  { vectors, dimension }: { vectors: Float32Array; dimension: number },
  { subspaces, bits }: QuantiserOptions,
  seed: number,
  hooks: StageHooks,
): Promise<Quantiser> {
  const rows = vectors.length / dimension;
  if (rows === 0) throw new Error('There is nothing to quantise: no request has a vector.');
  const size = Math.min(2 ** bits, rows);
  const bookOf = async (m: number) => {
    const [from, to] = [cut(dimension, subspaces, m), cut(dimension, subspaces, m + 1)];
    const part = columns(vectors, dimension, from, to);
    const width = to - from;
    const first = new Random(seed, 'quantiser', m).shuffle(Array.from({ length: rows }, (_, row) => row));
    const book = new Float32Array(size * width);
    for (let c = 0; c < size; c++)
      book.set(part.subarray(first[c] * width, (first[c] + 1) * width), c * width);
    for (let iteration = 0; iteration < ITERATIONS; iteration++) {
      await passGate(hooks, 'Quantisation');
      moveToMeans(book, part, width, await nearest(part, book, width));
    }
    return book;
  };
  const { gate, work = UNKEPT } = hooks;
  const books = await work.part('codebooks', (own) =>
    inChunks('Quantisation', subspaces, bookOf, { gate, work: own }),
  );
  const center = Float64Array.from({ length: dimension }, (_, d) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += vectors[row * dimension + d];
    return sum / rows;
  });
  return {
    size,
    async encode(others) {
      const codes = new Int32Array((others.length / dimension) * subspaces);
      for (let m = 0; m < subspaces; m++) {
        const [from, to] = [cut(dimension, subspaces, m), cut(dimension, subspaces, m + 1)];
        const found = await nearest(columns(others, dimension, from, to), books[m], to - from);
        found.forEach((code, row) => {
          codes[row * subspaces + m] = code;
        });
      }
      return codes;
    },
    error(others, codes) {
      let [lost, total] = [0, 0];
      for (let m = 0; m < subspaces; m++) {
        const [from, to] = [cut(dimension, subspaces, m), cut(dimension, subspaces, m + 1)];
        for (let row = 0; row < others.length / dimension; row++) {
          for (let d = from; d < to; d++) {
            const value = others[row * dimension + d];
            lost += (value - books[m][codes[row * subspaces + m] * (to - from) + d - from]) ** 2;
            total += (value - center[d]) ** 2;
          }
        }
      }
      return total === 0 ? 0 : lost / total;
    },
  };
}

/** Columns `from` to `to` of a matrix. */
function columns(matrix: Float32Array, dimension: number, from: number, to: number): Float32Array {
  const rows = matrix.length / dimension;
  const part = new Float32Array(rows * (to - from));
  for (let row = 0; row < rows; row++) {
    part.set(matrix.subarray(row * dimension + from, row * dimension + to), row * (to - from));
  }
  return part;
}

/** [rows] the centroid at the least distance: |x − c|² is least where x·c − |c|²/2 is greatest. */
async function nearest(part: Float32Array, book: Float32Array, width: number): Promise<Int32Array> {
  const found = tf.tidy(() => {
    const x = tf.tensor2d(part, [part.length / width, width]);
    const c = tf.tensor2d(book, [book.length / width, width]);
    const half = tf.mul(tf.sum(tf.square(c), 1), 0.5);
    return tf.argMax(tf.sub(tf.matMul(x, c, false, true), half), 1);
  });
  try {
    return (await found.data()) as Int32Array;
  } finally {
    found.dispose();
  }
}

/** Each centroid to the mean of its rows; one that has none stays where it is. */
function moveToMeans(book: Float32Array, part: Float32Array, width: number, codes: Int32Array): void {
  const sums = new Float64Array(book.length);
  const counts = new Float64Array(book.length / width);
  codes.forEach((code, row) => {
    counts[code]++;
    for (let d = 0; d < width; d++) sums[code * width + d] += part[row * width + d];
  });
  for (let i = 0; i < book.length; i++) {
    const count = counts[Math.floor(i / width)];
    if (count > 0) book[i] = sums[i] / count;
  }
}
