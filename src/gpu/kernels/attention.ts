/** Causal attention over a batch, and its gradient. */
import attentionSource from '../../../shaders/attention.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { unroll } from '../unroll';
import { groups, type Tuning } from './tuning';

export interface Heads {
  heads: number;
  kvHeads: number;
  headDim: number;
}

/** Floats of a row of qkv. */
export const rowWidth = ({ heads, kvHeads, headDim }: Heads) => (heads + 2 * kvHeads) * headDim;

interface Attention {
  qkv: Binding;
  /** Who attends to whom; see attention.wgsl. */
  spans: Binding;
  o: Binding;
  lse: Binding;
  heads: Heads;
  batch: number;
  length: number;
  shape: GPUBuffer;
}

function attentionConstants(tuning: Tuning, { heads }: Attention): Record<string, number> {
  return {
    HEADS: heads.heads,
    KV_HEADS: heads.kvHeads,
    HEAD_DIM: heads.headDim,
    ROW_WIDTH: rowWidth(heads),
    LANES: tuning.attentionLanes,
    OWN: tuning.attentionOwn,
  };
}

export function attention(plan: Plan, tuning: Tuning, o: Attention): void {
  plan.add({
    label: 'attention',
    code: unroll(attentionSource, { r: tuning.attentionOwn, c: o.heads.headDim / 4 }),
    entryPoint: 'forward',
    constants: attentionConstants(tuning, o),
    bindings: [o.qkv, o.spans, o.o, o.lse, null, null, null, o.shape],
    workgroups: [
      groups(Math.ceil(o.length / tuning.attentionOwn), tuning.attentionLanes),
      o.batch * o.heads.heads,
    ],
  });
}

export function attentionBackward(
  plan: Plan,
  tuning: Tuning,
  o: Attention & { dO: Binding; delta: Binding; dqkv: Binding },
): void {
  const constants = attentionConstants(tuning, o);
  plan.add({
    label: 'attention_backward/query',
    code: unroll(attentionSource, { r: tuning.attentionOwn, c: o.heads.headDim / 4 }),
    entryPoint: 'backward_query',
    constants,
    bindings: [o.qkv, o.spans, o.o, o.lse, o.dO, o.delta, o.dqkv, o.shape],
    workgroups: [
      groups(Math.ceil(o.length / tuning.attentionOwn), tuning.attentionLanes),
      o.batch * o.heads.heads,
    ],
  });
  plan.add({
    label: 'attention_backward/key',
    code: unroll(attentionSource, { r: tuning.attentionOwn, c: o.heads.headDim / 4 }),
    entryPoint: 'backward_key',
    constants,
    bindings: [o.qkv, o.spans, null, o.lse, o.dO, o.delta, o.dqkv, o.shape],
    workgroups: [
      groups(Math.ceil(o.length / tuning.attentionOwn), tuning.attentionLanes),
      o.batch * o.heads.kvHeads,
    ],
  });
}
