/** How the width of a token is shared out to queries, keys and values. */
export interface Heads {
  heads: number;
  kvHeads: number;
  headDim: number;
}

/** Floats of a row of qkv. */
export const rowWidth = ({ heads, kvHeads, headDim }: Heads) => (heads + 2 * kvHeads) * headDim;
