/**
 * The ends of a model whose weights are a mixture of theirs: pools of each, an update of all under one gradient, and the mixture. Nothing
 * is read back on the way.
 */
import { BufferTable } from '../gpu/bufferTable';
import { globalNorm } from '../gpu/kernels';
import { composeEnds, type EndBindings, updateEnds } from '../gpu/kernels/ends';
import { Plan, submit } from '../gpu/plan';
import type { ModelBuffers } from './forward';
import type { WeightPools } from './languageModel';
import { type PoolBuffers, readPools, writePools } from './pools';
import { addRounding } from './storedWeights';

/** The model's own, that the ends share. */
interface EndedModel extends ModelBuffers {
  readonly hyper: GPUBuffer;
  readonly normPartials: GPUBuffer;
}

export class ModelEnds {
  /** In the place of the model's own: clips the gradient, moves the ends, and composes them anew under the same shares. */
  readonly optimizer: Plan;
  readonly #model: EndedModel;
  readonly #compose: Plan;
  readonly #ends: (PoolBuffers & EndBindings)[];
  readonly #buffers: BufferTable;

  private constructor(
    model: EndedModel,
    readonly count: number,
  ) {
    const { gpu, table, parameters, gradient, metrics, hyper, normPartials: partial } = model;
    const { poolSize: size, decayedSize: decayed } = table;
    const buffers = new BufferTable(gpu, 'ends');
    this.#model = model;
    this.#buffers = buffers;
    this.#ends = Array.from({ length: count }, (_, k) => ({
      parameters: buffers.floats(`end ${k}`, size),
      moment1: buffers.floats(`end ${k} moment1`, size),
      moment2: buffers.floats(`end ${k} moment2`, size),
      share: buffers.uniform(`end ${k} share`, 16),
    }));
    const ends = this.#ends;
    this.#compose = new Plan(gpu);
    composeEnds(this.#compose, { parameters, ends, size });
    addRounding(this.#compose, model, model.trained);
    this.optimizer = new Plan(gpu);
    globalNorm(this.optimizer, { gradient, partial, metrics, hyper, size, decayed });
    updateEnds(this.optimizer, { parameters, ends, gradient, metrics, hyper, size, decayed });
    composeEnds(this.optimizer, { parameters, ends, size });
    addRounding(this.optimizer, model, model.trained);
  }

  static async create(model: EndedModel, count: number): Promise<ModelEnds> {
    const ends = new ModelEnds(model, count);
    await Promise.all([ends.optimizer.compile(), ends.#compose.compile()]);
    model.gpu.assertHealthy();
    return ends;
  }

  get bytes(): number {
    return this.#buffers.bytes;
  }

  /** All have the model's weights, and moments of 0. */
  begin(): void {
    const encoder = this.#model.gpu.device.createCommandEncoder();
    const { parameters } = this.#model;
    for (const end of this.#ends) {
      encoder.copyBufferToBuffer(parameters, 0, end.parameters, 0, parameters.size);
      encoder.clearBuffer(end.moment1);
      encoder.clearBuffer(end.moment2);
    }
    this.#model.gpu.device.queue.submit([encoder.finish()]);
  }

  /** [K]; the next update is under them too. */
  compose(shares: readonly number[]): void {
    const { gpu } = this.#model;
    this.#ends.forEach(({ share }, k) => {
      gpu.device.queue.writeBuffer(share, 0, Float32Array.of(shares[k], k === 0 ? 1 : 0, 0, 0));
    });
    submit(gpu, this.#compose);
  }

  async snapshot(): Promise<WeightPools[]> {
    return Promise.all(this.#ends.map((end) => readPools(this.#model.gpu, end)));
  }

  restore(states: readonly WeightPools[]): void {
    states.forEach((pools, k) => {
      writePools(this.#model.gpu, this.#ends[k], pools);
    });
  }

  destroy(): void {
    this.#buffers.destroy();
  }
}
