/**
 * Cross-user features: for each request the most similar moment in another user's past, by the cosine of what the model said
 * of both. The other's behaviours then describe the one who asks.
 */
import * as tf from '@tensorflow/tfjs';
import { passGate, type StageHooks } from '../data/stage';

/** Unit vectors [rows × dimension], or zero where nothing was said, each of a user (a name across data sets). */
export interface Moments {
  vectors: Float32Array;
  users: readonly string[];
}

export interface Neighbours {
  /** [requests] row of the past moment with the greatest cosine, the first among equals; −1: no other user's. */
  row: Int32Array;
  cosine: Float32Array;
}

const ROWS = 256;
/** Below any cosine. */
const OWN = -4;

/** @throws StoppedError when the hooks say stop */
export async function nearestOthers(
  requests: Moments,
  past: Moments,
  dimension: number,
  hooks: StageHooks,
): Promise<Neighbours> {
  const names = new Map<string, number>();
  const number = (user: string) => names.get(user) ?? names.set(user, names.size).size - 1;
  const pastUsers = past.users.map(number);
  const askers = requests.users.map(number);
  const count = askers.length;
  const row = new Int32Array(count).fill(-1);
  const cosine = new Float32Array(count);
  if (pastUsers.length === 0) return { row, cosine };
  const index = tf.tensor2d(past.vectors, [pastUsers.length, dimension]);
  const owners = tf.tensor2d(pastUsers, [1, pastUsers.length], 'int32');
  try {
    for (let from = 0; from < count; from += ROWS) {
      await passGate(hooks, 'Similar users');
      const to = Math.min(count, from + ROWS);
      const [best, value] = tf.tidy(() => {
        const queries = tf.tensor2d(requests.vectors.subarray(from * dimension, to * dimension), [
          to - from,
          dimension,
        ]);
        const own = tf.equal(tf.tensor2d(askers.slice(from, to), [to - from, 1], 'int32'), owners);
        const cosines = tf.where(own, OWN, tf.matMul(queries, index, false, true));
        return [tf.argMax(cosines, 1), tf.max(cosines, 1)];
      });
      const [rows, values] = await Promise.all([best.data(), value.data()]);
      tf.dispose([best, value]);
      for (let i = 0; i < to - from; i++) {
        if (values[i] <= OWN) continue;
        row[from + i] = rows[i];
        cosine[from + i] = values[i];
      }
      hooks.onProgress?.(to, count);
    }
  } finally {
    tf.dispose([index, owners]);
  }
  return { row, cosine };
}
