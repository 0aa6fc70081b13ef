/** Attention of one new token per row, against a cache. */
import decodeAttentionSource from '../../../shaders/decode_attention.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { unroll } from '../unroll';
import { type Heads, rowWidth } from './heads';
import { groups, type Tuning } from './tuning';

/** Threads that share a query on a GPU: a power of two whose sums fit the 16 KB of workgroup memory that every device has. */
function lanesTogether(headDim: number): number {
  return [32, 16, 8, 4, 2].find((lanes) => lanes * (4 * headDim + 24) <= 16_384) ?? 1;
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
  const together = tuning.isTiled;
  const parts = headDim % 8 === 0 ? 2 : 1;
  const constants = {
    HEADS: heads,
    KV_HEADS: kvHeads,
    HEAD_DIM: headDim,
    ROW_WIDTH: rowWidth(o.heads),
    GENERATIONS: o.generations,
    MAX_NEW: o.maxNew,
    LANES: together ? lanesTogether(headDim) : tuning.attentionLanes,
    PARTS: parts,
  };
  const quads = headDim / 4;
  const code = unroll(decodeAttentionSource, {
    c: quads,
    f: quads / parts,
    g: parts,
    r: parts - 1,
    n: 2 - parts,
  });
  const turnsItself = together && parts === 2;
  if (!turnsItself)
    plan.add({
      label: 'decode_attention/rotate_and_store',
      code,
      entryPoint: 'rotate_and_store',
      constants,
      bindings: [o.qkv, null, o.promptLengths, o.cache, o.rotation, o.state, null, o.shape],
      workgroups: [groups((o.rows * (heads + kvHeads) * headDim) / 2)],
    });
  const rotation = turnsItself ? o.rotation : null;
  plan.add({
    label: 'decode_attention/attend',
    code,
    entryPoint: together ? 'attend_together' : 'attend',
    constants,
    bindings: [o.qkv, o.prompt, o.promptLengths, o.cache, rotation, o.state, o.o, o.shape],
    workgroups: [together ? o.rows * heads : groups(o.rows * heads, tuning.attentionLanes)],
  });
}
