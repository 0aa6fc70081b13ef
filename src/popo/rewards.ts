/**
 * The rewards of a rollout. All lie in [0, 1]; an answer that does not parse or resolves to no catalogue item gets
 * 0 for every reward, never some item's score. The paper has the first two; K of them, in any order, are a run's.
 *
 * - semantic: max(0, cos of the answer's and the true item's vectors)^exponent. The paper pays the plain cosine. Paid linearly it makes a
 *   small model answer category-shaped generic text (a prototype collapsed to 9–27 distinct answers); squared it did not,
 *   so 2 is the default here and 1 the paper's.
 * - id: P(click ∧ conversion) of the resolved item for this example, looked up in an offline table that was computed
 *   and min-max normalised once, never asked of a live ranker.
 * - format: 1 when it reasons before it answers and the categories it names are the item's own, else 0.
 * - novelty: how rarely the resolved item was chosen by training users, as its share of the largest self-information.
 */

export const REWARDS = ['semantic', 'id', 'format', 'novelty'] as const;
export type RewardName = (typeof REWARDS)[number];

/** Default power of the clamped cosine. */
export const SEMANTIC_EXPONENT = 2;

/** How alike a valid answer and an item are in meaning: the cosine of their vectors. */
export type Likeness = (answer: ParsedAnswer, item: number) => number;

/** By an encoder of any text (rank/encoder.ts): the answer as it was written, wrong categories included. */
export function textLikeness(encoder: {
  dimension: number;
  /** Unit vector of a text. */
  embed(text: string): Float32Array;
  /** [items × dimension], unit rows. */
  itemVectors: Float32Array;
}): Likeness {
  const { dimension, itemVectors } = encoder;
  return ({ answer }, item) =>
    cosine(encoder.embed(answer ?? ''), itemVectors.subarray(item * dimension, (item + 1) * dimension));
}

/** By vectors of the catalogue's items [items × dimension] alone: an answer is the item that it resolves to. */
export function itemLikeness(itemVectors: Float32Array, dimension: number): Likeness {
  const vector = (item: number) => itemVectors.subarray(item * dimension, (item + 1) * dimension);
  return (answer, item) => cosine(vector(answer.item), vector(item));
}

/** What the rewards need of a parsed completion (text/prompt.ts). */
export interface ParsedAnswer {
  /** The reasoning before the answer; null when there is none. */
  think: string | null;
  /** The answer as text, title and categories; null when there is none. */
  answer: string | null;
  /** Catalogue index, −1 when the answer resolves to no item. */
  item: number;
  valid: boolean;
  /** Whether the categories in the answer are those of `item`. */
  coherent: boolean;
}

export interface RewardSources {
  /** The run's rewards; their number is K. */
  rewards: readonly RewardName[];
  likeness: Likeness;
  /** [examples × items], in [0, 1]. */
  rewardTable: ArrayLike<number>;
  /** Number of catalogue items. */
  items: number;
  /** [items], in [0, 1]: see `itemNovelty`. */
  novelty: ArrayLike<number>;
  /** Power of the clamped cosine; `SEMANTIC_EXPONENT` when left out. */
  semanticExponent?: number;
}

/** cos of two vectors; 0 when one of them vanishes. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [product, first, second] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i] * b[i];
    first += a[i] * a[i];
    second += b[i] * b[i];
  }
  return first > 0 && second > 0 ? product / Math.sqrt(first * second) : 0;
}

/** −log P(item) with every item seen once more than it was, divided by the largest: [items], 1 for the rarest. */
export function itemNovelty(counts: ArrayLike<number>): Float32Array {
  let total = counts.length;
  for (let item = 0; item < counts.length; item++) total += counts[item];
  const information = Float32Array.from(counts, (count) => -Math.log((count + 1) / total));
  const largest = information.reduce((a, b) => Math.max(a, b), 0);
  return information.map((value) => (largest > 0 ? value / largest : 0));
}

/**
 * Rewards [N, K] of N parsed completions, in the order of `sources.rewards`.
 * @param completions `parsed`, the row of the reward table its example has, and its example's true item
 */
export function scoreCompletions(
  completions: readonly { parsed: ParsedAnswer; example: number; target: number }[],
  sources: RewardSources,
): Float32Array {
  const { likeness, rewardTable, items, novelty, semanticExponent = SEMANTIC_EXPONENT } = sources;
  const K = sources.rewards.length;
  const rewards = new Float32Array(completions.length * K);
  completions.forEach(({ parsed, example, target }, row) => {
    if (!parsed.valid || parsed.answer === null || parsed.item < 0) return;
    if (parsed.item >= items || (example + 1) * items > rewardTable.length) {
      throw new Error(
        `Example ${example} with item ${parsed.item} is outside the reward table of ` +
          `${Math.floor(rewardTable.length / items)} examples × ${items} items.`,
      );
    }
    const { item } = parsed;
    const score: Record<RewardName, () => number> = {
      semantic: () => Math.max(0, Math.min(1, likeness(parsed, target))) ** semanticExponent,
      id: () => rewardTable[example * items + item],
      format: () => (parsed.think && parsed.coherent ? 1 : 0),
      novelty: () => novelty[item],
    };
    sources.rewards.forEach((name, k) => {
      rewards[row * K + k] = score[name]();
    });
  });
  return rewards;
}
