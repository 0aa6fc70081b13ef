/**
 * EASE (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", arXiv 1905.03375): the linear model x B that rebuilds a user's
 * choices x from the others, with a diagonal of 0. In closed form, P = (XᵀX + λI)⁻¹ and B[i][j] = −P[i][j] / P[j][j].
 *
 * With fewer users than items the same comes of a matrix between users (Woodbury): P = (I − Xᵀ K X) / λ with
 * K = (XXᵀ + λI)⁻¹, so that P[j][j] = (1 − Σ K over the users of j) / λ. The smaller of the two is inverted.
 */
import { passGate, type StageHooks } from '../../control/hooks';
import { invertPositive } from '../../numeric/cholesky';
import { type Baseline, distinct, type Scorer, tieBreak, type Visible } from './baseline';

/** Largest side of the inverted matrix: 128 MB of f64, and about half a minute of a tab. */
export const LARGEST_SIDE = 4000;
/** Up to here it is inverted three times, to choose λ. */
const QUICK_SIDE = 1500;

/** The side that would be inverted. */
export function sideOf({ items, histories }: Visible): number {
  return Math.min(items.length, histories.length);
}

export const ease: Baseline = {
  name: 'ease',
  /** λ, of three where that takes seconds. */
  settings: (visible) => (sideOf(visible) <= QUICK_SIDE ? [20, 100, 500] : [100]),
  fit(visible, lambda, hooks) {
    const isByItem = visible.items.length <= visible.histories.length;
    return isByItem ? fitByItem(visible, lambda, hooks) : fitByUser(visible, lambda, hooks);
  },
};

type Gate = Pick<StageHooks, 'gate'>;

async function fitByItem(visible: Visible, lambda: number, hooks: Gate): Promise<Scorer> {
  const { items, histories } = visible;
  const start = tieBreak(visible);
  const n = items.length;
  const weights = await inverse(histories.map(distinct), n, lambda, hooks);
  const diagonal = Float64Array.from({ length: n }, (_, j) => weights[j * n + j]);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) weights[i * n + j] = i === j ? 0 : -weights[i * n + j] / diagonal[j];
  return (history) => {
    const scores = start.slice();
    for (const item of distinct(history))
      for (let j = 0, at = item * n; j < n; j++) scores[j] += weights[at++];
    return scores;
  };
}

async function fitByUser(visible: Visible, lambda: number, hooks: Gate): Promise<Scorer> {
  const { items, histories } = visible;
  const start = tieBreak(visible);
  const m = histories.length;
  const baskets = histories.map(distinct);
  const users: number[][] = items.map(() => []);
  baskets.forEach((basket, user) => {
    for (const item of basket) users[item].push(user);
  });
  const k = await inverse(
    users.map((own) => Int32Array.from(own)),
    m,
    lambda,
    hooks,
  );
  /** λ P[j][j] */
  const diagonal = users.map((own) => {
    let sum = 1;
    for (const u of own) for (const v of own) sum -= k[u * m + v];
    return sum;
  });
  return (history) => {
    // With s = (x Xᵀ K) X, λ x P = x − s, and d = λ P[j][j]: (x B)[j] = s[j] / d[j], and 1 − 1 / d[j] more where x has j.
    const own = distinct(history);
    const shared = new Float64Array(m);
    for (const item of own)
      for (const u of users[item]) for (let v = 0, at = u * m; v < m; v++) shared[v] += k[at++];
    const scores = new Float64Array(items.length);
    baskets.forEach((basket, user) => {
      for (const item of basket) scores[item] += shared[user];
    });
    for (let j = 0; j < scores.length; j++) scores[j] = scores[j] / diagonal[j] + start[j];
    for (const item of own) scores[item] += 1 - 1 / diagonal[item];
    return scores;
  };
}

/** (Σ over the sets of their indicator's square + λI)⁻¹, [size × size] over what the sets are of. */
async function inverse(
  sets: readonly Int32Array[],
  size: number,
  lambda: number,
  hooks: Gate,
): Promise<Float64Array> {
  const matrix = new Float64Array(size * size);
  for (const set of sets) for (const i of set) for (const j of set) matrix[i * size + j]++;
  for (let i = 0; i < size; i++) matrix[i * size + i] += lambda;
  await invertPositive(matrix, size, () => passGate(hooks, 'EASE'));
  return matrix;
}
