/** Causal attention over a batch, and its gradient. */
import attentionSource from '../../../shaders/attention.wgsl?raw';
import type { Binding, Dispatch, Plan } from '../plan';
import { unroll } from '../unroll';
import { type AttentionTile, attentionTileFor, throughTiles } from './attentionTiled';
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
  /** Of the variant with tiles; left out, the one that suits the heads and the adapter. */
  tile?: AttentionTile;
}

/** One entry point of attention.wgsl, or of its twin with tiles, for every sequence of a batch and each of `heads`. */
function add(
  plan: Plan,
  tuning: Tuning,
  o: Attention,
  { heads, ...dispatch }: Pick<Dispatch, 'label' | 'entryPoint' | 'bindings'> & { heads: number },
): void {
  const { headDim } = o.heads;
  const constants = {
    HEADS: o.heads.heads,
    KV_HEADS: o.heads.kvHeads,
    HEAD_DIM: headDim,
    ROW_WIDTH: rowWidth(o.heads),
  };
  const pairs = o.batch * heads;
  const fitting = o.tile ?? attentionTileFor(headDim, plan.software);
  const tile = tuning.name === 'tiled' ? fitting : null;
  if (tile !== null) {
    plan.add(
      throughTiles({ ...dispatch, constants }, tile, { length: o.length, pairs, software: plan.software }),
    );
    return;
  }
  const { attentionLanes, attentionOwn } = tuning;
  plan.add({
    ...dispatch,
    code: unroll(attentionSource, { r: attentionOwn, c: headDim / 4 }),
    constants: { ...constants, LANES: attentionLanes, OWN: attentionOwn },
    workgroups: [groups(Math.ceil(o.length / attentionOwn), attentionLanes), pairs],
  });
}

export function attention(plan: Plan, tuning: Tuning, o: Attention): void {
  add(plan, tuning, o, {
    label: 'attention',
    entryPoint: 'forward',
    bindings: [o.qkv, o.spans, o.o, o.lse, null, null, null, o.shape],
    heads: o.heads.heads,
  });
}

export function attentionBackward(
  plan: Plan,
  tuning: Tuning,
  o: Attention & { dO: Binding; delta: Binding; dqkv: Binding },
): void {
  add(plan, tuning, o, {
    label: 'attention_backward/query',
    entryPoint: 'backward_query',
    bindings: [o.qkv, o.spans, o.o, o.lse, o.dO, o.delta, o.dqkv, o.shape],
    heads: o.heads.heads,
  });
  add(plan, tuning, o, {
    label: 'attention_backward/key',
    entryPoint: 'backward_key',
    bindings: [o.qkv, o.spans, null, o.lse, o.dO, o.delta, o.dqkv, o.shape],
    heads: o.heads.kvHeads,
  });
}
