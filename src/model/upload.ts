/** A batch on its way to the device: padded to the shape that a step was compiled for, and its tokens sorted for the embedding's gradient. */
import type { PaddedTokens, TokenBatch } from './languageModel';
import { type Layout, plainLayout } from './packing';

/** Positions of one token are summed in runs of at most this many (embedding.wgsl). */
const ITEM = 64;

/** Most such runs that so many tokens of a vocabulary can make. */
export function maxItems(rows: number, vocabulary: number): number {
  return Math.ceil(rows / ITEM) + Math.min(vocabulary, rows);
}

/**
 * Pads a batch to [B, T] with empty sequences and token 0. Padding costs time, never correctness.
 * @throws RangeError when it does not fit or names a token beyond the vocabulary.
 */
export function fitBatch(
  batch: PaddedTokens & { layout?: Layout },
  size: number,
  length: number,
  vocabulary: number,
): PaddedTokens & {
  tokens: Uint32Array<ArrayBuffer>;
  lengths: Uint32Array<ArrayBuffer>;
  layout: Layout;
} {
  if (batch.size > size || batch.length > length) {
    throw new RangeError(
      `A batch of ${batch.size} × ${batch.length} tokens does not fit a step compiled for ${size} × ${length}.`,
    );
  }
  const tokens = new Uint32Array(size * length);
  const lengths = new Uint32Array(size);
  for (let b = 0; b < batch.size; b++) {
    const count = batch.lengths[b];
    if (count > batch.length)
      throw new RangeError(`Sequence ${b} has length ${count}, its row holds ${batch.length}.`);
    lengths[b] = count;
    for (let t = 0; t < count; t++) {
      const token = batch.tokens[b * batch.length + t];
      if (token >= vocabulary) {
        throw new RangeError(
          `Sequence ${b} has token ${token} at ${t}, the vocabulary ends at ${vocabulary - 1}.`,
        );
      }
      tokens[b * length + t] = token;
    }
  }
  if (batch.layout) {
    if (batch.size !== size || batch.length !== length) {
      throw new RangeError('A packed batch must have the very shape its step was compiled for.');
    }
    return { size, length, tokens, lengths, layout: batch.layout };
  }
  return { size, length, tokens, lengths, layout: plainLayout(lengths, length) };
}

/** Loss weights of a batch that fits, [B*T], 0 beyond each sequence's end. */
export function fitWeights(batch: TokenBatch, size: number, length: number): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(size * length);
  for (let b = 0; b < batch.size; b++) {
    const from = b * batch.length;
    weights.set(batch.lossWeights.subarray(from, from + batch.lengths[b]), b * length);
  }
  return weights;
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
