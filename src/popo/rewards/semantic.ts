import type { ParsedAnswer, Reward } from './reward';

/** How alike a valid answer and an item are in meaning: the cosine of their vectors. */
export type Likeness = (answer: ParsedAnswer, item: number) => number;

export interface SemanticSources {
  likeness: Likeness;
  /** Power of the clamped cosine, above 0. */
  semanticExponent: number;
}

/**
 * max(0, cos of the answer's and the true item's vectors)^exponent. The paper pays the plain cosine. Paid linearly it makes a small
 * model answer category-shaped generic text (a prototype collapsed to 9–27 distinct answers); squared it did not, so 2 is the
 * config's default and 1 the paper's.
 */
export const semantic: Reward<'semantic', SemanticSources> = {
  name: 'semantic',
  words: {
    label: 'semantic',
    symbol: 's',
    question: 'Semantic: is it what was needed?',
    about: 'meaning',
    sentence: 'How near the answer’s meaning is to that of the item truly chosen',
    example: 0.86,
  },
  score: ({ parsed, target }, { likeness, semanticExponent }) =>
    Math.max(0, Math.min(1, likeness(parsed, target))) ** semanticExponent,
};

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
