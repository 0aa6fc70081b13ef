/** How well a ranker ranks: grouped AUC, log-loss, hits and gains at K, and bootstrap intervals of what two rankers differ by. */
import { type Interval, intervalOf } from '../numeric/interval';
import { Random } from '../numeric/random';
import { auc } from './auc';

/**
 * GAUC (Zhu et al., "Optimized Cost per Click in Taobao Display Advertising", KDD 2017): AUC within each user, averaged by
 * impressions over users who have both classes; 0.5 where nobody has.
 */
export function groupedAuc(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  users: ArrayLike<number>,
): number {
  const groups = groupsOf(labels, users);
  let [sum, weight] = [0, 0];
  for (const own of groups) {
    sum += own.length * aucOf(scores, labels, own);
    weight += own.length;
  }
  return weight === 0 ? 0.5 : sum / weight;
}

/** The same impressions scored by two rankers: columns of one length. */
export interface ScoredTwice {
  before: ArrayLike<number>;
  after: ArrayLike<number>;
  labels: ArrayLike<number>;
  /** Who was shown each. */
  users: ArrayLike<number>;
}

/** Impressions as one ranker scored them: columns of one length. */
export interface ScoredOnce {
  scores: ArrayLike<number>;
  labels: ArrayLike<number>;
  /** Who was shown each. */
  users: ArrayLike<number>;
}

/** A metric, and what it comes to each time that users are drawn again. Of the same users the draws are the same, whoever scored. */
export interface Drawn {
  value: number;
  draws: Float64Array;
}

/** What `after` has more than `before`, paired draw by draw. */
export function gainOf(before: Drawn, after: Drawn): Interval {
  return intervalOf(
    after.value - before.value,
    after.draws.map((value, draw) => value - before.draws[draw]),
  );
}

/** GAUC(after) − GAUC(before) on the same impressions, with a 95 % interval from drawing users again. */
export function groupedAucGain(
  { before, after, labels, users }: ScoredTwice,
  seed: number,
  draws: number,
): Interval {
  const groups = groupsOf(labels, users);
  const gains = groups.map((own) => aucOf(after, labels, own) - aucOf(before, labels, own));
  const drawn = drawnMean(groups, gains, new Random(seed, 'gauc gain'), draws);
  return intervalOf(drawn.value, drawn.draws);
}

export function drawnGroupedAuc({ scores, labels, users }: ScoredOnce, seed: number, draws: number): Drawn {
  const groups = groupsOf(labels, users);
  const own = groups.map((rows) => aucOf(scores, labels, rows));
  return drawnMean(groups, own, new Random(seed, 'gauc'), draws);
}

/** The mean of what each row is worth. */
export function drawnRate(
  { values, users }: { values: ArrayLike<number>; users: ArrayLike<number> },
  seed: number,
  draws: number,
): Drawn {
  const groups = rowsByUser(users);
  const means = groups.map((rows) => rows.reduce((sum, row) => sum + values[row], 0) / rows.length);
  return drawnMean(groups, means, new Random(seed, 'rate'), draws);
}

/** Of a value for each user, weighed by the user's rows. */
function drawnMean(
  groups: readonly { length: number }[],
  values: readonly number[],
  random: Random,
  draws: number,
): Drawn {
  const mean = (draw: (index: number) => number) => {
    let [sum, weight] = [0, 0];
    for (let i = 0; i < groups.length; i++) {
      const group = draw(i);
      sum += groups[group].length * values[group];
      weight += groups[group].length;
    }
    return weight === 0 ? 0 : sum / weight;
  };
  return {
    value: mean((i) => i),
    draws: Float64Array.from({ length: draws }, () => mean(() => random.int(groups.length))),
  };
}

/** Rows of each user who has both classes, in the order in which users appear. */
function groupsOf(labels: ArrayLike<number>, users: ArrayLike<number>): number[][] {
  return rowsByUser(users).filter((own) => {
    const positives = own.reduce((count, row) => count + labels[row], 0);
    return positives > 0 && positives < own.length;
  });
}

