/** Opens .gz files: one gzip member or several behind each other, unpacked in a stream and checked at their ends. */
import { Gunzip } from 'fflate';
import { crc32 } from './crc32';
import { type Allowance, joined, packedFile } from './packed';
import { ImportError, type SourceFile } from './sources';

/** Compressed bytes at a time: at deflate's highest ratio (1032) they unpack to 16 MiB. */
const PIECE_BYTES = 16 * 1024;
/** CRC-32 and size, at a member's end. */
const TRAILER_SIZE = 8;

/** Whether bytes begin as gzip does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/** The file inside `file`, which is gzip; its methods throw ImportError when it is damaged or too large. */
export function gunzipped(file: SourceFile, allowance: Allowance): SourceFile {
  const unpack = () => gunzip(file.name, file.chunks());
  return packedFile(
    { name: bare(file.name), path: file.path && bare(file.path), size: file.size, unpack },
    file.name,
    allowance,
  );
}

/** `file`, unpacked if its first bytes turn out to be gzip. They are looked at when the file is read. */
export function perhapsGunzipped(file: SourceFile, allowance: Allowance): SourceFile {
  const inside = gunzipped(file, allowance);
  let chosen: SourceFile | null = null;
  const choose = async () => {
    chosen ??= isGzip(await file.slice(0, 3)) ? inside : file;
    return chosen;
  };
  return {
    ...inside,
    async *chunks() {
      yield* (await choose()).chunks();
    },
    slice: async (start, end) => (await choose()).slice(start, end),
  };
}

function bare(name: string): string {
  return name.replace(/\.gz(ip)?$/i, '');
}

async function* gunzip(name: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const damaged = (why: string, cause?: unknown) =>
    new ImportError(`${name} is damaged: ${why}; fetch the file again.`, { cause });
  let out: Uint8Array[] = [];
  let crc = 0;
  let size = 0;
  let offset = 0;
  let tail: Uint8Array = new Uint8Array(0);
  /** Holds what came out of a member against the trailer that ends at `end` of the compressed bytes. */
  const check = (end: number) => {
    const at = tail.length - (offset - end) - TRAILER_SIZE;
    const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
    if (at < 0) throw damaged('it ends too early');
    if (view.getUint32(at, true) !== crc) throw damaged('its checksum (CRC-32) does not fit');
    if (view.getUint32(at + 4, true) !== size % 2 ** 32) throw damaged('its size does not fit');
    [crc, size] = [0, 0];
  };
  const inflate = new Gunzip((piece) => {
    crc = crc32(piece, crc);
    size += piece.length;
    out.push(piece);
  });
  inflate.onmember = check;
  for await (const whole of pieces) {
    for (let start = 0; start < whole.length; start += PIECE_BYTES) {
      const piece = whole.subarray(start, start + PIECE_BYTES);
      tail = joined([tail.subarray(-TRAILER_SIZE * 2), piece]);
      offset += piece.length;
      try {
        inflate.push(piece);
      } catch (error) {
        throw error instanceof ImportError ? error : damaged('it cannot be unpacked', error);
      }
      if (out.length > 0) yield* out;
      out = [];
    }
  }
  try {
    inflate.push(new Uint8Array(0), true);
  } catch (error) {
    throw error instanceof ImportError ? error : damaged('it ends too early', error);
  }
  yield* out;
  check(offset);
}
