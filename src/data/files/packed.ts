/** Files whose bytes come out of an unpacker, from the front: their slices, and how much they may unpack to. */
import { ImportError, type SourceFile } from './sources';

/** Bytes that may still be unpacked, all files together; what is read twice counts once. */
export class Allowance {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** @returns whether `bytes` more are allowed */
  take(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }
}

interface Packed {
  name: string;
  path?: string;
  /** Bytes, as far as is known. */
  size: number;
  /** Unpacks from the front. */
  unpack(): AsyncIterable<Uint8Array>;
}

/**
 * A file out of a packed one.
 * @param what its name for messages, such as `log.csv in a.zip`
 * @returns the file; its methods throw ImportError when more comes out than `allowance` has
 */
export function packedFile(packed: Packed, what: string, allowance: Allowance): SourceFile {
  let counted = 0;
  async function* chunks() {
    let size = 0;
    for await (const piece of packed.unpack()) {
      size += piece.length;
      const isAllowed = size <= counted || allowance.take(size - counted);
      counted = Math.max(counted, size);
      if (!isAllowed) {
        throw new ImportError(
          `${what} unpacks to more than is allowed in all: unpack it and choose the folder instead.`,
        );
      }
      if (piece.length > 0) yield piece;
    }
  }
  return {
    name: packed.name,
    path: packed.path,
    size: packed.size,
    isPacked: true,
    chunks,
    slice: (start, end) => sliceOf(chunks(), start, end),
  };
}

/** Bytes [start, end) of what comes in pieces; no more pieces are asked for than that takes. */
export async function sliceOf(
  pieces: AsyncIterable<Uint8Array>,
  start: number,
  end: number,
): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let at = 0;
  if (end > start) {
    for await (const piece of pieces) {
      if (at + piece.length > start) kept.push(piece.subarray(Math.max(0, start - at), end - at));
      at += piece.length;
      if (at >= end) break;
    }
  }
  return joined(kept);
}

/** Pieces as one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
