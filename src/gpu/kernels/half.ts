/** Numbers that are stored in f16, two to a word: how they are written, and where windows of them begin. */
import halfSource from '../../../shaders/half.wgsl?raw';
import type { Binding } from '../plan';

/** A shader that has some of its numbers in f16, with what it takes them by. */
export const withHalves = (code: string) => code + halfSource;

/** Bytes between places at which every device lets a window begin. */
const ALIGNMENT = 256;

/**
 * A window that may begin anywhere as one that may be bound, and how many fours of f16 lie before it in that. Matrices begin at multiples of 64
 * numbers, which is half of what bindings need.
 */
export function boundHalves(binding: Binding): { bound: Binding; from: number } {
  if (!('buffer' in binding)) return { bound: binding, from: 0 };
  const { buffer, offset, size } = binding;
  const before = offset % ALIGNMENT;
  return { bound: { buffer, offset: offset - before, size: size + before }, from: before / 8 };
}
