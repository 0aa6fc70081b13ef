import type { Gpu } from './device';

/** A group of buffers that lives and dies together, with the bytes it plans. */
export class BufferTable {
  bytes = 0;
  readonly #buffers: GPUBuffer[] = [];

  constructor(
    readonly gpu: Gpu,
    readonly label: string,
  ) {}

  /** A storage buffer of `floats` 32-bit words. */
  floats(name: string, floats: number, bound: 'whole' | 'windows' = 'whole'): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    return this.add(this.gpu.createBuffer(`${this.label}/${name}`, floats * 4, usage, bound));
  }

  uniform(name: string, bytes: number): GPUBuffer {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    return this.add(this.gpu.createBuffer(`${this.label}/${name}`, bytes, usage));
  }

  add(buffer: GPUBuffer): GPUBuffer {
    this.#buffers.push(buffer);
    this.bytes += buffer.size;
    return buffer;
  }

  destroy(): void {
    for (const buffer of this.#buffers) this.gpu.destroyBuffer(buffer);
    this.#buffers.length = 0;
  }
}
