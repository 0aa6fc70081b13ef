/**
 * Who attends to whom in a row of tokens. A row holds one sequence, or the completions of one prompt packed behind it:
 *
 *     prompt without its last token │ last, c₁ … c_n │ last, c₁ … c_m │ …
 *
 * Each segment sees the shared prompt and itself, at the positions it would have alone, so the packed row has the same
 * losses and gradients as one row per completion, at about a third of the tokens for eight completions. The prompt's last token
 * is repeated since it is what predicts each completion's first.
 */
import type { TokenBatch } from './languageModel';

/** Per token of a batch [B*T]: see attention.wgsl. */
export interface Layout {
  /** [B*T, 4] of (position, shared, start, end), relative to the row; end 0 marks padding. */
  spans: Uint32Array<ArrayBuffer>;
  /** [B*T] of the sequence a token belongs to, counted over the batch: the index of its advantage. */
  segments: Uint32Array<ArrayBuffer>;
}

/** A batch whose rows hold several sequences each. `lengths` count all of a row's tokens. */
export interface PackedBatch extends TokenBatch {
  layout: Layout;
}

/** One sequence per row. */
export function plainLayout(lengths: ArrayLike<number>, length: number): Layout {
  const rows = lengths.length * length;
  const spans = new Uint32Array(rows * 4);
  const segments = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    const b = Math.floor(row / length);
    const t = row % length;
    // A padding token's start is itself, so that its thread has nothing to walk over.
    spans.set(t < lengths[b] ? [t, 0, 0, lengths[b]] : [0, 0, t, 0], row * 4);
    segments[row] = b;
  }
  return { spans, segments };
}

/** Length of a packed row that takes any group of these sizes. */
export function packedLength(promptLength: number, completionLength: number, groupSize: number): number {
  return Math.max(0, promptLength - 1) + groupSize * (completionLength + 1);
}

/**
 * Packs rows r·G … r·G + G − 1 of a batch, which share a prompt, into one. A row's prompt ends before its first token of
 * non-zero weight; a row without any counts as all prompt.
 * @param length T of the packed rows
 * @throws RangeError when a group does not fit, or its prompts differ
 */
export function packGroups(batch: TokenBatch, groupSize: number, length: number): PackedBatch {
  const size = batch.size / groupSize;
  const packed: PackedBatch = {
    size,
    length,
    tokens: new Uint32Array(size * length),
    lengths: new Uint32Array(size),
    lossWeights: new Float32Array(size * length),
    layout: plainLayout(new Uint32Array(size), length),
  };
  const { spans, segments } = packed.layout;
  for (let group = 0; group < size; group++) {
    const at = group * length;
    const prompt = promptLength(batch, group * groupSize);
    const shared = prompt - 1;
    let used = 0;
    const put = (token: number, weight: number, segment: number, span: [number, number, number, number]) => {
      if (used >= length)
        throw new RangeError(`Group ${group} does not fit a packed row of ${length} tokens.`);
      packed.tokens[at + used] = token;
      packed.lossWeights[at + used] = weight;
      segments[at + used] = segment;
      spans.set(span, (at + used) * 4);
      used++;
    };
    const first = group * groupSize * batch.length;
    for (let t = 0; t < shared; t++) put(batch.tokens[first + t], 0, group * groupSize, [t, 0, 0, 0]);
    for (let g = 0; g < groupSize; g++) {
      const row = group * groupSize + g;
      const from = row * batch.length;
      for (let t = 0; t < prompt; t++) {
        if (batch.tokens[from + t] !== batch.tokens[first + t]) {
          throw new RangeError(`Rows ${group * groupSize} and ${row} of a group have different prompts.`);
        }
      }
      const start = used;
      const end = start + batch.lengths[row] - shared;
      for (let t = shared; t < batch.lengths[row]; t++) {
        put(batch.tokens[from + t], t < prompt ? 0 : batch.lossWeights[from + t], row, [
          t,
          shared,
          start,
          end,
        ]);
      }
    }
    // Every later token of the row sees the prompt.
    for (let t = 0; t < shared; t++) spans[(at + t) * 4 + 3] = used;
    packed.lengths[group] = used;
  }
  return packed;
}

/** Rows [from, to) of a packed batch; segments are still those of the whole. */
export function sliceRows(batch: PackedBatch, from: number, to: number): PackedBatch {
  const { length, layout } = batch;
  const [first, end] = [from * length, to * length];
  return {
    size: to - from,
    length,
    tokens: batch.tokens.slice(first, end),
    lengths: batch.lengths.slice(from, to),
    lossWeights: batch.lossWeights.slice(first, end),
    layout: { spans: layout.spans.slice(4 * first, 4 * end), segments: layout.segments.slice(first, end) },
  };
}

/** Tokens before the first of non-zero weight. */
function promptLength({ lossWeights, lengths, length }: TokenBatch, row: number): number {
  for (let t = 1; t < lengths[row]; t++) {
    if (lossWeights[row * length + t] !== 0) return t;
  }
  return lengths[row];
}
