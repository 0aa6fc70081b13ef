/**
 * How much of a device each part of the engine may take. It follows the device's limits, since WebGPU tells of no memory. None of it
 * changes a bit: what does not fit is cut or made anew in the same order of sums.
 */

export interface Room {
  /** Bytes of the slices that weight gradients are summed in, where that is enough for one matrix. */
  slices: number;
  /** Bytes of the activations that a training step keeps for its backward lists; beyond, a layer's are made anew. */
  kept: number;
  /** Bytes of a list that takes its rows in turns: scoring, and answering. */
  turn: number;
}

export function roomOf({ maxBufferSize }: Pick<GPUSupportedLimits, 'maxBufferSize'>): Room {
  return { slices: 2 ** 26, kept: 4 * maxBufferSize, turn: maxBufferSize / 2 };
}
