/** Cross-entropy over so many columns of the vocabulary at a time; what follows from its sums is crossEntropy.ts's. */
import chunksSource from '../../../shaders/cross_entropy_chunks.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { groups, type Tuning } from './tuning';

/** What is known of a row's logits while they come in chunks. */
export interface VocabularySums {
  /** [rows, rowLanes] */
  maxima: Binding;
  /** [rows, rowLanes] of four */
  sums: Binding;
}

/**
 * One chunk's part of a pass over the vocabulary. The passes are `highest`, then `add`, and after `crossEntropy` of the sums, `gradient`, which
 * leaves dlogits in place of logits.
 */
export function vocabularyChunk(
  plan: Plan,
  tuning: Tuning,
  pass: 'highest' | 'add' | 'gradient',
  o: VocabularySums & {
    /** [rows, size] */
    logits: Binding;
    tokens: Binding;
    /** First column, a multiple of the tuning's `rowLanes`; and their number. */
    from: number;
    size: number;
    rows: number;
    shape: GPUBuffer;
    objective: GPUBuffer;
  },
): void {
  if (o.from % tuning.rowLanes !== 0)
    throw new RangeError(`A chunk of the vocabulary cannot begin at ${o.from}.`);
  const { tokens, maxima, sums } = o;
  const used = { highest: [null, maxima, null], add: [tokens, maxima, sums], gradient: [tokens, null, sums] };
  plan.add({
    label: `cross_entropy/${pass}`,
    code: chunksSource,
    entryPoint: pass,
    constants: { LANES: tuning.rowLanes, ROWS: tuning.rows },
    extents: { FROM: o.from, SIZE: o.size },
    bindings: [o.logits, ...used[pass], o.shape, o.objective],
    workgroups: [groups(o.rows, tuning.rows)],
  });
}
