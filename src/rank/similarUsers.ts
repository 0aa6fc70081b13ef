/**
 * Cross-user features: for each request the most similar moment in another user's past, by the cosine of what the model said
 * of both. The other's behaviours then describe the one who asks.
 */
import * as tf from '@tensorflow/tfjs';
import { inChunks, joined } from '../control/chunks';
import { type StageHooks, UNKEPT } from '../control/hooks';
import type { Dataset, Example } from '../data/dataset';
import { visibleToTraining } from '../data/visibility';
import { Random } from '../numeric/random';

/** Unit vectors [rows × dimension], or zero where nothing was said, each of a user (a name across data sets). */
export interface Moments {
  vectors: Float32Array;
  dimension: number;
  users: readonly string[];
}

/** Moments of the past, each with what its user did. */
export interface PastMoments extends Moments {
  behaviours: readonly Int32Array[];
}

export interface Neighbours {
  /**
   * [requests] row of the past moment with the greatest cosine; of equals the next one after a place drawn for each request, lest all
   * fall to the first. −1: nothing was said of this request, or of nobody else.
   */
  row: Int32Array;
  cosine: Float32Array;
}

const ROWS = 256;
/** Below any cosine. */
const OWN = -4;
/** The number of no user. */
const NOBODY = -1;

/**
 * One moment each of at most `count` training users, for others to be compared with, and what these users did up to the
 * deployment. Imported data keeps the order of each user's behaviours but not their times, so theirs end before their own held-out
 * ones, which may be later than another user's request.
 */
export function pastMoments(
  dataset: Dataset,
  count: number,
  seed: number,
): { examples: Example[]; behaviours: Int32Array[] } {
  const one = new Map<number, Example>();
  for (const example of new Random(seed, 'ranking/past').shuffle([...dataset.splits.train])) {
    if (example.position > 0 && !one.has(example.user)) one.set(example.user, example);
    if (one.size === count) break;
  }
  const visible = visibleToTraining(dataset);
  const examples = [...one.values()];
  return {
    examples,
    behaviours: examples.map(({ user }) => dataset.users[user].history.subarray(0, visible[user])),
  };
}

/**
 * @param past of the same dimension as the requests
 * @throws StoppedError when the hooks say stop
 */
export async function nearestOthers(
  requests: Moments,
  past: Moments,
  seed: number,
  hooks: StageHooks,
): Promise<Neighbours> {
  const { dimension } = requests;
  const names = new Map<string, number>();
  const number = (user: string) => names.get(user) ?? names.set(user, names.size).size - 1;
  // What nothing was said of is nobody's, so nobody's neighbour.
  const pastUsers = past.users.map((user, at) =>
    isZero(past.vectors, at, dimension) ? NOBODY : number(user),
  );
  const size = pastUsers.length;
  const askers = requests.users.map(number);
  const count = askers.length;
  const row = new Int32Array(count).fill(-1);
  const cosine = new Float32Array(count);
  if (size === 0) return { row, cosine };
  const index = tf.tensor2d(past.vectors, [size, dimension]);
  const owners = tf.tensor2d(pastUsers, [1, size], 'int32');
  const places = tf.range(0, size);
  try {
    const nearest = async (chunk: number) => {
      const from = chunk * ROWS;
      const to = Math.min(count, from + ROWS);
      const [best, value] = tf.tidy(() => {
        const queries = tf.tensor2d(requests.vectors.subarray(from * dimension, to * dimension), [
          to - from,
          dimension,
        ]);
        const own = tf.equal(tf.tensor2d(askers.slice(from, to), [to - from, 1], 'int32'), owners);
        const isOut = tf.logicalOr(own, tf.equal(owners, NOBODY));
        const cosines = tf.where(isOut, OWN, tf.matMul(queries, index, false, true));
        const greatest = tf.max(cosines, 1, true);
        const starts = Array.from({ length: to - from }, (_, i) =>
          new Random(seed, 'similar users', from + i).int(size),
        );
        // How far behind its request's start each row is, going round: whole numbers, exact in f32.
        const ahead = tf.sub(places, tf.tensor2d(starts, [to - from, 1]));
        const round = tf.where(tf.less(ahead, 0), tf.add(ahead, size), ahead);
        const near = tf.where(tf.equal(cosines, greatest), tf.sub(size, round), 0);
        return [tf.argMax(near, 1), tf.squeeze(greatest, [1])];
      });
      const [rows, values] = await Promise.all([best.data(), value.data()]);
      tf.dispose([best, value]);
      return { rows: Array.from(rows as Int32Array), values: values as Float32Array };
    };
    const { gate, work = UNKEPT } = hooks;
    const onProgress = (done: number) => hooks.onProgress?.(Math.min(count, done * ROWS), count);
    const chunks = await work.part('neighbours', (own) =>
      inChunks('Similar users', Math.ceil(count / ROWS), nearest, { gate, onProgress, work: own }),
    );
    const rows = chunks.flatMap((chunk) => chunk.rows);
    joined(chunks.map((chunk) => chunk.values)).forEach((value, request) => {
      if (value <= OWN || isZero(requests.vectors, request, dimension)) return;
      row[request] = rows[request];
      cosine[request] = value;
    });
  } finally {
    tf.dispose([index, owners, places]);
  }
  return { row, cosine };
}

function isZero(vectors: Float32Array, row: number, dimension: number): boolean {
  return vectors.subarray(row * dimension, (row + 1) * dimension).every((value) => value === 0);
}
