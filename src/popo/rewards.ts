/**
 * The two rewards of a rollout. Both lie in [0, 1]; an answer that does not parse or resolves to no catalogue item gets
 * 0 for every reward, never some item's score.
 *
 * - semantic: max(0, cos(e(answer), e(true item)))^exponent. The paper pays the plain cosine. Paid linearly it makes a
 *   small model answer category-shaped generic text (a prototype collapsed to 9–27 distinct answers); squared it did not,
 *   so 2 is the default here and 1 the paper's.
 * - id: P(click ∧ conversion) of the resolved item for this example, looked up in an offline table that was computed
 *   and min-max normalised once, never asked of a live ranker.
 */

export const REWARD_NAMES = ['semantic', 'id'] as const;

/** Default power of the clamped cosine. */
export const SEMANTIC_EXPONENT = 2;

/** What the semantic reward needs of an encoder (rank/encoder.ts). */
export interface AnswerEncoder {
  dimension: number;
  /** Unit vector of a text. */
  embed(text: string): Float32Array;
  /** [items × dimension], unit rows. */
  itemVectors: Float32Array;
}

/** What the rewards need of a parsed completion (text/prompt.ts). */
export interface ParsedAnswer {
  /** The answer as text, title and categories; null when there is none. */
  answer: string | null;
  /** Catalogue index, −1 when the answer resolves to no item. */
  item: number;
  valid: boolean;
}

export interface RewardSources {
  encoder: AnswerEncoder;
  /** [examples × items], in [0, 1]. */
  rewardTable: ArrayLike<number>;
  /** Number of catalogue items. */
  items: number;
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

/**
 * Rewards [N, 2] (semantic, id) of N parsed completions.
 * @param completions `parsed`, the row of the reward table its example has, and its example's true item
 */
export function scoreCompletions(
  completions: readonly { parsed: ParsedAnswer; example: number; target: number }[],
  sources: RewardSources,
): Float32Array {
  const { encoder, rewardTable, items, semanticExponent = SEMANTIC_EXPONENT } = sources;
  const rewards = new Float32Array(completions.length * REWARD_NAMES.length);
  completions.forEach(({ parsed, example, target }, row) => {
    if (!parsed.valid || parsed.answer === null || parsed.item < 0) return;
    if (parsed.item >= items || (example + 1) * items > rewardTable.length) {
      throw new Error(
        `Example ${example} with item ${parsed.item} is outside the reward table of ` +
          `${Math.floor(rewardTable.length / items)} examples × ${items} items.`,
      );
    }
    const truth = encoder.itemVectors.subarray(target * encoder.dimension, (target + 1) * encoder.dimension);
    rewards[row * 2] =
      Math.max(0, Math.min(1, cosine(encoder.embed(parsed.answer), truth))) ** semanticExponent;
    rewards[row * 2 + 1] = rewardTable[example * items + parsed.item];
  });
  return rewards;
}
