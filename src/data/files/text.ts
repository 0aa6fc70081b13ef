/** Bytes to text, piece by piece: the encoding is found as soon as a byte beyond ASCII comes, and bad bytes spoil one character. */
import { detectEncoding, detectWide, type Encoding } from './encodings';
import { joined } from './packed';
import type { SourceFile } from './sources';

/** What stands where bytes are no character. */
export const REPLACEMENT = '\ufffd';
/** Bytes by which the encoding is found, where the file has them. */
const SAMPLE_BYTES = 64 * 1024;

/**
 * A file's text in pieces, without a byte order mark.
 * @param onEncoding told once the encoding is known to be another than UTF-8
 */
export async function* textOf(
  file: SourceFile,
  onEncoding: (encoding: Encoding) => void,
  onProgress: (fraction: number) => void = () => undefined,
): AsyncGenerator<string> {
  let decoder: TextDecoder | null = null;
  let isFirst = true;
  let read = 0;
  for await (const bytes of atLeast(file.chunks(), SAMPLE_BYTES)) {
    const wide = isFirst ? detectWide(bytes.subarray(0, SAMPLE_BYTES)) : null;
    isFirst = false;
    if (!decoder) {
      const encoding = wide ?? (bytes.some((byte) => byte >= 0x80) ? detectEncoding(bytes) : null);
      if (encoding && encoding.encoding !== 'utf-8') onEncoding(encoding);
      if (encoding) decoder = new TextDecoder(encoding.encoding);
    }
    read += bytes.length;
    const text: string = (decoder ?? new TextDecoder()).decode(bytes, { stream: decoder !== null });
    onProgress(Math.min(1, read / Math.max(1, file.size)));
    if (text !== '') yield text;
  }
  const rest = decoder?.decode() ?? '';
  if (rest !== '') yield rest;
}

/** Pieces of `bytes` or more, but for the last. */
async function* atLeast(pieces: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let kept: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    kept.push(piece);
    size += piece.length;
    if (size < bytes) continue;
    yield joined(kept);
    kept = [];
    size = 0;
  }
  if (size > 0) yield joined(kept);
}

/**
 * `text` as a string of its own. A cell is a view into a piece of the file, which stays in memory as long as the cell does:
 * who keeps cells of a large file keeps them so.
 */
export function detached(text: string): string {
  return text.length < 13 ? text : new TextDecoder().decode(new TextEncoder().encode(text));
}
