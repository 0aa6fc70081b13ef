/** The matrix products of a model's lists, as kernels share them out: what a choice among their members is made for. */
import type { ProductExtents } from '../gpu/kernels/matmulFamily';
import { type Tuning, weightsIn } from '../gpu/kernels/tuning';
import { type Sizes, splitsOf } from './plans';

export interface ModelProduct extends ProductExtents {
  label: string;
  /** How often a list has it. */
  count: number;
}

/** Weight matrices as [outputs, inputs], and how many there are of each. */
function matrices({
  D,
  F,
  V,
  W,
  layers,
}: Sizes): [label: string, out: number, into: number, count: number][] {
  return [
    ['qkv', W, D, layers],
    ['o_proj', D, D, layers],
    ['gate_up', 2 * F, D, layers],
    ['down', D, F, layers],
    ['logits', V, D, 1],
  ];
}

/** Of a forward pass with logits over so many tokens, or of a new token for so many rows. */
export function forwardProducts(sizes: Sizes, { dtype }: Tuning, rows: number): ModelProduct[] {
  return matrices(sizes).map(([label, N, K, count]) => ({
    ...{ label, layout: 'nt', rows, N, K, count },
    ...{ splits: 1, half: weightsIn(dtype) },
  }));
}

/** Of the backward pass over so many tokens: gradients of the activations, and of the weights. */
export function backwardProducts(sizes: Sizes, tuning: Tuning, rows: number): ModelProduct[] {
  const splits = splitsOf(tuning, rows);
  return matrices(sizes).flatMap(([label, out, into, count]): ModelProduct[] => [
    {
      ...{ label: `${label}_backward`, layout: 'nn', rows, N: into, K: out, count },
      ...{ splits: 1, half: weightsIn(tuning.dtype) },
    },
    {
      ...{ label: `${label}_backward/weight`, layout: 'tn', rows: out, N: into, K: 0, count, splits },
      // What is kept in f16; see `keepsHalves`.
      half: label === 'down' ? weightsIn(tuning.dtype) : undefined,
    },
  ]);
}
