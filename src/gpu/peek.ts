/**
 * Looks into a small buffer while work goes on: the copy is queued behind what was submitted before, and who asked is told when it
 * is there. Nothing is allocated per look.
 */
import type { BufferTable } from './bufferTable';

export class Peek {
  readonly #table: BufferTable;
  readonly #source: GPUBuffer;
  readonly #free: GPUBuffer[];

  /**
   * @param table that the copies belong to
   * @param most looks that may be under way at once
   */
  constructor(table: BufferTable, source: GPUBuffer, most: number) {
    this.#table = table;
    this.#source = source;
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
    this.#free = Array.from({ length: most }, () =>
      table.add(table.gpu.createBuffer(`${source.label}/peek`, source.size, usage)),
    );
  }

  /**
   * The buffer's words as they are after all work queued so far.
   * @throws DeviceLostError when the device is gone; Error when more looks are under way than there may be
   */
  async look(): Promise<Uint32Array> {
    const copy = this.#free.pop();
    if (copy === undefined) throw new Error('More looks into a buffer are under way than it has copies for.');
    const { gpu } = this.#table;
    const { device } = gpu;
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#source, 0, copy, 0, copy.size);
    device.queue.submit([encoder.finish()]);
    await gpu.map(copy);
    const words = new Uint32Array(copy.getMappedRange().slice(0));
    copy.unmap();
    this.#free.push(copy);
    return words;
  }
}