function rowsByUser(users: ArrayLike<number>): number[][] {
  const rows = new Map<number, number[]>();
  for (let row = 0; row < users.length; row++) {
    const known = rows.get(users[row]);
    if (known === undefined) rows.set(users[row], [row]);
    else known.push(row);
  }
  return [...rows.values()];
}

function aucOf(scores: ArrayLike<number>, labels: ArrayLike<number>, rows: readonly number[]): number {
  return auc(
    rows.map((row) => scores[row]),
    rows.map((row) => labels[row]),
  );
}

const LEAST = 1e-7;

/** Mean −log P of the labels, nats; probabilities are kept 1e-7 away from 0 and 1. */
export function logLoss(probabilities: ArrayLike<number>, labels: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    const p = Math.min(1 - LEAST, Math.max(LEAST, probabilities[i]));
    sum -= labels[i] ? Math.log(p) : Math.log(1 - p);
  }
  return labels.length === 0 ? 0 : sum / labels.length;
}

/** How many items of the catalogue score above the wanted one; of equals, those before it do. */
export function rankOf(scores: ArrayLike<number>, wanted: number): number {
  let rank = 0;
  for (let item = 0; item < scores.length; item++) {
    if (scores[item] > scores[wanted] || (scores[item] === scores[wanted] && item < wanted)) rank++;
  }
  return rank;
}

/** HR@K and NDCG@K over the full catalogue, one wanted item each: `ranks` from 0. */
export function hitsAt(ranks: ArrayLike<number>, k: number): { hit: number; ndcg: number } {
  let [hit, ndcg] = [0, 0];
  for (let i = 0; i < ranks.length; i++) {
    if (ranks[i] >= k) continue;
    hit++;
    ndcg += 1 / Math.log2(ranks[i] + 2);
  }
  const count = Math.max(1, ranks.length);
  return { hit: hit / count, ndcg: ndcg / count };
}

/**
 * AUC. Impressions of one user are not independent, so it is users that are drawn again, each with all impressions: the bootstrap of
 * clusters (Field & Welsh, "Bootstrapping clustered data", 2007), where DeLong's interval would take each impression for a user.
 */
export function drawnAuc({ scores, labels, users }: ScoredOnce, seed: number, draws: number): Drawn {
  const ids = new Map<number, number>();
  const userOf = Int32Array.from(users, (user) => ids.get(user) ?? ids.set(user, ids.size).size - 1);
  const area = new WeightedAuc(scores, labels, userOf);
  const random = new Random(seed, 'auc gain');
  const weights = new Float64Array(ids.size);
  const drawn = Float64Array.from({ length: draws }, () => {
    weights.fill(0);
    for (let i = 0; i < ids.size; i++) weights[random.int(ids.size)]++;
    return area.of(weights);
  });
  weights.fill(1);
  return { value: area.of(weights), draws: drawn };
}

/** AUC with each row counted as often as its user is drawn; sorts once. */
class WeightedAuc {
  /** Rows from the lowest score up: whose each is, and its label. */
  readonly #users: Int32Array;
  readonly #labels: Uint8Array;
  /** Where the rows of each score end. */
  readonly #ends: number[] = [];

  constructor(scores: ArrayLike<number>, labels: ArrayLike<number>, users: Int32Array) {
    const order = Int32Array.from({ length: scores.length }, (_, i) => i).sort(
      (a, b) => scores[a] - scores[b],
    );
    this.#users = order.map((row) => users[row]);
    this.#labels = Uint8Array.from(order, (row) => Number(Boolean(labels[row])));
    for (let at = 1; at <= order.length; at++)
      if (at === order.length || scores[order[at]] !== scores[order[at - 1]]) this.#ends.push(at);
  }

  of(weights: Float64Array): number {
    const [users, labels] = [this.#users, this.#labels];
    let [positives, negatives, won, at] = [0, 0, 0, 0];
    for (const end of this.#ends) {
      let [yes, no] = [0, 0];
      for (; at < end; at++) {
        if (labels[at]) yes += weights[users[at]];
        else no += weights[users[at]];
      }
      won += yes * (negatives + no / 2);
      positives += yes;
      negatives += no;
    }
    return positives === 0 || negatives === 0 ? 0.5 : won / (positives * negatives);
  }
}
