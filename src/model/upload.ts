/** A batch on its way to the device: in the shape that a step was compiled for, its tokens sorted for the embedding's gradient. */
import type { PaddedTokens } from './languageModel';
import { type Layout, plainLayout } from './packing';
import { fitRows, type Rows } from './padding';

/** Positions of one token are summed in runs of at most this many (embedding.wgsl). */
const ITEM = 64;

/** Most such runs that so many tokens of a vocabulary can make. */
export function maxItems(rows: number, vocabulary: number): number {
  return Math.ceil(rows / ITEM) + Math.min(vocabulary, rows);
}

/**
 * A batch in the shape [B, T] that a step was compiled for, with who attends to whom.
 * @throws RangeError when it does not fit or names a token beyond the vocabulary
 */
export function fitBatch(
  batch: PaddedTokens & { layout?: Layout },
  shape: { size: number; length: number; vocabulary: number },
): Rows & { layout: Layout } {
  const rows = fitRows(batch, shape);
  const isSame = batch.size === shape.size && batch.length === shape.length;
  if (batch.layout && !isSame) {
    throw new RangeError('A packed batch must have the very shape its step was compiled for.');
  }
  return { ...rows, layout: batch.layout ?? plainLayout(rows.lengths, rows.length) };
}

/** Positions grouped by token (stable), cut into items of at most ITEM, with each token's first item: embedding.wgsl's input. */
export function sortByToken(
  tokens: Uint32Array,
  vocabulary: number,
  most: number,
): {
  positions: Uint32Array<ArrayBuffer>;
  items: Uint32Array<ArrayBuffer>;
  firstItems: Uint32Array<ArrayBuffer>;
} {
  const starts = new Uint32Array(vocabulary + 1);
  for (const token of tokens) starts[token + 1]++;
  for (let v = 0; v < vocabulary; v++) starts[v + 1] += starts[v];
  const cursor = starts.slice();
  const positions = new Uint32Array(tokens.length);
  tokens.forEach((token, position) => {
    positions[cursor[token]++] = position;
  });
  const items = new Uint32Array(2 * most);
  const firstItems = new Uint32Array(vocabulary + 1);
  let item = 0;
  for (let v = 0; v < vocabulary; v++) {
    firstItems[v] = item;
    for (let from = starts[v]; from < starts[v + 1]; from += ITEM) {
      items[2 * item] = from;
      items[2 * item + 1] = Math.min(ITEM, starts[v + 1] - from);
      item++;
    }
  }
  firstItems[vocabulary] = item;
  return { positions, items, firstItems };
}
