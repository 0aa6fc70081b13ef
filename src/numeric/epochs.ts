import { Random } from './random';

/**
 * Which of `count` examples a step takes: all of them in a shuffled order, each once before any comes again, shuffled
 * anew in every epoch. A pure function of (seed, purpose, step), so there is nothing to keep for a resume.
 */
export class Epochs {
  readonly #seed: number;
  readonly #purpose: string;
  readonly #count: number;
  readonly #orders = new Map<number, Uint32Array>();

  constructor(seed: number, purpose: string, count: number) {
    this.#seed = seed;
    this.#purpose = purpose;
    this.#count = count;
  }

  /**
   * [size] indices of step 0, 1, … of batches of `size`.
   * @throws Error where there is nothing to take
   */
  batch(step: number, size: number): number[] {
    if (this.#count < 1) throw new Error(`${this.#purpose}: there are no examples to take.`);
    return Array.from({ length: size }, (_, i) => {
      const position = step * size + i;
      return this.#order(Math.floor(position / this.#count))[position % this.#count];
    });
  }

  #order(epoch: number): Uint32Array {
    let order = this.#orders.get(epoch);
    if (order === undefined) {
      // A batch spans two epochs at most where it is shorter than one; older orders are not needed again.
      if (this.#orders.size > 1 && this.#count > 1024) this.#orders.clear();
      order = Uint32Array.from({ length: this.#count }, (_, index) => index);
      new Random(this.#seed, this.#purpose, epoch).shuffle(order);
      this.#orders.set(epoch, order);
    }
    return order;
  }
}
