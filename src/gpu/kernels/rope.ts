/** Rotary positions. */
import ropeSource from '../../../shaders/rope.wgsl?raw';
import type { Binding, Plan } from '../plan';
import { type Heads, rowWidth } from './heads';
import { groups } from './tuning';

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
