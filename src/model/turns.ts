/** Rows that a list takes at a time, where all at once would be more than the device has room for. Rows do not know of each other. */
import { layerFloats, type ModelBuffers } from './forward';
import type { GeneratorShape } from './generate';
import type { PaddedTokens } from './languageModel';

type Roomy = Pick<ModelBuffers, 'gpu' | 'sizes' | 'room'>;

/** Bytes of a scoring list for each sequence of so many tokens, and those of its largest buffer. */
function scoringBytes({ sizes }: Roomy, length: number) {
  const { D, F, V, W } = sizes;
  return {
    all: 4 * length * (layerFloats(sizes) + 3 * D + V + 8),
    largest: 4 * length * Math.max(V, 2 * F, W, D),
  };
}

/** Bytes of a generator for each prompt, and those of its largest buffer. */
function generatorBytes({ sizes }: Roomy, { generations, promptLength, maxNew }: GeneratorShape) {
  const { D, F, V, W, layers, heads } = sizes;
  const cache = maxNew * 2 * heads.kvHeads * heads.headDim;
  const prefill = promptLength * (layerFloats(sizes) + (layers - 1) * W + 2 * D + 5);
  return {
    all: 4 * (prefill + generations * (5 * D + W + 3 * F + V + 3 + 2 * maxNew + layers * cache)),
    largest: 4 * Math.max(promptLength * Math.max(2 * F, W, D), generations * Math.max(V, 2 * F, W, cache)),
  };
}

/** Of `count`, how many at a time: all, or so many that the turns are as equal as can be. */
function inTurns(count: number, { gpu, room }: Roomy, bytes: { all: number; largest: number }): number {
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  const most = Math.max(1, Math.floor(Math.min(room.turn / bytes.all, limit / bytes.largest)));
  return Math.ceil(count / Math.ceil(count / most));
}

/** Sequences that are scored at a time. */
export function scoredAtATime(model: Roomy, { size, length }: PaddedTokens): number {
  return inTurns(size, model, scoringBytes(model, length));
}

/** Prompts that are answered at a time, with all of their generations. */
export function answeredAtATime(model: Roomy, shape: GeneratorShape): number {
  return inTurns(shape.prompts, model, generatorBytes(model, shape));
}

/** A batch's sequences, `size` at a time. */
export function turnsOf({ size, length, tokens, lengths }: PaddedTokens, most: number): PaddedTokens[] {
  return Array.from({ length: Math.ceil(size / most) }, (_, turn) => {
    const from = turn * most;
    const to = Math.min(size, from + most);
    return {
      size: to - from,
      length,
      tokens: tokens.subarray(from * length, to * length),
      lengths: lengths.subarray(from, to),
    };
  });
}
