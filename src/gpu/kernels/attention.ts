/** Rotary positions and causal attention: over a batch, backward, and one token at a time against a cache. */
import attentionSource from '../../../shaders/attention.wgsl?raw';
import decodeAttentionSource from '../../../shaders/decode_attention.wgsl?raw';
import ropeSource from '../../../shaders/rope.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { unroll } from '../unroll';
import { groups, type Tuning } from './tuning';

export interface Heads {
  heads: number;
  kvHeads: number;
  headDim: number;
}

const rowWidth = ({ heads, kvHeads, headDim }: Heads) => (heads + 2 * kvHeads) * headDim;

/** Rotates the query and key heads of qkv in place; `inverse` for the gradient. */
export function rope(
  plan: Plan,
  o: {
    qkv: Binding;
    rotation: Binding;
    spans: Binding;
    heads: Heads;
    inverse: boolean;
    rows: number;
    shape: GPUBuffer;
  },
): void {
  const rotated = o.heads.heads + o.heads.kvHeads;
  plan.add({
    label: o.inverse ? 'rope_backward' : 'rope',
    code: ropeSource,
    constants: {
      HEAD_DIM: o.heads.headDim,
      ROTATED_HEADS: rotated,
      ROW_WIDTH: rowWidth(o.heads),
      INVERSE: o.inverse ? 1 : 0,
    },
    bindings: [o.qkv, o.rotation, o.shape, o.spans],
    workgroups: [groups((o.rows * rotated * o.heads.headDim) / 2)],
  });
}

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

/** Rotates and caches this step's keys, then attends to the prompt and the cache. */
export function decodeAttention(
  plan: Plan,
  tuning: Tuning,
  o: {
    qkv: Binding;
    prompt: Binding;
    promptLengths: Binding;
    cache: Binding;
    rotation: Binding;
    state: Binding;
    o: Binding;
    heads: Heads;
    generations: number;
    maxNew: number;
    rows: number;
    shape: GPUBuffer;
  },
): void {
  const { heads, kvHeads, headDim } = o.heads;
  const constants = {
    HEADS: heads,
    KV_HEADS: kvHeads,
    HEAD_DIM: headDim,
    ROW_WIDTH: rowWidth(o.heads),
    GENERATIONS: o.generations,
    MAX_NEW: o.maxNew,
    LANES: tuning.attentionLanes,
  };
  plan.add({
    label: 'decode_attention/rotate_and_store',
    code: unroll(decodeAttentionSource, { c: headDim / 4 }),
    entryPoint: 'rotate_and_store',
    constants,
    bindings: [o.qkv, null, o.promptLengths, o.cache, o.rotation, o.state, null, o.shape],
    workgroups: [groups((o.rows * (heads + kvHeads) * headDim) / 2)],
  });
  plan.add({
    label: 'decode_attention/attend',
    code: unroll(decodeAttentionSource, { c: headDim / 4 }),
    entryPoint: 'attend',
    constants,
    bindings: [o.qkv, o.prompt, o.promptLengths, o.cache, null, o.state, o.o, o.shape],
    workgroups: [groups(o.rows * heads, tuning.attentionLanes)],
  });
}
