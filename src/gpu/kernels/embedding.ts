/** Rows of the embedding table, and their gradient summed without atomics. */
import embeddingSource from '../../../shaders/embedding.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { unroll } from '../unroll';
import { withHalves } from './half';
import { groups, type Tuning } from './tuning';

/** The gradient is of f32 in any case, and so is what it is made of. */
const gradientSource = unroll(embeddingSource, { s: 1, f: 0 });

export function embeddingGather(
  plan: Plan,
  { dtype }: Tuning,
  o: { table: Binding; tokens: Binding; out: Binding; D: number; V: number; rows: number; shape: GPUBuffer },
): void {
  plan.add({
    label: 'embedding',
    code: dtype === 'f32' ? gradientSource : withHalves(unroll(embeddingSource, { s: 0, f: 1 })),
    entryPoint: 'gather',
    constants: { D: o.D, V: o.V },
    bindings: [o.table, o.tokens, null, o.out, o.shape],
    workgroups: [groups((o.rows * o.D) / 4)],
  });
}

/** Sums the gradient of equal tokens, in runs; positions and items are the CPU's sort by token. */
export function embeddingSums(
  plan: Plan,
  o: {
    dx: Binding;
    positions: Binding;
    items: Binding;
    partial: Binding;
    D: number;
    V: number;
    maxItems: number;
    shape: GPUBuffer;
  },
): void {
  plan.add({
    label: 'embedding_backward/partial_sums',
    code: gradientSource,
    entryPoint: 'partial_sums',
    constants: { D: o.D, V: o.V },
    bindings: [o.dx, o.positions, o.items, o.partial, o.shape],
    workgroups: [groups((o.maxItems * o.D) / 4)],
  });
}

/** Adds these sums to `gradient` [V, D] of V tokens, whose first items are given, and that of the next one. */
export function embeddingBackward(
  plan: Plan,
  o: { partial: Binding; firstItems: Binding; gradient: Binding; D: number; V: number },
): void {
  plan.add({
    label: 'embedding_backward/accumulate',
    code: gradientSource,
    entryPoint: 'accumulate',
    constants: { D: o.D, V: o.V },
    bindings: [o.partial, o.firstItems, null, o.gradient, null],
    workgroups: [groups((o.V * o.D) / 4)],
  });
}
