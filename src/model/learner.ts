/** What a model needs to learn: the gradient of what is trained, AdamW's moments, and the update. One that only answers has none. */
import { BufferTable } from '../gpu/bufferTable';
import type { Gpu } from '../gpu/device';
import * as kernels from '../gpu/kernels';
import { Plan } from '../gpu/plan';
import type { ParameterTable, PoolRange } from './parameters';
import { addRounding, type StoredWeights } from './storedWeights';

interface Learning {
  gpu: Gpu;
  table: ParameterTable;
  trained: PoolRange;
  parameters: GPUBuffer;
  weights: StoredWeights;
  metrics: GPUBuffer;
  hyper: GPUBuffer;
  normPartials: GPUBuffer;
}

export class Learner {
  /** f32, of what is trained. */
  readonly gradient: GPUBuffer;
  /** AdamW's running means of the clipped gradient, and of its square. */
  readonly moment1: GPUBuffer;
  readonly moment2: GPUBuffer;
  /** Clips the gradient and applies AdamW. */
  readonly optimizer: Plan;
  /** Settles when the update can be submitted. */
  readonly compiled: Promise<unknown>;
  readonly #buffers: BufferTable;

  constructor(model: Learning) {
    const { gpu, table, trained, parameters, metrics, hyper, normPartials } = model;
    const size = trained.to - trained.from;
    const buffers = new BufferTable(gpu, 'learner');
    this.#buffers = buffers;
    this.gradient = buffers.floats('gradient', size);
    this.moment1 = buffers.floats('moment1', size);
    this.moment2 = buffers.floats('moment2', size);
    this.optimizer = new Plan(gpu);
    kernels.adamW(this.optimizer, {
      parameters: { buffer: parameters, offset: 4 * trained.from, size: 4 * size },
      moment1: this.moment1,
      moment2: this.moment2,
      gradient: this.gradient,
      partial: normPartials,
      metrics,
      hyper,
      size,
      decayed: Math.max(0, Math.min(table.decayedSize - trained.from, size)),
    });
    addRounding(this.optimizer, model, trained);
    this.compiled = this.optimizer.compile();
    // Whoever trains waits for it, and is told.
    this.compiled.catch(() => undefined);
  }

  get bytes(): number {
    return this.#buffers.bytes;
  }

  destroy(): void {
    this.#buffers.destroy();
  }
}
