/** Causal attention over a batch, and its gradient. */
import attentionSource from '../../../shaders/attention.wgsl?raw';
import type { Binding, Dispatch, Plan } from '../plan';
import { unroll } from '../unroll';
import { type AttentionTile, attentionTileFor, throughTiles, turnsBack } from './attentionTiled';
import { type Heads, rowWidth } from './heads';
import { rope } from './rope';
import { groups, type Tuning } from './tuning';

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

/** The tile of an attention, or null where it goes without. */
function tileOf(plan: Plan, tuning: Tuning, { tile, heads }: Attention): AttentionTile | null {
  return tuning.isTiled ? (tile ?? attentionTileFor(heads.headDim, plan.software)) : null;
}

const constantsOf = ({ heads }: Attention) => ({
  HEADS: heads.heads,
  KV_HEADS: heads.kvHeads,
  HEAD_DIM: heads.headDim,
  ROW_WIDTH: rowWidth(heads),
});

/** One entry point of attention.wgsl, for every sequence of a batch and each of `heads`. */
function add(
  plan: Plan,
  { attentionLanes, attentionOwn }: Tuning,
  o: Attention,
  { heads, ...dispatch }: Pick<Dispatch, 'label' | 'entryPoint' | 'bindings'> & { heads: number },
): void {
  plan.add({
    ...dispatch,
    code: unroll(attentionSource, { r: attentionOwn, c: o.heads.headDim / 4 }),
    constants: { ...constantsOf(o), LANES: attentionLanes, OWN: attentionOwn },
    workgroups: [groups(Math.ceil(o.length / attentionOwn), attentionLanes), o.batch * heads],
  });
}

/** Queries and keys of qkv are turned to their positions. */
export function attention(plan: Plan, tuning: Tuning, o: Attention): void {
  const { length, batch } = o;
  const { heads } = o.heads;
  const bindings = [o.qkv, o.spans, o.o, o.lse, null, null, null, o.shape];
  const dispatch = { label: 'attention', entryPoint: 'forward', bindings };
  const tile = tileOf(plan, tuning, o);
  if (tile === null) {
    add(plan, tuning, o, { ...dispatch, heads });
    return;
  }
  const { software } = plan;
  const constants = constantsOf(o);
  plan.add(throughTiles({ ...dispatch, constants }, tile, { length, pairs: batch * heads, software }));
}

/** The gradient of qkv as it was before it was turned, by the table of `rotation`. `delta` is free to be overwritten. */
export function attentionBackward(
  plan: Plan,
  tuning: Tuning,
  o: Attention & { dO: Binding; delta: Binding; dqkv: Binding; rotation: Binding },
): void {
  const { qkv, spans, dO, delta, dqkv, rotation, length, batch, shape } = o;
  const { heads, kvHeads, headDim } = o.heads;
  const label = 'attention_backward';
  const tile = tileOf(plan, tuning, o);
  const isTurned = tile !== null && turnsBack(headDim);
  if (tile !== null) {
    const bindings = [qkv, spans, o.o, o.lse, dO, isTurned ? rotation : null, dqkv, shape];
    const dispatch = { label, entryPoint: 'backward', bindings, constants: constantsOf(o) };
    const pairs = batch * (heads + kvHeads);
    plan.add(throughTiles(dispatch, tile, { length, pairs, software: plan.software }));
  } else {
    const bindings = [o.lse, dO, delta, dqkv, shape];
    add(plan, tuning, o, {
      label: `${label}/query`,
      entryPoint: 'backward_query',
      bindings: [qkv, spans, o.o, ...bindings],
      heads,
    });
    add(plan, tuning, o, {
      label: `${label}/key`,
      entryPoint: 'backward_key',
      bindings: [qkv, spans, null, ...bindings],
      heads: kvHeads,
    });
  }
  if (isTurned) return;
  const rows = batch * length;
  rope(plan, { qkv: dqkv, rotation, spans, heads: o.heads, inverse: true, rows, shape });
}
