/** How the gradients of single rewards lie to each other. */
import gradientAlignmentCode from '../../../shaders/gradient_alignment.wgsl?raw';
import type { BufferTable } from '../../gpu/bufferTable';
import { type Binding, type Plan, ROW_OF_GROUPS } from '../../gpu/plan';

/** Floats per workgroup. */
const TILE = 1024;

/** The Gram matrix of K gradients lying one behind the other in one buffer. */
export class GradientAlignment {
  readonly #options: GPUBuffer;
  readonly #partials: GPUBuffer;
  readonly #tiles: number;
  readonly #numGradients: number;
  readonly #gradients: Binding;
  readonly #gram: GPUBuffer;

  /**
   * @param gradients [K, stride] f32, of which the first `count` floats of each row are the gradient
   * @param gram [K, K] f32, written
   */
  constructor(
    table: BufferTable,
    shape: { count: number; stride: number; numGradients: number },
    gradients: Binding,
    gram: GPUBuffer,
  ) {
    const { count, stride, numGradients } = shape;
    this.#gradients = gradients;
    this.#gram = gram;
    this.#numGradients = numGradients;
    this.#tiles = Math.ceil(count / TILE);
    this.#options = table.uniform('alignment options', 16);
    this.#partials = table.floats('alignment partials', this.#pairs * this.#tiles);
    table.gpu.device.queue.writeBuffer(
      this.#options,
      0,
      Uint32Array.of(count, stride, numGradients, this.#tiles),
    );
  }

  get #pairs(): number {
    return (this.#numGradients * (this.#numGradients + 1)) / 2;
  }

  /** Adds both levels of the reduction. */
  add(plan: Plan): void {
    plan.add({
      label: 'tile_products',
      code: gradientAlignmentCode,
      entryPoint: 'tile_products',
      bindings: [this.#options, this.#gradients, this.#partials],
      workgroups: [Math.min(this.#tiles, ROW_OF_GROUPS), this.#pairs, Math.ceil(this.#tiles / ROW_OF_GROUPS)],
    });
    plan.add({
      label: 'gram_matrix',
      code: gradientAlignmentCode,
      entryPoint: 'gram_matrix',
      bindings: [this.#options, null, this.#partials, this.#gram],
      workgroups: [this.#pairs],
    });
  }
}
