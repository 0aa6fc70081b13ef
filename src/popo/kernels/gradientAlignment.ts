/** How the gradients of single rewards lie to each other. */
import gradientAlignmentCode from '../../../shaders/gradient_alignment.wgsl?raw';
import type { BufferTable } from '../../gpu/bufferTable';
import { type Binding, type Plan, ROW_OF_GROUPS } from '../../gpu/plan';

/** Floats per workgroup. */
const TILE = 1024;

/** The Gram matrix of K gradients, each where it lies. */
export class GradientAlignment {
  /** Of each pair i ≤ j: what the shader is told, and the two gradients. */
  readonly #pairs: { options: GPUBuffer; a: Binding; b: Binding }[];
  readonly #partials: GPUBuffer;
  readonly #tiles: number;
  readonly #gram: GPUBuffer;

  /**
   * @param gradients K of f32 [count]
   * @param gram [K, K] f32, written
   */
  constructor(table: BufferTable, count: number, gradients: readonly Binding[], gram: GPUBuffer) {
    this.#gram = gram;
    this.#tiles = Math.ceil(count / TILE);
    const pairs = gradients.flatMap((a, i) => gradients.slice(i).map((b) => ({ a, b })));
    this.#pairs = pairs.map((pair, index) => {
      const options = table.uniform('alignment options', 16);
      const words = Uint32Array.of(count, index, gradients.length, this.#tiles);
      table.gpu.device.queue.writeBuffer(options, 0, words);
      return { ...pair, options };
    });
    this.#partials = table.floats('alignment partials', pairs.length * this.#tiles);
  }

  /** Adds both levels of the reduction. */
  add(plan: Plan): void {
    for (const { options, a, b } of this.#pairs)
      plan.add({
        label: 'tile_products',
        code: gradientAlignmentCode,
        entryPoint: 'tile_products',
        bindings: [options, a, b, this.#partials],
        workgroups: [Math.min(this.#tiles, ROW_OF_GROUPS), Math.ceil(this.#tiles / ROW_OF_GROUPS)],
      });
    plan.add({
      label: 'gram_matrix',
      code: gradientAlignmentCode,
      entryPoint: 'gram_matrix',
      bindings: [this.#pairs[0].options, null, null, this.#partials, this.#gram],
      workgroups: [this.#pairs.length],
    });
  }
}
