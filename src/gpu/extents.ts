/**
 * Small uniforms of numbers that never change: one per list of numbers, shared by all plans on a device for as long as it lives, as
 * pipelines are.
 */
export class Extents {
  readonly #device: GPUDevice;
  readonly #buffers = new Map<string, GPUBuffer>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  of(numbers: readonly number[]): GPUBuffer {
    const key = numbers.join();
    const known = this.#buffers.get(key);
    if (known !== undefined) return known;
    const buffer = this.#device.createBuffer({
      label: `extents ${key}`,
      size: Math.ceil(numbers.length / 4) * 16,
      usage: GPUBufferUsage.UNIFORM,
      mappedAtCreation: true,
    });
    new Uint32Array(buffer.getMappedRange()).set(numbers);
    buffer.unmap();
    this.#buffers.set(key, buffer);
    return buffer;
  }
}
