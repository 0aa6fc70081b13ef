/**
 * Cross-user features: what other people did just after the model had said much the same of them. Each moment of the past counts by
 * softmax(cosine / .05), so that equals count alike and nobody is chosen among them by chance.
 *
 * A request may see the one behaviour that followed each moment, and nothing later: a training target, before anything that is held out.
 */
import { passGate, type StageHooks } from '../control/hooks';
import type { Dataset, Example } from '../data/dataset';
import { visibleToTraining } from '../data/visibility';
import { Random } from '../numeric/random';

/** Unit vectors [rows × dimension], or zero where nothing was said, each of a user (a name across data sets). */
export interface Moments {
  vectors: Float32Array;
  dimension: number;
  users: readonly string[];
}

/** Moments of the past, each with the item that its user chose next. */
export interface PastMoments extends Moments {
  next: ArrayLike<number>;
}

/** Which columns of `width` stand for an item: its categories, from the widest to the narrowest. */
interface Columns {
  paths: readonly (readonly number[])[];
  width: number;
}

/** Of each request, the people of whom the model said much the same, and what they did next. */
export interface Crowds {
  /** [requests × width] Share of the crowd whose next item is in each category; `usual` where there is no crowd. */
  shares: Float32Array;
  /** [width] The same of everybody in the past. */
  usual: Float32Array;
  /** [requests] The greatest cosine; 0 where nothing was said, or of nobody else. */
  cosine: Float32Array;
  /** [requests] How many people it is worth, 1 / Σ weight²; 0 where there is none. */
  size: Float32Array;
}

/** Of the softmax over cosines. From .02 to .1 no gain was told apart from any other, on two worlds. */
const TEMPERATURE = 0.05;
/** Requests between two gates. */
const ROWS = 64;
/** Of the largest weight; what is less is not counted. */
const LEAST = 1e-6;

/**
 * One moment each of at most `count` training users, for others to be compared with, and the item that followed. That item is what
 * training was asked for there; a moment whose item is held out in another split is no moment of the past.
 */
export function pastMoments(
  dataset: Dataset,
  count: number,
  seed: number,
): { examples: Example[]; next: Int32Array } {
  const visible = visibleToTraining(dataset);
  const one = new Map<number, Example>();
  for (const example of new Random(seed, 'ranking/past').shuffle([...dataset.splits.train])) {
    const { user, position } = example;
    if (position > 0 && position < visible[user] && !one.has(user)) one.set(user, example);
    if (one.size === count) break;
  }
  const examples = [...one.values()];
  return {
    examples,
    next: Int32Array.from(examples, ({ user, position }) => dataset.users[user].history[position]),
  };
}

/**
 * @param past of the same dimension as the requests
 * @throws StoppedError when the hooks say stop
 */
export async function crowdsOf(
  { requests, past, columns }: { requests: Moments; past: PastMoments; columns: Columns },
  hooks: StageHooks,
): Promise<Crowds> {
  const { dimension, users } = requests;
  const { paths, width } = columns;
  const usual = new Float32Array(width);
  for (let at = 0; at < past.next.length; at++)
    for (const column of paths[past.next[at]]) usual[column] += 1 / past.next.length;
  const spoken = spokenOf(past);
  const made: Crowds = {
    shares: new Float32Array(users.length * width),
    usual,
    cosine: new Float32Array(users.length),
    size: new Float32Array(users.length),
  };
  const weights = new Float64Array(spoken.length);
  for (let row = 0; row < users.length; row++) {
    if (row % ROWS === 0) await passGate(hooks, 'Similar users');
    const asked = requests.vectors.subarray(row * dimension, (row + 1) * dimension);
    let best = -2;
    if (!isZero(asked))
      spoken.forEach((at, i) => {
        weights[i] = past.users[at] === users[row] ? -Infinity : dot(asked, past.vectors, at * dimension);
        best = Math.max(best, weights[i]);
      });
    const shares = made.shares.subarray(row * width, (row + 1) * width);
    if (best < -1.5) {
      shares.set(usual);
      continue;
    }
    let [sum, squares] = [0, 0];
    weights.forEach((cosine, i) => {
      const weight = Math.exp((cosine - best) / TEMPERATURE);
      weights[i] = weight < LEAST ? 0 : weight;
      sum += weights[i];
      squares += weights[i] ** 2;
    });
    spoken.forEach((at, i) => {
      if (weights[i] > 0) for (const column of paths[past.next[at]]) shares[column] += weights[i] / sum;
    });
    made.cosine[row] = best;
    made.size[row] = sum ** 2 / squares;
  }
  return made;
}

/** Mean cosine of two different rows of which something was said; 0 where there are not two. Near 1, cosines tell nobody apart. */
export function meanCosine({ vectors, dimension }: Pick<Moments, 'vectors' | 'dimension'>): number {
  const total = new Float64Array(dimension);
  let [own, rows] = [0, 0];
  for (let from = 0; from < vectors.length; from += dimension) {
    const row = vectors.subarray(from, from + dimension);
    if (isZero(row)) continue;
    rows++;
    for (let d = 0; d < dimension; d++) total[d] += row[d];
    own += dot(row, row, 0);
  }
  if (rows < 2) return 0;
  return (total.reduce((sum, value) => sum + value * value, 0) - own) / (rows * (rows - 1));
}

/** Rows of which something was said: what nothing was said of is nobody's neighbour. */
export function spokenOf({ vectors, dimension }: Pick<Moments, 'vectors' | 'dimension'>): number[] {
  return Array.from({ length: vectors.length / dimension }, (_, at) => at).filter(
    (at) => !isZero(vectors.subarray(at * dimension, (at + 1) * dimension)),
  );
}

function isZero(vector: Float32Array): boolean {
  return vector.every((value) => value === 0);
}

function dot(a: Float32Array, b: Float32Array, from: number): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d] * b[from + d];
  return sum;
}
